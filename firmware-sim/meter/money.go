package meter

import (
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// purse is the money of a meter that keeps it itself. One unit is 1e-10 of the currency: a mWh times a price in 1e-4 per
// kWh, so that nothing is rounded while it is drawn.
type purse struct {
	left   int64 // below zero is overdraft
	bought int64 // all purchases together
	warned bool  // alarm amount 2 opened the relay once
	opened bool  // the overdraft limit opened it
}

const (
	purseUnit  = 1_000_000                 // in 1/10,000 of the currency
	purseCents = 100_000_000               // in the 0.01 that registers show
	purseMax   = 9_000_000_000 * purseUnit // 900,000.00: eight digits would be 999,999.99
)

// spend takes what was drawn since before from the money, and opens the relay at its limits.
func (m *Meter) spend(before [rates]int64) {
	c := m.cfg.Money
	if c == nil {
		return
	}
	for i, p := range c.Price {
		if d := m.regs.fwd[i] - before[i]; d > 0 {
			m.purse.left = max(m.purse.left-min(d, purseMax/max(p, 1))*p, -purseMax)
		}
	}
	if m.relay.hold || m.dark || m.relay.open || m.cfg.Switch == SwitchNone {
		return
	}
	switch owed := -m.purse.left; {
	case m.purse.opened && m.relay.commandOpen: // told once; a contact that does not follow is another fault
	case owed >= 0 && owed >= m.paramMoney(diOverdraft):
		m.purse.opened = true
		m.trip(localOperator)
	case !m.purse.warned && m.paramMoney(diAlarm2) > 0 && m.purse.left < m.paramMoney(diAlarm2):
		m.purse.warned = true
		m.trip(localOperator)
		m.relay.permitted, m.relay.commandOpen = m.relay.open, false // the customer has seen it and may close
	}
}

// localOperator is who the meter itself is in its records.
var localOperator [4]byte

// affordable shortens a step so that the relay opens within one slot of the moment the money is used up.
func (m *Meter) affordable(next int64) int64 {
	most := m.loadW * m.cfg.Times * (1000 + swing + 2*ripple) // mW
	price := slices.Max(m.cfg.Money.Price[:])
	floorAt := -m.paramMoney(diOverdraft)
	if !m.purse.warned && m.paramMoney(diAlarm2) > 0 {
		floorAt = max(floorAt, m.paramMoney(diAlarm2))
	}
	if most <= 0 || price <= 0 || m.relay.open || m.dark || m.purse.left <= floorAt {
		return next
	}
	// One ns at `most` mW is most/3.6e12 mWh.
	hi, lo := bits.Mul64(uint64(m.purse.left-floorAt), 3_600_000_000_000)
	if hi >= uint64(most) {
		return next
	}
	ns, _ := bits.Div64(hi, lo, uint64(most))
	if ns /= uint64(price); ns >= uint64(next-m.at) {
		return next
	}
	return min(next, m.at+max(int64(slot), int64(ns)))
}

// poor reports whether the alarm amount is reached.
func (m *Meter) poor() bool {
	return m.cfg.Money != nil && m.purse.left < m.paramMoney(diAlarm1)
}

// Charge is a purchase by card or by code at the meter itself, in 1/10,000 of the currency. It lets a relay close that the
// meter opened for want of money: by itself when it can, otherwise by the button.
func (m *Meter) Charge(money int64, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	if m.cfg.Money == nil {
		return fmt.Errorf("charge meter %s: it keeps no money", m.cfg.Address)
	}
	if money <= 0 || money > (purseMax-m.purse.left)/purseUnit || money > purseMax/purseUnit-m.purse.bought/purseUnit {
		return fmt.Errorf("charge meter %s: %d/10000 is not an amount it can hold", m.cfg.Address, money)
	}
	before := m.purse.left
	m.purse.left += money * purseUnit
	m.purse.bought += money * purseUnit
	m.record(eventPurchase, event{Amount: money, Before: before, After: m.purse.left, Bought: m.purse.bought})
	if m.purse.left > m.paramMoney(diAlarm2) {
		m.purse.warned = false
	}
	if m.purse.opened && m.purse.left > m.paramMoney(diPermitLimit) {
		m.purse.opened = false
		m.calm(localOperator)
		if m.relay.permitted = m.relay.open; m.cfg.Switch == SwitchDirect {
			m.contact(false)
		}
		m.relayMoved()
	}
	return nil
}
