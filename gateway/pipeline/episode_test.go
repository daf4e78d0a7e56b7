package pipeline

import (
	"slices"
	"testing"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/protocol"
)

func TestOneWarningThoughManyReadingsFollow(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.pay("1001", "p1", yuan(60))
	w.read("m1", 1000)
	w.expect("1001", account.StageNormal)
	for i := range 10 {
		w.now += hour
		w.read("m1", 1030+float64(i))
	}
	w.expect("1001", account.StageWarned)
	if n := w.noticesOf("1001", protocol.NoticeWarning); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
	// Between the threshold and the margin the warning stands; above the margin it ends.
	w.pay("1001", "p2", yuan(15))
	w.expect("1001", account.StageWarned)
	w.pay("1001", "p3", yuan(20))
	w.expect("1001", account.StageNormal)
}

func TestReminderReceiptDeadlineTripInThisOrder(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.read("m1", 1000)
	w.now += 10 * hour
	w.read("m1", 1100)
	w.expect("1001", account.StageReminded)
	e := w.account("1001").Episode
	if e.Deadline != w.now+hour || w.account("1001").Due != e.Deadline {
		t.Fatalf("deadline %d due %d, want both %d", e.Deadline, w.account("1001").Due, w.now+hour)
	}
	// Deadline over, notice not delivered: blocked, and nothing to wait for but the receipt.
	w.now = e.Deadline
	w.due("1001")
	w.expect("1001", account.StageTripPending)
	if s := w.account("1001"); !slices.Equal(s.Episode.Blocks, []string{"notice-delivered", "notice-over"}) || s.Due != 0 {
		t.Fatalf("blocks %v due %d", s.Episode.Blocks, s.Due)
	}
	w.now += minute
	w.receipt("1001", e.Reminder)
	over := w.now + hour
	if s := w.account("1001"); !slices.Equal(s.Episode.Blocks, []string{"notice-over"}) || s.Due != over {
		t.Fatalf("blocks %v due %d, want notice-over until %d", s.Episode.Blocks, s.Due, over)
	}
	// No trip a moment before the notice's time, whatever is read.
	w.now = over - 1
	w.read("m1", 1101)
	w.expect("1001", account.StageTripPending)
	if len(w.orders[1]) != 0 {
		t.Fatal("a trip before its time")
	}
	w.now = over
	w.due("1001")
	w.expect("1001", account.StageTripping)
	o := w.order("1001")
	if o.Number != 1 || o.Order.Action != protocol.ActionTrip || !o.Order.CheckExpect || o.Order.ExpectOpen || o.Order.MinEnergy != kwh(1101) || o.Order.Deadline != w.now+30*minute {
		t.Errorf("order %+v", o.Order)
	}
	if len(o.Case) < 15 || o.Basis.Notice != e.Reminder || o.Basis.Tariff != "shandong-joint v2" || o.Basis.Policy != "village v1" || o.Basis.ReadingAt != over-1 {
		t.Errorf("case of %d checks, basis %+v", len(o.Case), o.Basis)
	}
	w.now += second
	w.answer(o, protocol.OutcomeDone, true)
	w.expect("1001", account.StageTripped)
	if w.order("1001").State != account.OrderDone || w.noticesOf("1001", protocol.NoticeTrip) != 1 || !w.account("1001").Points[0].Relay.Ours {
		t.Errorf("order %+v", w.order("1001"))
	}
	if s := w.account("1001"); s.Due != 0 || s.Points[0].Order != 0 {
		t.Errorf("due %d, order %d: nothing waits", s.Due, s.Points[0].Order)
	}
}

