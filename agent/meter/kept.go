package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// frozenMethods are the kinds of freeze that are readings of a bill.
var frozenMethods = map[dlt645.FreezeKind]protocol.Method{
	dlt645.FreezeDailyKind: protocol.MethodFreeze, dlt645.FreezeHourlyKind: protocol.MethodHourly,
}

const (
	energyClass = 4  // of a load profile: forward and reverse active, combined reactive 1 and 2
	profileMax  = 99 // records in one request, two digits
)

// Frozen reads forward active energy of the nth last freeze (冻结), total and rates as far as the meter keeps them, and
// its stamp before and after: a freeze in between moves every record by one.
func (m *DLT645) Frozen(ctx context.Context, c Call, kind dlt645.FreezeKind, nth int) ([]protocol.Reading, time.Time, error) {
	fail := func(err error) ([]protocol.Reading, time.Time, error) {
		return nil, time.Time{}, fmt.Errorf("read %s freeze %d of meter %s: %w", kind, nth, m.ref.Address, err)
	}
	w, method := m.ways.now(), frozenMethods[kind]
	switch {
	case w.edition == ed1997:
		return fail(fmt.Errorf("edition 1997: %w", ErrNoRecord))
	case method == 0 || nth < 1 || nth > max(kind.Keeps(), 1):
		return fail(ErrNoRecord)
	}
	for range readsMax { // midnight comes once
		stamp, err := m.frozenAt(ctx, c, w, kind, nth)
		if err != nil {
			return fail(err)
		}
		rs, err := c.twice(func() ([]protocol.Reading, error) { return m.frozen(ctx, c, w, kind, nth) }, false)
		if err != nil {
			return fail(err)
		}
		after, err := m.frozenAt(ctx, c, w, kind, nth)
		if err != nil {
			return fail(err)
		}
		if after.Equal(stamp) {
			for i := range rs {
				rs[i].Method = method
				m.stamp(&rs[i], stamp)
			}
			return rs, stamp, nil
		}
	}
	return fail(ErrDisagree)
}

// stamp dates a reading by the meter's clock, and on ours by the drift seen last.
func (m *DLT645) stamp(r *protocol.Reading, at time.Time) {
	drift, _ := m.Drift()
	r.MeterTime, r.TakenAt = at.UnixMilli(), at.Add(-drift).UnixMilli()
}

func (m *DLT645) frozenAt(ctx context.Context, c Call, w way, kind dlt645.FreezeKind, nth int) (time.Time, error) {
	data, _, err := m.read(ctx, c, w, dlt645.FreezeDI(kind, dlt645.FreezeContentTime, nth))
	if err = noRecord(err); err != nil {
		return time.Time{}, err
	}
	at, err := dlt645.DateTime5(data, m.zone)
	if err != nil { // filled with FF, or with zeros: a place where nothing was frozen yet
		return at, fmt.Errorf("%w: %w", ErrNoRecord, err)
	}
	return at, nil
}

func (m *DLT645) frozen(ctx context.Context, c Call, w way, kind dlt645.FreezeKind, nth int) ([]protocol.Reading, error) {
	data, at, err := m.read(ctx, c, w, dlt645.FreezeDI(kind, dlt645.FreezeContentForward, nth))
	if err = noRecord(err); err != nil {
		return nil, err
	}
	var values [maxRates]dlt645.Value
	n, err := dlt645.DecodeBlock(dlt645.DIForwardBlock, data, values[:])
	if err != nil {
		return nil, err
	}
	rs := m.readings(values[:n], at)
	if len(rs) == 0 {
		return nil, ErrNoRecord
	}
	return rs, nil
}

// noRecord takes a refusal for "no such record"; meters give other reasons than "no data" for what they do not know.
func noRecord(err error) error {
	if errors.Is(err, ErrRefused) && !errors.Is(err, ErrPassword) {
		return fmt.Errorf("%w: %w", ErrNoRecord, err)
	}
	return err
}

// Profile reads records of the energy class of the load profile (负荷记录, class 4), the oldest first. A record whose
// time or registers cannot be read is left out; one that is odd otherwise has QualitySuspect.
func (m *DLT645) Profile(ctx context.Context, c Call, from time.Time, n int) ([]protocol.Reading, error) {
	w := m.ways.now()
	if w.edition == ed1997 {
		return nil, fmt.Errorf("read load profile of meter %s, edition 1997: %w", m.ref.Address, ErrNoRecord)
	}
	d := dlt645.LoadDI(energyClass, 2)
	if n = min(max(n, 1), profileMax); from.IsZero() {
		n = 1
	} else {
		d, from = dlt645.LoadDI(energyClass, 1), from.In(m.zone)
	}
	rs, err := c.twice(func() ([]protocol.Reading, error) {
		data, at, err := m.readFrame(ctx, c, w, dlt645.LoadRequest(m.addr, d, byte(n), from))
		if err = noRecord(err); err != nil {
			return nil, err
		}
		records, err := dlt645.ParseClassRecords(energyClass, data, m.zone)
		if err != nil {
			return nil, err
		}
		return m.records(records, at), nil
	}, false) // a record does not count
	if err == nil && len(rs) == 0 {
		err = ErrNoRecord
	}
	if err != nil {
		return nil, fmt.Errorf("read load profile of meter %s: %w", m.ref.Address, err)
	}
	return rs, nil
}

func (m *DLT645) records(records []dlt645.LoadRecord, at time.Time) (out []protocol.Reading) {
	for _, r := range records {
		if r.At.IsZero() || r.At.After(at.Add(24*time.Hour)) { // a stamp of another day than any is none
			continue
		}
		for i, q := range [2]protocol.Quantity{protocol.ActiveImport, protocol.ActiveExport} {
			v, ok := r.Energy(i)
			if !ok {
				continue
			}
			e := protocol.Reading{Meter: m.ref, Quantity: q, Value: v, Exp: -2, Method: protocol.MethodProfile, Side: protocol.SideSecondary}
			if r.Suspect {
				e.Quality |= protocol.QualitySuspect
			}
			m.stamp(&e, r.At)
			out = append(out, e)
		}
	}
	return out
}
