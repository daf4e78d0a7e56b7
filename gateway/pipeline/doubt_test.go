package pipeline

import (
	"slices"
	"testing"

	"feikong/billing"
	"feikong/billing/audit"
	"feikong/gateway/account"
	"feikong/protocol"
)

// archive brings the account's profile, changed by f, as the archive would.
func (w *world) archive(id string, f func(p *account.Profile)) {
	w.t.Helper()
	no, _ := w.ByID(id)
	next := *w.profiles[no]
	next.Points = slices.Clone(next.Points)
	f(&next)
	changes := Think(w.memory, []account.Event{{Now: w.now, Actor: "admin", Archive: &account.Archive{Profiles: []account.Profile{next}}}})
	w.apply(w.t, &changes)
	w.profiles[no] = &next
	w.check(w.t)
}

func (w *world) archiveAgain(id string) {
	no, _ := w.ByID(id)
	before := w.states[no].Version
	w.archive(id, func(*account.Profile) {})
	if w.states[no].Version != before {
		w.t.Fatalf("an archive that changes nothing touched account %s", id)
	}
}

// A multiplier keyed in today must not price what was used before, and nobody is cut for it.
func TestChangedMultiplierCountsFromItsRegisterOnceAccepted(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.pay("1", "k", yuan(500))
	w.read("m", 1000)
	w.now += hour
	w.read("m", 1010)
	w.archiveAgain("1")
	w.archive("1", func(p *account.Profile) { p.Points[0].Multiplier = 40 })
	w.now += hour
	w.read("m", 1020)
	if s := w.account("1"); s.Energy != billing.Energy(kwh(10)) || s.Points[0].Hold != holdMultiplier || s.Episode.Stage != account.StageNormal {
		t.Fatalf("energy %s, hold %q, %s", s.Energy, s.Points[0].Hold, s.Episode.Stage)
	}
	w.settle(t, w.batch(reading("m", protocol.ActiveImport, kwh(1005), w.now-90*minute))) // late
	if s := w.account("1"); s.Energy != billing.Energy(kwh(10)) || s.Points[0].Hold != holdMultiplier {
		t.Fatalf("after a late reading: energy %s, hold %q", s.Energy, s.Points[0].Hold)
	}
	if r := w.decide("1", account.Decision{Kind: account.DecideAccept, Point: "m", Note: "new transformers"}); r.Status != account.Accepted {
		t.Fatalf("accept: %+v", r)
	}
	w.now += hour
	w.read("m", 1021)
	if s := w.account("1"); s.Energy != billing.Energy(kwh(10+40)) || s.Points[0].Hold != "" {
		t.Fatalf("energy %s, hold %q", s.Energy, s.Points[0].Hold)
	}
}

// The register of another meter does not go on from the one before, even where it stands higher.
func TestAnotherMeterIsHeldUntilAPersonAccepts(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.pay("1", "k", yuan(500))
	w.read("m", 1000)
	w.now += hour
	w.read("m", 1010)
	w.archive("1", func(p *account.Profile) { p.Points[0].Meter = meterRef("new") })
	if r := w.decide("1", account.Decision{Kind: account.DecideAccept, Point: "m", Note: "too early"}); r.Rule != "nothing-read" {
		t.Fatalf("accept before a reading: %+v", r)
	}
	for range 3 {
		w.now += 5 * hour
		w.read("new", 1100)
	}
	if s := w.account("1"); s.Energy != billing.Energy(kwh(10)) || s.Points[0].Hold != holdMeter {
		t.Fatalf("energy %s, hold %q", s.Energy, s.Points[0].Hold)
	}
	if r := w.do("1", "b", account.Event{Issue: &account.Issue{Label: "x"}}); r.Rule != "held" {
		t.Fatalf("bill: %+v", r)
	}
	w.decide("1", account.Decision{Kind: account.DecideAccept, Point: "m", Note: "exchanged"})
	w.now += hour
	w.read("new", 1101)
	if s := w.account("1"); s.Energy != billing.Energy(kwh(11)) || s.Points[0].Hold != "" {
		t.Fatalf("energy %s, hold %q", s.Energy, s.Points[0].Hold)
	}
}

// The clock of the machine ran a year ahead, for the readings and for us, and came back.
func TestClockThatCameBackLeavesNothingBehind(t *testing.T) {
	const year = 365 * day
	w := newWorld(t, profile("1", pointProfile("m")))
	w.read("m", 1000)
	w.now += year
	w.read("m", 1300) // 166 below zero
	w.expect("1", account.StageReminded)
	w.now -= year - hour
	w.read("m", 1010)
	s := w.account("1")
	if s.Points[0].Current.At != w.now || s.Energy != billing.Energy(kwh(10)) || s.Points[0].Hold != "" || !s.Points[0].Relay.Known || s.Points[0].Relay.At != w.now {
		t.Fatalf("energy %s, point %+v", s.Energy, s.Points[0])
	}
	w.expect("1", account.StageReminded)
	if s.Episode.Deadline != w.now+hour || s.Due != w.now+hour || s.Episode.Reminder != 3 {
		t.Fatalf("deadline %d, due %d, now %d, reminder %d", s.Episode.Deadline, s.Due, w.now, s.Episode.Reminder)
	}
}

