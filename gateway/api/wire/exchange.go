package wire

import "time"

// Payment is money received. The Idempotency-Key header names it: the same key posts once.
type Payment struct {
	Amount string `json:"amount" doc:"Decimal text in the account's currency, above zero, at most two decimals" example:"50.00" maxLength:"32"`
	Method string `json:"method,omitempty" doc:"How it was paid" example:"cash" maxLength:"40"`
	Note   string `json:"note,omitempty" maxLength:"200"`
}

// Reason is the body of a decision that needs nothing but its reason.
type Reason struct {
	Note string `json:"note" doc:"Why; kept in the audit record" minLength:"1" maxLength:"200"`
}

// Lift takes a tag off. Its holder does; the administrator may in the holder's place, and says so.
type Lift struct {
	Note      string `json:"note" doc:"Why; in the holder's place at least 10 characters: why the holder cannot, and who made sure that nobody works there" minLength:"1" maxLength:"200"`
	ForHolder bool   `json:"for_holder,omitempty" doc:"Lift it in the holder's place; the administrator's alone"`
}

// NewTag hangs a tag. Without an id one is made.
type NewTag struct {
	ID   string `json:"id,omitempty" maxLength:"40"`
	Kind string `json:"kind" enum:"no_trip,no_close"`
	Note string `json:"note" doc:"The work it protects" minLength:"1" maxLength:"200"`
}

// NewHold adds a hold. Without an id one is made.
type NewHold struct {
	ID   string `json:"id,omitempty" maxLength:"40"`
	Note string `json:"note" doc:"What is open: a dispute, a payment plan" minLength:"1" maxLength:"200"`
}

// PointDecision is a decision about one metering point; with one point only, the point may be left out.
type PointDecision struct {
	Point string `json:"point,omitempty" maxLength:"40"`
	Note  string `json:"note" doc:"Why; kept in the audit record" minLength:"1" maxLength:"200"`
}

// IssueBill closes the open period. One label of an account is issued once.
type IssueBill struct {
	Label string `json:"label,omitempty" doc:"Name of the bill; the running month when absent" example:"2026-11" maxLength:"32" pattern:"^[A-Za-z0-9._-]*$"`
}

// Receipt says that an event is on disk. The same idempotency key gives the same receipt.
type Receipt struct {
	Key    string `json:"key" doc:"Name of the event, for ever"`
	Status string `json:"status" enum:"accepted"`
	Ref    string `json:"ref,omitempty" doc:"What the event made: a ledger entry, a bill, an order, a tag"`
	Detail string `json:"detail,omitempty"`
	Commit uint64 `json:"commit"`
	Replay bool   `json:"-"` // the key was already known: nothing was done; a header says so
}

// Problem is an RFC 9457 problem.
type Problem struct {
	Type     string  `json:"type" doc:"Stable name of the kind of problem; it is also the path of its page" example:"/problems/payment-conflict"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty"`
	Instance string  `json:"instance,omitempty"`
	Remedy   string  `json:"remedy,omitempty" doc:"What to do about it"`
	Rule     string  `json:"rule,omitempty" doc:"Machine word of the rule that refused"`
	Errors   []Field `json:"errors,omitempty"`
}

// Field names a field that was not acceptable.
type Field struct {
	Field   string `json:"field" example:"body.amount"`
	Message string `json:"message"`
}

// Agent is the newest word of an agent about itself.
type Agent struct {
	ID            string       `json:"id"`
	Connected     bool         `json:"connected"`
	SeenAt        time.Time    `json:"seen_at,omitzero"`
	Version       string       `json:"version,omitempty"`
	RelayMode     string       `json:"relay_mode,omitempty" enum:"bench,off"`
	ClockTrusted  bool         `json:"clock_trusted"`
	ClockOffsetMS int64        `json:"clock_offset_ms"`
	OutboxBytes   int64        `json:"outbox_bytes"`
	OutboxMax     int64        `json:"outbox_max"`
	Stored        uint64       `json:"stored"`
	Dropped       uint64       `json:"dropped" doc:"Polls not stored because the outbox was full"`
	Lines         []AgentLine  `json:"lines"`
	Meters        []AgentMeter `json:"meters"`
	Cursors       []Cursor     `json:"cursors" doc:"How far each lane is on disk"`
}

// AgentLine counts one port since the agent started.
type AgentLine struct {
	Line      string `json:"line"`
	Up        bool   `json:"up"`
	Error     string `json:"error,omitempty"`
	Exchanges uint64 `json:"exchanges"`
	Timeouts  uint64 `json:"timeouts"`
	Faults    uint64 `json:"faults"`
	Foreign   uint64 `json:"foreign,omitempty" doc:"Frames on the line that were not the agent's"`
}

// AgentMeter counts one meter since the agent started.
type AgentMeter struct {
	Meter      Meter     `json:"meter"`
	Replies    uint64    `json:"replies"`
	Silent     uint64    `json:"silent"`
	Faults     uint64    `json:"faults"`
	LastReply  time.Time `json:"last_reply,omitzero"`
	DelayMS    int64     `json:"delay_ms"`
	DelayMinMS int64     `json:"delay_min_ms,omitempty" doc:"Shortest reply delay since the agent's start"`
	DelayMaxMS int64     `json:"delay_max_ms,omitempty"`
	Retries    uint64    `json:"retries,omitempty" doc:"Exchanges that were asked again"`
	Edition    string    `json:"edition,omitempty" doc:"What the meter was found to speak: 2007, 1997, a Modbus model"`
}

// Cursor is how far a lane is on disk.
type Cursor struct {
	Lane  string `json:"lane" enum:"readings,evidence"`
	Epoch string `json:"epoch" doc:"Hex; a lost outbox is a new epoch"`
	Upto  uint64 `json:"upto"`
}

// Verification is the proof that the books are right, or where they are not.
type Verification struct {
	OK       bool       `json:"ok"`
	At       time.Time  `json:"at"`
	Accounts int        `json:"accounts"`
	Entries  int        `json:"entries" doc:"Ledger entries checked"`
	Held     []string   `json:"held" doc:"Accounts with a reading held by audit"`
	Checks   []Verified `json:"checks"`
	Problems []string   `json:"problems" doc:"One sentence for each thing that is wrong"`
}

// Verified is one check over all accounts.
type Verified struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Checked int    `json:"checked"`
	Detail  string `json:"detail,omitempty"`
}

// Token is an API token, without its text.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	User    string    `json:"user"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// NewToken asks for a token. Days 0 is without end.
type NewToken struct {
	Name string `json:"name" doc:"What it is for" minLength:"1" maxLength:"100"`
	Days int    `json:"days,omitempty" minimum:"0" maximum:"3650"`
}

// MadeToken is a new token with its text, told once.
type MadeToken struct {
	Token
	Secret string `json:"secret" doc:"Send it as Authorization: Bearer; it is not shown again"`
}

// Me is who the request came from.
type Me struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Token string `json:"token,omitempty"`
}

// Commit is the data of a "commit" event: accounts that changed. All says that there were too many to name.
type Commit struct {
	Commit   uint64   `json:"commit"`
	Accounts []string `json:"accounts,omitempty"`
	All      bool     `json:"all,omitempty"`
}