func TestEveryInterlockAloneForbidsTheTrip(t *testing.T) {
	change := func(f func(w *world)) func(w *world) { return f }
	point := func(w *world) *account.Point { return &w.account("1001").Points[0] }
	for rule, red := range map[string]func(w *world){
		"balance-below":    nil, // then there is no episode: TestPaymentCancelsAPendingTrip
		"notice-delivered": change(func(w *world) { w.account("1001").Episode.DeliveredAt = 0 }),
		"notice-over":      change(func(w *world) { w.account("1001").Episode.DeliveredAt = w.now }),
		"not-protected":    change(func(w *world) { w.decide("1001", account.Decision{Kind: account.DecideProtect, Note: "hospital"}) }),
		"no-tag": change(func(w *world) {
			w.decide("1001", account.Decision{Kind: account.DecideTag, ID: "t", Tag: account.TagNoTrip})
		}),
		"no-hold":     change(func(w *world) { w.decide("1001", account.Decision{Kind: account.DecideHold, ID: "h"}) }),
		"contract":    change(func(w *world) { p := w.config.Policies["village"]; p.Clause = ""; w.config.Policies["village"] = p }),
		"window-open": change(func(w *world) { p := w.config.Policies["village"]; p.Windows = nil; w.config.Policies["village"] = p }),
		"pacing": change(func(w *world) {
			p := w.config.Policies["village"]
			p.TripsPerHour = 0
			w.config.Policies["village"] = p
		}),
		"audit-passed":  change(func(w *world) { w.now -= minute; w.read("m1", 900); w.now += minute }),
		"fee-known":     change(func(w *world) { w.account("1001").PeriodStart = 0 }),
		"reading-fresh": change(func(w *world) { point(w).Current.At -= 27 * hour; point(w).Latest = point(w).Current }),
		"relay-read":    change(func(w *world) { point(w).Relay.At -= 27 * hour }),
		"relay-closed":  change(func(w *world) { w.readRelay("m1", 1100, protocol.RelayBitOpen) }),
		"meter-hold":    change(func(w *world) { w.readRelay("m1", 1100, protocol.RelayBitHold) }),
		"clock":         change(func(w *world) { w.settle(w.t, w.batch(reading("m1", protocol.ClockDrift, -11*minute, w.now))) }),
		"switch-rest":   change(func(w *world) { point(w).TripsAt = [2]int64{w.now - 2*hour, w.now - 20*hour} }),
		"order-idle":    nil, // an episode with an order under way has a stage of its own
		"switch":        nil, // TestNoSwitchEndsInAFieldTask
	} {
		if red == nil {
			continue
		}
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t, profile("1001", pointProfile("m1")))
			w.owing("1001", "m1")
			red(w)
			w.now++
			w.due("1001")
			w.expect("1001", account.StageTripPending)
			if b := w.account("1001").Episode.Blocks; !slices.Contains(b, rule) {
				t.Errorf("blocks %v, want %s", b, rule)
			}
			if rule != "notice-delivered" && len(w.account("1001").Episode.Blocks) != 1 {
				t.Errorf("blocks %v, want %s alone", w.account("1001").Episode.Blocks, rule)
			}
			if len(w.orders[1]) != 0 {
				t.Error("an order was made")
			}
			if due := w.account("1001").Due; due != 0 && due < w.now+second {
				t.Errorf("due in %d ms: the timer spins", due-w.now)
			}
		})
	}
}

func TestPaymentCancelsAPendingTrip(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.pay("1001", "p1", yuan(200))
	w.expect("1001", account.StageNormal)
	w.now += hour
	w.due("1001")
	if e := w.account("1001").Episode; len(w.orders[1]) != 0 || e.Reminder != 0 || e.Deadline != 0 || w.account("1001").Due != 0 {
		t.Errorf("episode %+v, %d orders", e, len(w.orders[1]))
	}
}

func TestTopUpRestores(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.tripped("1001", "m1")
	w.now += minute
	w.pay("1001", "p1", yuan(200))
	w.expect("1001", account.StageRestoring)
	o := w.order("1001")
	if o.Number != 2 || o.Order.Action != protocol.ActionClose {
		t.Fatalf("order %+v", o)
	}
	w.now += second
	w.answer(o, protocol.OutcomeDone, false)
	w.expect("1001", account.StageNormal)
	if w.noticesOf("1001", protocol.NoticeRestore) != 1 {
		t.Error("nobody told the customer")
	}
}

