package wire

import "time"

// Order is an order to a switch with its safety case and what became of it.
type Order struct {
	Account    string    `json:"account"`
	Point      string    `json:"point"`
	Number     uint64    `json:"number"`
	ID         string    `json:"id" doc:"generation/slot epoch/number, as the agent sees it"`
	Agent      string    `json:"agent"`
	Meter      Meter     `json:"meter"`
	Action     string    `json:"action" enum:"trip,permit,close"`
	ActionText string    `json:"action_text"`
	State      string    `json:"state"`
	StateText  string    `json:"state_text"`
	Created    time.Time `json:"created"`
	Deadline   time.Time `json:"deadline"`
	Ended      time.Time `json:"ended,omitzero"`
	Actor      string    `json:"actor"`
	Reason     string    `json:"reason"`
	Episode    uint32    `json:"episode,omitempty"`
	Case       []Check   `json:"case" doc:"The safety case: what was checked"`
	Basis      Basis     `json:"basis" doc:"What the decision rested on"`
	Outcome    *Outcome  `json:"outcome,omitempty"`
}

// Check is one interlock of a safety case.
type Check struct {
	Rule   string `json:"rule"`
	Text   string `json:"text"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Basis is what a decision rested on.
type Basis struct {
	ReadingAt time.Time `json:"reading_at,omitzero"`
	Energy    string    `json:"energy"`
	Available string    `json:"available"`
	Estimate  string    `json:"estimate"`
	Tariff    string    `json:"tariff,omitempty"`
	Policy    string    `json:"policy,omitempty"`
	LedgerSeq uint64    `json:"ledger_seq"`
	Notice    uint64    `json:"notice,omitempty"`
}

// Outcome is the agent's newest word about an order.
type Outcome struct {
	State     string    `json:"state"`
	StateText string    `json:"state_text"`
	Rule      string    `json:"rule,omitempty"`
	Detail    string    `json:"detail,omitempty"`
	At        time.Time `json:"at"`
	Before    string    `json:"before" enum:"open,closed,unknown"`
	After     string    `json:"after" enum:"open,closed,unknown"`
	KWh       string    `json:"kwh,omitempty" doc:"Register read before the frame"`
	Recovered bool      `json:"recovered,omitempty" doc:"Found by reading the relay after a restart"`
	Frames    []Frame   `json:"frames"`
}

// Frame is one frame as it was on the line; passwords in it are masked with FF.
type Frame struct {
	Sent bool      `json:"sent" doc:"true: by the agent; false: by the meter"`
	At   time.Time `json:"at"`
	Hex  string    `json:"hex" example:"68 01 01 00 00 00 00 68 9C 00 8C 16"`
	Note string    `json:"note,omitempty"`
}

// LedgerEntry is one line of the ledger; entries of an account form a hash chain.
type LedgerEntry struct {
	Seq      uint64    `json:"seq"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	KindText string    `json:"kind_text"`
	Debit    string    `json:"debit"`
	Credit   string    `json:"credit"`
	Amount   string    `json:"amount"`
	Ref      string    `json:"ref"`
	Hash     string    `json:"hash"`
}

// StoredReading is one reading as stored.
type StoredReading struct {
	Point     string    `json:"point"`
	Quantity  string    `json:"quantity" enum:"active_import,relay_state,clock_drift,active_power,active_export,reactive_import,reactive_export,voltage,current,reactive_power,power_factor,frequency,apparent_power,demand,remaining_money,remaining_energy"`
	Register  uint8     `json:"register"`
	Value     string    `json:"value"`
	Unit      string    `json:"unit"`
	At        time.Time `json:"at"`
	Held      bool      `json:"held,omitempty"`
	Untrusted bool      `json:"untrusted,omitempty" doc:"The agent's clock was not trusted, or ahead of ours"`
	Late      bool      `json:"late,omitempty" doc:"Older than the current one when it came"`
	Method    string    `json:"method" enum:"unknown,poll,freeze,snapshot,hand,trip,hourly,profile" doc:"How it came about; what the meter kept (freeze, hourly, profile) and what was read by hand moves no register"`
}

