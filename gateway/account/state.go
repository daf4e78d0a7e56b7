package account

import (
	"slices"

	"feikong/billing"
	"feikong/billing/ledger"
)

// State is where an account stands: what a settlement reads, changes and writes whole. It is derived from events only.
type State struct {
	No       No
	Version  uint64 // +1 with each commit that touches the account; the row version of the optimistic engines
	Chain    ledger.Chain
	Balances ledger.Balances

	Period      uint32         // number of the open period, from 1
	PeriodStart int64          // unix ms; 0 until the first accepted reading
	CycleStart  int64          // unix ms, start of the tier cycle CycleBefore belongs to
	CycleBefore billing.Energy // consumed in the tier cycle before the open period, all points

	Energy   billing.Energy // of the open period, all points, from accepted registers
	Estimate billing.Money  // 测算 of the open period; recomputed, never added up
	Tier     uint8          // tier the last kWh fell in, from 1; 0 flat
	Tariff   [8]byte        // first bytes of the hash of the tariff version the estimate used

	Hold       string // audit code that holds the whole account's fee ("C01"); empty: the estimate stands
	Points     []Point
	Episode    Episode
	NextNotice uint64 // number the account's next notice takes, from 1
	Guard      Guard
	Due        int64 // when the account must be looked at again without an event, unix ms; 0 never
}

// Clone is a deep copy: a settlement changes the clone, never what the engine holds.
func (s *State) Clone() *State {
	c := *s
	c.Points = slices.Clone(s.Points)
	c.Episode.Blocks = slices.Clone(s.Episode.Blocks)
	c.Guard.Tags = slices.Clone(s.Guard.Tags)
	c.Guard.Holds = slices.Clone(s.Guard.Holds)
	return &c
}

// Available is advances + credit - receivables - estimate; held money has left advances already. Beyond int64 it is
// billing.ErrOverflow: no decision may rest on it.
func (s *State) Available(credit billing.Money) (billing.Money, error) {
	return ledger.Available(s.Balances, credit, s.Estimate)
}

// Register is an accepted register of the total, at the time it was read.
type Register struct {
	At     int64 // unix ms
	Energy billing.Energy
}

// Point is the state of one metering point, in the order of the profile's points.
type Point struct {
	Opening      Register       // of the installation; At 0 until known
	Anchor       Register       // at the start of the open period (segment)
	Current      Register       // newest accepted
	Carried      billing.Energy // consumed in the open period before Anchor (earlier segments: a rollover, or a register accepted by a person)
	Lifetime     billing.Energy // consumed in segments before the running one: energy = Lifetime + Current - SegmentStart
	SegmentStart Register
	Before       *Segment // where judging starts again when a late reading comes; nil unless the register rolled over since. Never written to, only replaced

	Latest  Register // newest read, accepted or not
	Hold    string   // audit code that holds the newest reading ("A01"); empty: accepted
	Drift   int64    // meter clock minus agent clock, ms, as last read
	DriftAt int64

	Relay     Relay
	NextOrder uint64   // number the next order of this switch takes, from 1
	Order     uint64   // newest order not yet ended; 0 none
	TripsAt   [2]int64 // when the last two trip orders were created: 2 trips per switch per 24 h
}

// Segment is how a point stood before its register rolled over: a late reading may show that it did not.
type Segment struct {
	Anchor   Register
	Start    Register
	Carried  billing.Energy
	Lifetime billing.Energy
}

// Relay is the switch as last read.
type Relay struct {
	Known       bool
	Open        bool
	CommandOpen bool
	PowerHold   bool  // 保电 in the meter
	At          int64 // unix ms of that reading
	Ours        bool  // open because an order of ours opened it; anything else is "open, not ours" and never closed by policy
}

// Stage is where an account stands in fee control.
type Stage uint8

// Stages of an episode. Numbers are stored.
const (
	StageNormal      Stage = 0
	StageWarned      Stage = 1 // 预警
	StageReminded    Stage = 2 // 催费, the deadline runs
	StageTripPending Stage = 3 // 待停电: the deadline is over, Blocks says what still forbids the trip
	StageTripping    Stage = 4 // an order is under way
	StageTripped     Stage = 5 // 已停电, read back
	StagePaidWaiting Stage = 6 // paid, but a "no close" tag or a person stands before the restore
	StageRestoring   Stage = 7 // a close or permit order is under way
	StagePermitted   Stage = 8 // 合闸允许: waits for the button
	StageFieldTask   Stage = 9 // a person has to go there: no switch, or the order failed
)

// Episode is one crossing from "enough" to "not enough" and back.
type Episode struct {
	No          uint32 // counts episodes of the account
	Stage       Stage
	Since       int64    // when the stage began
	Warning     uint64   // notice number of the warning, 0 none
	Reminder    uint64   // notice number of the reminder, 0 none
	Deadline    int64    // told in the reminder
	DeliveredAt int64    // first receipt of the reminder; 0 none
	Blocks      []string // interlocks that forbid the trip now, machine words of relay.Interlock
	Task        string   // what a person has to do, machine word; empty none
	ByPerson    bool     // a person ordered the trip: no balance brings the supply back, a person does
}

// Guard is what forbids switching. It lives in the state, never in a cache.
type Guard struct {
	Protected   bool // 保电
	ProtectedBy string
	ProtectNote string
	Tags        []Tag
	Holds       []Hold
}

// Tag forbids one kind of switching until its holder lifts it.
type Tag struct {
	ID     string
	Kind   TagKind
	Holder string
	Work   string
	At     int64
}

// TagKind is what a tag forbids.
type TagKind uint8

// Kinds of tag.
const (
	TagNoTrip  TagKind = 1
	TagNoClose TagKind = 2 // 禁止合闸, work on the line
)

// Hold stops trips while something is open: a dispute, a payment under way, a payment plan.
type Hold struct {
	ID     string
	Reason string
	By     string
	At     int64
}

var stageNames = [...]string{"normal", "warned", "reminded", "trip_pending", "tripping", "tripped", "paid_waiting", "restoring", "permitted", "field_task"}

// String is the stage in lower case, as the API shows it.
func (s Stage) String() string {
	if int(s) >= len(stageNames) {
		return "unknown"
	}
	return stageNames[s]
}