func TestPermitWaitsForTheButton(t *testing.T) {
	p := profile("1001", pointProfile("m1"))
	p.PolicyID = "permit"
	w := newWorld(t, p)
	w.tripped("1001", "m1")
	w.now += minute
	w.pay("1001", "p1", yuan(200))
	o := w.order("1001")
	if o.Order.Action != protocol.ActionPermit {
		t.Fatalf("order %s", o.Order.Action)
	}
	w.now += second
	w.answer(o, protocol.OutcomePermitted, true)
	w.expect("1001", account.StagePermitted)
	w.now += day
	w.readRelay("m1", 1100, protocol.RelayBitOpen)
	w.due("1001")
	w.expect("1001", account.StagePermitted)
	w.now += second
	w.read("m1", 1100)
	w.expect("1001", account.StageNormal)
	if w.order("1001").State != account.OrderDone || w.account("1001").Points[0].Order != 0 {
		t.Errorf("order %+v", w.order("1001"))
	}
	// The word that came first, once more: nothing moves.
	w.answer(o, protocol.OutcomePermitted, true)
	if w.order("1001").State != account.OrderDone {
		t.Errorf("order is %d again", w.order("1001").State)
	}
}

func TestPaymentWhileTheTripIsInFlight(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.now++
	w.due("1001")
	trip := w.order("1001")
	w.pay("1001", "p1", yuan(200))
	w.expect("1001", account.StageRestoring)
	if o := w.order("1001"); o.Number != 2 || o.Order.Action != protocol.ActionClose || w.orders[1][0].State != account.OrderSuperseded {
		t.Fatalf("orders %+v", w.orders[1])
	}
	// The late word on the first: the relay is open, by us, and the close still runs.
	w.now += second
	w.answer(trip, protocol.OutcomeDone, true)
	w.expect("1001", account.StageRestoring)
	if s := w.account("1001"); w.orders[1][0].State != account.OrderSuperseded || !s.Points[0].Relay.Ours || s.Points[0].Order != 2 {
		t.Fatalf("state %+v", s.Points[0])
	}
	w.now += second
	w.answer(w.order("1001"), protocol.OutcomeDone, false)
	w.expect("1001", account.StageNormal)
}

func TestLateTripAfterTheCloseWasGivenUpIsRestored(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.now++
	w.due("1001")
	trip := w.order("1001")
	w.pay("1001", "p1", yuan(200))
	w.now += hour
	w.due("1001") // the close expired, and the relay was last read closed
	w.expect("1001", account.StageNormal)
	w.now += second
	w.answer(trip, protocol.OutcomeDone, true)
	w.expect("1001", account.StageRestoring)
	if o := w.order("1001"); o.Number != 3 || o.Order.Action != protocol.ActionClose {
		t.Errorf("order %+v", o)
	}
}

func TestNoCloseTagWaitsAndMoneyPosts(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.tripped("1001", "m1")
	w.decide("1001", account.Decision{Kind: account.DecideTag, ID: "t1", Tag: account.TagNoClose, Note: "line 3"})
	if r := w.pay("1001", "p1", yuan(200)); r.Status != account.Accepted || w.account("1001").Balances.Advances != yuan(200) {
		t.Fatalf("%+v", r)
	}
	w.expect("1001", account.StagePaidWaiting)
	if b := w.account("1001").Episode.Blocks; !slices.Equal(b, []string{"tag-no-close"}) {
		t.Errorf("blocks %v", b)
	}
	if r := w.decide("1001", account.Decision{Kind: account.DecideClose}); r.Rule != "tag-no-close" {
		t.Errorf("a person's close: %+v", r)
	}
	if r := w.do("1001", "", account.Event{Actor: "other", Decision: &account.Decision{Kind: account.DecideUntag, ID: "t1"}}); r.Rule != "not-the-holder" {
		t.Errorf("lifted by another: %+v", r)
	}
	w.decide("1001", account.Decision{Kind: account.DecideUntag, ID: "t1"})
	w.expect("1001", account.StageRestoring)
}

