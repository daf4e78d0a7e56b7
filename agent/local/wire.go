// Package local is the way from a technician's command to the agent that runs on the same machine: a Unix socket in the data
// directory, one JSON document a line. It reads through the agent's own lines, so that nobody has to stop it; it queues
// records; it moves a relay or changes a meter by hand in commissioning mode. No verb sends bytes of the caller's choosing to a line, and nothing
// listens on a network.
package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"feikong/agent/field"
	"feikong/internal/daemon"
)

// Version of what is spoken over the socket. A server answers other versions with a fault that says so.
const Version = 1

// Bounds of the socket: it is for one person with one or two terminals.
const (
	requestMax = 1 << 20          // bytes of a request with its line end
	replyMax   = 4 << 20          // bytes of a reply: the status of 4096 meters is below 2 MiB
	clientsMax = 8                // at once
	idleMax    = 10 * time.Minute // without a request
	writeMax   = 10 * time.Second // for one reply: who does not read is let go of
)

// What can be asked.
const (
	VerbStatus   = "status"
	VerbRead     = "read"
	VerbTrace    = "trace"
	VerbRecord   = "record"
	VerbRelay    = "relay"
	VerbMode     = "commissioning"
	VerbMaintain = "maintain"
)

// Request is one line of a client. Exactly the member of its verb is set; status has none.
type Request struct {
	Version  int              `json:"v"`
	Verb     string           `json:"verb"`
	Read     *ReadRequest     `json:"read,omitempty"`
	Trace    *TraceRequest    `json:"trace,omitempty"`
	Record   *RecordRequest   `json:"record,omitempty"`
	Relay    *RelayRequest    `json:"relay,omitempty"`
	Mode     *ModeRequest     `json:"commissioning,omitempty"`
	Maintain *MaintainRequest `json:"maintain,omitempty"`
}

// ReadRequest asks a meter of the agent: "energy", "relay", "clock", "known" (the newest registers in the outbox, nothing is
// sent), or an item that its driver knows.
type ReadRequest struct {
	Meter field.Ref `json:"meter"`
	What  string    `json:"what"`
}

// TraceRequest asks for what happens on a line until the client goes away.
type TraceRequest struct {
	Line string `json:"line"`
}

// RecordRequest is a field record to be queued; its hand readings are in it.
type RecordRequest struct {
	Body json.RawMessage `json:"body"`
}

// RelayRequest moves a relay by hand. Password and Operator are in wire order, as protocol.Order has them, in hex.
type RelayRequest struct {
	Meter    field.Ref `json:"meter"`
	Action   string    `json:"action"`
	Person   string    `json:"person"`
	Password Secret    `json:"password,omitempty"`
	Operator string    `json:"operator,omitempty"`
}

// MaintainRequest changes a setting of a meter by hand. What and Value are as the act wants them, in a person's words: there
// are no bytes in it.
type MaintainRequest struct {
	Meter  field.Ref `json:"meter"`
	Act    string    `json:"act"`             // field.MaintainActs
	What   string    `json:"what,omitempty"`  // write: the item; clear-events: the class; freeze: "now", "hourly 15", "daily 00:00", "monthly 01 00:00"
	Value  string    `json:"value,omitempty"` // write: the value; address: the new one; baud: the new rate
	Person string    `json:"person"`
	// Password and NewPassword are in wire order, in hex; without one the meter is asked as one of 1997 whose button is pressed.
	Password    Secret `json:"password,omitempty"`
	NewPassword Secret `json:"new_password,omitempty"`
	Operator    string `json:"operator,omitempty"`
	// Confirm is the meter's address, typed once more: nothing is cleared without it.
	Confirm string `json:"confirm,omitempty"`
	// Look reads what stands in the meter and sends nothing that changes it; the record that comes back is not stored.
	Look bool `json:"look,omitempty"`
}

// Secret is text that no printed form shows; JSON carries it over the socket, which only its owner can open.
type Secret string

// String is "[redacted]".
func (Secret) String() string { return "[redacted]" }

// Format makes every verb print "[redacted]".
func (Secret) Format(s fmt.State, _ rune) { io.WriteString(s, "[redacted]") }

// ModeRequest switches commissioning mode.
type ModeRequest struct {
	On      bool   `json:"on"`
	Person  string `json:"person"`
	Minutes int    `json:"minutes,omitempty"`
}

// Reply is one line of the server: OK, Fault or, of a trace, Event.
type Reply struct {
	Version int             `json:"v"`
	OK      json.RawMessage `json:"ok,omitempty"`
	Fault   *Fault          `json:"fault,omitempty"`
	Event   *TraceEvent     `json:"event,omitempty"`
}

