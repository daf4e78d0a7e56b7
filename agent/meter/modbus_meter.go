package meter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// Modbus drives one Modbus meter by the table of its model, in RTU or TCP framing; RTU over a serial server is RTU.
type Modbus struct {
	counter
	driftSeen
	ref     protocol.MeterRef
	unit    byte
	model   modbusmap.Model // of the meter's channel
	line    Talker
	delay   time.Duration
	framing modbus.Framing
	zone    *time.Location // the meter's wall clock is in it; nil: not told, so its clock is not read
	primary bool
	pace    line.Pace // of its answers to routine reads; the line's

	energy []modbusmap.Read // of a polling round
	ratios []modbusmap.Read
}

// ModbusOption changes what NewModbus makes.
type ModbusOption func(*Modbus)

// ModbusFraming sets how frames lie on the line; RTU without it.
func ModbusFraming(f modbus.Framing) ModbusOption { return func(m *Modbus) { m.framing = f } }

// ModbusZone tells the zone of the meter's wall clock. Without it a model's clock is not read: a wrong zone would be an
// error of hours.
func ModbusZone(zone *time.Location) ModbusOption { return func(m *Modbus) { m.zone = zone } }

// ModbusPrimary has registers of the secondary side multiplied by the ratios that the meter holds, exactly, and told as
// primary. Without it they are told as they stand: the multiplier 倍率 belongs to the installation, and is applied once.
func ModbusPrimary() ModbusOption { return func(m *Modbus) { m.primary = true } }

// NewModbus makes a driver for the unit id in ref.Address: 1 to 247, or 0 to 255 in TCP framing, where 255 is the device
// that the connection ends at. A model that is a box takes a channel, others take none. delay is how long the meter may
// take to answer.
func NewModbus(ref protocol.MeterRef, model modbusmap.Model, t Talker, delay time.Duration, opts ...ModbusOption) (*Modbus, error) {
	m := &Modbus{ref: ref, line: t, delay: delay}
	for _, o := range opts {
		o(m)
	}
	low, high := m.framing.Units()
	n, err := strconv.Atoi(ref.Address)
	if err != nil || n < low || n > high || strconv.Itoa(n) != ref.Address {
		return nil, fmt.Errorf("address %q is not a Modbus unit id, %d to %d", ref.Address, low, high)
	}
	var step uint8
	if m.model, step, err = model.Channel(ref.Channel); err != nil {
		return nil, fmt.Errorf("meter %s: %w", ref.Address, err)
	}
	if n+int(step) > high {
		return nil, fmt.Errorf("channel %d of meter %s would be unit id %d, beyond %d", ref.Channel, ref.Address, n+int(step), high)
	}
	m.unit, m.st.Meter = byte(n+int(step)), ref
	m.energy = m.model.EnergyReads()
	var ratios []modbusmap.Point
	for _, p := range []*modbusmap.Point{m.model.PT, m.model.CT} {
		if p != nil {
			ratios = append(ratios, *p)
		}
	}
	m.ratios = m.model.Plan(ratios)
	if m.primary {
		for _, p := range m.model.Points {
			if _, _, ok := m.model.Times(p, 1, 1, 1); !ok {
				return nil, fmt.Errorf("model %s names no register for the ratio of %s; leave the registers as they stand and give the account its multiplier", m.model.Name, p.Name())
			}
		}
	}
	return m, nil
}

// Ref names the meter.
func (m *Modbus) Ref() protocol.MeterRef { return m.ref }

// Can is what the model's table says.
func (m *Modbus) Can() Capabilities {
	c := Capabilities{Clock: m.model.Clock != nil && m.zone != nil}
	if r := m.model.Relay; r != nil {
		c.Trip, c.Permit, c.Close, c.Feedback = r.CanTrip, r.CanPermit, r.CanClose, r.Feedback
		if m.everybody() {
			c.Trip, c.Permit, c.Close = false, false, false
		}
	}
	return c
}

// everybody: unit 0 in TCP framing is the device itself, and behind a gateway all meters of the line. Nothing is written
// to it.
func (m *Modbus) everybody() bool { return m.unit == 0 }