func TestATagIsLiftedInThePlaceOfAHolderWhoCannot(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.tripped("1001", "m1")
	w.decide("1001", account.Decision{Kind: account.DecideTag, ID: "t1", Tag: account.TagNoClose, Note: "line 3"})
	w.pay("1001", "p1", yuan(200))
	if r := w.do("1001", "", account.Event{Actor: "admin", Decision: &account.Decision{Kind: account.DecideUntagFor, ID: "t1", Note: "asked on site"}}); r.Status != account.Accepted {
		t.Fatalf("%+v", r)
	}
	w.expect("1001", account.StageRestoring)
}

func TestTagWhileTheTripIsInFlight(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.now++
	w.due("1001")
	w.decide("1001", account.Decision{Kind: account.DecideTag, ID: "t1", Tag: account.TagNoClose})
	w.pay("1001", "p1", yuan(200))
	w.expect("1001", account.StagePaidWaiting)
	w.now += second
	w.answer(w.order("1001"), protocol.OutcomeDone, true)
	w.expect("1001", account.StagePaidWaiting)
	w.decide("1001", account.Decision{Kind: account.DecideUntag, ID: "t1"})
	w.expect("1001", account.StageRestoring)
}

func TestBackwardsRegisterIsHeldUntilALaterOneIsAcceptedOrAPersonDecides(t *testing.T) {
	for _, how := range []string{"later reading", "person"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t, profile("1001", pointProfile("m1")))
			w.owing("1001", "m1")
			estimate := w.account("1001").Estimate
			w.read("m1", 900)
			w.now++
			w.due("1001")
			s := w.account("1001")
			if s.Points[0].Hold != "A01" || s.Estimate != estimate || len(w.orders[1]) != 0 || s.Points[0].Latest.Energy != billing.Energy(kwh(900)) {
				t.Fatalf("state %+v", s)
			}
			if how == "person" {
				if r := w.decide("1001", account.Decision{Kind: account.DecideAccept, Point: "m1", Note: "display read"}); r.Status != account.Accepted {
					t.Fatalf("%+v", r)
				}
				if s = w.account("1001"); s.Estimate != estimate || s.Points[0].Current.Energy != billing.Energy(kwh(900)) {
					t.Fatalf("state %+v", s)
				}
			} else {
				w.now += second
				w.read("m1", 1100.01)
			}
			w.expect("1001", account.StageTripping)
			if f := w.findings[1]; len(f) != 1 || f[0].Closed == 0 || f[0].Code != "A01" {
				t.Errorf("findings %+v", f)
			}
		})
	}
}

func TestNoSwitchEndsInAFieldTask(t *testing.T) {
	p := pointProfile("m1")
	p.Switch = account.Switch{}
	w := newWorld(t, profile("1001", p))
	w.read("m1", 1000)
	w.now += 10 * hour
	w.read("m1", 1100)
	w.now = w.account("1001").Episode.Deadline
	w.due("1001")
	w.expect("1001", account.StageTripPending) // the notice did not arrive
	w.decide("1001", account.Decision{Kind: account.DecideProtect})
	w.receipt("1001", w.account("1001").Episode.Reminder)
	w.now = w.now + hour
	w.due("1001")
	w.expect("1001", account.StageTripPending) // nor is a protected account cut by hand
	w.decide("1001", account.Decision{Kind: account.DecideUnprotect})
	w.expect("1001", account.StageFieldTask)
	if e := w.account("1001").Episode; e.Task != taskCut || len(w.orders[1]) != 0 {
		t.Fatalf("episode %+v", e)
	}
	if r := w.decide("1001", account.Decision{Kind: account.DecideTrip, Note: "now"}); r.Rule != "no-switch" {
		t.Errorf("%+v", r)
	}
	w.decide("1001", account.Decision{Kind: account.DecideTaskDone})
	w.expect("1001", account.StageTripped)
	w.now += hour
	w.read("m1", 1100)
	w.expect("1001", account.StageTripped)
	w.pay("1001", "p1", yuan(200))
	w.expect("1001", account.StageFieldTask)
	w.decide("1001", account.Decision{Kind: account.DecideTaskDone})
	w.expect("1001", account.StageNormal)
}

