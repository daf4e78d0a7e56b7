package read

import (
	"strconv"

	"feikong/billing/policy"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
)

// Region keeps values made of immutable facts; a region of the cache is one. What it loses is made again.
type Region interface {
	Get(id string, version uint64, sum [32]byte) (any, bool)
	Put(id string, version uint64, sum [32]byte, value any, cost int64)
}

// Memory are the regions that readers fill and ask: customer profiles 客户档案 and balances 账户余额. A nil region makes each value anew. No
// decision rests on either: the pipeline reads states.
type Memory struct{ Profiles, Balances Region }

// load gets a value or makes and keeps it.
func load[T any](r Region, id string, version uint64, sum [32]byte, cost int64, make func() (T, error)) (T, error) {
	if r == nil {
		return make()
	}
	if v, ok := r.Get(id, version, sum); ok {
		if t, ok := v.(T); ok {
			return t, nil
		}
	}
	t, err := make()
	if err == nil {
		r.Put(id, version, sum, t, cost)
	}
	return t, err
}

// Sizes of what is kept, about, in bytes: what the regions are bounded by.
const (
	profileCost = 400
	balanceCost = 200
)

// generation is the archive's and the rules', part of every key: a new credit limit or a new address makes new values.
func generation(v store.View) (c *account.Config, g uint64) {
	if c = v.Config(); c != nil {
		g = c.Generation
	}
	return c, g
}

// balance is the available balance and what it is made of, keyed by the state's version and the head of the ledger's chain.
func (m Memory) balance(v store.View, p *account.Profile, s *account.State) (wire.Balance, error) {
	config, g := generation(v)
	return load(m.Balances, p.ID+"@"+strconv.FormatUint(g, 10), s.Version, s.Chain.Head, balanceCost, func() (wire.Balance, error) {
		var baseline *policy.Policy
		if config != nil {
			if found, ok := config.Policies[p.PolicyID]; ok {
				baseline = &found
			}
		}
		credit, books := p.CreditLimit(baseline), s.Balances
		available, err := s.Available(credit)
		if err != nil {
			return wire.Balance{}, err
		}
		return wire.Balance{Advances: books.Advances.String(), Credit: credit.String(), Receivables: books.Receivables.String(),
			Estimate: s.Estimate.String(), Available: available.String(), Held: books.Held.String(),
			Paid: books.Cash.String(), Billed: books.Revenue.String()}, nil
	})
}

// profile is what the archive says of an account, without what was measured. Who gets it must not write to its points.
func (m Memory) profile(v store.View, p *account.Profile) (wire.Account, error) {
	_, g := generation(v)
	return load(m.Profiles, p.ID+"@"+strconv.FormatUint(g, 10), uint64(p.Version), [32]byte{}, profileCost, func() (wire.Account, error) {
		a := wire.Account{ID: p.ID, Customer: p.Customer, Address: p.Address, Currency: p.Currency, Tariff: p.TariffID, Policy: p.PolicyID}
		for i := range p.Points {
			a.Points = append(a.Points, pointProfile(&p.Points[i]))
		}
		return a, nil
	})
}

func pointProfile(p *account.PointProfile) wire.Point {
	w := wire.Point{ID: p.ID, Agent: p.Agent, Meter: meter(p.Meter), Model: p.Model, Multiplier: p.Multiplier,
		Switch: wire.Switch{Kind: "none", Trip: p.Switch.Trip, Permit: p.Switch.Permit, Close: p.Switch.Close, Feedback: p.Switch.Feedback}}
	if p.Switch.Kind == account.SwitchMeter {
		w.Switch.Kind = "meter"
	}
	return w
}
