package protocol

// OutcomeState is what became of an order, as its agent saw it.
type OutcomeState uint8

// States an agent reports. Numbers are wire values.
const (
	OutcomeDone      OutcomeState = 1 // the relay was read back in the state asked for
	OutcomePermitted OutcomeState = 2 // close-permit accepted, the contact is still open: waits for the button
	OutcomeFailed    OutcomeState = 3 // the meter refused, or the relay was read back in the other state
	OutcomeRefused   OutcomeState = 4 // the agent did not act: Rule says which check failed
	OutcomeExpired   OutcomeState = 5 // the deadline passed before the agent could act
	OutcomeUnknown   OutcomeState = 6 // a frame may have left and the relay could not be read back
)

// FrameEvidence is one frame of the exchange, as it was on the line, without the preamble. A password inside it is masked
// (its wire bytes and the checksum replaced by FFH) before the evidence leaves the agent.
type FrameEvidence struct {
	Sent  bool  // true: by us; false: by the meter
	At    int64 // unix ms, first byte
	Bytes []byte
	Note  string // "read before trip", "trip", "read back"
}

// RelayReport is a relay as read.
type RelayReport struct {
	Known       bool
	Open        bool
	CommandOpen bool
	Hold        bool
}

// Outcome answers one order. It travels in the evidence lane and is kept until the gateway has it on disk.
type Outcome struct {
	Order     OrderID
	Meter     MeterRef
	Action    Action
	State     OutcomeState
	Rule      string // machine word for refused/failed: "deadline", "expect", "hold", "password", "no-answer", ...
	Detail    string // a sentence
	At        int64  // unix ms
	Before    RelayReport
	After     RelayReport
	Energy    int64 // mWh, register read before the frame; 0 when not read
	Frames    []FrameEvidence
	Recovered bool // found by reading the relay after a restart, not by the run that sent the frame
}

// Alarm is something an agent saw that people must know.
type Alarm struct {
	Meter  MeterRef
	Code   string // "meter-silent", "outbox-nearly-full", ...
	Detail string
	At     int64
}

// Evidence is what one sequence number of the evidence lane holds; exactly one field is set.
type Evidence struct {
	Outcome *Outcome
	Alarm   *Alarm
	Gap     *Gap
	Record  *FieldRecord
}

// FieldRecord is what a person did at a meter 现场作业: put it into service, exchanged it, read it by eye, moved its relay
// by hand. Body is a JSON document, at most MaxRecord bytes, the one that was shown to the person; the registers in it travel
// in the readings lane as well, with MethodHand.
type FieldRecord struct {
	Kind   string // "commission" 投运, "exchange" 换表, "reading" 手抄, "relay" 现场跳合闸, "mode" 调试模式
	ID     string // unique for ever
	Person string
	Meter  MeterRef // as it is after the work
	At     int64    // agent's clock, unix ms
	Body   []byte
	Photo  string // SHA-256 of the picture, in hex; the picture itself stays with the agent. Empty: none was taken
}

// EvidenceBatch is a run of consecutive entries of the evidence lane.
type EvidenceBatch struct {
	Agent   string
	Epoch   uint64
	First   uint64
	SentAt  int64
	Entries []Evidence
}

var outcomeNames = [...]string{"none", "done", "permitted", "failed", "refused", "expired", "unknown"}

// String is the state in lower case, as records and logs show it.
func (s OutcomeState) String() string {
	if int(s) >= len(outcomeNames) {
		return "unknown"
	}
	return outcomeNames[s]
}