func TestOutcomeOfAnOrderThatWasNeverMade(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.now++
	w.due("1001")
	o := w.order("1001")
	for _, id := range []protocol.OrderID{{Generation: 1, SlotEpoch: 1, Number: 9}, {Generation: 2, SlotEpoch: 1, Number: 1}} {
		wrong := o
		wrong.Order.ID = id
		w.now++
		w.answer(wrong, protocol.OutcomeDone, true)
		w.expect("1001", account.StageTripping)
		if s := w.account("1001"); s.Points[0].Relay.Open || s.Points[0].Order != 1 {
			t.Errorf("%v moved %+v", id, s.Points[0])
		}
	}
	if !slices.ContainsFunc(w.findings[1], func(f account.Finding) bool { return f.Code == "R02" && !f.Hold }) {
		t.Errorf("findings %+v", w.findings[1])
	}
}

func TestTripThatNobodyAnsweredIsUnknown(t *testing.T) {
	give := func(t *testing.T) *world {
		w := newWorld(t, profile("1001", pointProfile("m1")))
		w.owing("1001", "m1")
		w.now++
		w.due("1001")
		if due := w.account("1001").Due; due != w.now+30*minute+unanswered {
			t.Fatalf("due %d", due)
		}
		w.now = w.account("1001").Due
		w.due("1001")
		w.expect("1001", account.StageFieldTask)
		if e := w.account("1001").Episode; e.Task != taskTripUnknown || w.order("1001").State != account.OrderUnknown {
			t.Fatalf("%+v", e)
		}
		w.now += minute
		return w
	}
	t.Run("read open: it happened", func(t *testing.T) {
		w := give(t)
		w.readRelay("m1", 1100, protocol.RelayBitOpen)
		w.expect("1001", account.StageTripped)
		if !w.account("1001").Points[0].Relay.Ours {
			t.Error("open, and not ours")
		}
	})
	t.Run("read closed: it did not", func(t *testing.T) {
		w := give(t)
		w.read("m1", 1101)
		w.expect("1001", account.StageTripPending)
		if b := w.account("1001").Episode.Blocks; !slices.Equal(b, []string{"switch-rest"}) || w.account("1001").Due == 0 {
			t.Errorf("blocks %v due %d", b, w.account("1001").Due)
		}
	})
	t.Run("paid: a close goes out on doubt", func(t *testing.T) {
		w := give(t)
		w.pay("1001", "p1", yuan(200))
		w.expect("1001", account.StageRestoring)
		if o := w.order("1001"); o.Order.Action != protocol.ActionClose || o.Number != 2 {
			t.Errorf("order %+v", o)
		}
		w.now += second
		w.readRelay("m1", 1101, protocol.RelayBitOpen)
		if !w.account("1001").Points[0].Relay.Ours {
			t.Error("open, and not ours")
		}
		w.now += hour
		w.due("1001") // the close was not answered either
		w.expect("1001", account.StageRestoring)
		w.now = w.account("1001").Due
		w.due("1001")
		if o := w.order("1001"); o.Number != 3 {
			t.Errorf("order %+v", o)
		}
	})
	t.Run("the late word", func(t *testing.T) {
		w := give(t)
		w.answer(w.order("1001"), protocol.OutcomeDone, true)
		w.expect("1001", account.StageTripped)
	})
}