// Energy reads the energy registers of the model, in the fewest requests. With c.Twice it reads until two answers agree;
// when none do because the registers rise as they are read, the second of three counts, without the mark.
func (m *Modbus) Energy(ctx context.Context, c Call) ([]protocol.Reading, error) {
	c.routine = true
	out, err := c.twice(func() ([]protocol.Reading, error) { return m.energyOnce(ctx, c) }, true)
	if errors.Is(err, ErrDisagree) {
		err = fmt.Errorf("read energy of meter %s: %w", m.ref.Address, err)
	}
	return out, err
}

func (m *Modbus) energyOnce(ctx context.Context, c Call) (out []protocol.Reading, err error) {
	var pt, ct int64
	if m.primary && len(m.ratios) > 0 {
		if pt, ct, _, err = m.ratio(ctx, c); err != nil {
			return nil, err
		}
	}
	for _, r := range m.energy {
		words, at, err := m.registers(ctx, c, r)
		if err != nil {
			return out, fmt.Errorf("read energy of meter %s: %w", m.ref.Address, err)
		}
		for _, p := range r.Points {
			v, measured, err := p.Decode(r.Words(p, words))
			if err != nil && !modbusmap.IsEnergy(p.Quantity) {
				continue // came along; an energy is not lost for it
			}
			if err != nil {
				return out, fmt.Errorf("read register %04XH of meter %s: %w", p.Addr, m.ref.Address, err)
			}
			if !measured {
				continue
			}
			rd := protocol.Reading{Meter: m.ref, Quantity: p.Quantity, Register: p.Register, Value: v, Exp: p.Exp,
				TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: p.Side}
			if m.primary {
				var ok bool
				if rd.Value, rd.Exp, ok = m.model.Times(p, v, pt, ct); !ok {
					return out, fmt.Errorf("register %04XH of meter %s: %d times the ratios %d and %d: %w", p.Addr, m.ref.Address, v, pt, ct, modbusmap.ErrValue)
				}
				rd.Side = protocol.SidePrimary
			}
			out = append(out, rd)
		}
	}
	return out, nil
}

// ratio reads the transformer ratios as the meter holds them, in units of their points; 1 where the model has none.
func (m *Modbus) ratio(ctx context.Context, c Call) (pt, ct int64, at time.Time, err error) {
	pt, ct = 1, 1
	for _, r := range m.ratios {
		var words []uint16
		if words, at, err = m.registers(ctx, c, r); err != nil {
			return 0, 0, at, fmt.Errorf("read ratios of meter %s: %w", m.ref.Address, err)
		}
		for _, p := range r.Points {
			v, measured, err := p.Decode(r.Words(p, words))
			if err == nil && (!measured || v <= 0) {
				err = fmt.Errorf("a ratio of %d: %w", v, modbusmap.ErrValue)
			}
			if err != nil {
				return 0, 0, at, fmt.Errorf("read ratios of meter %s: %w", m.ref.Address, err)
			}
			if q := m.model.PT; q != nil && p.Addr == q.Addr && p.Func == q.Func {
				pt = v
			} else {
				ct = v
			}
		}
	}
	return pt, ct, at, nil
}

// Clock compares the meter's clock with ours. Most Modbus meters have none: ErrUnsupported, nothing is sent.
func (m *Modbus) Clock(ctx context.Context, c Call) (time.Duration, time.Time, error) {
	if !m.Can().Clock {
		return 0, time.Time{}, fmt.Errorf("clock of meter %s, model %s: %w", m.ref.Address, m.model.Name, ErrUnsupported)
	}
	words, at, err := m.registers(ctx, c, m.model.Clock.Read())
	var t time.Time
	if err == nil {
		if t, err = m.model.Clock.Decode(words, m.zone); err != nil {
			err = fmt.Errorf("%w: %w", ErrClock, err)
		}
	}
	if err != nil {
		return 0, at, fmt.Errorf("read clock of meter %s: %w", m.ref.Address, err)
	}
	return m.drifted(t, at), at, nil
}
