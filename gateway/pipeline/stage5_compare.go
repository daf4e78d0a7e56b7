package pipeline

import "feikong/gateway/account"

// compare is stage 5, 基准比较: the available balance, from resident state, beside the baseline policy. It decides nothing where
// the balance cannot be known.
func (r *run) compare(w *work) {
	if w.policy == nil {
		return
	}
	available, err := w.state.Available(w.profile.CreditLimit(w.policy))
	if err != nil {
		r.find(w, 0, "E03", w.state.PeriodStart, 0, false, err.Error())
		return
	}
	w.available = available
	switch w.state.Hold {
	case holdPrice, holdTariff, holdBands, holdFacts, holdEnergy: // there is no estimate: neither a trip nor a restore may rest on the rest
	default:
		w.known = true
	}
}

// below says that the balance calls for a trip; low that it calls for a warning; enough that an episode is over. Between low
// and enough lies the policy's margin, so that a balance at the border does not warn with each reading.
func (w *work) below() bool  { return w.known && w.available < w.policy.TripBelow }
func (w *work) low() bool    { return w.known && w.available < w.policy.WarnBelow }
func (w *work) enough() bool { return w.known && w.available >= w.policy.WarnBelow+w.policy.WarnMargin }

// standing is the stage an account with power belongs to by its balance alone.
func (w *work) standing() account.Stage {
	if w.low() || w.state.Episode.Stage != account.StageNormal && !w.enough() {
		return account.StageWarned
	}
	return account.StageNormal
}
