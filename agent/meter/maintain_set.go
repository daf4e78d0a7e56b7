package meter

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

// addressItem shows an address beside other values.
func addressItem(a dlt645.Address) []ItemValue {
	return []ItemValue{{ID: "04000401", Name: "communication address", NameZH: "通信地址", Text: a.String()}}
}

// SetAddress implements Maintainer.
func (m *DLT645) SetAddress(ctx context.Context, c Call, h Hand, to string) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("write address of", err)
		}
	}()
	next, err := dlt645.ParseAddress(to)
	switch {
	case err != nil:
		return ch, asked(err)
	case !next.Exact():
		return ch, asked(fmt.Errorf("address %s names more than one meter: %w", to, dlt645.ErrAddress))
	case next == m.addr:
		return ch, asked(fmt.Errorf("the meter has this address already: %w", dlt645.ErrAddress))
	}
	w, err := m.answering(ctx, c)
	if err != nil {
		return ch, err
	}
	if err = m.alone(ctx, c, w, m.addr, "read before"); err != nil {
		return ch, err
	}
	ch.Before = addressItem(m.addr)
	f, err := dlt645.WriteAddressRequest(next)
	parse := dlt645.ParseWriteAddressReply
	if w.edition == ed1997 {
		f, err = dlt645.WriteAddressRequest1997(next)
		parse = dlt645.ParseWriteAddressReply1997
	}
	if err != nil {
		return ch, asked(err)
	}
	c.Alone = true
	err = m.act(ctx, c, w, h, "write address", f, &ch, func(r dlt645.Frame) error {
		from, err := parse(r)
		if err == nil && from != next && from != m.addr { // some answer from the new one, some from the old
			err = fmt.Errorf("%w: %s answered", ErrNotAlone, from)
		}
		return err
	})
	if !ch.obeyed(err) {
		return ch, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backMax)
	defer cancel()
	switch {
	case m.alone(ctx, c, w, next, "read back") == nil:
		ch.Proof, ch.After = Proved, addressItem(next)
	case m.alone(ctx, c, w, m.addr, "read back") == nil:
		ch.Proof, ch.After = Disproved, addressItem(m.addr)
		if err != nil && errors.Is(err, line.ErrSilent) {
			err = fmt.Errorf("%w; meters obey with their programming button pressed", err)
		}
	}
	return ch, err
}

// aloneReads are clean answers in a row that are wanted: two meters that answer together spoil each other's frames, but one
// may drown the other.
const aloneReads = 2

// alone asks everybody on the line: one meter must answer, and it must be a. The error wraps ErrNotAlone.
func (m *DLT645) alone(ctx context.Context, c Call, w way, a dlt645.Address, note string) error {
	c.Alone, c.Note = true, note
	for good, tries := 0, 0; good < aloneReads; tries++ {
		x := &line.Exchange{}
		from, err := m.whoever(ctx, c, w, x)
		switch {
		case err == nil && from == a, err == nil && w.edition == ed1997 && from == dlt645.Wildcard: // seen: it answers a wildcard with the wildcard
			good++
		case err == nil:
			return fmt.Errorf("%w: %s answers", ErrNotAlone, from)
		case errors.Is(err, line.ErrSilent) && x.Received == 0 && tries < aloneReads+lookTries && ctx.Err() == nil: // it did not hear, or we did not
		default:
			return fmt.Errorf("%w: %w", ErrNotAlone, err)
		}
	}
	if w.edition == ed1997 { // the answer had no name, perhaps
		c.Alone = false
		if err := m.exchange(ctx, c, w, dlt645.ReadRequest1997(a, di1997Total), &line.Exchange{}, replyData, func(r dlt645.Frame) error {
			_, err := dlt645.ParseReadReply1997(r, a, di1997Total)
			return err
		}); err != nil && !errors.Is(err, ErrRefused) {
			return fmt.Errorf("%w: %w", ErrNotAlone, err)
		}
	}
	return nil
}

// whoever is the address of who answers a question to all.
func (m *DLT645) whoever(ctx context.Context, c Call, w way, x *line.Exchange) (from dlt645.Address, err error) {
	f, judge := dlt645.ReadAddressRequest(), func(r dlt645.Frame) (err error) {
		from, err = dlt645.ParseReadAddressReply(r)
		return err
	}
	if w.edition == ed1997 { // it has no such question; a register has the answerer's address on it
		f, judge = dlt645.ReadRequest1997(dlt645.Wildcard, di1997Total), func(r dlt645.Frame) error {
			_, err := dlt645.ParseReadReply1997(r, dlt645.Wildcard, di1997Total)
			from = r.Addr
			return err
		}
	}
	return from, m.exchange(ctx, c, w, f, x, replyData, judge)
}

func rateItem(baud int) []ItemValue {
	return []ItemValue{{Name: "baud rate", NameZH: "通信速率", Text: fmt.Sprint(baud)}}
}

