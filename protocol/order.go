package protocol

import "fmt"

// OrderID orders all orders of one switch: store generation, then slot epoch, then number. An agent takes only higher ones.
type OrderID struct {
	Generation uint32 // raised when the gateway's store is restored from a backup
	SlotEpoch  uint32 // lease epoch of the agent's slot
	Number     uint64 // allocated per switch in the commit that creates the order, from 1
}

// Compare is -1, 0 or +1 as a is older than, the same as or newer than b.
func (a OrderID) Compare(b OrderID) int {
	switch {
	case a.Generation != b.Generation:
		return compare(uint64(a.Generation), uint64(b.Generation))
	case a.SlotEpoch != b.SlotEpoch:
		return compare(uint64(a.SlotEpoch), uint64(b.SlotEpoch))
	}
	return compare(a.Number, b.Number)
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Action is the desired state an order asks for.
type Action uint8

// Actions. Numbers are wire values.
const (
	ActionTrip   Action = 1 // 跳闸: open the relay
	ActionPermit Action = 2 // 合闸允许: the customer closes by the button
	ActionClose  Action = 3 // 直接合闸: the meter closes by itself
)

// Order asks an agent to bring one switch into a state, once, before its deadline.
type Order struct {
	ID          OrderID
	Agent       string
	Meter       MeterRef
	Action      Action
	IssuedAt    int64       // gateway's clock, unix ms
	Deadline    int64       // unix ms, gateway's clock; the agent turns it into meter time for the frame
	ExpectOpen  bool        // relay state the gateway believes, before the order
	CheckExpect bool        // whether ExpectOpen must hold (trips: always)
	MinEnergy   int64       // mWh: the register read before a trip must not be below it; 0 = no check
	Password    [4]byte     // meter password: level, then three digits, wire order; never logged, never stored by the agent
	Operator    [4]byte     // operator code recorded by the meter
	Account     string      // for people reading the evidence
	Reason      string      // one line: why
	Traceparent string      // W3C trace context, may be empty
	Signatures  []Signature // empty until signing exists; see TOPICS.md
}

// Signature over the canonical bytes of an order. The list is part of the wire from the first day; nothing fills it yet.
type Signature struct {
	KeyID  string
	Person string
	Role   string
	Value  []byte
}

// String is the action in lower case, as records and logs show it.
func (a Action) String() string {
	switch a {
	case ActionTrip:
		return "trip"
	case ActionPermit:
		return "permit"
	case ActionClose:
		return "close"
	}
	return "unknown"
}

// String is generation/epoch/number, the form of the log key "order".
func (a OrderID) String() string { return fmt.Sprintf("%d/%d/%d", a.Generation, a.SlotEpoch, a.Number) }
