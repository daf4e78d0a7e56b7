package control

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/firmware-sim/scenario"
	"feikong/protocol/dlt645"
)

// meterVerb is what a person can do to a meter.
type meterVerb struct {
	name string
	do   func(m *meter.Meter, o Order, now time.Time) error
}

// lineVerb is what a person can do to a line.
type lineVerb struct {
	name string
	do   func(l *bus.Line, o Order, now time.Time) error
}

func names[T any](table []T, name func(T) string) string {
	var all []string
	for _, row := range table {
		all = append(all, name(row))
	}
	return strings.Join(all, ", ")
}

var meterVerbs = []meterVerb{
	{"press", press},
	{"set", func(m *meter.Meter, o Order, now time.Time) error {
		if o.KWh == nil {
			return faultf(http.StatusBadRequest, `set: want {"kwh":"100.00"}`)
		}
		mWh, err := scenario.KWh(*o.KWh)
		if err == nil {
			m.Set(mWh, now)
		}
		return err
	}},
	{"load", func(m *meter.Meter, o Order, now time.Time) error {
		if o.W == nil || *o.W < 0 || *o.W > meter.LoadMaxW {
			return faultf(http.StatusBadRequest, `load: want {"w":2000}, 0 to %d`, meter.LoadMaxW)
		}
		m.SetLoad(*o.W, now)
		return nil
	}},
	{"unplug", func(m *meter.Meter, _ Order, _ time.Time) error { m.SetPlugged(false); return nil }},
	{"plug", func(m *meter.Meter, _ Order, _ time.Time) error { m.SetPlugged(true); return nil }},
	{"power", func(m *meter.Meter, o Order, now time.Time) error {
		return switched("power", o, func(on bool) { m.SetPowered(on, now) })
	}},
	{"hold", func(m *meter.Meter, o Order, _ time.Time) error { return switched("hold", o, m.SetHold) }},
	{"cover", func(m *meter.Meter, o Order, now time.Time) error {
		return switched("cover", o, func(on bool) { m.Cover(on, now) })
	}},
	{"program", func(m *meter.Meter, _ Order, now time.Time) error { m.Program(now); return nil }},
	{"clock", func(m *meter.Meter, o Order, now time.Time) error {
		if o.Offset == nil {
			return faultf(http.StatusBadRequest, `clock: want {"offset":"90s"}`)
		}
		d, err := time.ParseDuration(*o.Offset)
		if err != nil || d > scenario.OffsetMax || d < -scenario.OffsetMax {
			return faultf(http.StatusBadRequest, "clock: offset %q is not a time like 90s or -5m, of at most ten years", *o.Offset)
		}
		m.SetOffset(d, now)
		return nil
	}},
	{"time", setTime},
	{"charge", func(m *meter.Meter, o Order, now time.Time) error {
		if o.Amount == nil {
			return faultf(http.StatusBadRequest, `charge: want {"amount":"50.00"}`)
		}
		money, err := scenario.Money(*o.Amount)
		if err != nil {
			return err
		}
		if err := m.Charge(money, now); err != nil {
			return faultf(http.StatusConflict, "charge: %v", err)
		}
		return nil
	}},
	{"framing", framing},
	{"address", func(m *meter.Meter, o Order, now time.Time) error {
		if o.To == nil {
			return faultf(http.StatusBadRequest, `address: want {"to":"000000000102"}`)
		}
		a, err := dlt645.ParseAddress(*o.To)
		if err != nil {
			return faultf(http.StatusBadRequest, "address %q: want up to twelve digits", *o.To)
		}
		return m.SetAddress(a, now)
	}},
	{"delay", func(m *meter.Meter, o Order, _ time.Time) error {
		d, err := span("delay", o, 10*time.Second)
		if err == nil {
			m.SetDelay(d)
		}
		return err
	}},
	{"dying", func(m *meter.Meter, o Order, now time.Time) error {
		d, err := span("dying", o, meter.HistoryMax)
		if err == nil {
			m.SetDying(d, now)
		}
		return err
	}},
}

