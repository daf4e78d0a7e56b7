package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/audit"
	"feikong/billing/ledger"
	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/protocol"

	gocmp "github.com/google/go-cmp/cmp"
)

// memory is an engine over maps, with the parts of the store's contract that the pipeline can see.
type memory struct {
	config   *account.Config
	profiles map[account.No]*account.Profile
	states   map[account.No]*account.State
	cursors  map[cursorKey]account.Cursor
	keys     map[string]account.Receipt
	readings map[account.No][]account.ReadingRecord
	entries  map[account.No][]ledger.Entry
	orders   map[account.No][]account.OrderRecord
	notices  map[account.No][]account.NoticeRecord
	findings map[account.No][]account.Finding
	bills    map[account.No][]account.Bill
	trips    []int64 // when trip orders were created
	last     account.Changes
	broken   error // what History answers
	reads    int   // calls of History
}

func newMemory(config *account.Config, profiles ...*account.Profile) *memory {
	m := &memory{config: config, profiles: map[account.No]*account.Profile{}, states: map[account.No]*account.State{}, cursors: map[cursorKey]account.Cursor{},
		keys: map[string]account.Receipt{}, readings: map[account.No][]account.ReadingRecord{}, entries: map[account.No][]ledger.Entry{},
		orders: map[account.No][]account.OrderRecord{}, notices: map[account.No][]account.NoticeRecord{}, findings: map[account.No][]account.Finding{},
		bills: map[account.No][]account.Bill{}}
	for i, p := range profiles {
		p.No = account.No(i + 1)
		m.profiles[p.No] = p
		m.states[p.No] = &account.State{No: p.No, Period: 1, NextNotice: 1, CycleBefore: p.CycleUsed}
	}
	return m
}

func (m *memory) Config() *account.Config { return m.config }
func (m *memory) ByID(id string) (account.No, bool) {
	for no, p := range m.profiles {
		if p.ID == id {
			return no, true
		}
	}
	return 0, false
}
func (m *memory) Profile(no account.No) *account.Profile { return m.profiles[no] }
func (m *memory) State(no account.No) *account.State     { return m.states[no] }

// Installation: an empty agent in the profile stands for any, so that a test may bring one meter's readings by several.
func (m *memory) Installation(agent string, meter protocol.MeterRef) (account.No, uint16, bool) {
	for no, p := range m.profiles {
		for i := range p.Points {
			if q := &p.Points[i]; q.Meter == meter && (q.Agent == agent || q.Agent == "") {
				return no, uint16(i), true
			}
		}
	}
	return 0, 0, false
}

func (m *memory) Cursor(agent string, lane protocol.Lane, epoch uint64) (account.Cursor, bool) {
	c, ok := m.cursors[cursorKey{agent, lane, epoch}]
	return c, ok
}
func (m *memory) Key(key string) (account.Receipt, bool) { r, ok := m.keys[key]; return r, ok }

func (m *memory) History(no account.No, point uint16, q protocol.Quantity, register uint8, from, to int64) ([]account.ReadingRecord, error) {
	m.reads++
	if m.broken != nil {
		return nil, m.broken
	}
	var out, before []account.ReadingRecord
	for _, r := range m.readings[no] {
		switch {
		case r.Point != point || r.Quantity != q || r.Register != register || r.TakenAt > to:
		case r.TakenAt >= from:
			out = append(out, r)
		case len(before) == 0 || before[0].TakenAt < r.TakenAt:
			before = []account.ReadingRecord{r}
		}
	}
	out = append(before, out...)
	slices.SortStableFunc(out, func(a, b account.ReadingRecord) int { return cmp.Compare(a.TakenAt, b.TakenAt) })
	return out, nil
}

func (m *memory) Order(no account.No, point uint16, number uint64) (account.OrderRecord, bool) {
	for _, o := range m.orders[no] {
		if o.Point == point && o.Number == number {
			return o, true
		}
	}
	return account.OrderRecord{}, false
}

func (m *memory) Notice(no account.No, number uint64) (account.NoticeRecord, bool) {
	for _, n := range m.notices[no] {
		if n.Number == number {
			return n, true
		}
	}
	return account.NoticeRecord{}, false
}

