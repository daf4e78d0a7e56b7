package account

import (
	"feikong/billing"
	"feikong/protocol"
)

// Event is anything that changes an account or a lane's cursor. Exactly one of the pointers is set. Key is unique for
// ever and names the event (idempotency); batches have none: their cursor does the same work.
type Event struct {
	Key     string
	Now     int64  // gateway's clock when the event was taken in, unix ms: "now" is an argument
	Doubt   bool   `json:"-"` // that clock was set lately: no trip may rest on it. Not of the event's content
	Actor   string // who: "admin", "agent street-1", "timer", "terminal 1001"
	Account string // account ID, for the events of one account

	Readings *protocol.ReadingBatch
	Evidence *protocol.EvidenceBatch
	Payment  *Payment
	Receipt  *NoticeReceipt
	Decision *Decision
	Issue    *Issue
	Due      *Due
	Garbage  *Garbage
	Archive  *Archive
	Failure  *NoticeFailure `json:",omitempty"` // absent from the digests of events that were made before it was known
}

// Payment is money received 缴费. Amount > 0, a whole number of the currency's minor unit.
type Payment struct {
	Amount billing.Money
	Method string // "cash", "wechat" ...
	Note   string
}

// NoticeReceipt is the evidence that a notice arrived.
type NoticeReceipt struct {
	Notice  uint64
	Channel string // "terminal", "webhook"
	Detail  string // HTTP status, receipt time
}

// NoticeFailure says that a notice was tried again and again, and nobody confirmed it 无法送达. It is tried further.
type NoticeFailure struct {
	Notice   uint64
	Attempts int
	Detail   string // what stood in the way, as far as it is known
}

// DecisionKind is what a person decided.
type DecisionKind string

// Decisions of people.
const (
	DecideProtect   DecisionKind = "protect"
	DecideUnprotect DecisionKind = "unprotect"
	DecideTag       DecisionKind = "tag"
	DecideUntag     DecisionKind = "untag"
	DecideUntagFor  DecisionKind = "untag_for" // in the place of a holder who cannot: the administrator's alone, checked before the door
	DecideHold      DecisionKind = "hold"
	DecideRelease   DecisionKind = "release"
	DecideAccept    DecisionKind = "accept_reading" // the held register starts a new segment
	DecideTrip      DecisionKind = "trip"           // a person proposes a trip: same interlocks, less the balance
	DecideClose     DecisionKind = "close"          // a person asks for a restore
	DecideTaskDone  DecisionKind = "task_done"      // also a person's record that a notice was brought by hand
)

// Decision is what a person decided about an account.
type Decision struct {
	Kind  DecisionKind
	ID    string // of the tag or hold
	Tag   TagKind
	Point string // metering point, where the decision is about one
	Note  string // the reason, required
}

// Issue closes the open period and issues its bill 发行. Label names the bill ("2026-11"): one label of one account is issued
// once, whatever was read since; IssueKey makes the event's key of it.
type Issue struct{ Label string }

// IssueKey is the key of the event that issues the bill with this label.
func IssueKey(account, label string) string { return "bill/" + account + "/" + label }

// BillID is what people call the bill.
func BillID(account, label string) string { return account + "-" + label }

// Due says that the account's due time has come; the pipeline looks at it again.
type Due struct{}

// Garbage is a packet that could not be decoded or belongs to nobody: it goes to quarantine whole. When it is a batch whose head
// could be read, Count is above 0: then its sequences are taken off the lane and acknowledged, so that it does not block what follows.
type Garbage struct {
	Agent  string
	Topic  string
	Reason string
	Data   []byte // at most protocol.MaxPacket

	Lane  protocol.Lane `json:",omitempty"`
	Epoch uint64        `json:",omitempty"`
	First uint64        `json:",omitempty"`
	Count int           `json:",omitempty"`
}

// Archive replaces the profiles and rule documents named in it; what is the same by content changes nothing.
type Archive struct {
	Profiles  []Profile // No is ignored: the store allocates
	Documents []Document
}

// Document is one rule document as text: what a region of the cache is filled from.
type Document struct {
	Region string // "tariff", "policy", "audit", "parameter"
	Name   string // file name, for messages
	Body   []byte
}

// Receipt answers one event.
type Receipt struct {
	Key    string
	Status Status
	Digest [32]byte // of the event's content; a key that comes again with another digest is a conflict
	Rule   string   // machine word of a refusal
	Detail string   // a sentence
	Ref    string   // bill id, ledger entry, order the event made
	Commit uint64
	Ack    *protocol.Ack // batches: how far the lane is on disk
}

// Status is what became of an event.
type Status uint8

// Statuses.
const (
	Accepted  Status = 1
	Duplicate Status = 2 // same key, same content: nothing was done; the receipt is the first one
	Conflict  Status = 3 // same key, other content: refused
	Refused   Status = 4
)