var lineVerbs = []lineVerb{
	{"noise", func(l *bus.Line, o Order, _ time.Time) error {
		if o.Rate == nil {
			return faultf(http.StatusBadRequest, `noise: want {"rate":0.05}`)
		}
		return l.SetNoise(*o.Rate)
	}},
	{"unplug", func(l *bus.Line, _ Order, _ time.Time) error { l.SetPlugged(false); return nil }},
	{"plug", func(l *bus.Line, _ Order, _ time.Time) error { l.SetPlugged(true); return nil }},
	{"power", func(l *bus.Line, o Order, now time.Time) error {
		return switched("power", o, func(on bool) {
			for _, m := range l.Meters() {
				m.SetPowered(on, now)
			}
		})
	}},
	{"fault", func(l *bus.Line, o Order, _ time.Time) error {
		if o.Fault == nil || o.Value == nil {
			return faultf(http.StatusBadRequest, `fault: want {"fault":"late","value":"0.1"}, value "off" for good`)
		}
		return l.Change(func(f *bus.Faults) error { return f.Set(*o.Fault, *o.Value) })
	}},
	{"heal", func(l *bus.Line, _ Order, _ time.Time) error { l.SetFaults(bus.Faults{}); return nil }},
	{"replay", func(l *bus.Line, _ Order, _ time.Time) error {
		err := l.Replay()
		if errors.Is(err, bus.ErrNothingToReplay) {
			return faultf(http.StatusConflict, "%v", err)
		}
		return err
	}},
}

// press holds the button, for long enough unless the order says how long.
func press(m *meter.Meter, o Order, now time.Time) error {
	d := 3 * time.Second
	if o.For != nil {
		var err error
		if d, err = span("press", o, time.Minute); err != nil {
			return err
		}
	}
	if !m.PressFor(d, now) {
		return faultf(http.StatusConflict, "the button of meter %s does nothing: the relay is not open and permitted, or it was held for less than 3s", m.Address())
	}
	return nil
}

// framing sets the meter's baud and parity differently from the line's, or back.
func framing(m *meter.Meter, o Order, _ time.Time) error {
	if o.Baud == nil || o.Parity == nil {
		return faultf(http.StatusBadRequest, `framing: want {"baud":9600,"parity":"none"}; 0 and "" are the line's own`)
	}
	if err := scenario.MeterFraming(*o.Baud, *o.Parity); err != nil {
		return err
	}
	m.SetFraming(*o.Baud, *o.Parity)
	return nil
}

// setTime makes the meter's clock show a time of its own zone.
func setTime(m *meter.Meter, o Order, now time.Time) error {
	if o.Time == nil {
		return faultf(http.StatusBadRequest, `time: want {"time":"2026-07-01 12:00:00"}`)
	}
	shown := m.View(now).Clock
	t, err := time.ParseInLocation(time.DateTime, *o.Time, shown.Location())
	d := t.Sub(now)
	if err != nil || d > scenario.OffsetMax || d < -scenario.OffsetMax {
		return faultf(http.StatusBadRequest, "time: %q is not like 2026-07-01 12:00:00, within ten years of now", *o.Time)
	}
	m.SetOffset(d, now)
	return nil
}

func switched(verb string, o Order, do func(bool)) error {
	if o.On == nil {
		return faultf(http.StatusBadRequest, `%s: want {"on":true}`, verb)
	}
	do(*o.On)
	return nil
}

func span(verb string, o Order, most time.Duration) (time.Duration, error) {
	if o.For == nil {
		return 0, faultf(http.StatusBadRequest, `%s: want {"for":"200ms"}`, verb)
	}
	d, err := time.ParseDuration(*o.For)
	if err != nil || d < 0 || d > most {
		return 0, faultf(http.StatusBadRequest, "%s: %q is not a time of 0s to %s", verb, *o.For, most)
	}
	return d, nil
}
