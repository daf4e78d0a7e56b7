package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/protocol"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// facts of one account that may not depend on the order of events: everything but episode, orders and what was seen when.
type settled struct {
	Balances    ledger.Balances
	Period      uint32
	PeriodStart int64
	CycleStart  int64
	CycleBefore billing.Energy
	Energy      billing.Energy
	Estimate    billing.Money
	Tier        uint8
	Tariff      [8]byte
	Hold        string
	Points      []account.Point
	Entries     []string
	Readings    []string
}

func settledOf(m *memory, no account.No) settled {
	s := m.states[no]
	out := settled{Balances: s.Balances, Period: s.Period, PeriodStart: s.PeriodStart, CycleStart: s.CycleStart, CycleBefore: s.CycleBefore, Energy: s.Energy,
		Estimate: s.Estimate, Tier: s.Tier, Tariff: s.Tariff, Hold: s.Hold}
	for _, p := range s.Points {
		p.Order, p.NextOrder, p.TripsAt, p.Relay.Ours = 0, 0, [2]int64{}, false
		out.Points = append(out.Points, p)
	}
	for _, e := range m.entries[no] {
		out.Entries = append(out.Entries, fmt.Sprintf("%s %s %s %d", e.Kind, e.Amount, e.Ref, e.At))
	}
	for _, r := range m.readings[no] {
		out.Readings = append(out.Readings, fmt.Sprintf("%d %d %d %d %d", r.Point, r.Quantity, r.Register, r.TakenAt, r.Value))
	}
	slices.Sort(out.Entries)
	slices.Sort(out.Readings)
	out.Readings = slices.Compact(out.Readings) // a rate register without its total may come twice; the store's key is the whole record
	return out
}

// taken is an event before it has a place: readings of one poll, or an event of one account.
type taken struct {
	entries []protocol.Entry
	event   account.Event
}

func street() []*account.Profile {
	two := profile("1001", pointProfile("m1"), pointProfile("m2"))
	two.TariffID, two.CycleUsed = "shandong-household", billing.Energy(kwh(2500))
	opened := pointProfile("m3")
	opened.HasOpening, opened.Opening, opened.Multiplier = true, billing.Energy(kwh(999_990)), 2
	closing := profile("1003", pointProfile("m4"))
	closing.TariffID = "shandong-household"
	byTheHour := profile("1004", pointProfile("m5"))
	byTheHour.TariffID, byTheHour.CycleUsed = "shandong-household-tou", billing.Energy(kwh(2510))
	list := []*account.Profile{two, profile("1002", opened), closing, byTheHour}
	for _, p := range list {
		for i := range p.Points {
			p.Points[i].Agent = "" // any agent may bring it
		}
	}
	return list
}