func TestOpenButNotOursIsNeverClosedByPolicy(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.pay("1001", "p1", yuan(10))
	w.read("m1", 1000)
	w.now += minute
	w.readRelay("m1", 1000, protocol.RelayBitOpen)
	w.pay("1001", "p2", yuan(500))
	w.now += day
	w.readRelay("m1", 1000, protocol.RelayBitOpen)
	if len(w.orders[1]) != 0 || w.account("1001").Points[0].Relay.Ours {
		t.Fatalf("orders %+v", w.orders[1])
	}
	if !slices.ContainsFunc(w.findings[1], func(f account.Finding) bool { return f.Code == "R01" }) {
		t.Error("nobody was told")
	}
	w.decide("1001", account.Decision{Kind: account.DecideClose, Note: "seen on site"})
	w.expect("1001", account.StageRestoring)
}

func TestRefusedTripThatFoundTheRelayOpenIsNotOurs(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.now++
	w.due("1001")
	o := w.order("1001")
	w.now += second
	w.settle(t, w.outcomeEvent(protocol.Outcome{Order: o.Order.ID, Meter: o.Order.Meter, Action: o.Order.Action, State: protocol.OutcomeRefused, Rule: "expect", At: w.now,
		Before: protocol.RelayReport{Known: true, Open: true}, After: protocol.RelayReport{Known: true, Open: true}}))
	w.expect("1001", account.StageTripPending)
	w.pay("1001", "p1", yuan(500))
	w.expect("1001", account.StageNormal)
	if len(w.orders[1]) != 1 || w.account("1001").Points[0].Relay.Ours {
		t.Errorf("orders %+v", w.orders[1])
	}
}

func TestFailedCloseIsAPersonsTaskUntilTheRelayIsReadClosed(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.tripped("1001", "m1")
	w.pay("1001", "p1", yuan(500))
	w.now += second
	w.answer(w.order("1001"), protocol.OutcomeFailed, true)
	w.expect("1001", account.StageFieldTask)
	if e := w.account("1001").Episode; e.Task != taskCloseFailed {
		t.Errorf("task %s", e.Task)
	}
	w.now += hour
	w.read("m1", 1100)
	w.expect("1001", account.StageNormal)
}

func TestRefusedCloseIsRepeatedWithPace(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.tripped("1001", "m1")
	w.pay("1001", "p1", yuan(500))
	for n := uint64(2); n < 12; n++ {
		if o := w.order("1001"); o.Number != n || o.Order.Action != protocol.ActionClose {
			t.Fatalf("order %+v, want close %d", o, n)
		}
		w.now += second
		w.answer(w.order("1001"), protocol.OutcomeRefused, true)
		w.expect("1001", account.StageRestoring)
		s := w.account("1001")
		if s.Due != w.now+5*minute {
			t.Fatalf("due in %d ms", s.Due-w.now)
		}
		w.now = s.Due
		w.due("1001")
	}
}

func TestAPersonsTripStaysUntilAPersonCloses(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.pay("1001", "p1", yuan(500))
	w.read("m1", 1000)
	if r := w.decide("1001", account.Decision{Kind: account.DecideTrip, Note: "fire service asks"}); r.Status != account.Accepted {
		t.Fatalf("%+v", r)
	}
	w.expect("1001", account.StageTripping)
	w.pay("1001", "p2", yuan(5))
	w.expect("1001", account.StageTripping)
	w.now += second
	w.answer(w.order("1001"), protocol.OutcomeDone, true)
	w.expect("1001", account.StageTripped)
	w.now += hour
	w.readRelay("m1", 1000, protocol.RelayBitOpen)
	w.pay("1001", "p3", yuan(5))
	w.expect("1001", account.StageTripped)
	w.decide("1001", account.Decision{Kind: account.DecideClose, Note: "fire is out"})
	w.expect("1001", account.StageRestoring)
	w.now += second
	w.answer(w.order("1001"), protocol.OutcomeDone, false)
	w.expect("1001", account.StageNormal)
	if w.account("1001").Episode.ByPerson {
		t.Error("still a person's")
	}
}

