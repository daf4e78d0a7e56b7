// Package verify proves that the books are right, or says where they are not. It only reads, takes nothing on trust that it can
// compute again, and shares no code with what wrote the numbers beyond the arithmetic of ledger and register.
package verify

import (
	"errors"
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
	"feikong/protocol"
)

// ahead is how far a reading may be in the future and count. What is further ahead now was taken when the clocks ran ahead.
const ahead = 5 * time.Minute

func clock(ms int64) time.Time { return time.UnixMilli(ms) }

// problemsMax bounds a report: after so many sentences the rest is counted, not told.
const problemsMax = 200

// Names of the checks, in the order of the report.
const (
	CheckEntries  = "entries"  // each entry moves one amount between two books that belong together, and the books balance
	CheckChains   = "chains"   // each account's hash chain is whole up to the head in its state
	CheckBalances = "balances" // each balance is the fold of its ledger
	CheckBills    = "bills"    // each bill is in the ledger once, and periods follow one another
	CheckEnergy   = "energy"   // what was billed and what is open is the accepted registers minus the opening ones
	CheckReadings = "readings" // the registers that a state rests on are among the stored readings
	CheckHeld     = "held"     // what audit holds is listed as held, and nothing else is
	CheckAudit    = "audit"    // the chain of audit records is whole
)

var names = []string{CheckEntries, CheckChains, CheckBalances, CheckBills, CheckEnergy, CheckReadings, CheckHeld, CheckAudit}

// Run checks everything in the view. It reads all ledgers: at a million accounts that is minutes.
func Run(v store.View, now time.Time) wire.Verification {
	r := &report{checked: map[string]int{}, wrong: map[string]int{}, now: now}
	r.out.At, r.out.Held, r.out.Problems = now, []string{}, []string{}
	for _, no := range v.Accounts() {
		r.account(v, no)
	}
	r.audit(v)
	for _, name := range names {
		c := wire.Verified{Name: name, OK: r.wrong[name] == 0, Checked: r.checked[name]}
		if !c.OK {
			c.Detail = fmt.Sprintf("%d wrong", r.wrong[name])
		}
		r.out.Checks = append(r.out.Checks, c)
	}
	if r.untold > 0 {
		r.out.Problems = append(r.out.Problems, fmt.Sprintf("and %d more", r.untold))
	}
	r.out.OK = len(r.out.Problems) == 0
	return r.out
}

// report collects what a run finds.
type report struct {
	out            wire.Verification
	checked, wrong map[string]int
	untold         int
	id             string // of the account under check
	now            time.Time
}

func (r *report) problem(check, format string, args ...any) {
	r.wrong[check]++
	if len(r.out.Problems) >= problemsMax {
		r.untold++
		return
	}
	text := fmt.Sprintf(format, args...)
	if r.id != "" {
		text = "account " + r.id + ": " + text
	}
	r.out.Problems = append(r.out.Problems, text)
}

func (r *report) account(v store.View, no account.No) {
	profile, state := v.Profile(no), v.State(no)
	r.id = fmt.Sprint(no)
	defer func() { r.id = "" }()
	r.out.Accounts++
	if profile == nil || state == nil {
		r.problem(CheckBalances, "has no profile or no state")
		return
	}
	r.id = profile.ID
	r.ledger(v, no, profile, state)
	r.registers(v, no, profile, state)
	r.held(v, no, profile, state)
}

func (r *report) ledger(v store.View, no account.No, profile *account.Profile, state *account.State) {
	stored, err := v.Ledger(no)
	if err != nil {
		r.problem(CheckChains, "the ledger cannot be read: %v", err)
		return
	}
	entries := make([]ledger.Entry, len(stored))
	for i := range stored {
		entries[i] = stored[i].Entry
		r.checked[CheckEntries]++
		if err := entries[i].Check(); err != nil {
			r.problem(CheckEntries, "entry %d: %v", entries[i].Seq, err)
		}
	}
	r.out.Entries += len(entries)

	r.checked[CheckChains]++
	if err := state.Chain.Verify(uint64(no), entries); err != nil {
		r.problem(CheckChains, "%v", err)
	}

	r.checked[CheckBalances]++
	fold, err := ledger.Fold(entries)
	switch {
	case err != nil:
		r.problem(CheckBalances, "%v", err)
	case fold != state.Balances:
		r.problem(CheckBalances, "the balances %s are not the fold of the ledger, %s", books(state.Balances), books(fold))
	}
	if b := state.Balances; b.Cash+b.Receivables != b.Advances+b.Held+b.Revenue {
		r.problem(CheckEntries, "the books do not balance: %s", books(b))
	}
	r.payments(v, profile, entries)
	r.bills(v, no, profile, state, entries)
}

