package meter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

// act sends the one frame of an act.
func (m *DLT645) act(ctx context.Context, c Call, w way, h Hand, note string, f dlt645.Frame, ch *Change, judge func(dlt645.Frame) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if h.Intend != nil {
		if err := h.Intend(ch.Before); err != nil {
			return err
		}
	}
	c.Note = note
	x := &line.Exchange{Before: h.Before}
	err := m.exchange(ctx, c, w, f, x, replyMax, judge)
	ch.Sent = x.Wrote
	return err
}

// replyMax is the longest data field that answers an act: a password.
const replyMax = 4

func (m *DLT645) failed(what string, err error) error {
	return fmt.Errorf("%s meter %s: %w", what, m.ref.Address, err)
}

// asked marks an error of a frame that cannot be made.
func asked(err error) error { return fmt.Errorf("%w: %w", ErrAsk, err) }

// only2007 refuses what the edition of 1997 has no frame for.
func only2007(w way) error {
	if w.edition == ed1997 {
		return fmt.Errorf("edition 1997: %w", ErrUnsupported)
	}
	return nil
}

// obeyed says that a frame may have been obeyed: it left, and the meter did not say no.
func (ch *Change) obeyed(err error) bool { return ch.Sent && !errors.Is(err, ErrRefused) }

// Freeze implements Maintainer. An instant freeze is proved by its stamp, which has no seconds: a second one within the
// minute is not.
func (m *DLT645) Freeze(ctx context.Context, c Call, h Hand, at dlt645.FreezeTime) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("freeze", err)
		}
	}()
	if err := at.Check(); err != nil {
		return ch, asked(err)
	}
	w, err := m.answering(ctx, c)
	if err == nil {
		err = only2007(w)
	}
	if err != nil {
		return ch, err
	}
	var items []dlt645.DI
	if at == dlt645.FreezeNow {
		items = []dlt645.DI{dlt645.FreezeDI(dlt645.FreezeInstant, dlt645.FreezeContentTime, 1)}
	}
	if ch.Before, err = m.look(ctx, c, w, "read before", items...); err != nil {
		return ch, err
	}
	err = m.act(ctx, c, w, h, "freeze", dlt645.FreezeRequest(m.addr, at), &ch, func(r dlt645.Frame) error { return dlt645.ParseFreezeReply(r, m.addr) })
	if ch.obeyed(err) {
		ch.After = m.back(ctx, c, w, items...)
		if len(ch.After) > 0 && !slices.Equal(texts(ch.Before), texts(ch.After)) {
			ch.Proof = Proved
		}
	}
	return ch, err
}

// SetPassword implements Maintainer. No password is ever read back: the meter says in its answer which one holds now.
func (m *DLT645) SetPassword(ctx context.Context, c Call, h Hand, next [4]byte) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("change password of", err)
		}
	}()
	old, err := h.password()
	if err != nil {
		return ch, err
	}
	to := dlt645.Password{Level: next[0], Digits: [3]byte(next[1:])}
	w, err := m.answering(ctx, c)
	if err != nil {
		return ch, err
	}
	f, err := dlt645.PasswordRequest(m.addr, dlt645.DIPassword0+dlt645.DI(to.Level), old, to)
	parse := dlt645.ParsePasswordReply
	if w.edition == ed1997 {
		f, err = dlt645.PasswordRequest1997(m.addr, old, to)
		parse = dlt645.ParsePasswordReply1997
	}
	if err != nil {
		return ch, asked(err)
	}
	err = m.act(ctx, c, w, h, "password change", f, &ch, func(r dlt645.Frame) error {
		now, err := parse(r, m.addr)
		switch {
		case err != nil:
			return err
		case now != to:
			return errOtherPassword
		}
		return nil
	})
	switch {
	case err == nil:
		ch.Proof = Proved
	case errors.Is(err, errOtherPassword):
		ch.Proof = Disproved
	case w.edition == ed1997 && errors.Is(err, line.ErrSilent):
		err = fmt.Errorf("%w; a meter of 1997 does not answer a wrong password", err)
	}
	return ch, err
}

var errOtherPassword = errors.New("the meter answers with another password than was asked for")

// EventClass is a class of event records that can be cleared. Count is the item that counts them.
type EventClass struct {
	Name, ZH string
	DI       dlt645.DI
	Count    dlt645.DI
}

// EventClasses are the classes that have a name; others are named in hex.
var EventClasses = []EventClass{
	{"all", "全部", dlt645.DIAllEvents, 0},
	{"trip", "跳闸", 0x1D00FFFF, 0x1D000001},
	{"close", "合闸", 0x1E00FFFF, 0x1E000001},
	{"programming", "编程", 0x033000FF, 0x03300000},
	{"demand-clear", "需量清零", 0x033002FF, 0x03300200},
	{"time", "校时", 0x033004FF, 0x03300400},
	{"cover", "开表盖", 0x03300DFF, 0x03300D00},
	{"terminal-cover", "开端钮盖", 0x03300EFF, 0x03300E00},
	{"power-down", "掉电", 0x031100FF, 0x03110000},
}

