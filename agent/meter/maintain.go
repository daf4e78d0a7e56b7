package meter

import (
	"context"
	"errors"
	"time"

	"feikong/protocol/dlt645"
)

// Maintainer is a meter whose settings a person may change by hand (电能表维护). Each act sends one frame that changes
// something, never again by itself; what it reads before and after may be asked for again. Clearing a meter (1AH, 电表清零)
// erases the evidence for money and is not among the acts.
type Maintainer interface {
	// Freeze has the meter keep a copy of its registers, now or at set times (冻结).
	Freeze(ctx context.Context, c Call, h Hand, at dlt645.FreezeTime) (Change, error)
	// SetAddress gives the meter a new address (写通信地址). The frame goes to whoever hears it, so it is sent only where
	// one meter answers alone, and that is this one; the error wraps ErrNotAlone.
	SetAddress(ctx context.Context, c Call, h Hand, to string) (Change, error)
	// SetBaud changes the meter's rate (更改通信速率) and reads it at the new one. A port that cannot follow refuses before
	// anything is sent. A meter that does not answer at the new rate is looked for at the old one.
	SetBaud(ctx context.Context, c Call, h Hand, baud int) (Change, error)
	// SetPassword changes the password of next's level; h has the old one, of this level or a stronger one (修改密码).
	SetPassword(ctx context.Context, c Call, h Hand, next [4]byte) (Change, error)
	// Write stores a value as people write it, by the format that the table of items has for it, and reads it back (写数据).
	// what is an identifier in hex or a name of the table.
	Write(ctx context.Context, c Call, h Hand, what, value string) (Change, error)
	// ClearDemand sets the maximum demands to zero (需量清零); what is in them is lost but for Change.Before.
	ClearDemand(ctx context.Context, c Call, h Hand) (Change, error)
	// ClearEvents erases event records (事件清零): a name of EventClasses, or a class in hex that ends in FF.
	ClearEvents(ctx context.Context, c Call, h Hand, which string) (Change, error)
}

var _ Maintainer = (*DLT645)(nil)

// Hand is a person's order for one act.
type Hand struct {
	Password [4]byte // level, then three digits, wire order
	Bare     bool    // there is no password: a meter of 1997 with its button pressed
	Operator [4]byte

	// Intend is called with what stood in the meter, when all is ready for the frame: an error keeps it from being sent.
	Intend func(before []ItemValue) error
	Before func() error // right before the frame's first byte, on the line's time; an error keeps it from being sent
}

// Proof says what reading back has shown.
type Proof uint8

// Proofs of an act.
const (
	Unproved  Proof = iota // the protocol reads nothing back, or nobody answered
	Proved                 // it is as it was asked for
	Disproved              // it is otherwise
)

// Change is what came of an act. With an error it tells how far it came.
type Change struct {
	Sent   bool // the frame may have left; an act that finds all as asked for sends none
	Proof  Proof
	Before []ItemValue // what stood there, of a clearing what is lost
	After  []ItemValue
	Passes bool // the change lasts for the session alone: the meter goes back by itself
}

// Why an act was not begun.
var (
	ErrNotAlone   = errors.New("not surely one meter alone on the line") // a new address would be everybody's
	ErrNoPassword = errors.New("a password is needed")
	ErrAsk        = errors.New("cannot be asked of the meter") // wraps what is wrong with what was asked; nothing was sent
)

// lookTries is how often a read before and after an act is asked for: noise hits one frame, seldom three.
const lookTries = 3

// answering finds how the meter is talked to, and that it answers at all.
func (m *DLT645) answering(ctx context.Context, c Call) (w way, err error) {
	c.Note = "read before"
	for range lookTries {
		err = m.search(ctx, c, func(w way) error { return m.probe(ctx, c, w) })
		if err == nil || errors.Is(err, ErrRefused) {
			return m.ways.now(), nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return w, err
}

// look reads what the meter has of the items; one that it does not know is left out. It ends with an error when nobody
// answers.
func (m *DLT645) look(ctx context.Context, c Call, w way, note string, items ...dlt645.DI) (out []ItemValue, err error) {
	for _, d := range items {
		data, at, err := m.patient(ctx, c, w, note, d)
		switch {
		case errors.Is(err, ErrRefused):
		case err != nil:
			return out, err
		default:
			out = append(out, m.values(w, d, data, at)...)
		}
	}
	return out, nil
}

// patient is a read that is asked for again when nobody answers.
func (m *DLT645) patient(ctx context.Context, c Call, w way, note string, d dlt645.DI) (data []byte, at time.Time, err error) {
	c.Note = note
	for range lookTries {
		data, at, err = m.read(ctx, c, w, d)
		if err == nil || errors.Is(err, ErrRefused) || ctx.Err() != nil {
			break
		}
	}
	return data, at, err
}

// back is look after the frame: it has left, so the meter is read even when the agent is ending.
func (m *DLT645) back(ctx context.Context, c Call, w way, items ...dlt645.DI) []ItemValue {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backMax)
	defer cancel()
	c.NotAfter = time.Time{}
	out, err := m.look(ctx, c, w, "read back", items...)
	if err != nil {
		return nil
	}
	return out
}

// backMax bounds what is read after a frame.
const backMax = 20 * time.Second

// password is the hand's, or ErrNoPassword.
func (h Hand) password() (dlt645.Password, error) {
	if h.Bare {
		return dlt645.Password{}, ErrNoPassword
	}
	return dlt645.Password{Level: h.Password[0], Digits: [3]byte(h.Password[1:])}, nil
}

// texts are what was read, for a comparison.
func texts(vs []ItemValue) (out []string) {
	for _, v := range vs {
		out = append(out, v.Text)
	}
	return out
}
