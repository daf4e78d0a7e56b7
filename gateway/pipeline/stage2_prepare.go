package pipeline

import (
	"time"

	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/gateway/account"
)

// prepare is stage 2, 数据准备: readings, profile, balance and rules of one account, side by side. The console's account page
// shows these same facts.
func (r *run) prepare(w *work) {
	w.profile = r.facts.Profile(w.no)
	w.state = r.facts.State(w.no).Clone()
	// A metering point added to the profile later has no state yet.
	for len(w.state.Points) < len(w.profile.Points) {
		w.state.Points = append(w.state.Points, account.Point{})
	}
	for i := range w.state.Points {
		if w.state.Points[i].NextOrder == 0 {
			w.state.Points[i].NextOrder = 1
		}
	}
	if w.state.NextNotice == 0 {
		w.state.NextNotice = 1
	}
	if w.state.Version == 0 {
		// Nothing has touched the account yet: the archive says where its tier counter stands.
		w.state.Period, w.state.CycleBefore = 1, w.profile.CycleUsed
	}
	w.policy = r.policy(w.profile.PolicyID)
	w.tariff = r.version(w, w.state.PeriodStart)
}

// policy is the baseline policy by name, copied once a run; nil when there is none.
func (r *run) policy(id string) *policy.Policy {
	if p, ok := r.policies[id]; ok {
		return p
	}
	var found *policy.Policy
	if p, ok := r.config.Policies[id]; ok {
		found = &p
	}
	if r.policies == nil {
		r.policies = make(map[string]*policy.Policy)
	}
	r.policies[id] = found
	return found
}

// version is the tariff version at an instant; nil when there is none, which holds the account and trips nobody.
func (r *run) version(w *work, at int64) *tariff.Version {
	when := time.UnixMilli(at)
	if at == 0 {
		when = time.UnixMilli(w.now)
	}
	v, err := tariff.At(r.config.Tariffs[w.profile.TariffID], when)
	if err != nil {
		return nil
	}
	return v
}
