// Package field is what a person does at a meter 现场作业, as records: put into service, exchanged, read by eye, its relay
// moved by hand, its settings changed. A record is complete and checked before it exists; it prints as one page and as JSON. Photos and drafts are
// files beside the outbox. Nothing here talks to a meter.
package field

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"feikong/protocol"
)

// Kinds of records, as protocol.FieldRecord names them.
const (
	KindCommission = "commission" // 投运
	KindExchange   = "exchange"   // 换表
	KindReading    = "reading"    // 手抄
	KindRelay      = "relay"      // 现场跳合闸
	KindMode       = "mode"       // 调试模式
	KindMaintain   = "maintain"   // 电能表维护
)

// ErrRecord is wrapped by every error about what a record says or lacks.
var ErrRecord = errors.New("field record")

const (
	version   = 1
	personMax = 64  // bytes of a name
	textMax   = 300 // bytes of a reason or note: a page has one line for it, or two
	// registersMax is the total and 63 rates (DL/T 645-2007, 6.2).
	registersMax = 64
)

// Ref names a meter; protocol.MeterRef with the names JSON has for it.
type Ref struct {
	Line    string `json:"line"`
	Address string `json:"address"`
	Channel uint8  `json:"channel,omitempty"`
}

// RefOf is m as records write it.
func RefOf(m protocol.MeterRef) Ref { return Ref{m.Line, m.Address, m.Channel} }

// Meter is r as the wire writes it.
func (r Ref) Meter() protocol.MeterRef {
	return protocol.MeterRef{Line: r.Line, Address: r.Address, Channel: r.Channel}
}

func (r Ref) check() error {
	if r.Line == "" || r.Address == "" {
		return wrong("the meter is not named")
	}
	return errors.Join(text("line", r.Line, protocol.MaxName), text("address", r.Address, protocol.MaxName))
}

// Head is what every record begins with.
type Head struct {
	Version int    `json:"v"`
	Kind    string `json:"kind"`
	ID      string `json:"id"` // 128 bits, random, hex
	Person  string `json:"person"`
	At      int64  `json:"at"` // agent's clock, unix ms
	Agent   string `json:"agent,omitempty"`
	Program string `json:"program,omitempty"` // version that wrote it
	Meter   Ref    `json:"meter"`             // as it is after the work
	Note    string `json:"note,omitempty"`
	Photo   *Photo `json:"photo,omitempty"`
}

// Work is who does something, when, with which program.
type Work struct {
	ID     string // empty: a new one; a draft keeps its own, so that a repeated store is the same record
	Person string
	At     time.Time
	Agent  string
	Note   string
	Photo  *Photo
}

// NewID is 128 random bits in hex.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func (w Work) head(kind, program string, meter Ref) Head {
	if w.ID == "" {
		w.ID = NewID()
	}
	return Head{Version: version, Kind: kind, ID: w.ID, Person: w.Person, At: w.At.UnixMilli(), Agent: w.Agent, Program: program, Meter: meter, Note: w.Note, Photo: w.Photo}
}

// Record is one of Commission, Exchange, HandReading, RelayTest, Mode and Maintenance.
type Record interface {
	Top() *Head
	Check() error                                 // wraps ErrRecord
	Readings() []protocol.Reading                 // registers for the readings lane
	Page(lang string, zone *time.Location) string // at most 80 columns and 60 lines; the same record, the same page
}

// Top is the record's head.
func (h *Head) Top() *Head { return h }

func (h *Head) check(kind string) error {
	switch b, err := hex.DecodeString(h.ID); {
	case h.Version != version:
		return wrong("version %d is not known, this program writes %d", h.Version, version)
	case h.Kind != kind:
		return wrong("kind %q is not %q", h.Kind, kind)
	case err != nil || len(b) != 16 || hex.EncodeToString(b) != h.ID:
		return wrong("id %q is not 32 hex digits", h.ID)
	case h.Person == "":
		return tell(ErrRecord, "没有写明人员", "the person is not named")
	case h.At <= 0 || h.At > 1<<52:
		return wrong("the time is missing")
	}
	err := errors.Join(text("person", h.Person, personMax), text("agent", h.Agent, protocol.MaxName), text("program", h.Program, protocol.MaxName), text("note", h.Note, textMax))
	if kind != KindMode {
		err = errors.Join(err, h.Meter.check())
	}
	if h.Photo != nil {
		err = errors.Join(err, h.Photo.check())
	}
	return err
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRecord, fmt.Errorf(format, args...))
}

// Encode checks r and gives it the form that travels: the body is its JSON.
func Encode(r Record) (protocol.FieldRecord, error) {
	if err := r.Check(); err != nil {
		return protocol.FieldRecord{}, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return protocol.FieldRecord{}, fmt.Errorf("encode field record: %w", err)
	}
	if len(body) > protocol.MaxRecord {
		return protocol.FieldRecord{}, wrong("%d bytes, the limit is %d", len(body), protocol.MaxRecord)
	}
	h := r.Top()
	out := protocol.FieldRecord{Kind: h.Kind, ID: h.ID, Person: h.Person, Meter: h.Meter.Meter(), At: h.At, Body: body}
	if h.Photo != nil {
		out.Photo = h.Photo.SHA256
	}
	return out, nil
}

// Decode reads the body of a record strictly and checks it; errors wrap ErrRecord.
func Decode(body []byte) (Record, error) {
	if len(body) > protocol.MaxRecord {
		return nil, wrong("%d bytes, the limit is %d", len(body), protocol.MaxRecord)
	}
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, wrong("not JSON: %w", err)
	}
	var r Record
	switch kind.Kind {
	case KindCommission:
		r = new(Commission)
	case KindExchange:
		r = new(Exchange)
	case KindReading:
		r = new(HandReading)
	case KindRelay:
		r = new(RelayTest)
	case KindMode:
		r = new(Mode)
	case KindMaintain:
		r = new(Maintenance)
	default:
		return nil, wrong("kind %q is not known", kind.Kind)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, wrong("not as it should be: %w", err)
	}
	if d.More() {
		return nil, wrong("something follows it")
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	return r, nil
}
