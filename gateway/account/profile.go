// Package account is the records of the gateway: what is known of a customer's account (profile), where it stands
// (state), what may happen to it (event), and what one settlement writes (changes). It is pure data: no clock, no I/O.
//
// Every change of an account is an Event that goes through settle; nothing else writes.
package account

import (
	"feikong/billing"
	"feikong/billing/policy"
	"feikong/protocol"
)

// No is an account's number inside the store, allocated at import and never used again. People use the ID text.
type No uint64

// Profile is the archive 档案 of one account: what staff keyed in, never what was measured. Immutable once loaded;
// a change is a new Profile with a higher Version.
type Profile struct {
	No        No
	ID        string // what people and the API call the account 户号
	Version   uint32
	Customer  string // name of who pays
	Address   string // of the supply, for people
	Currency  string
	TariffID  string
	PolicyID  string
	Credit    billing.Money  // credit limit 透支额度
	CycleUsed billing.Energy // consumed in the running tier cycle before the first period
	Capacity  int64          // contract capacity, W; 0 = unknown
	Terminal  string         // password of the account's terminal at the broker; empty: no terminal
	Webhook   string         // URL for notices; empty: none
	Points    []PointProfile // metering points 计量点, all sharing this account's tiers
	Household Household      `json:",omitzero"`
}

// Household is what tariffs bend tiers and allowances to. The zero value says nothing: no extra limits, no allowance, and a supply that
// was there all the tier cycle.
type Household struct {
	Persons int      `json:",omitempty"` // 0: not known
	Since   string   `json:",omitempty"` // local date on which the supply was opened, 2026-03-15; empty: before the tier cycle
	Words   []string `json:",omitempty"` // what tariffs ask for, such as "low-income"
}

// Told says whether anything is known.
func (h *Household) Told() bool { return h.Persons != 0 || h.Since != "" || len(h.Words) > 0 }

// CreditLimit is the account's own credit limit, or its policy's.
func (p *Profile) CreditLimit(baseline *policy.Policy) billing.Money {
	if p.Credit != 0 || baseline == nil {
		return p.Credit
	}
	return baseline.Credit
}

// PointProfile is one metering point with the meter installed there and the switch that cuts it.
type PointProfile struct {
	ID         string
	Agent      string // whose line the meter is on
	Meter      protocol.MeterRef
	Model      string
	Multiplier int64          // CT x PT 倍率, 1 for direct meters
	Digits     int            // whole digits of the register, 6 for most
	Opening    billing.Energy // register at installation, mWh on the register; meaningful when HasOpening
	HasOpening bool           // otherwise the first accepted reading opens
	MaxRate    billing.Energy // most the supply can draw in an hour (register x multiplier); 0 unknown
	Switch     Switch
}

// Switch says what can cut and restore the supply of a metering point, as data of the model.
type Switch struct {
	Kind     SwitchKind
	Trip     bool    // can open on command
	Permit   bool    // closes by the customer's hand after a permit
	Close    bool    // closes by itself on command
	Feedback bool    // its contact can be read back
	Password [4]byte // level and digits, wire order; travels in the order, never in an agent's configuration
	Operator [4]byte
}

// SwitchKind is where the switch is.
type SwitchKind uint8

// Kinds of switch.
const (
	SwitchNone  SwitchKind = 0
	SwitchMeter SwitchKind = 1 // in the meter 内置继电器
)