// Fault is a request that was not done, with the remedy, for a person and for a program.
type Fault struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// Error is the sentence in the language of the person at the terminal.
func (f *Fault) Error() string { return daemon.Say(daemon.Lang(), f.ZH, f.EN) }

// Codes of faults.
const (
	CodeBad         = "bad-request"
	CodeVersion     = "version"
	CodeTooLarge    = "too-large"
	CodeBusy        = "busy"
	CodeMeter       = "unknown-meter"
	CodeLine        = "unknown-line"
	CodeMode        = "not-commissioning"
	CodeOff         = "relay-off"
	CodeConfirm     = "not-confirmed"
	CodeOrder       = "open-order"
	CodeUnsupported = "unsupported"
	CodeNoAnswer    = "no-answer"
	CodeRefused     = "refused"
	CodeFull        = "outbox-full"
	CodeRecord      = "record"
	CodeInside      = "internal"
)

func fault(code, zh, en string, args ...any) *Fault {
	return &Fault{code, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

// errRequest is wrapped by every error of DecodeRequest.
var errRequest = errors.New("bad request")

// DecodeRequest reads one line strictly: an unknown key may be what an older server would do without, and a relay is moved
// by what is understood whole or not at all.
func DecodeRequest(data []byte) (*Request, error) {
	if len(data) > requestMax {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", errRequest, len(data), requestMax)
	}
	var v struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("%w: not JSON", errRequest) // the library's error may quote a password
	}
	r := new(Request)
	if v.Version != Version {
		r.Version = v.Version
		return r, nil // another version has other keys
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%w: a key that is not known, or a value of another type", errRequest)
	}
	if d.More() {
		return nil, fmt.Errorf("%w: something follows it", errRequest)
	}
	members := map[string]bool{VerbRead: r.Read != nil, VerbTrace: r.Trace != nil, VerbRecord: r.Record != nil, VerbRelay: r.Relay != nil, VerbMode: r.Mode != nil,
		VerbMaintain: r.Maintain != nil}
	for verb, set := range members {
		if set != (verb == r.Verb) {
			return nil, fmt.Errorf("%w: verb %q needs its own member and no other", errRequest, r.Verb)
		}
	}
	if _, ok := members[r.Verb]; !ok && r.Verb != VerbStatus {
		return nil, fmt.Errorf("%w: verb %q is not known", errRequest, r.Verb)
	}
	return r, nil
}

// ReadReply is what a meter said, or what is known of it.
type ReadReply struct {
	Meter     field.Ref         `json:"meter"`
	At        int64             `json:"at"` // unix ms
	Registers []field.Register  `json:"registers,omitempty"`
	Relay     *field.RelayState `json:"relay,omitempty"`
	DriftMS   *int64            `json:"drift_ms,omitempty"`
	Items     []Item            `json:"items,omitempty"`
	Exchanges int               `json:"exchanges,omitempty"` // requests it took
	DelayMS   int64             `json:"delay_ms,omitempty"`  // of the meter, last seen
}

// Item is one value of an item as people see it.
type Item struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	NameZH string `json:"name_zh,omitempty"`
	Text   string `json:"text,omitempty"`
	TextZH string `json:"text_zh,omitempty"` // where the text has words
	Unit   string `json:"unit,omitempty"`
	Null   bool   `json:"null,omitempty"`  // the meter does not measure it
	Never  bool   `json:"never,omitempty"` // with null: a time that has not been yet
	At     int64  `json:"at,omitempty"`
}

// TraceEvent is line.TraceEvent as it travels; passwords in it are masked. Dropped counts events that the client was too
// slow for.
type TraceEvent struct {
	At      int64  `json:"at_us"` // unix microseconds
	Kind    string `json:"kind"`
	Hex     string `json:"hex,omitempty"`
	Baud    int    `json:"baud,omitempty"`
	Order   bool   `json:"order,omitempty"`
	DelayUS int64  `json:"delay_us,omitempty"`
	Error   string `json:"error,omitempty"`
	Dropped int    `json:"dropped,omitempty"`
}

// Stored says that a record is on disk.
type Stored struct {
	ID string `json:"id"`
}

// ModeReply is commissioning mode as it stands.
type ModeReply struct {
	On     bool   `json:"on"`
	Person string `json:"person,omitempty"`
	Until  int64  `json:"until,omitempty"` // unix ms
}
