package headend

import (
	"github.com/prometheus/client_golang/prometheus"

	"feikong/gateway/account"
	"feikong/protocol"
)

// stages counts what each of the six stages made of what was committed, so that each shows its load and its refusals by name. It
// counts changes that are on disk, never attempts.
type stages struct{ done *prometheus.CounterVec }

func newStages(r prometheus.Registerer) *stages {
	s := &stages{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "feikong_stage_total", Help: "What the stages of the pipeline did, counted after the commit.",
	}, []string{"stage", "what"})}
	r.MustRegister(s.done)
	return s
}

func (s *stages) add(stage, what string, n int) {
	if n > 0 {
		s.done.WithLabelValues(stage, what).Add(float64(n))
	}
}

// committed is an after hook of the door.
func (s *stages) committed(ch account.Changes, receipts []account.Receipt) {
	s.add("1_preprocess", "readings", len(ch.Readings))
	s.add("1_preprocess", "quarantined", len(ch.Quarantine))
	s.add("1_preprocess", "gaps", len(ch.Gaps))
	s.add("2_prepare", "accounts", len(ch.States))
	for i := range ch.States {
		if ch.States[i].Hold == "" {
			s.add("3_calculate", "estimates", 1)
		} else {
			s.add("3_calculate", "held", 1)
		}
	}
	s.add("3_calculate", "bills", len(ch.Bills))
	for i := range ch.Findings {
		switch f := &ch.Findings[i]; {
		case f.Closed != 0:
			s.add("4_audit", "closed", 1)
		case f.Hold:
			s.add("4_audit", "held "+f.Code, 1)
		default:
			s.add("4_audit", "flagged "+f.Code, 1)
		}
	}
	for i := range ch.States {
		if len(ch.States[i].Episode.Blocks) > 0 {
			s.add("5_compare", "blocked", 1)
		} else {
			s.add("5_compare", "compared", 1)
		}
	}
	for i := range ch.Notices {
		if n := &ch.Notices[i]; n.State == account.NoticeQueued {
			s.add("6_execute", "notice "+string(n.Notice.Kind), 1)
		}
	}
	for i := range ch.Orders {
		if o := &ch.Orders[i]; o.State == account.OrderQueued {
			s.add("6_execute", "order "+actionName(o.Order.Action), 1)
		} else {
			s.add("6_execute", "order "+stateName(o.State), 1)
		}
	}
	for i := range receipts {
		switch receipts[i].Status {
		case account.Accepted:
			s.add("door", "accepted", 1)
		case account.Duplicate:
			s.add("door", "duplicate", 1)
		case account.Conflict:
			s.add("door", "conflict", 1)
		case account.Refused:
			s.add("door", "refused", 1)
		}
	}
}

func actionName(a protocol.Action) string {
	switch a {
	case protocol.ActionTrip:
		return "trip"
	case protocol.ActionPermit:
		return "permit"
	case protocol.ActionClose:
		return "close"
	}
	return "unknown"
}

func stateName(s account.OrderState) string {
	switch s {
	case account.OrderDone:
		return "done"
	case account.OrderPermitted:
		return "permitted"
	case account.OrderFailed:
		return "failed"
	case account.OrderRefused:
		return "refused"
	case account.OrderExpired:
		return "expired"
	case account.OrderUnknown:
		return "unknown"
	case account.OrderSuperseded:
		return "superseded"
	}
	return "other"
}