// diEventClears and diDemandClears count clearings; nothing clears them.
const diEventClears, diDemandClears dlt645.DI = 0x03300300, 0x03300200

func eventClass(which string) (EventClass, error) {
	for _, e := range EventClasses {
		if strings.EqualFold(e.Name, which) || e.ZH == which {
			return e, nil
		}
	}
	n, err := strconv.ParseUint(which, 16, 32)
	if err != nil || len(which) != 8 || n&0xFF != 0xFF {
		return EventClass{}, asked(fmt.Errorf("%q is no class of events: a name, or eight hexadecimal digits that end in FF", which))
	}
	d := dlt645.DI(n)
	return EventClass{Name: d.String(), DI: d, Count: d &^ 0xFF}, nil
}

// lost are the counts of the class.
func (e EventClass) lost() (items []dlt645.DI) {
	if e.DI != dlt645.DIAllEvents {
		return []dlt645.DI{e.Count}
	}
	for _, o := range EventClasses[1:] {
		items = append(items, o.Count)
	}
	return items
}

// ClearEvents implements Maintainer.
func (m *DLT645) ClearEvents(ctx context.Context, c Call, h Hand, which string) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("clear events of", err)
		}
	}()
	e, err := eventClass(which)
	if err != nil {
		return ch, err
	}
	pw, err := h.password()
	if err != nil {
		return ch, err
	}
	f, err := dlt645.ClearEventsRequest(m.addr, pw, h.Operator, e.DI)
	if err != nil {
		return ch, asked(err)
	}
	w, err := m.answering(ctx, c)
	if err == nil {
		err = only2007(w)
	}
	if err != nil {
		return ch, err
	}
	items := append([]dlt645.DI{diEventClears}, e.lost()...)
	return m.clear(ctx, c, w, h, "clear events", f, items, func(r dlt645.Frame) error { return dlt645.ParseClearEventsReply(r, m.addr) })
}

// demands are what clearing loses: forward and reverse active maximum demand, total and rates, with their times.
var demands = [2][]dlt645.DI{ed2007: {0x0101FF00, 0x0102FF00}, ed1997: {0xA010, 0xB010, 0xA020, 0xB020}}

// ClearDemand implements Maintainer.
func (m *DLT645) ClearDemand(ctx context.Context, c Call, h Hand) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("clear demand of", err)
		}
	}()
	w, err := m.answering(ctx, c)
	if err != nil {
		return ch, err
	}
	if w.edition == ed1997 { // no password: the button of the meter is pressed
		f, err := dlt645.ClearDemandRequest1997(m.addr)
		if err != nil {
			return ch, asked(err)
		}
		return m.clear(ctx, c, w, h, "clear demand", f, demands[ed1997], func(r dlt645.Frame) error { return dlt645.ParseClearDemandReply1997(r, m.addr) })
	}
	pw, err := h.password()
	if err != nil {
		return ch, err
	}
	f, err := dlt645.ClearDemandRequest(m.addr, pw, h.Operator)
	if err != nil {
		return ch, asked(err)
	}
	items := append([]dlt645.DI{diDemandClears}, demands[ed2007]...)
	return m.clear(ctx, c, w, h, "clear demand", f, items, func(r dlt645.Frame) error { return dlt645.ParseClearDemandReply(r, m.addr) })
}

// clear reads what will be lost, sends the frame, and reads again.
func (m *DLT645) clear(ctx context.Context, c Call, w way, h Hand, what string, f dlt645.Frame, items []dlt645.DI, judge func(dlt645.Frame) error) (ch Change, err error) {
	if ch.Before, err = m.look(ctx, c, w, "read before", items...); err != nil {
		return ch, err // what is lost must be known first
	}
	if err = m.act(ctx, c, w, h, what, f, &ch, judge); ch.obeyed(err) {
		ch.After = m.back(ctx, c, w, items...)
		ch.Proof = cleared(ch.Before, ch.After)
	}
	return ch, err
}

// cleared compares what stood there with what stands there: the count of clearings rose, or all numbers are zero.
func cleared(before, after []ItemValue) Proof {
	if len(after) == 0 {
		return Unproved
	}
	clears := func(vs []ItemValue) (n uint64, ok bool) {
		for _, v := range vs {
			if v.ID == diEventClears.String() || v.ID == diDemandClears.String() {
				n, err := strconv.ParseUint(v.Text, 10, 64)
				return n, err == nil
			}
		}
		return 0, false
	}
	was, ok := clears(before)
	is, also := clears(after)
	switch {
	case ok && also && is > was:
		return Proved
	case ok && also && is == was && slices.Equal(texts(before), texts(after)):
		return Disproved
	}
	for i, v := range after {
		if counts := i > 0 || !also; counts && strings.Trim(v.Text, "0.:- ") != "" {
			return Unproved // a demand of the minute after the clearing, say
		}
	}
	return Proved
}
