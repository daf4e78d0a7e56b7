package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

// BroadcastTime tells all meters of the line the time (广播校时, C = 08H). Meters obey once a day and only a correction
// of up to five minutes; nobody answers, so read the clocks back.
func (m *DLT645) BroadcastTime(ctx context.Context, c Call, at time.Time) error {
	ahead := time.Until(at)
	frame := func(t time.Time) []byte {
		return dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.BroadcastTime(t, m.zone))
	}
	w := m.ways.now()
	x := &line.Exchange{Request: frame(at), Broadcast: true, Order: c.Order, NotAfter: c.NotAfter, Baud: w.baud, Parity: w.parity}
	x.Before = func() error { // it waited for its turn; and the frame itself takes its time
		copy(x.Request, frame(m.arrival(x, ahead)))
		return nil
	}
	if err := m.line.Do(ctx, x); err != nil {
		return fmt.Errorf("broadcast the time on line %s: %w", m.ref.Line, err)
	}
	return nil
}

// arrival is what the time will be when the last byte of a request arrives whose first leaves now, to the nearest second:
// the frame tells whole ones. ahead is what our clock lacks.
func (m *DLT645) arrival(x *line.Exchange, ahead time.Duration) time.Time {
	set := m.line.Settings()
	if x.Baud != 0 {
		set.Baud = x.Baud
	}
	return time.Now().Add(set.CharTime(len(x.Request)) + ahead).Round(time.Second)
}

// WriteTime sets this meter's clock with a password: 0400010C, or date and time apart where the meter does not know it.
func (m *DLT645) WriteTime(ctx context.Context, c Call, pw, op [4]byte, at time.Time) error {
	ahead := time.Until(at)
	w := m.ways.now()
	fail := func(err error) error { return fmt.Errorf("set clock of meter %s: %w", m.ref.Address, err) }
	if w.edition == ed1997 {
		return fail(fmt.Errorf("edition 1997: %w", ErrUnsupported))
	}
	err := m.writeTime(ctx, c, w, pw, op, ahead, dlt645.DIDateTime, dlt645.AppendDateTime7)
	if errors.Is(err, ErrRefused) && !errors.Is(err, ErrPassword) {
		if err = m.writeTime(ctx, c, w, pw, op, ahead, dlt645.DIDate, dlt645.AppendDate4); err == nil {
			err = m.writeTime(ctx, c, w, pw, op, ahead, dlt645.DITime, dlt645.AppendTime3)
		}
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

func (m *DLT645) writeTime(ctx context.Context, c Call, w way, pw, op [4]byte, ahead time.Duration, d dlt645.DI, data func([]byte, time.Time, *time.Location) []byte) error {
	p := dlt645.Password{Level: pw[0], Digits: [3]byte(pw[1:])}
	f, err := dlt645.WriteRequest(m.addr, d, p, op, data(nil, time.Now().Add(ahead), m.zone))
	if err != nil {
		return err
	}
	x := &line.Exchange{}
	x.Before = func() error {
		now, err := dlt645.WriteRequest(m.addr, d, p, op, data(nil, m.arrival(x, ahead), m.zone))
		if err == nil {
			copy(x.Request, dlt645.AppendFrame(dlt645.AppendPreamble(nil), now))
		}
		return err
	}
	return m.exchange(ctx, c, w, f, x, 0, func(r dlt645.Frame) error { return dlt645.ParseWriteReply(r, m.addr) })
}