// drawTaken makes registers that mostly rise, some that fall, jump or roll over, and the same instant again with another value.
func drawTaken(t *rapid.T, now int64) []taken {
	var all []taken
	starts := map[string]int64{"m1": kwh(100), "m2": kwh(50), "m3": kwh(999_990), "m4": kwh(999_995)}
	for _, meter := range []string{"m1", "m2", "m3", "m4"} {
		at := start - 40*day
		if meter == "m4" && rapid.Bool().Draw(t, "m4 reads over the year's end") {
			at = start - 328*day
		}
		register := starts[meter]
		for range rapid.IntRange(0, 9).Draw(t, meter+" readings") {
			at += rapid.Int64Range(1, 40).Draw(t, "after") * rapid.SampledFrom([]int64{second, minute, hour}).Draw(t, "unit")
			value := register + rapid.Int64Range(0, kwh(8)).Draw(t, "used")
			switch rapid.SampledFrom([]string{"plain", "plain", "plain", "plain", "fall", "jump", "twice"}).Draw(t, "kind") {
			case "fall":
				value = max(0, register-rapid.Int64Range(1, kwh(30)).Draw(t, "fall"))
			case "jump":
				value = register + rapid.Int64Range(kwh(100), kwh(5000)).Draw(t, "jump")
			case "twice":
				other := (value + rapid.Int64Range(-kwh(1), kwh(1)).Draw(t, "other")) % kwh(1_000_000)
				all = append(all, taken{entries: []protocol.Entry{reading(meter, protocol.ActiveImport, max(0, other), at)}})
				register = value
			default:
				register = value
			}
			register, value = register%kwh(1_000_000), value%kwh(1_000_000)
			poll := []protocol.Entry{reading(meter, protocol.ActiveImport, value, at)}
			if rapid.Bool().Draw(t, "relay") {
				poll = append(poll, reading(meter, protocol.RelayState, 0, at))
			}
			if rapid.Bool().Draw(t, "drift") {
				poll = append(poll, reading(meter, protocol.ClockDrift, rapid.Int64Range(-5, 5).Draw(t, "ms"), at-at%hour))
			}
			all = append(all, taken{entries: poll})
		}
	}
	all = append(all, drawBorder(t)...)
	for i := range rapid.IntRange(0, 6).Draw(t, "payments") {
		id := rapid.SampledFrom([]string{"1001", "1002", "1003"}).Draw(t, "payer")
		all = append(all, taken{event: account.Event{Key: fmt.Sprintf("pay-%d", i), Account: id, Now: now - int64(i), Actor: "admin",
			Payment: &account.Payment{Amount: billing.Money(rapid.Int64Range(1, 1_000_000).Draw(t, "fen")) * 100, Method: "cash"}}})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "receipts") {
		id := rapid.SampledFrom([]string{"1001", "1002", "1003"}).Draw(t, "account")
		all = append(all, taken{event: account.Event{Key: fmt.Sprintf("receipt-%d", i), Account: id, Now: now, Actor: "terminal",
			Receipt: &account.NoticeReceipt{Notice: uint64(i + 1), Channel: "terminal"}}})
	}
	return all
}

// drawBorder is what is known around the year's end, and polls of a meter with rate registers: total and registers each on their own
// way, some missing, some told twice.
func drawBorder(t *rapid.T) (all []taken) {
	kept := func(meter string, method protocol.Method, register uint8, value, at int64) {
		e := reading(meter, protocol.ActiveImport, value, at)
		e.Reading.Method, e.Reading.Register = method, register
		if !seen(method) {
			e.Reading.MeterTime = at
		}
		all = append(all, taken{entries: []protocol.Entry{e}})
	}
	for range rapid.IntRange(0, 2).Draw(t, "m4 at the border") {
		method := rapid.SampledFrom([]protocol.Method{protocol.MethodFreeze, protocol.MethodHourly, protocol.MethodHand, protocol.MethodSnapshot}).Draw(t, "method")
		kept("m4", method, 0, kwh(999_990)+rapid.Int64Range(0, kwh(9.9)).Draw(t, "at the border"), yearsEnd+rapid.SampledFrom([]int64{0, 0, -2 * minute, minute, 7 * minute}).Draw(t, "off"))
	}
	at, registers := yearsEnd-rapid.Int64Range(0, 20).Draw(t, "hours before")*hour, [5]int64{kwh(500), 0, kwh(300), 0, kwh(200)}
	for range rapid.IntRange(0, 7).Draw(t, "m5 readings") {
		for _, r := range []int{2, 4} {
			used := rapid.Int64Range(0, kwh(3)).Draw(t, "used")
			registers[r] += used
			registers[0] += used
		}
		registers[0] += rapid.SampledFrom([]int64{0, 0, 0, 1, kwh(2)}).Draw(t, "of no band")
		method := rapid.SampledFrom([]protocol.Method{protocol.MethodPoll, protocol.MethodPoll, protocol.MethodFreeze}).Draw(t, "method")
		if method == protocol.MethodFreeze {
			at = max(at, yearsEnd)
		}
		for _, r := range []uint8{0, 2, 4} {
			if rapid.IntRange(0, 11).Draw(t, "is there") > 0 {
				kept("m5", method, r, registers[r], at)
			}
			if rapid.IntRange(0, 23).Draw(t, "is there twice") == 0 {
				kept("m5", method, r, registers[r]+1, at)
			}
		}
		at += rapid.SampledFrom([]int64{minute, hour, 5 * hour, 3 * day, 30 * day}).Draw(t, "after")
	}
	return all
}

// yearsEnd is a border of tiers by the calendar year.
var yearsEnd = time.Date(2026, 1, 1, 0, 0, 0, 0, shandong).UnixMilli()

