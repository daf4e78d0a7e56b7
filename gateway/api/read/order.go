package read

import (
	"encoding/hex"
	"fmt"
	"strings"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/protocol"
)

// Order is an order with its safety case, outcome and frames, in a language. The meter's password is not part of it.
func Order(p *account.Profile, o account.OrderRecord, lang string) wire.Order {
	action, state := o.Order.Action.String(), orderWord(o.State)
	w := wire.Order{
		Account: o.Order.Account, Point: PointID(p, o.Point), Number: o.Number,
		ID:    o.Order.ID.String(),
		Agent: o.Order.Agent, Meter: meter(o.Order.Meter),
		Action: action, ActionText: Actions.In(lang, action), State: state, StateText: OrderStates.In(lang, state),
		Created: at(o.Created), Deadline: at(o.Order.Deadline), Ended: at(o.Ended), Actor: o.Actor, Reason: reason(&o, lang), Episode: o.Episode,
		Case: []wire.Check{},
		Basis: wire.Basis{ReadingAt: at(o.Basis.ReadingAt), Energy: o.Basis.Energy.String(), Available: o.Basis.Available.String(),
			Estimate: o.Basis.Estimate.String(), Tariff: o.Basis.Tariff, Policy: o.Basis.Policy, LedgerSeq: o.Basis.LedgerSeq, Notice: o.Basis.Notice},
	}
	for _, c := range o.Case {
		w.Case = append(w.Case, wire.Check{Rule: c.Rule, Text: Checks.In(lang, c.Rule), OK: c.OK, Detail: c.Detail})
	}
	if o.Outcome != nil {
		w.Outcome = outcome(o.Outcome, lang)
	}
	return w
}

// reason is why the order was made. A person's own words stay as they are; the policy's are told from what it rested on.
func reason(o *account.OrderRecord, lang string) string {
	if lang != "zh" || o.Actor != "policy" {
		return o.Order.Reason
	}
	if o.Order.Action == protocol.ActionTrip {
		return "可用余额 " + o.Basis.Available.String() + "，低于停电限值"
	}
	return "可用余额 " + o.Basis.Available.String() + "，不低于停电限值，复电"
}

func outcome(o *protocol.Outcome, lang string) *wire.Outcome {
	state := o.State.String()
	w := &wire.Outcome{State: state, StateText: OrderStates.In(lang, state), Rule: o.Rule, Detail: o.Detail, At: at(o.At),
		Before: contact(o.Before), After: contact(o.After), Recovered: o.Recovered, Frames: []wire.Frame{}}
	if lang == "zh" {
		w.Detail = "" // the agent's sentence is English; state, rule and frames say the same
	}
	if o.Energy != 0 {
		w.KWh = billing.Energy(o.Energy).String()
	}
	for _, f := range o.Frames {
		w.Frames = append(w.Frames, wire.Frame{Sent: f.Sent, At: at(f.At), Hex: Hex(f.Bytes), Note: FrameNotes.In(lang, f.Note)})
	}
	return w
}

// Hex writes bytes as people read frames: two digits each, with blanks.
func Hex(b []byte) string {
	var s strings.Builder
	s.Grow(3 * len(b))
	for i := range b {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(strings.ToUpper(hex.EncodeToString(b[i : i+1])))
	}
	return s.String()
}

func contact(r protocol.RelayReport) string {
	switch {
	case !r.Known:
		return "unknown"
	case r.Open:
		return "open"
	}
	return "closed"
}

var orderWords = [...]string{account.OrderQueued: "queued", account.OrderDone: "done", account.OrderPermitted: "permitted",
	account.OrderFailed: "failed", account.OrderRefused: "refused", account.OrderExpired: "expired", account.OrderUnknown: "unknown",
	account.OrderSuperseded: "superseded"}

func orderWord(s account.OrderState) string {
	if s > 0 && int(s) < len(orderWords) {
		return orderWords[s]
	}
	return fmt.Sprintf("state %d", s)
}
