package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

const (
	preambleLen = 4
	// lingerFor is how long a second answer is waited for where it matters: meters of one make answer within a few
	// characters of each other.
	lingerFor = 150 * time.Millisecond
	// replyData is the longest data field of one answer (DL/T 645-2007, 5.2.5).
	replyData = 200
	maxRates  = 64
)

// DLT645 drives one DL/T 645 meter, of the edition of 2007 or of 1997; which one it is, and at which rate it talks, is
// found out when nobody says. That, its pace and its drift are all it remembers of the meter.
type DLT645 struct {
	counter
	driftSeen
	ref    protocol.MeterRef
	addr   dlt645.Address
	line   Talker
	delay  time.Duration
	zone   *time.Location // the meter's wall clock is in it
	ways   ways
	pace   line.Pace // of its answers to routine reads; the line's
	sealed bool      // relay frames go through the key service
	sealer Sealer
	spent  spent
}

// NewDLT645 makes a driver; address must name exactly one meter. delay is how long the meter may take to answer.
func NewDLT645(ref protocol.MeterRef, t Talker, delay time.Duration, zone *time.Location, opts ...Option) (*DLT645, error) {
	a, err := dlt645.ParseAddress(ref.Address)
	if err != nil {
		return nil, err
	}
	if !a.Exact() {
		return nil, fmt.Errorf("address %s names more than one meter: %w", ref.Address, dlt645.ErrAddress)
	}
	o := options{edition: "auto"}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, fmt.Errorf("meter %s: %w", ref.Address, err)
		}
	}
	m := &DLT645{ref: ref, addr: a, line: t, delay: delay, zone: zone, sealed: o.sealed, sealer: o.sealer}
	m.ways.list = candidates(o, t.Settings())
	m.st.Meter = ref
	return m, nil
}

// Ref names the meter.
func (m *DLT645) Ref() protocol.MeterRef { return m.ref }

// Status is the count so far, and the edition once the meter has answered.
func (m *DLT645) Status() protocol.MeterStatus {
	st := m.counter.Status()
	st.Edition = m.ways.heardAs()
	return st
}

// Can is the same for all meters of 2007 with a relay; one without refuses the frame, and the outcome says so. A relay
// of 1997 is its maker's own affair and is not touched.
func (m *DLT645) Can() Capabilities {
	if m.ways.now().edition == ed1997 {
		return Capabilities{Clock: true}
	}
	return Capabilities{Trip: true, Permit: true, Close: true, Feedback: true, Clock: true}
}

// Energy reads the block of forward active energy, total and rates (正向有功), or the total alone when the meter
// refuses the block. With c.Twice it reads until two answers agree; a register that counts faster than it can be read
// is taken from the second of three, without QualityTwice, when none goes back.
func (m *DLT645) Energy(ctx context.Context, c Call) (out []protocol.Reading, err error) {
	err = m.find(ctx, c, func(w way) error {
		c := c
		c.routine = true
		out, err = c.twice(func() ([]protocol.Reading, error) { return m.energy(ctx, c, w) }, true)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read energy of meter %s: %w", m.ref.Address, err)
	}
	return out, nil
}

func (m *DLT645) energy(ctx context.Context, c Call, w way) ([]protocol.Reading, error) {
	if w.edition == ed1997 {
		return m.energy1997(ctx, c, w)
	}
	di := dlt645.DIForwardBlock
	data, at, err := m.read(ctx, c, w, di)
	if errors.Is(err, ErrRefused) { // not only "no such data": old meters give other reasons for an item they do not know
		di = dlt645.DIForwardTotal
		data, at, err = m.read(ctx, c, w, di)
	}
	if err != nil {
		return nil, err
	}
	var values [maxRates]dlt645.Value
	n, err := dlt645.DecodeBlock(di, data, values[:])
	if err != nil {
		return nil, err
	}
	return m.readings(values[:n], at), nil
}

// readings turns total and rates, in their order, into readings; a rate that the meter does not keep is left out.
func (m *DLT645) readings(values []dlt645.Value, at time.Time) []protocol.Reading {
	out := make([]protocol.Reading, 0, len(values))
	for i, v := range values {
		if v.Null {
			continue
		}
		out = append(out, protocol.Reading{Meter: m.ref, Quantity: protocol.ActiveImport, Register: uint8(i), Value: v.Int, Exp: v.Exp,
			TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary})
	}
	return out
}

// Relay reads status word 3 (电表运行状态字3).
func (m *DLT645) Relay(ctx context.Context, c Call) (protocol.RelayReport, time.Time, error) {
	if err := m.meet(ctx, c); err != nil {
		return protocol.RelayReport{}, time.Time{}, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	w := m.ways.now()
	if w.edition == ed1997 {
		return protocol.RelayReport{}, time.Time{}, fmt.Errorf("relay of meter %s, edition 1997: %w", m.ref.Address, ErrUnsupported)
	}
	data, at, err := m.read(ctx, c, w, dlt645.DIStatusWord3)
	if err != nil {
		return protocol.RelayReport{}, at, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	s, err := dlt645.ParseStatusWord3(data)
	if err != nil {
		return protocol.RelayReport{}, at, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	return protocol.RelayReport{Known: true, Open: s.RelayOpen(), CommandOpen: s.CommandOpen(), Hold: s.PowerHold()}, at, nil
}