// play brings the events in a drawn order, some twice, over drawn agents, lanes and calls, and holds every step against the invariants
// (memory.check: ledger, chain, registers, one order a switch, no trip on what is protected, held or tagged).
//
// With people, orders are answered, and protection, tags, holds, trips and closes come in between.
func play(t *rapid.T, label string, all []taken, now int64, people bool) *memory {
	m := newMemory(testConfig2, street()...)
	accounts := account.No(len(m.profiles))
	index := make([]int, len(all))
	for i := range index {
		index[i] = i
	}
	order := rapid.Permutation(index).Draw(t, label+" order")
	for range rapid.IntRange(0, 4).Draw(t, label+" repeats") {
		if len(all) > 0 {
			again := rapid.SampledFrom(index).Draw(t, "again")
			at := rapid.IntRange(0, len(order)).Draw(t, "at")
			order = slices.Insert(slices.Clone(order), at, again)
		}
	}
	next := map[string]uint64{}
	var call []account.Event
	var sent []account.Event
	flush := func() {
		if len(call) > 0 {
			m.settle(t, call...)
			call = nil
		}
		now += rapid.SampledFrom([]int64{0, second, 40 * minute}).Draw(t, "time passes")
	}
	var pending []protocol.Entry
	send := func() {
		if len(pending) == 0 {
			return
		}
		agent := rapid.SampledFrom([]string{"street-1", "street-2"}).Draw(t, "agent")
		ev := account.Event{Now: now, Readings: &protocol.ReadingBatch{Agent: agent, Epoch: 7, First: next[agent] + 1, Entries: pending}}
		next[agent] += uint64(len(pending))
		call, sent, pending = append(call, ev), append(sent, ev), nil
	}
	for _, i := range order {
		one := all[i]
		if one.entries == nil {
			call = append(call, one.event)
		} else {
			pending = append(pending, one.entries...)
			if rapid.IntRange(0, 2).Draw(t, "cut the batch") == 0 {
				send()
			}
		}
		if people {
			for range rapid.IntRange(0, 3).Draw(t, "acts") {
				call = append(call, act(t, m, now)...)
			}
		}
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0, 1:
			flush()
		case 2:
			if len(sent) > 0 { // the acknowledgement was lost: the whole batch again
				call = append(call, sent[len(sent)-1])
			}
		case 3:
			for no := account.No(1); no <= accounts; no++ {
				if due := m.states[no].Due; due != 0 {
					now = max(now, due)
					call = append(call, account.Event{Now: now, Account: m.profiles[no].ID, Actor: "timer", Due: &account.Due{}})
				}
			}
		}
	}
	send()
	flush()
	return m
}

var testConfig2 *account.Config

// act is something a person, a terminal or an agent does: any decision, a delivered notice, any answer to any order.
func act(t *rapid.T, m *memory, now int64) []account.Event {
	no := account.No(rapid.IntRange(1, len(m.profiles)).Draw(t, "who"))
	id, points := m.profiles[no].ID, m.profiles[no].Points
	ev := account.Event{Now: now, Account: id, Actor: "admin"}
	kind := rapid.SampledFrom([]account.DecisionKind{"", "", "answer", "answer", "answer", "relay", "relay", account.DecideProtect, account.DecideUnprotect, account.DecideTag, account.DecideUntag,
		account.DecideHold, account.DecideRelease, account.DecideAccept, account.DecideTrip, account.DecideClose, account.DecideTaskDone, "issue"}).Draw(t, "kind")
	switch kind {
	case "":
		ev.Actor, ev.Receipt = "terminal", &account.NoticeReceipt{Notice: max(1, m.states[no].Episode.Reminder), Channel: "terminal"}
	case "issue":
		label := fmt.Sprint(len(m.bills[no]))
		ev.Key, ev.Issue = account.IssueKey(id, label), &account.Issue{Label: label}
	case "answer":
		if len(m.orders[no]) == 0 {
			return nil
		}
		o := m.orders[no][len(m.orders[no])-1-rapid.IntRange(0, min(2, len(m.orders[no])-1)).Draw(t, "back")]
		out := protocol.Outcome{Order: o.Order.ID, Meter: o.Order.Meter, Action: o.Order.Action, At: now, State: protocol.OutcomeState(rapid.IntRange(1, 6).Draw(t, "state"))}
		open := o.Order.Action == protocol.ActionTrip
		switch out.State {
		case protocol.OutcomeDone:
			out.Before, out.After = protocol.RelayReport{Known: true, Open: !open}, protocol.RelayReport{Known: true, Open: open}
		case protocol.OutcomePermitted, protocol.OutcomeFailed:
			out.Before, out.After = protocol.RelayReport{Known: true, Open: !open}, protocol.RelayReport{Known: true, Open: !open}
		}
		return []account.Event{{Now: now, Evidence: &protocol.EvidenceBatch{Agent: o.Order.Agent, Epoch: rapid.Uint64Min(1).Draw(t, "epoch"), First: 1, Entries: []protocol.Evidence{{Outcome: &out}}}}}
	case "relay":
		p := rapid.SampledFrom(points).Draw(t, "point")
		return []account.Event{{Now: now, Readings: &protocol.ReadingBatch{Agent: "street-1", Epoch: rapid.Uint64Min(10).Draw(t, "epoch"), First: 1,
			Entries: []protocol.Entry{reading(p.ID, protocol.RelayState, rapid.Int64Range(0, 1).Draw(t, "open"), now)}}}}
	default:
		ev.Decision = &account.Decision{Kind: kind, ID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), Tag: account.TagKind(rapid.IntRange(1, 2).Draw(t, "tag")),
			Point: rapid.SampledFrom(points).Draw(t, "point").ID, Note: "x"}
	}
	return []account.Event{ev}
}

