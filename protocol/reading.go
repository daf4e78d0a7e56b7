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
	LaneEvidence Lane = 2 // outcomes of orders, alarms, gaps of this lane
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
	ActivePower  Quantity = 4 // total active power, kW
)

// Bits of a RelayState reading's value.
const (
	RelayBitOpen        = 1 << 0 // the contact is open (DL/T 645 status word 3 bit 4)
	RelayBitCommandOpen = 1 << 1 // the last command was to open (bit 6)
	RelayBitHold        = 1 << 2 // power hold 保电 is on (bit 12)
)

// Method says how a reading came about.
type Method uint8

// Methods. Only Poll exists so far; the others are wire numbers kept for gap-free readings.
const (
	MethodPoll     Method = 1
	MethodFreeze   Method = 2 // the meter's own frozen register 冻结
	MethodSnapshot Method = 3
	MethodHand     Method = 4
	MethodTrip     Method = 5 // read right before a relay frame
)

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
)

// Reading is one register of one meter at one instant. The number is Value x 10^Exp in the quantity's unit, exact.
type Reading struct {
	Meter     MeterRef
	Quantity  Quantity
	Register  uint8
	Value     int64
	Exp       int8
	TakenAt   int64 // agent's wall clock, unix ms
	MeterTime int64 // the meter's own clock at that moment, unix ms; 0 when it was not read
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