func (m *memory) OpenFindings(no account.No) (open []account.Finding) {
	for _, f := range m.findings[no] {
		if f.Closed == 0 {
			open = append(open, f)
		}
	}
	return open
}
func (m *memory) Generation() uint32 { return 1 }
func (m *memory) Counts() account.Counts {
	var c account.Counts
	for _, at := range m.trips {
		c.LastTrip = max(c.LastTrip, at)
	}
	for _, at := range m.trips {
		if at > c.LastTrip-3600*1000 {
			c.TripsHour++
		}
	}
	return c
}

var errWrong = errors.New("changes are not right")

// settle is Settle of the contract: duplicates and conflicts are answered here, the rest thinks and is applied whole.
func (m *memory) settle(t fataler, events ...account.Event) []account.Receipt {
	t.Helper()
	receipts := make([]account.Receipt, len(events))
	var fresh []account.Event
	var at []int
	seen := map[string]int{}
	for i := range events {
		key := events[i].Key
		if first, ok := m.keys[key]; key != "" && ok {
			receipts[i] = repeated(first, digest(&events[i]))
			continue
		}
		if j, ok := seen[key]; key != "" && ok {
			receipts[i] = account.Receipt{Key: key, Status: account.Duplicate}
			if digest(&events[i]) != digest(&events[j]) {
				receipts[i].Status = account.Conflict
			}
			continue
		}
		seen[key] = i
		fresh, at = append(fresh, events[i]), append(at, i)
	}
	before := map[account.No]*account.State{}
	for no, s := range m.states {
		before[no] = s.Clone()
	}
	changes := Think(m, fresh)
	if d := gocmp.Diff(changes, Think(m, fresh)); d != "" {
		t.Fatalf("the same facts and events, thought twice, differ:\n%s", d)
	}
	for no, s := range m.states {
		if d := gocmp.Diff(before[no], s); d != "" {
			t.Fatalf("Think wrote to the engine's state of account %d:\n%s", no, d)
		}
	}
	for i := range fresh {
		receipts[at[i]] = changes.Receipts[i]
		if fresh[i].Key != "" && changes.Receipts[i].Status != account.Refused {
			r := changes.Receipts[i]
			r.Digest = digest(&fresh[i])
			m.keys[fresh[i].Key] = r
		}
	}
	m.apply(t, &changes)
	m.last = changes
	m.check(t)
	return receipts
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func digest(ev *account.Event) [32]byte {
	c := *ev
	c.Now = 0
	data, _ := json.Marshal(&c)
	return sha256.Sum256(data)
}

func repeated(first account.Receipt, d [32]byte) account.Receipt {
	first.Status = account.Duplicate
	if first.Digest != d {
		first.Status = account.Conflict
	}
	return first
}

func (m *memory) apply(t fataler, ch *account.Changes) {
	t.Helper()
	for _, c := range ch.Cursors {
		key := cursorKey{c.Agent, c.Lane, c.Epoch}
		if old := m.cursors[key]; c.Upto < old.Upto {
			t.Fatalf("%v: cursor goes back from %d to %d", errWrong, old.Upto, c.Upto)
		}
		m.cursors[key] = c
	}
	for _, r := range ch.Readings {
		m.readings[r.No] = append(m.readings[r.No], r)
	}
	for _, s := range ch.States {
		if old := m.states[s.No]; s.Version != old.Version+1 {
			t.Fatalf("%v: state of account %d has version %d after %d", errWrong, s.No, s.Version, old.Version)
		}
		m.states[s.No] = s
	}
	for _, e := range ch.Entries {
		m.entries[e.No] = append(m.entries[e.No], e.Entry)
	}
	for _, o := range ch.Orders {
		if i := slices.IndexFunc(m.orders[o.No], func(p account.OrderRecord) bool { return p.Point == o.Point && p.Number == o.Number }); i >= 0 {
			m.orders[o.No][i] = o
			continue
		}
		m.orders[o.No] = append(m.orders[o.No], o)
		if o.Order.Action == protocol.ActionTrip {
			m.trips = append(m.trips, o.Created)
			m.checkTrip(t, &o)
		}
	}
	for _, n := range ch.Notices {
		if i := slices.IndexFunc(m.notices[n.No], func(p account.NoticeRecord) bool { return p.Number == n.Number }); i >= 0 {
			m.notices[n.No][i] = n
		} else {
			m.notices[n.No] = append(m.notices[n.No], n)
		}
	}
	for _, f := range ch.Findings {
		if i := slices.IndexFunc(m.findings[f.No], func(p account.Finding) bool { return p.Point == f.Point && p.Code == f.Code && p.At == f.At }); i >= 0 {
			m.findings[f.No][i] = f
		} else {
			m.findings[f.No] = append(m.findings[f.No], f)
		}
	}
	for _, b := range ch.Bills {
		m.bills[b.No] = append(m.bills[b.No], b)
	}
}

// checkTrip is I5 and I6 of the safety page: no trip on what is protected, held or tagged, and the case is all green.
func (m *memory) checkTrip(t fataler, o *account.OrderRecord) {
	t.Helper()
	s := m.states[o.No]
	for _, c := range o.Case {
		if !c.OK {
			t.Fatalf("%v: trip with a red interlock %s", errWrong, c.Rule)
		}
	}
	held := s.Hold != "" || s.Guard.Protected || len(s.Guard.Holds) > 0
	for i := range s.Points {
		held = held || s.Points[i].Hold != ""
	}
	for _, tag := range s.Guard.Tags {
		held = held || tag.Kind == account.TagNoTrip
	}
	if held || len(o.Case) == 0 {
		t.Fatalf("%v: trip on an account that is protected, held or tagged: %+v", errWrong, s)
	}
}

// check holds the whole memory against the invariants of the safety page.
func (m *memory) check(t fataler) {
	t.Helper()
	for no, s := range m.states {
		if err := s.Chain.Verify(uint64(no), m.entries[no]); err != nil {
			t.Fatalf("%v: %v", errWrong, err)
		}
		balances, err := ledger.Fold(m.entries[no])
		if err != nil || balances != s.Balances {
			t.Fatalf("%v: balances %+v, the ledger folds to %+v, %v", errWrong, s.Balances, balances, err)
		}
		if balances.Cash+balances.Receivables != balances.Advances+balances.Held+balances.Revenue {
			t.Fatalf("%v: debits and credits differ: %+v", errWrong, balances)
		}
		var registers billing.Energy
		open := map[uint16]int{}
		for i := range s.Points {
			p, multiplier := &s.Points[i], billing.Energy(m.profiles[no].Points[i].Multiplier)
			registers += p.Lifetime + (p.Current.Energy-p.SegmentStart.Energy)*multiplier
			if p.Hold == "" && p.Current != p.Latest {
				t.Fatalf("%v: newest register %v is not the accepted one %v, and nothing holds it", errWrong, p.Latest, p.Current)
			}
			listed := slices.ContainsFunc(m.findings[no], func(f account.Finding) bool {
				return f.Hold && f.Closed == 0 && int(f.Point) == i && !ofAccount(f.Code)
			})
			if listed != (p.Hold != "") {
				t.Fatalf("%v: point %d hold %q, on the list for people: %v\n%+v", errWrong, i, p.Hold, listed, m.findings[no])
			}
			for _, o := range m.orders[no] {
				if int(o.Point) == i && (o.State == account.OrderQueued || o.State == account.OrderPermitted) {
					open[o.Point]++
					if o.Number != p.Order {
						t.Fatalf("%v: order %d of point %d is under way, the state says %d", errWrong, o.Number, i, p.Order)
					}
				}
			}
			if open[uint16(i)] > 1 || p.Order != 0 && open[uint16(i)] == 0 {
				t.Fatalf("%v: %d orders of point %d under way, state names %d", errWrong, open[uint16(i)], i, p.Order)
			}
		}
		periods := s.Energy
		for _, b := range m.bills[no] {
			periods += b.Energy
		}
		if s.Hold != holdEnergy && registers != periods {
			t.Fatalf("%v: account %d: registers say %s, bills and open period %s", errWrong, no, registers, periods)
		}
		m.checkLive(t, no, s)
	}
}

// checkLive: an account that is not where it should be has an order under way, a due time or a person's task.
func (m *memory) checkLive(t fataler, no account.No, s *account.State) {
	t.Helper()
	if _, ok := m.config.Policies[m.profiles[no].PolicyID]; !ok || s.Version == 0 {
		return
	}
	pending := false
	for i := range s.Points {
		pending = pending || s.Points[i].Order != 0
	}
	e := &s.Episode
	live := true
	switch e.Stage {
	case account.StageReminded:
		live = s.Due != 0
	case account.StageTripPending:
		live = len(e.Blocks) > 0
	case account.StageTripping, account.StageRestoring:
		live = pending || s.Due != 0
	case account.StagePermitted:
		live = pending
	case account.StageFieldTask:
		live = e.Task != ""
	}
	if !live {
		t.Fatalf("%v: account %d is stuck: %+v due %d", errWrong, no, *e, s.Due)
	}
}

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

var shandong = time.FixedZone("", 8*3600)

// start is a Monday at ten in the morning.
var start = time.Date(2026, 11, 23, 10, 0, 0, 0, shandong).UnixMilli()

func kwh(v float64) int64 { return int64(v * 1e6) } // test numbers only

func yuan(v int64) billing.Money { return billing.Money(v) * 10_000 }

func testConfig(t testing.TB) *account.Config {
	t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	household, err := tariff.Parse("household", read("../../billing/tariff/testdata/shandong-household.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	joint, err := tariff.Parse("joint", read("../../billing/tariff/testdata/shandong-joint.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	hours, err := tariff.Parse("hours", read("../../configs/tariffs/shandong-household-tou.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := []policy.Window{{Days: policy.Daily, From: 0, To: 1440}}
	base := policy.Policy{ID: "village", Version: 1, Clause: "5", WarnBelow: yuan(50), WarnMargin: yuan(10), NoticeGrace: time.Hour, Windows: all,
		MaxReadingAge: 26 * time.Hour, MaxClockDrift: 10 * time.Minute, MinGapBetweenTrips: time.Hour, TripsPerHour: 60, RestoreMode: policy.RestoreClose, OrderTTL: 30 * time.Minute}
	permit := base
	permit.ID, permit.RestoreMode = "permit", policy.RestorePermit
	return &account.Config{Generation: 1, Tariffs: map[string][]tariff.Version{"shandong-household": household, "shandong-joint": joint, "shandong-household-tou": hours},
		Policies: map[string]policy.Policy{"village": base, "permit": permit}, Audit: audit.DefaultRules(), Timezone: "Asia/Shanghai"}
}

func meterRef(address string) protocol.MeterRef {
	return protocol.MeterRef{Line: "a", Address: address}
}

func pointProfile(id string) account.PointProfile {
	return account.PointProfile{ID: id, Agent: "street-1", Meter: meterRef(id), Multiplier: 1, Digits: 6, MaxRate: billing.Energy(kwh(40)),
		Switch: account.Switch{Kind: account.SwitchMeter, Trip: true, Permit: true, Close: true, Feedback: true}}
}

func profile(id string, points ...account.PointProfile) *account.Profile {
	return &account.Profile{ID: id, Version: 1, Currency: "CNY", TariffID: "shandong-joint", PolicyID: "village", Points: points}
}

// world is one street with its clock: now moves only when a test says so.
type world struct {
	*memory
	t     fataler
	now   int64
	first map[protocol.Lane]uint64
}

func newWorld(t testing.TB, profiles ...*account.Profile) *world {
	return &world{memory: newMemory(testConfig(t), profiles...), t: t, now: start, first: map[protocol.Lane]uint64{}}
}

func (w *world) seq(lane protocol.Lane, n int) uint64 {
	w.first[lane] += uint64(n)
	return w.first[lane] - uint64(n) + 1
}

func reading(meter string, q protocol.Quantity, value, at int64) protocol.Entry {
	r := protocol.Reading{Meter: meterRef(meter), Quantity: q, Value: value, TakenAt: at, Method: protocol.MethodPoll}
	if q == protocol.ActiveImport {
		r.Exp = -6
	}
	return protocol.Entry{Reading: r}
}

func (w *world) batch(entries ...protocol.Entry) account.Event {
	return account.Event{Now: w.now, Actor: "agent street-1", Readings: &protocol.ReadingBatch{Agent: "street-1", Epoch: 1, First: w.seq(protocol.LaneReadings, len(entries)), Entries: entries}}
}

// read brings a register and a closed relay of one meter, read now.
func (w *world) read(meter string, energy float64) {
	w.readRelay(meter, energy, 0)
}

func (w *world) readRelay(meter string, energy float64, bits int64) {
	w.settle(w.t, w.batch(reading(meter, protocol.ActiveImport, kwh(energy), w.now), reading(meter, protocol.RelayState, bits, w.now)))
}

func (w *world) outcomeEvent(o protocol.Outcome) account.Event {
	return account.Event{Now: w.now, Actor: "agent street-1", Evidence: &protocol.EvidenceBatch{Agent: "street-1", Epoch: 1, First: w.seq(protocol.LaneEvidence, 1),
		Entries: []protocol.Evidence{{Outcome: &o}}}}
}

// answer brings the agent's word on the newest order of a meter.
func (w *world) answer(o account.OrderRecord, state protocol.OutcomeState, open bool) {
	w.settle(w.t, w.outcomeEvent(protocol.Outcome{Order: o.Order.ID, Meter: o.Order.Meter, Action: o.Order.Action, State: state, At: w.now,
		Before: protocol.RelayReport{Known: true, Open: o.Order.Action != protocol.ActionTrip}, After: protocol.RelayReport{Known: true, Open: open}}))
}

func (w *world) do(id, key string, ev account.Event) account.Receipt {
	ev.Key, ev.Account, ev.Now = key, id, w.now
	if ev.Actor == "" {
		ev.Actor = "admin"
	}
	return w.settle(w.t, ev)[0]
}

func (w *world) pay(id, key string, amount billing.Money) account.Receipt {
	return w.do(id, key, account.Event{Payment: &account.Payment{Amount: amount, Method: "cash"}})
}

func (w *world) decide(id string, d account.Decision) account.Receipt {
	return w.do(id, "", account.Event{Decision: &d})
}

func (w *world) receipt(id string, notice uint64) account.Receipt {
	return w.do(id, "", account.Event{Receipt: &account.NoticeReceipt{Notice: notice, Channel: "terminal"}})
}

func (w *world) due(id string) { w.do(id, "", account.Event{Due: &account.Due{}}) }

func (w *world) account(id string) *account.State { no, _ := w.ByID(id); return w.states[no] }

func (w *world) available(id string) billing.Money {
	no, _ := w.ByID(id)
	p := w.config.Policies[w.profiles[no].PolicyID]
	m, _ := w.states[no].Available(w.profiles[no].CreditLimit(&p))
	return m
}

// order is the newest order of the account's first point.
func (w *world) order(id string) account.OrderRecord { return w.orderOf(id, 0) }

func (w *world) orderOf(id string, point uint16) account.OrderRecord {
	no, _ := w.ByID(id)
	o, _ := w.Order(no, point, w.states[no].Points[point].NextOrder-1)
	return o
}

func (w *world) noticesOf(id string, kind protocol.NoticeKind) (n int) {
	no, _ := w.ByID(id)
	for _, notice := range w.notices[no] {
		if notice.Notice.Kind == kind {
			n++
		}
	}
	return n
}

func (w *world) expect(id string, stage account.Stage) {
	w.t.Helper()
	if s := w.account(id); s.Episode.Stage != stage {
		w.t.Fatalf("account %s is %s (%v %s), want %s; available %s", id, s.Episode.Stage, s.Episode.Blocks, s.Episode.Task, stage, w.available(id))
	}
}

// owing is an account that used 100 kWh (55.50) and paid paid: its reminder was delivered and its time is over, less a moment.
func (w *world) owing(id, meter string) {
	w.read(meter, 1000)
	w.now += 10 * hour
	w.read(meter, 1100)
	w.expect(id, account.StageReminded)
	w.receipt(id, w.account(id).Episode.Reminder)
	w.now = w.account(id).Episode.Deadline - 1
}

// tripped is an account that was tripped.
func (w *world) tripped(id, meter string) {
	w.owing(id, meter)
	w.now++
	w.due(id)
	w.expect(id, account.StageTripping)
	w.answer(w.order(id), protocol.OutcomeDone, true)
	w.expect(id, account.StageTripped)
}