func TestAPersonsTripPassesTheInterlocksOfTheSameCall(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.pay("1001", "p1", yuan(500))
	w.read("m1", 1000)
	w.now += hour
	// The reading that holds the account comes in the same call, after the decision.
	receipts := w.settle(t, account.Event{Now: w.now, Actor: "admin", Account: "1001", Decision: &account.Decision{Kind: account.DecideTrip, Note: "x"}},
		w.batch(reading("m1", protocol.ActiveImport, kwh(900), w.now)))
	if receipts[0].Rule != "audit-passed" || len(w.orders[1]) != 0 {
		t.Errorf("%+v, orders %+v", receipts[0], w.orders[1])
	}
}

func TestTwoSwitchesOfWhichOneTripFails(t *testing.T) {
	give := func(t *testing.T) *world {
		w := newWorld(t, profile("1001", pointProfile("m1"), pointProfile("m2")))
		w.read("m2", 10)
		w.owing("1001", "m1")
		w.read("m2", 10.1)
		w.now++
		w.due("1001")
		w.expect("1001", account.StageTripping)
		w.now += second
		w.answer(w.orderOf("1001", 0), protocol.OutcomeDone, true)
		w.expect("1001", account.StageTripping)
		return w
	}
	t.Run("failed", func(t *testing.T) {
		w := give(t)
		w.answer(w.orderOf("1001", 1), protocol.OutcomeFailed, false)
		w.expect("1001", account.StageFieldTask)
		w.now += hour
		w.readRelay("m1", 1100, protocol.RelayBitOpen)
		w.expect("1001", account.StageFieldTask)
		w.pay("1001", "p", yuan(500))
		w.expect("1001", account.StageRestoring)
		if w.orderOf("1001", 0).Order.Action != protocol.ActionClose || w.orderOf("1001", 1).Number != 1 {
			t.Error("the wrong switch was closed")
		}
	})
	t.Run("refused: the rest is tried again", func(t *testing.T) {
		w := give(t)
		w.answer(w.orderOf("1001", 1), protocol.OutcomeRefused, false)
		w.expect("1001", account.StageTripPending)
		w.now += hour
		w.due("1001")
		w.expect("1001", account.StageTripping)
		if w.orderOf("1001", 0).Number != 1 || w.orderOf("1001", 1).Number != 2 {
			t.Error("the wrong switch was tripped")
		}
		w.now += second
		w.answer(w.orderOf("1001", 1), protocol.OutcomeDone, true)
		w.expect("1001", account.StageTripped)
	})
	t.Run("refused, then paid", func(t *testing.T) {
		w := give(t)
		w.answer(w.orderOf("1001", 1), protocol.OutcomeRefused, false)
		w.pay("1001", "p", yuan(500))
		w.expect("1001", account.StageRestoring)
	})
}

func TestOneSwitchPermittedTheOtherExpired(t *testing.T) {
	p := profile("1001", pointProfile("m1"), pointProfile("m2"))
	p.PolicyID = "permit"
	w := newWorld(t, p)
	w.read("m2", 10)
	w.owing("1001", "m1")
	w.read("m2", 10.1)
	w.now++
	w.due("1001")
	w.now += second
	for i := range uint16(2) {
		w.answer(w.orderOf("1001", i), protocol.OutcomeDone, true)
	}
	w.pay("1001", "p", yuan(500))
	w.now += second
	w.answer(w.orderOf("1001", 0), protocol.OutcomePermitted, true)
	w.expect("1001", account.StageRestoring)
	w.now = w.account("1001").Due
	w.due("1001")
	w.now = w.account("1001").Due
	w.due("1001")
	if o := w.orderOf("1001", 1); o.Number != 3 || o.State != account.OrderQueued {
		t.Fatalf("order %+v", o)
	}
	if o := w.orderOf("1001", 0); o.Number != 2 || o.State != account.OrderPermitted {
		t.Fatalf("order %+v", o)
	}
	w.now += second
	w.answer(w.orderOf("1001", 1), protocol.OutcomePermitted, true)
	w.expect("1001", account.StagePermitted)
	w.now += minute
	w.read("m1", 1100)
	w.expect("1001", account.StagePermitted)
	w.read("m2", 10.1)
	w.expect("1001", account.StageNormal)
}