// SetBaud implements Maintainer. In 1997 the change lasts until the line has been quiet for half a second; in 2007 many
// meters keep it and some do not, so the driver goes on at the new rate and doubts it at the first silence.
func (m *DLT645) SetBaud(ctx context.Context, c Call, h Hand, baud int) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("change baud rate of", err)
		}
	}()
	w, err := m.answering(ctx, c)
	if err != nil {
		return ch, err
	}
	set := m.line.Settings()
	at := w.baud
	if at == 0 {
		at = set.Baud
	}
	ch.Before = rateItem(at)
	f, err := dlt645.BaudRequest(m.addr, baud)
	parse := dlt645.ParseBaudReply
	if w.edition == ed1997 {
		f, err = dlt645.BaudRequest1997(m.addr, baud)
		parse, ch.Passes = dlt645.ParseBaudReply1997, true
	}
	switch {
	case err != nil:
		return ch, asked(err)
	case at == baud:
		ch.Proof, ch.After = Proved, ch.Before
		return ch, nil
	}
	next := w
	if next.baud = baud; baud == set.Baud {
		next.baud = 0
	}
	// A port that cannot follow must say so before the meter has gone: it is asked for a read that nobody hears.
	c.Note = "read before"
	if err = m.probe(ctx, c, next); errors.Is(err, line.ErrFraming) || errors.Is(err, line.ErrDown) {
		return ch, err
	}
	if _, err = m.answering(ctx, c); err != nil { // what it heard at the other rate must not have confused it
		return ch, err
	}
	err = m.act(ctx, c, w, h, "change baud rate", f, &ch, func(r dlt645.Frame) error {
		to, err := parse(r, m.addr)
		if err == nil && to != baud {
			err = fmt.Errorf("it goes to %d: %w", to, dlt645.ErrBaud)
		}
		return err
	})
	if !ch.obeyed(err) || errors.Is(err, dlt645.ErrBaud) {
		return ch, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backMax)
	defer cancel()
	c.Note = "read back"
	answers := func(w way) bool {
		for range lookTries {
			if e := m.probe(ctx, c, w); e == nil || errors.Is(e, ErrRefused) {
				return true
			}
		}
		return false
	}
	switch {
	case answers(next):
		ch.Proof, ch.After = Proved, rateItem(baud)
		if !ch.Passes {
			m.ways.lend(next, true)
		}
	case answers(w):
		ch.Proof, ch.After = Disproved, rateItem(at)
	default:
		m.ways.lend(next, false) // it is one of both
	}
	return ch, err
}

// kept elsewhere are items that have an act of their own, or whose change is not read back where it was written.
func ownAct(d dlt645.DI) string {
	switch d {
	case 0x04000401:
		return "address"
	case 0x04000703, 0x04000704, 0x04000705:
		return "baud"
	case dlt645.DIDateTime, dlt645.DIDate, dlt645.DITime, di1997Date, di1997Time:
		return "the broadcast of the time (clock: broadcast in the configuration)"
	}
	return ""
}

// Write implements Maintainer.
func (m *DLT645) Write(ctx context.Context, c Call, h Hand, what, value string) (ch Change, err error) {
	defer func() {
		if err != nil {
			err = m.failed("write "+what+" of", err)
		}
	}()
	w, err := m.answering(ctx, c)
	if err != nil {
		return ch, err
	}
	d, err := lookUp(w, what)
	if err != nil {
		return ch, err
	}
	if other := ownAct(d); other != "" {
		return ch, asked(fmt.Errorf("%s is not changed by writing it, but by %s", itemName(w, d), other))
	}
	data, f, err := m.writeFrame(w, h, d, value)
	if err != nil {
		return ch, err
	}
	stands, at, err := m.patient(ctx, c, w, "read before", d)
	if err != nil {
		return ch, err
	}
	ch.Before = m.values(w, d, stands, at)
	if holds(stands, data) {
		ch.Proof, ch.After = Proved, ch.Before
		return ch, nil
	}
	err = m.act(ctx, c, w, h, "write", f, &ch, func(r dlt645.Frame) error {
		if w.edition == ed1997 {
			return dlt645.ParseWriteReply1997(r, m.addr)
		}
		return dlt645.ParseWriteReply(r, m.addr)
	})
	if !ch.obeyed(err) {
		return ch, err
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), backMax)
	defer cancel()
	if stands, at, rerr := m.patient(back, c, w, "read back", d); rerr == nil {
		ch.After, ch.Proof = m.values(w, d, stands, at), Disproved
		if holds(stands, data) {
			ch.Proof = Proved
		}
	}
	return ch, err
}

// writeFrame makes the frame of a write.
func (m *DLT645) writeFrame(w way, h Hand, d dlt645.DI, value string) (data []byte, f dlt645.Frame, err error) {
	if w.edition == ed1997 {
		if data, err = dlt645.EncodeItem1997(d, value); err != nil {
			return nil, f, asked(err)
		}
		var pw *dlt645.Password // most want their button pressed and none
		if p, err := h.password(); err == nil {
			pw = &p
		}
		f, err = dlt645.WriteRequest1997(m.addr, d, pw, data)
	} else {
		if data, err = dlt645.EncodeItem(d, value); err != nil {
			return nil, f, asked(err)
		}
		pw, perr := h.password()
		if perr != nil {
			return nil, f, perr
		}
		f, err = dlt645.WriteRequest(m.addr, d, pw, h.Operator, data)
	}
	if err != nil {
		return nil, f, asked(err)
	}
	return data, f, nil
}

// holds says that what was read is what was written. A table may be written with fewer entries than it has.
func holds(read, written []byte) bool { return bytes.HasPrefix(read, written) }