func TestPaidCustomerDoesNotWaitForAClockThatRanAhead(t *testing.T) {
	const year = 365 * day
	w := newWorld(t, profile("1", pointProfile("m")))
	w.tripped("1", "m")
	w.now += year
	w.pay("1", "k", yuan(500)) // the close goes out with a deadline of next year, and nobody answers
	w.expect("1", account.StageRestoring)
	w.now -= year - hour
	w.due("1")
	w.now = w.account("1").Due
	w.due("1")
	if o := w.order("1"); o.Created != w.now || o.Order.Action != protocol.ActionClose || o.State != account.OrderQueued {
		t.Fatalf("no new close: %+v", o)
	}
}

// An agent whose clock is wrong says when it acted: the relay must stay readable.
func TestOutcomeOfAWrongClockDoesNotFreezeTheRelay(t *testing.T) {
	for name, off := range map[string]int64{"year ahead": 365 * day, "1970": -start} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, profile("1", pointProfile("m")))
			w.owing("1", "m")
			w.now++
			w.due("1")
			o := w.order("1")
			w.now += second
			w.settle(t, w.outcomeEvent(protocol.Outcome{Order: o.Order.ID, Meter: o.Order.Meter, Action: o.Order.Action, State: protocol.OutcomeDone, At: w.now + off,
				After: protocol.RelayReport{Known: true, Open: true}}))
			w.expect("1", account.StageTripped)
			w.now += minute
			w.readRelay("m", 1100, 0)
			if r := w.account("1").Points[0].Relay; r.Open || r.At != w.now {
				t.Errorf("relay %+v", r)
			}
		})
	}
}

func TestNoTripWhileOurOwnClockIsInDoubt(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.owing("1", "m")
	w.now++
	no, _ := w.ByID("1")
	w.settle(t, account.Event{Now: w.now, Account: "1", Doubt: true, Due: &account.Due{}})
	w.expect("1", account.StageTripPending)
	if s := w.states[no]; !slices.Equal(s.Episode.Blocks, []string{"gateway-clock"}) || s.Due == 0 {
		t.Fatalf("blocks %v, due %d", s.Episode.Blocks, s.Due)
	}
	w.now += 5 * minute
	w.due("1")
	w.expect("1", account.StageTripping)
}

// One noisy minute must not leave a customer who paid in the dark until somebody drives there.
func TestFailedCloseIsRepeatedWhileAPersonIsAsked(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.tripped("1", "m")
	w.pay("1", "k", yuan(500))
	w.answer(w.order("1"), protocol.OutcomeFailed, true)
	w.expect("1", account.StageFieldTask)
	first, s := w.order("1").Number, w.account("1")
	if s.Episode.Task != taskCloseFailed || s.Due == 0 {
		t.Fatalf("task %q, due %d", s.Episode.Task, s.Due)
	}
	w.decide("1", account.Decision{Kind: account.DecideTag, ID: "T", Tag: account.TagNoClose, Note: "work on the line"})
	w.now = s.Due
	w.due("1")
	if w.order("1").Number != first {
		t.Fatal("closed over a tag")
	}
	w.decide("1", account.Decision{Kind: account.DecideUntag, ID: "T", Note: "done"})
	if o := w.order("1"); o.Number != first+1 || o.Order.Action != protocol.ActionClose || w.account("1").Episode.Task != taskCloseFailed {
		t.Fatalf("order %+v, %+v", o, w.account("1").Episode)
	}
	w.answer(w.order("1"), protocol.OutcomeDone, false)
	w.expect("1", account.StageNormal)
}

// A meter counts wrong passwords and locks: only a person repeats such a close.
func TestACloseRefusedForItsPasswordIsNotRepeatedByPolicy(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.tripped("1", "m")
	w.pay("1", "k", yuan(500))
	o := w.order("1")
	w.do("1", "", w.outcomeEvent(protocol.Outcome{Order: o.Order.ID, Meter: o.Order.Meter, Action: o.Order.Action, State: protocol.OutcomeFailed, Rule: "password", At: w.now,
		After: protocol.RelayReport{Known: true, Open: true}}))
	w.expect("1", account.StageFieldTask)
	if due := w.account("1").Due; due != 0 {
		t.Fatalf("due %d: the policy would try again", due)
	}
	w.now += 24 * hour
	w.due("1")
	if again := w.order("1"); again.Number != o.Number {
		t.Fatalf("order %+v", again)
	}
	w.decide("1", account.Decision{Kind: account.DecideClose, Note: "the password was corrected"})
	if again := w.order("1"); again.Number != o.Number+1 {
		t.Fatalf("order %+v", again)
	}
}