func books(b ledger.Balances) string {
	return fmt.Sprintf("(advances %s, receivables %s, held %s, cash %s, revenue %s)", b.Advances, b.Receivables, b.Held, b.Cash, b.Revenue)
}

func (r *report) bills(v store.View, no account.No, profile *account.Profile, state *account.State, entries []ledger.Entry) {
	bills, err := v.Bills(no)
	if err != nil {
		r.problem(CheckBills, "the bills cannot be read: %v", err)
		return
	}
	issued := map[string]billing.Money{}
	for _, e := range entries {
		if e.Kind != ledger.Issue {
			continue
		}
		if _, twice := issued[e.Ref]; twice {
			r.problem(CheckBills, "bill %s was issued twice", e.Ref)
		}
		issued[e.Ref] = e.Amount
	}
	for i := range bills {
		b := &bills[i]
		r.checked[CheckBills]++
		if b.Period != uint32(i)+1 {
			r.problem(CheckBills, "bill %s is of period %d, want %d", b.ID, b.Period, i+1)
		}
		if i > 0 && b.From != bills[i-1].To {
			r.problem(CheckBills, "bill %s does not begin where the one before ended", b.ID)
		}
		var sum billing.Money
		for _, l := range b.Lines {
			sum += l.Amount
		}
		if sum != b.Amount {
			r.problem(CheckBills, "bill %s is %s, its lines are %s", b.ID, b.Amount, sum)
		}
		if amount, ok := issued[b.ID]; b.Amount != amount || !ok && b.Amount != 0 {
			r.problem(CheckBills, "bill %s is %s, the ledger says %s", b.ID, b.Amount, amount)
		}
		delete(issued, b.ID)
		r.bill(v, b)
	}
	if n := len(bills); n > 0 {
		r.billed(v, no, profile, state, &bills[n-1])
		if bills[n-1].To != state.PeriodStart {
			r.problem(CheckBills, "the open period does not begin where bill %s ended", bills[n-1].ID)
		}
	}
	for id, amount := range issued {
		r.problem(CheckBills, "the ledger has an issue of %s for a bill that is not there, %s", amount, id)
	}
	if want := uint32(len(bills)) + 1; state.Period != want && state.Period+uint32(len(bills)) != 0 {
		r.problem(CheckBills, "period %d is open after %d bills, want %d", state.Period, len(bills), want)
	}
	r.energy(v, no, state, bills)
}

// energy compares two ways to the same number: what the periods add up to, and what the registers say from opening to now.
func (r *report) energy(v store.View, no account.No, state *account.State, bills []account.Bill) {
	profile := v.Profile(no)
	r.checked[CheckEnergy]++
	if len(profile.Points) != len(state.Points) {
		r.problem(CheckEnergy, "has %d metering points and states of %d", len(profile.Points), len(state.Points))
		return
	}
	var registers billing.Energy
	for i := range state.Points {
		p, multiplier := &state.Points[i], billing.Energy(profile.Points[i].Multiplier)
		if p.Opening.At == 0 {
			continue
		}
		if p.Current.Energy < p.SegmentStart.Energy {
			r.problem(CheckEnergy, "register of %s is %s, below the start of its segment, %s", profile.Points[i].ID, p.Current.Energy, p.SegmentStart.Energy)
		}
		if p.Lifetime == 0 && p.SegmentStart != p.Opening {
			r.checkSegment(v, no, uint16(i), profile, p)
		}
		registers += p.Lifetime + (p.Current.Energy-p.SegmentStart.Energy)*multiplier
	}
	periods := state.Energy
	for i := range bills {
		periods += bills[i].Energy
	}
	r.open(v, profile, state)
	if registers != periods {
		r.problem(CheckEnergy, "the registers say %s kWh from opening to now, bills and open period %s kWh", registers, periods)
	}
}