// Whatever people, agents and timers do: the books balance, no trip on what is protected, held or tagged, one order a switch, and
// nobody is left in a stage without an order, a time or a person.
func TestNothingThatHappensBreaksTheInvariants(t *testing.T) {
	testConfig2 = testConfig(t)
	for id, p := range testConfig2.Policies {
		p.MaxReadingAge *= 1000
		p.MinGapBetweenTrips = 0
		testConfig2.Policies[id] = p
	}
	made := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := play(t, "life", drawTaken(t, start), start, true)
		for no, s := range m.states {
			made[s.Episode.Stage.String()]++
			for _, o := range m.orders[no] {
				made[o.Actor+" "+o.Order.Action.String()]++
			}
			made["bills"] += len(m.bills[no])
		}
	})
	t.Logf("made %v", made)
}

func TestOrderRepeatsAndGroupingOfEventsChangeNothing(t *testing.T) {
	testConfig2 = testConfig(t)
	for id, p := range testConfig2.Policies {
		p.MaxReadingAge *= 1000 // the readings lie weeks back
		testConfig2.Policies[id] = p
	}
	rapid.Check(t, func(t *rapid.T) {
		all := drawTaken(t, start)
		a, b := play(t, "first", all, start, false), play(t, "second", all, start, false)
		for no := account.No(1); no <= account.No(len(a.profiles)); no++ {
			if d := gocmp.Diff(settledOf(a, no), settledOf(b, no)); d != "" {
				t.Fatalf("account %d depends on the order of events:\n%s", no, d)
			}
		}
	})
}

// The plain order is the measure: what is accepted must be what a reader of the sorted list accepts.
func TestShuffledReadingsEqualTheSortedOnes(t *testing.T) {
	testConfig2 = testConfig(t)
	rapid.Check(t, func(t *rapid.T) {
		all := drawTaken(t, start)
		a := play(t, "shuffled", all, start, false)
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(x, y taken) int { return cmp.Compare(takenAt(x), takenAt(y)) })
		b := newMemory(testConfig2, street()...)
		for i, one := range sorted {
			if one.entries == nil {
				b.settle(t, one.event)
				continue
			}
			b.settle(t, account.Event{Now: start, Readings: &protocol.ReadingBatch{Agent: "sorted", Epoch: uint64(i + 1), First: 1, Entries: one.entries}})
		}
		for no := account.No(1); no <= account.No(len(a.profiles)); no++ {
			if d := gocmp.Diff(settledOf(b, no), settledOf(a, no)); d != "" {
				t.Fatalf("account %d differs from the sorted order (-sorted +shuffled):\n%s", no, d)
			}
		}
	})
}

func takenAt(x taken) int64 {
	if x.entries == nil {
		return start
	}
	return x.entries[0].Reading.TakenAt
}
