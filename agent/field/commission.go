package field

import (
	"feikong/internal/daemon"
	"feikong/protocol"
)

// State of one item of a checklist.
type State string

// States of an item; failed and skipped ones say why.
const (
	OK      State = "ok"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Items of the checklist, in the order they are done.
const (
	ItemAnswers   = "answers"   // the meter answers at its address
	ItemAddress   = "address"   // it is the one printed on the meter
	ItemRegisters = "registers" // read twice with the same answer
	ItemClock     = "clock"     // its drift
	ItemRatio     = "ratio"     // ratio and side
	ItemRelay     = "relay"     // tested, by whom
	ItemVoltage   = "voltage"   // phases plausible
	ItemSignal    = "signal"    // how well the line carries its answers
)

// Bounds of a checklist that fits on one page.
const (
	WhyMax      = 150 // bytes of why an item failed or was skipped
	VoltagesMax = 6   // three phases, and between them
)

// Items is the checklist.
var Items = []string{ItemAnswers, ItemAddress, ItemRegisters, ItemClock, ItemRatio, ItemRelay, ItemVoltage, ItemSignal}

// Item is one line of the checklist.
type Item struct {
	Item  string `json:"item"`
	State State  `json:"state"`
	Why   string `json:"why,omitempty"`
}

// Signal is how a row of questions was answered.
type Signal struct {
	Asked    int   `json:"asked"`
	Answered int   `json:"answered"`
	DelayMS  int64 `json:"delay_ms"` // of the meter, the longest seen
}

// Value is one thing the meter measured, as text with its unit.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Unit  string `json:"unit,omitempty"`
}

// Commission is a meter put into service 投运: the checklist and what was seen.
type Commission struct {
	Head
	Protocol  string     `json:"protocol,omitempty"`
	Model     string     `json:"model,omitempty"`
	Printed   string     `json:"printed,omitempty"` // address on the plate, as the person read it
	Serial    string     `json:"serial,omitempty"`  // asset number 资产号
	Items     []Item     `json:"items"`
	Registers []Register `json:"registers,omitempty"`
	DriftMS   *int64     `json:"drift_ms,omitempty"` // meter clock minus agent clock
	Ratio     *Ratio     `json:"ratio,omitempty"`
	RelayBy   string     `json:"relay_by,omitempty"` // who tested the relay
	Voltages  []Value    `json:"voltages,omitempty"`
	Signal    *Signal    `json:"signal,omitempty"`
}

// NewCommission begins a record; the caller fills in what was seen and calls Check, or Encode, which does.
func NewCommission(w Work, meter Ref) *Commission {
	return &Commission{Head: w.head(KindCommission, daemon.Version, meter)}
}

// Mark ends an item; why is needed unless it is OK. A second mark of the same item replaces the first.
func (c *Commission) Mark(item string, state State, why string) {
	for i := range c.Items {
		if c.Items[i].Item == item {
			c.Items[i] = Item{item, state, why}
			return
		}
	}
	c.Items = append(c.Items, Item{item, state, why})
}

// Passed says that no item failed and none was skipped.
func (c *Commission) Passed() bool {
	for _, i := range c.Items {
		if i.State != OK {
			return false
		}
	}
	return true
}

// Check wants every item, in order, and for those that are OK what they rest on.
func (c *Commission) Check() error {
	if err := c.check(KindCommission); err != nil {
		return err
	}
	for _, t := range []struct {
		name, s string
	}{{"protocol", c.Protocol}, {"model", c.Model}, {"printed", c.Printed}, {"serial", c.Serial}, {"relay_by", c.RelayBy}} {
		if err := text(t.name, t.s, personMax); err != nil {
			return err
		}
	}
	if len(c.Items) != len(Items) {
		return wrong("%d items, the checklist has %d", len(c.Items), len(Items))
	}
	for i, it := range c.Items {
		if it.Item != Items[i] {
			return wrong("item %d is %q, not %q", i+1, it.Item, Items[i])
		}
		if err := c.checkItem(it); err != nil {
			return err
		}
	}
	if c.Ratio != nil {
		if err := c.Ratio.check(); err != nil {
			return err
		}
	}
	if len(c.Registers) > 0 {
		if err := checkRegisters("registers", c.Registers); err != nil {
			return err
		}
	}
	if len(c.Voltages) > VoltagesMax {
		return wrong("%d voltages, the limit is %d", len(c.Voltages), VoltagesMax)
	}
	for _, v := range c.Voltages {
		for _, s := range []string{v.Name, v.Value, v.Unit} {
			if err := text("voltage", s, 24); err != nil {
				return err
			}
		}
	}
	if s := c.Signal; s != nil && (s.Answered < 0 || s.Asked < s.Answered || s.Asked > 1000 || s.DelayMS < 0) {
		return wrong("signal: %d of %d answered", s.Answered, s.Asked)
	}
	return nil
}

func (c *Commission) checkItem(it Item) error {
	switch it.State {
	case Failed, Skipped:
		if it.Why == "" {
			return wrong("%s was %s without a reason", it.Item, it.State)
		}
		return text(it.Item, it.Why, WhyMax)
	case OK:
	default:
		return wrong("%s: state %q is not ok, failed or skipped", it.Item, it.State)
	}
	missing := ""
	switch {
	case it.Item == ItemAddress && c.Printed == "":
		missing = "the address as printed"
	case it.Item == ItemRegisters && len(c.Registers) == 0:
		missing = "registers"
	case it.Item == ItemClock && c.DriftMS == nil:
		missing = "the drift"
	case it.Item == ItemRatio && c.Ratio == nil:
		missing = "the ratio"
	case it.Item == ItemRelay && c.RelayBy == "":
		missing = "who tested it"
	case it.Item == ItemVoltage && len(c.Voltages) == 0:
		missing = "voltages"
	case it.Item == ItemSignal && c.Signal == nil:
		missing = "how many answered"
	}
	if missing != "" {
		return wrong("%s is ok without %s", it.Item, missing)
	}
	return text(it.Item, it.Why, WhyMax)
}

// Readings are the registers as they were read.
func (c *Commission) Readings() []protocol.Reading {
	side := Secondary
	if c.Ratio != nil {
		side = c.Ratio.Side
	}
	return readings(c.Meter, side, c.Registers)
}
