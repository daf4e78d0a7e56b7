package account

import (
	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/protocol"
)

// Changes is all that one settlement writes, in one commit, or not at all. Nothing leaves the gateway before it.
type Changes struct {
	Receipts   []Receipt // one per event, same order
	Cursors    []Cursor
	Readings   []ReadingRecord
	States     []*State // whole, with Version already raised
	Entries    []LedgerEntry
	Findings   []Finding
	Orders     []OrderRecord
	Notices    []NoticeRecord
	Bills      []Bill
	Quarantine []Quarantined
	Gaps       []GapRecord
	Alarms     []AlarmRecord
	FieldWork  []FieldWork
	Audit      []AuditRecord
	Archive    *Archive // set when the event's archive differs from what is stored
}

// Cursor is how far one epoch of an agent's lane is on disk; (Agent, Lane, Epoch) is its key.
type Cursor struct {
	Agent string
	Lane  protocol.Lane
	Epoch uint64
	Upto  uint64
}

// ReadingRecord is one stored reading: (No, Point, Quantity, Register, TakenAt, Value) is unique: two
// different values of one instant are both kept, and held. Energy registers are in mWh of the
// register (before the multiplier); others in the quantity's own unit x 10^-3 (relay: bits; drift: ms; power: W).
type ReadingRecord struct {
	No       No
	Point    uint16 // index in the profile's points
	Quantity protocol.Quantity
	Register uint8
	Flags    ReadingFlags
	Method   protocol.Method
	Value    int64
	TakenAt  int64 // unix ms
}

// ReadingFlags says how a stored reading may be used.
type ReadingFlags uint8

// Flags of a stored reading.
const (
	// FlagHeld: held by audit when it came. It is the word of that commit and is never rewritten: a later reading may move the verdict,
	// so what is held now is what the state and the open findings say, and bills rest on the state.
	FlagHeld      ReadingFlags = 1 << 0
	FlagUntrusted ReadingFlags = 1 << 1 // agent's clock not trusted, or ahead of ours: never current
	FlagLate      ReadingFlags = 1 << 2 // older than the current one when it came
)

// LedgerEntry is one line of an account's ledger.
type LedgerEntry struct {
	No    No
	Entry ledger.Entry
}

// Finding is what audit found; a hold stays open until a later reading is accepted or a person decides.
type Finding struct {
	No       No
	Point    uint16
	Code     string // "A01"
	Hold     bool
	At       int64 // of the reading
	Found    int64 // when
	Detail   string
	Value    int64
	Closed   int64 // 0 open
	ClosedBy string
}

// ClosedByLater is what closes a hold without a person.
const ClosedByLater = "a later reading was accepted"

// Check is one interlock 闭锁 of an order's safety case.
type Check struct {
	Rule   string
	OK     bool
	Detail string
}

// OrderState is where an order stands at the gateway.
type OrderState uint8

// States of an order.
const (
	OrderQueued     OrderState = 1 // approved and on disk; leaves after the commit
	OrderDone       OrderState = 2
	OrderPermitted  OrderState = 3
	OrderFailed     OrderState = 4
	OrderRefused    OrderState = 5
	OrderExpired    OrderState = 6
	OrderUnknown    OrderState = 7
	OrderSuperseded OrderState = 8 // a higher-numbered order took over before this one was answered
)

// OrderRecord is an order with its safety case and what became of it. (No, Point, Number) is its key; later ones replace it.
type OrderRecord struct {
	No      No
	Point   uint16
	Number  uint64
	Order   protocol.Order
	State   OrderState
	Created int64
	Actor   string
	Episode uint32
	Case    []Check // what was checked, and found green
	Basis   Basis
	Outcome *protocol.Outcome // newest word of the agent
	Ended   int64
}

// Basis is what a decision rested on.
type Basis struct {
	ReadingAt int64
	Energy    billing.Energy
	Available billing.Money
	Estimate  billing.Money
	Tariff    string // id and version
	Policy    string
	LedgerSeq uint64
	Notice    uint64
}

// NoticeState is where a notice stands.
type NoticeState uint8

// States of a notice.
const (
	NoticeQueued    NoticeState = 1
	NoticeDelivered NoticeState = 2
	NoticeFailed    NoticeState = 3 // tried often and not confirmed; still tried, and a later receipt counts
)

// NoticeRecord is one message to a customer. (No, Number) is its key; Number counts per account from 1.
type NoticeRecord struct {
	No        No
	Number    uint64
	Episode   uint32
	Notice    protocol.Notice
	State     NoticeState
	Created   int64
	Delivered int64
	Receipts  []NoticeReceipt
}

// Bill is an issued period. ID is the account's ID, a dash and the period number.
type Bill struct {
	No        No
	ID        string
	Period    uint32
	From, To  int64 // unix ms
	Issued    int64
	Energy    billing.Energy
	Amount    billing.Money
	Tariff    string
	Document  string
	Lines     []BillLine
	Registers []BillRegister
	Explain   []string // sentences, English
	ExplainZH []string
}

// BillLine is one printed line. Name is the tariff's own words for it; empty where the trade's words for Code serve. The line "rounding" has
// an amount alone: what rounding the sum once made of it.
type BillLine struct {
	Code     string
	Name     billing.Name `json:",omitzero"`
	Quantity billing.Quantity
	Unit     billing.Unit `json:",omitempty"`
	Price    billing.Price
	Amount   billing.Money
}

// BillRegister is what a bill rests on at one metering point.
type BillRegister struct {
	Point      string
	Start, End Register
	Carried    billing.Energy // earlier segments of the period
	Multiplier int64
}

// Quarantined is what could not be attributed: stored whole, acknowledged, listed, never lost.
type Quarantined struct {
	ID     uint64
	At     int64
	Agent  string
	Topic  string
	Reason string
	Meter  protocol.MeterRef
	Entry  *protocol.Entry // a decoded reading of nobody
	Data   []byte          // or the raw packet
}

// GapRecord is a named gap an agent reported.
type GapRecord struct {
	Agent string
	Seq   uint64
	Epoch uint64
	Gap   protocol.Gap
}

// AlarmRecord is an alarm an agent reported.
type AlarmRecord struct {
	Agent string
	Alarm protocol.Alarm
}

// FieldWork is what a person did at a meter 现场作业, as an agent brought it.
type FieldWork struct {
	Agent  string
	Seq    uint64
	Epoch  uint64
	No     No     // the account of the meter; 0 when the archive does not know the meter
	Point  uint16 // of the account
	Record protocol.FieldRecord
}

// AuditRecord is who did what; one hash chain per gateway process, written in the commit it describes.
type AuditRecord struct {
	At     int64
	Actor  string
	Action string
	Object string // account ID, order ...
	Detail string
	Result string
}