func TestNoPolicyDecidesNothingAndNoTimerSpins(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	delete(w.config.Policies, "village")
	w.now += hour
	w.due("1001")
	s := w.account("1001")
	if s.Episode.Stage != account.StageReminded || !slices.Equal(s.Episode.Blocks, []string{"policy"}) || s.Due != 0 || len(w.orders[1]) != 0 {
		t.Errorf("state %+v", s)
	}
}

func TestNoTariffHoldsTheAccountAndTripsNobody(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	saved := w.config.Tariffs
	w.config.Tariffs = nil
	w.now++
	w.read("m1", 1100)
	if s := w.account("1001"); s.Hold != "C02" || len(w.orders[1]) != 0 {
		t.Fatalf("state %+v", s)
	}
	if r := w.do("1001", account.IssueKey("1001", "x"), account.Event{Issue: &account.Issue{Label: "x"}}); r.Rule != "held" {
		t.Errorf("%+v", r)
	}
	w.config.Tariffs = saved
	w.now++
	w.read("m1", 1100)
	w.expect("1001", account.StageTripping)
	if s := w.account("1001"); s.Hold != "" || slices.ContainsFunc(w.findings[1], func(f account.Finding) bool { return f.Hold && f.Closed == 0 }) {
		t.Errorf("hold %q, findings %+v", s.Hold, w.findings[1])
	}
}

func TestNothingIsDecidedOnABalanceBeyondTheUnit(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	s := w.account("1001")
	big := ledger.NewIssue(1<<63-100, "b", w.now)
	if err := s.Balances.Apply(big); err != nil {
		t.Fatal(err)
	}
	s.Chain.Append(1, &big)
	w.entries[1] = append(w.entries[1], big)
	w.now++
	w.due("1001")
	if len(w.orders[1]) != 0 {
		t.Error("an order on an unknown balance")
	}
}

func TestThinkWithoutConfig(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.config = nil
	ch := Think(w.memory, []account.Event{w.batch(reading("m1", protocol.ActiveImport, kwh(1), w.now)),
		{Key: "p", Now: w.now, Account: "1001", Payment: &account.Payment{Amount: yuan(1)}}, {Key: "e", Now: w.now, Account: "1001"}})
	if len(ch.Receipts) != 3 || ch.Receipts[1].Status != account.Accepted || ch.Receipts[2].Rule != "empty-event" || len(ch.Orders) != 0 {
		t.Errorf("%+v", ch.Receipts)
	}
}

func TestNoTripWhileAnOrderIsUnderWay(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.owing("1001", "m1")
	w.now++
	w.due("1001")
	if r := w.decide("1001", account.Decision{Kind: account.DecideTrip, Note: "again"}); r.Rule != "order-idle" || w.order("1001").Number != 1 {
		t.Errorf("%+v, order %d", r, w.order("1001").Number)
	}
	if r := w.decide("1001", account.Decision{Kind: account.DecideClose, Note: "a mistake"}); r.Status != account.Accepted || w.order("1001").Number != 2 {
		t.Errorf("%+v, order %d", r, w.order("1001").Number)
	}
}

func TestOpenAfterAConfirmedCloseIsNotOurs(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.tripped("1001", "m1")
	w.pay("1001", "p1", yuan(500))
	w.now += second
	w.answer(w.order("1001"), protocol.OutcomeDone, false)
	w.expect("1001", account.StageNormal)
	w.now += minute
	w.readRelay("m1", 1100, protocol.RelayBitOpen)
	w.expect("1001", account.StageNormal)
	if w.account("1001").Points[0].Relay.Ours || len(w.orders[1]) != 2 {
		t.Errorf("%+v, %d orders", w.account("1001").Points[0].Relay, len(w.orders[1]))
	}
}
