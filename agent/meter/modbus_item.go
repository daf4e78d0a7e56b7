package meter

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"feikong/protocol"
	"feikong/protocol/modbusmap"
)

var _ Reader = (*Modbus)(nil)

// Item reads points of the model by name: "all", a quantity ("voltage"), one point ("voltage.1"), and beside them "relay",
// "clock" and "ratio". Nothing is multiplied: a value of the secondary side says so.
func (m *Modbus) Item(ctx context.Context, c Call, what string) ([]ItemValue, error) {
	switch {
	case what == "relay" && m.model.Relay != nil:
		return m.relayItem(ctx, c)
	case what == "clock" && m.Can().Clock:
		return m.clockItem(ctx, c)
	case what == "ratio" && len(m.ratios) > 0:
		return m.ratioItem(ctx, c)
	}
	points := m.model.Named(what)
	if len(points) == 0 {
		return nil, fmt.Errorf("%q of meter %s, model %s: %w; it has %s", what, m.ref.Address, m.model.Name, ErrUnsupported, strings.Join(m.Items(), ", "))
	}
	type place struct {
		p    modbusmap.Point
		v    ItemValue
		done bool
	}
	places := make([]place, len(points))
	for i, p := range points {
		places[i].p = p
	}
	for _, r := range m.model.Plan(points) {
		words, at, err := m.registers(ctx, c, r)
		if err != nil {
			return nil, fmt.Errorf("read %s of meter %s: %w", what, m.ref.Address, err)
		}
		for i := range places {
			pl := &places[i]
			part := r.Words(pl.p, words)
			if pl.done || pl.p.Func != r.Func || part == nil {
				continue
			}
			if pl.v, err = pointItem(pl.p, part, at); err != nil {
				return nil, fmt.Errorf("read %s of meter %s: %w", pl.p.Name(), m.ref.Address, err)
			}
			pl.done = true
		}
	}
	out := make([]ItemValue, 0, len(places))
	for _, pl := range places {
		out = append(out, pl.v)
	}
	return out, nil
}

// Items names what Item can read of this meter.
func (m *Modbus) Items() []string {
	names := []string{"all"}
	for _, p := range m.model.Points {
		names = append(names, p.Name())
	}
	if m.model.Relay != nil && m.model.Relay.Feedback {
		names = append(names, "relay")
	}
	if m.Can().Clock {
		names = append(names, "clock")
	}
	if len(m.ratios) > 0 {
		names = append(names, "ratio")
	}
	return names
}

func pointItem(p modbusmap.Point, words []uint16, at time.Time) (ItemValue, error) {
	v, measured, err := p.Decode(words)
	if err != nil {
		return ItemValue{}, err
	}
	_, unit, zh, _ := modbusmap.QuantityWords(p.Quantity)
	item := ItemValue{ID: fmt.Sprintf("%04XH", p.Addr), Name: p.Name(), NameZH: zh, Unit: unit, Null: !measured, At: at}
	if p.Register != 0 {
		item.NameZH += " " + strconv.Itoa(int(p.Register))
	}
	if p.Side == protocol.SideSecondary {
		item.Name += " (secondary side)"
		item.NameZH += "（二次侧）"
	}
	if measured {
		item.Text = exactDecimal(v, p.Exp)
	}
	return item, nil
}

// exactDecimal is v x 10^exp in digits.
func exactDecimal(v int64, exp int8) string {
	digits := strconv.FormatInt(v, 10)
	sign := ""
	if v < 0 {
		sign, digits = "-", digits[1:]
	}
	if exp >= 0 {
		if v == 0 {
			return "0"
		}
		return sign + digits + strings.Repeat("0", int(exp))
	}
	places := -int(exp)
	if len(digits) <= places {
		digits = strings.Repeat("0", places-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

func (m *Modbus) relayItem(ctx context.Context, c Call) ([]ItemValue, error) {
	s, at, err := m.RelayState(ctx, c)
	if err != nil {
		return nil, err
	}
	r := m.model.Relay
	word := func(open bool) string {
		if open {
			return "open"
		}
		return "closed"
	}
	id := fmt.Sprintf("%04XH", r.StateAddr)
	out := []ItemValue{{ID: id, Name: "contact", NameZH: "触点", Null: !s.Known, At: at}}
	if s.Known {
		out[0].Text = word(s.Open)
	}
	if r.Commanded != nil {
		out = append(out, ItemValue{ID: fmt.Sprintf("%04XH", r.Commanded.Addr), Name: "last command", NameZH: "最近一次命令", Text: word(s.CommandOpen), At: at})
	}
	if r.Lock != nil {
		text := "unlocked"
		if s.Locked {
			text = "locked at the device"
		}
		out = append(out, ItemValue{ID: fmt.Sprintf("%04XH", r.Lock.Addr), Name: "lock", NameZH: "本地锁定", Text: text, At: at})
	}
	if r.Mode != nil {
		out = append(out, ItemValue{ID: fmt.Sprintf("%04XH", r.Mode.Addr), Name: "mode", NameZH: "控制方式", Text: s.Mode.String(), At: at})
	}
	return out, nil
}

func (m *Modbus) clockItem(ctx context.Context, c Call) ([]ItemValue, error) {
	drift, at, err := m.Clock(ctx, c)
	if err != nil {
		return nil, err
	}
	return []ItemValue{{ID: fmt.Sprintf("%04XH", m.model.Clock.Addr), Name: "clock", NameZH: "时钟", Text: at.Add(drift).In(m.zone).Format(time.DateTime), At: at}}, nil
}

func (m *Modbus) ratioItem(ctx context.Context, c Call) (out []ItemValue, err error) {
	pt, ct, at, err := m.ratio(ctx, c)
	if err != nil {
		return nil, err
	}
	if p := m.model.PT; p != nil {
		out = append(out, ItemValue{ID: fmt.Sprintf("%04XH", p.Addr), Name: "PT ratio", NameZH: "电压变比", Text: exactDecimal(pt, p.Exp), At: at})
	}
	if p := m.model.CT; p != nil {
		out = append(out, ItemValue{ID: fmt.Sprintf("%04XH", p.Addr), Name: "CT ratio", NameZH: "电流变比", Text: exactDecimal(ct, p.Exp), At: at})
	}
	return out, nil
}