// checkSegment: a segment that does not begin at the opening, though none before it counted anything, is right only after a person or
// a rollover started it at the very beginning; then there is a finding that says so.
func (r *report) checkSegment(v store.View, no account.No, point uint16, profile *account.Profile, p *account.Point) {
	findings, err := v.Findings(no)
	if err != nil {
		r.problem(CheckEnergy, "the findings cannot be read: %v", err)
		return
	}
	for i := range findings {
		// A15 and A16: the archive put another multiplier or meter there, which closes the segment at once.
		if f := &findings[i]; f.Point == point && (f.Closed != 0 || f.Code == "A15" || f.Code == "A16") {
			return
		}
	}
	r.problem(CheckEnergy, "%s opened at %s, its segment starts at %s, and nobody decided so", profile.Points[point].ID, p.Opening.Energy, p.SegmentStart.Energy)
}

// registers holds the registers of the state against the stored readings.
func (r *report) registers(v store.View, no account.No, profile *account.Profile, state *account.State) {
	for i := range state.Points {
		p := &state.Points[i]
		if p.Opening.At == 0 || i >= len(profile.Points) {
			continue
		}
		r.checked[CheckReadings]++
		found, err := stored(v, no, uint16(i), p.Current)
		if err != nil {
			r.problem(CheckReadings, "the readings of %s cannot be read: %v", profile.Points[i].ID, err)
			continue
		}
		if !found && !(p.Current == p.Opening && profile.Points[i].HasOpening) { // keyed in, not read
			r.problem(CheckReadings, "the accepted register of %s, %s kWh, is not among the stored readings", profile.Points[i].ID, p.Current.Energy)
		}
		later, err := v.Readings(no, uint16(i), protocol.ActiveImport, 0, p.Latest.At+1, r.now.Add(ahead).UnixMilli(), 0)
		if err != nil {
			r.problem(CheckReadings, "the readings of %s cannot be read: %v", profile.Points[i].ID, err)
			continue
		}
		for _, rec := range later {
			if rec.Flags&account.FlagUntrusted == 0 {
				r.problem(CheckReadings, "%s has a stored reading of %s that its state does not know", profile.Points[i].ID, time.UnixMilli(rec.TakenAt).Format(time.RFC3339))
				break
			}
		}
	}
}

// held compares what the state holds with what is on the list for people.
func (r *report) held(v store.View, no account.No, profile *account.Profile, state *account.State) {
	findings, err := v.Findings(no)
	if err != nil {
		r.problem(CheckHeld, "the findings cannot be read: %v", err)
		return
	}
	open := map[uint16]string{}
	for i := range findings {
		if f := &findings[i]; f.Hold && f.Closed == 0 {
			open[f.Point] = f.Code
		}
	}
	holds := state.Hold != ""
	for i := range state.Points {
		p := &state.Points[i]
		_, listed := open[uint16(i)]
		if p.Hold != "" {
			holds = true
			r.checked[CheckHeld]++
			if !listed {
				r.problem(CheckHeld, "%s is held by %s and not listed as held", profile.Points[i].ID, p.Hold)
			}
		}
		if p.Hold == "" && p.Current != p.Latest {
			r.problem(CheckHeld, "the newest register of %s is not the accepted one, and nothing holds it", profile.Points[i].ID)
		}
		if p.Hold == "" && state.Hold == "" && listed {
			r.problem(CheckHeld, "%s is listed as held by %s and is not", profile.Points[i].ID, open[uint16(i)])
		}
	}
	if state.Hold != "" && len(open) == 0 {
		r.problem(CheckHeld, "the fee is held by %s and not listed as held", state.Hold)
	}
	if holds {
		r.out.Held = append(r.out.Held, profile.ID)
	}
}

// audit follows the chain of audit records from its first one.
func (r *report) audit(v store.View) {
	const page = 1000
	var last store.AuditEntry
	for {
		entries, err := v.Audit(last.Seq, page)
		if err != nil {
			r.problem(CheckAudit, "audit records after %d cannot be read: %v", last.Seq, err)
			return
		}
		for i := range entries {
			e := &entries[i]
			r.checked[CheckAudit]++
			if e.Seq != last.Seq+1 || e.Prev != last.Hash {
				r.problem(CheckAudit, "audit record %d does not follow record %d", e.Seq, last.Seq)
				return
			}
			if e.Hash != auditSum(e) {
				r.problem(CheckAudit, "audit record %d is not what was written", e.Seq)
				return
			}
			last = *e
		}
		if len(entries) < page {
			return
		}
	}
}

// ErrWrong: the books are not right; the report says where.
var ErrWrong = errors.New("the books are not right")