func TestNoticeThatNobodyConfirmsBecomesATask(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.read("m", 1000)
	w.now += 10 * hour
	w.read("m", 1100)
	number := w.account("1").Episode.Reminder
	fail := func() {
		w.do("1", "", account.Event{Failure: &account.NoticeFailure{Notice: number, Attempts: 10, Detail: "no receipt"}})
	}
	fail()
	fail()
	w.now = w.account("1").Episode.Deadline
	w.due("1")
	w.expect("1", account.StageTripPending)
	no, _ := w.ByID("1")
	if n, _ := w.Notice(no, number); n.State != account.NoticeFailed || w.account("1").Episode.Task != taskNotify {
		t.Fatalf("notice %+v, task %q", n, w.account("1").Episode.Task)
	}
	// A person brings it: from then on the customer has the whole time.
	if r := w.decide("1", account.Decision{Kind: account.DecideTaskDone, Note: "signed at the door"}); r.Status != account.Accepted {
		t.Fatalf("%+v", r)
	}
	n, _ := w.Notice(no, number)
	if e := w.account("1").Episode; n.State != account.NoticeDelivered || n.Receipts[0].Channel != "person" || e.Task != "" || e.DeliveredAt != w.now || e.Stage != account.StageTripPending {
		t.Fatalf("notice %+v, episode %+v", n, e)
	}
	fail() // late word of the notifier
	if n, _ := w.Notice(no, number); n.State != account.NoticeDelivered {
		t.Fatal("a delivered notice failed")
	}
	w.now = w.account("1").Due
	w.due("1")
	w.expect("1", account.StageTripping)
}

// A batch that cannot be decoded goes to quarantine and off the lane, once, and never past a hole.
func TestUnreadableBatchDoesNotBlockItsLane(t *testing.T) {
	w := newWorld(t, profile("1", pointProfile("m")))
	w.read("m", 1000) // sequences 1 and 2
	garbage := func(first uint64, n int) (account.Receipt, int) {
		r := w.settle(t, account.Event{Now: w.now, Garbage: &account.Garbage{Agent: "street-1", Reason: "bad", Data: []byte{1}, Lane: protocol.LaneReadings, Epoch: 1, First: first, Count: n}})
		return r[0], len(w.last.Quarantine)
	}
	for _, step := range []struct {
		first uint64
		n     int
		upto  uint64
		kept  int
	}{{9, 2, 2, 0}, {3, 4, 6, 1}, {3, 4, 6, 0}, {5, 4, 8, 1}, {0, 4, 0, 0}} {
		r, kept := garbage(step.first, step.n)
		if step.upto == 0 {
			if r.Ack != nil {
				t.Errorf("%+v: acknowledged %+v", step, r.Ack)
			}
			continue
		}
		if r.Ack == nil || r.Ack.Upto != step.upto || kept != step.kept {
			t.Errorf("%+v: ack %+v, %d in quarantine", step, r.Ack, kept)
		}
	}
	w.settle(t, account.Event{Now: w.now, Garbage: &account.Garbage{Agent: "street-1", Data: []byte{1}}})
	if len(w.last.Quarantine) != 1 {
		t.Error("a packet without a head is not in quarantine")
	}
}

func TestContractCapacityAndFlagsAreAudited(t *testing.T) {
	p := profile("1", pointProfile("m"))
	p.Capacity = 8000
	w := newWorld(t, p)
	w.pay("1", "k", yuan(500))
	w.read("m", 1000)
	w.now += hour
	w.read("m", 1009) // 8 kW x 1 h x 110 % = 8.8 kWh
	if s := w.account("1"); s.Points[0].Hold != "A06" || s.Energy != 0 {
		t.Fatalf("hold %q, energy %s", s.Points[0].Hold, s.Energy)
	}
	w.now += hour
	w.read("m", 1010)
	if s := w.account("1"); s.Points[0].Hold != "" || s.Energy != billing.Energy(kwh(10)) {
		t.Fatalf("hold %q, energy %s", s.Points[0].Hold, s.Energy)
	}
	w.config.Audit.Capacity.Action = audit.Flag
	for i := range 3 * alikeMax {
		w.now += minute
		w.read("m", 1011+float64(i)) // 60 kW: above what the meter can carry is another rule
	}
	w.config.Audit.Speed.Enabled = false
	for i := range 3 * alikeMax {
		w.now += minute
		w.read("m", 1100+float64(i))
	}
	flags := 0
	for _, f := range w.findings[1] {
		if f.Code == "A06" && !f.Hold && f.Closed == 0 {
			flags++
		}
	}
	if s := w.account("1"); flags != alikeMax || s.Points[0].Hold != "" {
		t.Fatalf("%d flags, hold %q", flags, s.Points[0].Hold)
	}
}