// Notice is a message to the customer.
type Notice struct {
	Number    uint64    `json:"number"`
	ID        string    `json:"id"`
	Kind      string    `json:"kind" enum:"warning,reminder,trip,restore"`
	KindText  string    `json:"kind_text"`
	State     string    `json:"state" enum:"queued,delivered,failed"`
	StateText string    `json:"state_text"`
	Created   time.Time `json:"created"`
	Delivered time.Time `json:"delivered,omitzero"`
	Text      string    `json:"text"`
	Deadline  string    `json:"deadline,omitempty"`
	Available string    `json:"available"`
	Receipts  []string  `json:"receipts" doc:"Evidence of delivery: channel and detail"`
}

// Bill is an issued period.
type Bill struct {
	ID        string         `json:"id"`
	Account   string         `json:"account"`
	Period    uint32         `json:"period"`
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Issued    time.Time      `json:"issued"`
	Energy    string         `json:"energy"`
	Amount    string         `json:"amount"`
	Currency  string         `json:"currency"`
	Tariff    string         `json:"tariff"`
	Document  string         `json:"document,omitempty" doc:"The publication the price rests on"`
	Lines     []BillLine     `json:"lines"`
	Registers []BillRegister `json:"registers"`
	Explain   []string       `json:"explain" doc:"The calculation, in sentences"`
}

// BillLine is one printed line.
type BillLine struct {
	Code     string `json:"code"`
	Text     string `json:"text"`
	Quantity string `json:"quantity"`
	Unit     string `json:"unit" doc:"What the quantity counts: kWh, kW, kVA, day, month, or the currency of the base of a percentage"`
	Price    string `json:"price"`
	Amount   string `json:"amount"`
}

// BillRegister is what a bill rests on at one metering point.
type BillRegister struct {
	Point      string    `json:"point"`
	StartAt    time.Time `json:"start_at"`
	Start      string    `json:"start"`
	EndAt      time.Time `json:"end_at"`
	End        string    `json:"end"`
	Carried    string    `json:"carried" doc:"kWh of earlier segments of the period"`
	Multiplier int64     `json:"multiplier"`
}

// Quarantined is what could not be attributed to an account.
type Quarantined struct {
	ID     uint64    `json:"id"`
	At     time.Time `json:"at"`
	Agent  string    `json:"agent"`
	Topic  string    `json:"topic,omitempty"`
	Reason string    `json:"reason"`

	ReasonText string `json:"reason_text" doc:"The reason in words, with what to do"`

	Meter    Meter  `json:"meter"`
	Quantity string `json:"quantity,omitempty" doc:"Of a decoded reading of nobody"`
	Value    string `json:"value,omitempty" doc:"Its value as decimal text, in the unit of the meter"`
	Bytes    int    `json:"bytes,omitempty" doc:"Size of the raw packet"`
	Hex      string `json:"hex,omitempty" doc:"The first 64 bytes of the raw packet"`
}

// Gap is a named hole an agent reported.
type Gap struct {
	Agent  string    `json:"agent"`
	Seq    uint64    `json:"seq"`
	Meter  Meter     `json:"meter"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Reason string    `json:"reason"`

	ReasonText string `json:"reason_text" doc:"The reason in words"`

	Count uint64 `json:"count,omitempty"`
}

// Alarm is something an agent saw that people must know.
type Alarm struct {
	Agent string `json:"agent"`
	Meter Meter  `json:"meter"`
	Code  string `json:"code"`

	CodeText string `json:"code_text" doc:"The code in words"`

	Detail string    `json:"detail"`
	At     time.Time `json:"at"`
}

// FieldWork is what a person did at a meter.
type FieldWork struct {
	ID      string `json:"id" doc:"Unique for ever"`
	Agent   string `json:"agent"`
	Account string `json:"account,omitempty" doc:"Empty when the archive does not know the meter"`
	Meter   Meter  `json:"meter"`
	Kind    string `json:"kind" example:"exchange"`

	KindText string `json:"kind_text" doc:"The kind in words"`

	Person  string    `json:"person"`
	At      time.Time `json:"at"`
	Summary string    `json:"summary,omitempty" doc:"What was done and what came of it, in half a line"`
	Photo   string    `json:"photo,omitempty" doc:"SHA-256 of the picture, which stays with the agent"`
	Record  any       `json:"record,omitempty" doc:"The record as the person confirmed it"`
}

// AuditEntry is who did what, in its hash chain.
type AuditEntry struct {
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Object string    `json:"object"`
	Detail string    `json:"detail,omitempty"`
	Result string    `json:"result,omitempty"`
	Hash   string    `json:"hash"`
}
