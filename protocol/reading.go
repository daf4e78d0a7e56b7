// Package protocol is what crosses the wire between an agent and the gateway: readings, evidence, orders and their
// answers, as plain Go values and as the bytes of feikong.proto. It is pure: no clock, no I/O, no goroutine.
// TOPICS.md beside this file is the contract; the types here are its Go face.
package protocol

// Lane is one durable, ordered stream from an agent. Each lane has its own sequence and its own cursor at the gateway,
// so that evidence of an order never queues behind a day of readings.
type Lane uint8

// The two lanes of an agent.
const (
	LaneReadings Lane = 1 // readings and named gaps
	LaneEvidence Lane = 2 // outcomes of orders, alarms, field records 现场作业, gaps of this lane
)

// MeterRef names a meter as the wire sees it: the line (one RS-485 port of the agent), the address on it, and the
// channel behind that address (0 where the meter has one only). Owned by the configuration, never by the meter.
type MeterRef struct {
	Line    string
	Address string // DL/T 645: 12 digits; Modbus: the decimal unit id
	Channel uint8
}

// Quantity says what a reading measures; its unit is fixed by it.
type Quantity uint8

// Quantities in use. Numbers are wire values and never change.
const (
	ActiveImport Quantity = 1 // forward active energy 正向有功, kWh; register 0 total, 1..n rates
	RelayState   Quantity = 2 // relay state 继电器状态: bits RelayOpen, RelayCommandOpen, RelayHold; Exp 0
	ClockDrift   Quantity = 3 // meter clock minus agent clock, ms
	ActivePower  Quantity = 4 // active power, kW; register 0 total, 1..3 phases

	ActiveExport    Quantity = 5  // reverse active energy 反向有功, kWh; registers as ActiveImport
	ReactiveImport  Quantity = 6  // kvarh
	ReactiveExport  Quantity = 7  // kvarh
	Voltage         Quantity = 8  // V; register 1..3 phases A, B, C; 4..6 AB, BC, CA
	Current         Quantity = 9  // A; register 1..3 phases, 4 neutral
	ReactivePower   Quantity = 10 // kvar; register 0 total, 1..3 phases
	PowerFactor     Quantity = 11 // register 0 total, 1..3 phases
	Frequency       Quantity = 12 // Hz
	ApparentPower   Quantity = 13 // kVA; register 0 total, 1..3 phases
	Demand          Quantity = 14 // maximum forward active demand 最大需量, kW
	RemainingMoney  Quantity = 15 // 剩余金额, in the meter's currency
	RemainingEnergy Quantity = 16 // 剩余电量, kWh
)

// Bits of a RelayState reading's value.
const (
	RelayBitOpen        = 1 << 0 // the contact is open (DL/T 645 status word 3 bit 4)
	RelayBitCommandOpen = 1 << 1 // the last command was to open (bit 6)
	RelayBitHold        = 1 << 2 // power hold 保电 is on (bit 12)
)

// Method says how a reading came about.
type Method uint8

// Methods. Numbers are wire values and never change.
const (
	MethodPoll     Method = 1
	MethodFreeze   Method = 2 // the meter's own daily freeze 日冻结
	MethodSnapshot Method = 3 // read by the agent within five minutes of a boundary, from a meter without a freeze
	MethodHand     Method = 4 // read by eye 手抄
	MethodTrip     Method = 5 // read right before a relay frame
	MethodHourly   Method = 6 // the meter's hourly freeze 整点冻结
	MethodProfile  Method = 7 // the meter's load profile 负荷记录
)

var methodNames = [...]string{"unknown", "poll", "freeze", "snapshot", "hand", "trip", "hourly", "profile"}

// String is the method in lower case, as records and logs show it.
func (m Method) String() string {
	if int(m) >= len(methodNames) {
		return methodNames[0]
	}
	return methodNames[m]
}

// Side says on which side of the instrument transformers the register counts.
type Side uint8

// Sides of a register.
const (
	SidePrimary   Side = 1
	SideSecondary Side = 2
)

// Quality is a set of flags; zero means nothing is wrong with the reading.
type Quality uint8

// Quality flags.
const (
	QualityClockUntrusted Quality = 1 << 0 // the agent's clock was not trusted when it read
	QualityTwice          Quality = 1 << 1 // read twice with the same answer
	QualitySuspect        Quality = 1 << 2 // the meter's record was odd (length, checksum or clock); to be judged by people
)

// Reading is one register of one meter at one instant. The number is Value x 10^Exp in the quantity's unit, exact.
type Reading struct {
	Meter     MeterRef
	Quantity  Quantity
	Register  uint8
	Value     int64
	Exp       int8
	TakenAt   int64 // when the register stood so, by the agent's wall clock, unix ms; of a record the meter kept: MeterTime less the drift last seen
	MeterTime int64 // the same moment by the meter's own clock, unix ms; 0 when it was not read
	Method    Method
	Side      Side
	Quality   Quality
}

// Gap is a named hole: what was not stored, and why. A gap takes a sequence number like a reading.
type Gap struct {
	Meter    MeterRef // empty Address: the whole line; empty Line: the whole agent
	From, To int64    // unix ms
	Reason   string   // "outbox full", "outbox lost", "line down" ...
	Count    uint64   // polls not stored, when known
}

// Entry is what one sequence number of the readings lane holds: a reading, or a gap when Gap is not nil.
type Entry struct {
	Reading Reading
	Gap     *Gap
}

// ReadingBatch is a run of consecutive entries of the readings lane: entry i has sequence First+i.
// At most MaxBatch entries, at most MaxPacket bytes encoded.
type ReadingBatch struct {
	Agent   string
	Epoch   uint64 // random id of the outbox file; a lost file is a new epoch
	First   uint64 // sequence of Entries[0]; sequences start at 1 and go on across boots
	SentAt  int64  // agent's wall clock, unix ms
	Entries []Entry
}

// Limits of the wire. MaxBatch is the design's 1,000 readings a message; MaxPacket is the broker's packet cap.
const (
	MaxBatch  = 1000
	MaxPacket = 256 << 10
)
