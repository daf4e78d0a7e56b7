// Package pipeline is what the gateway thinks, and nothing else: facts and events in, changes out. It is the patent's chain
// of servers as six stages, one file each:
//
//	stage1_preprocess  预处理      classify what came in, attribute it to accounts, advance the lanes' cursors
//	stage2_prepare     数据准备    readings + profile + balance of one account, side by side
//	stage3_calculate   电费测算    registers to energy, energy to fee
//	stage4_audit       电费审核    is the register, is the fee believable
//	stage5_compare     基准比较    the available balance against the baseline policy
//	stage6_execute     策略解析执行 warn, remind, trip, restore, or say what forbids it
//
// It is pure: "now" is in the event, every map is walked in a fixed order, the same facts and events give the same changes.
package pipeline

import (
	"cmp"
	"slices"
	"time"

	"feikong/billing"
	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/protocol"
)

// Think runs the six stages over the events and returns what one commit has to write. It is pure and may run again.
func Think(facts account.Facts, events []account.Event) account.Changes {
	r := &run{facts: facts, config: facts.Config(), events: events, counts: facts.Counts()}
	if r.config == nil {
		r.config = &account.Config{}
	}
	r.zone = location(r.config.Timezone)
	r.out.Receipts = make([]account.Receipt, len(events))
	for i := range events {
		r.doubt = r.doubt || events[i].Doubt
		r.out.Receipts[i].Key = events[i].Key
		r.preprocess(i, &events[i])
	}
	// By account number, so that numbers given out below do not depend on the order of arrival.
	slices.SortFunc(r.works, func(a, b *work) int { return cmp.Compare(a.no, b.no) })
	for _, w := range r.works {
		w.found = len(r.out.Findings)
		r.prepare(w)
		r.applyExchanges(w)
		r.applyActs(w)
		r.calculate(w)
		r.audit(w)
		r.applyIssues(w)
		r.compare(w)
		r.applyPersonal(w)
		r.execute(w)
		r.finish(w)
	}
	return r.out
}

// run is one call of Think.
type run struct {
	facts    account.Facts
	config   *account.Config
	zone     *time.Location
	events   []account.Event
	out      account.Changes
	works    []*work
	byNo     map[account.No]*work
	cursors  map[cursorKey]int // index in out.Cursors
	counts   account.Counts
	policies map[string]*policy.Policy
	slab     []work                  // being filled; never grown, works are pointed to
	last     *work                   // of the entry before: a batch names one meter many times
	fresh    []account.ReadingRecord // scratch of stage 3
	doubt    bool                    // the gateway's clock was set lately
}

type cursorKey struct {
	agent string
	lane  protocol.Lane
	epoch uint64
}

// slabWorks is how many works are made at a time: a batch is of many accounts with a few readings each.
const slabWorks = 64

// work is one account's part of a run.
type work struct {
	no      account.No
	now     int64
	profile *account.Profile
	state   *account.State // a clone, ours to change
	tariff  *tariff.Version
	policy  *policy.Policy

	readings []account.ReadingRecord  // new ones, as attributed by stage 1
	space    [2]account.ReadingRecord // of readings, while they are few
	acts     []int                    // indexes of events: payments, decisions, receipts, due
	personal []int                    // indexes of events: switching that a person asked for
	issues   []int                    // indexes of events: applied after the registers are up to date
	outcomes []*protocol.Outcome
	agents   []string // sender of each outcome
	exchange []exchange

	found     int           // where this account's findings begin in the changes: accounts are thought about one after the other
	touched   bool          // the state differs from the stored one
	available billing.Money // of stage 5
	known     bool          // available may carry a decision
	evidence  bool          // records came that move no register: rate registers, and what the meter kept
	priced    bool          // the estimate was made in this run,
	cut       []part        // of these parts, when not by one version in one tier cycle,
	hold      string        // and this audit code holds the account for it; empty: it stands
	detail    string        // of hold
}

// account gives the run's work for no, made at first use.
func (r *run) work(no account.No, now int64) *work {
	if r.last != nil && r.last.no == no {
		r.last.now = max(r.last.now, now)
		return r.last
	}
	if r.byNo == nil {
		r.byNo = make(map[account.No]*work)
	}
	w := r.byNo[no]
	if w == nil {
		if len(r.slab) == cap(r.slab) {
			r.slab = make([]work, 0, slabWorks)
		}
		r.slab = append(r.slab, work{no: no})
		w = &r.slab[len(r.slab)-1]
		w.readings = w.space[:0]
		r.byNo[no] = w
		r.works = append(r.works, w)
	}
	w.now = max(w.now, now)
	r.last = w
	return w
}

// finish writes the state when something of it changed.
func (r *run) finish(w *work) {
	due := w.state.Due
	w.state.Due = r.due(w)
	if !w.touched && due == w.state.Due {
		return
	}
	w.state.Version++
	r.out.States = append(r.out.States, w.state)
}

// note writes an audit record of the commit.
func (r *run) note(w *work, actor, action, detail, result string) {
	r.out.Audit = append(r.out.Audit, account.AuditRecord{
		At: w.now, Actor: actor, Action: action, Object: w.profile.ID, Detail: detail, Result: result,
	})
}

// location is the zone by name; a name that does not load was refused when the configuration was read, so UTC is never met in practice.
func location(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

func clock(ms int64) time.Time { return time.UnixMilli(ms) }
