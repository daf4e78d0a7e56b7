package verify

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
	"feikong/protocol"
)

// books1 is a store of one account: it paid 100.00, was billed 80.00 for 100 kWh, and has used 10 kWh since.
type books1 struct {
	store.View
	profile  account.Profile
	state    account.State
	entries  []account.LedgerEntry
	bills    []account.Bill
	readings []account.ReadingRecord
	findings []account.Finding
	trail    []store.AuditEntry
	broken   error
	config   *account.Config
}

func (b *books1) Accounts() []account.No                           { return []account.No{1} }
func (b *books1) Profile(account.No) *account.Profile              { return &b.profile }
func (b *books1) State(account.No) *account.State                  { return &b.state }
func (b *books1) Ledger(account.No) ([]account.LedgerEntry, error) { return b.entries, b.broken }
func (b *books1) Bills(account.No) ([]account.Bill, error)         { return b.bills, b.broken }
func (b *books1) Findings(account.No) ([]account.Finding, error)   { return b.findings, b.broken }
func (b *books1) Audit(after uint64, limit int) ([]store.AuditEntry, error) {
	return b.trail[min(after, uint64(len(b.trail))):], b.broken
}

func (b *books1) Config() *account.Config { return b.config }

// Key: the door answered for the payment in the first entry.
func (b *books1) Key(key string) (account.Receipt, bool) {
	return account.Receipt{Status: account.Accepted, Ref: "1001/1"}, key == "k1"
}

func (b *books1) Readings(_ account.No, _ uint16, _ protocol.Quantity, _ uint8, from, to int64, _ int) (found []account.ReadingRecord, err error) {
	for _, r := range b.readings {
		if r.TakenAt >= from && r.TakenAt <= to {
			found = append(found, r)
		}
	}
	return found, b.broken
}

func kwh(n int64) billing.Energy { return billing.Energy(n) * billing.KWh }

func good() *books1 {
	b := &books1{profile: account.Profile{No: 1, ID: "1001", Points: []account.PointProfile{{ID: "1001-1", Multiplier: 1, Digits: 6}}}}
	for _, e := range []ledger.Entry{ledger.NewPayment(1000000, "k1", 5), ledger.NewIssue(800000, "1001-1", 6), ledger.NewSettlement(800000, "1001-1", 6)} {
		b.state.Chain.Append(1, &e)
		if err := b.state.Balances.Apply(e); err != nil {
			panic(err)
		}
		b.entries = append(b.entries, account.LedgerEntry{No: 1, Entry: e})
	}
	b.bills = []account.Bill{{No: 1, ID: "1001-1", Period: 1, From: 10, To: 20, Energy: kwh(100), Amount: 800000, Tariff: "t v1",
		Lines:     []account.BillLine{{Code: "tier1", Quantity: billing.Quantity(kwh(50)), Price: 100000000, Amount: 500000}, {Code: "tier2", Quantity: billing.Quantity(kwh(50)), Price: 60000000, Amount: 300000}},
		Registers: []account.BillRegister{{Point: "1001-1", Start: account.Register{At: 10, Energy: kwh(500)}, End: account.Register{At: 20, Energy: kwh(600)}, Multiplier: 1}}}}
	version := tariff.Version{ID: "t", Number: 1, Decimals: 2, Kind: tariff.Tiered, Hash: [32]byte{7},
		Tiers: []tariff.Tier{{UpTo: kwh(50), Price: 100000000}, {Price: 60000000}}}
	b.config = &account.Config{Tariffs: map[string][]tariff.Version{"t": {version}}}
	b.state.Tariff, b.state.Estimate, b.state.CycleBefore = [8]byte{7}, 60000, kwh(100)
	b.state.No, b.state.Period, b.state.PeriodStart, b.state.Energy = 1, 2, 20, kwh(10)
	opening, anchor, now := account.Register{At: 10, Energy: kwh(500)}, account.Register{At: 20, Energy: kwh(600)}, account.Register{At: 30, Energy: kwh(610)}
	b.state.Points = []account.Point{{Opening: opening, SegmentStart: opening, Anchor: anchor, Current: now, Latest: now}}
	for _, r := range []account.Register{opening, anchor, now} {
		b.readings = append(b.readings, account.ReadingRecord{No: 1, Quantity: protocol.ActiveImport, TakenAt: r.At, Value: int64(r.Energy)})
	}
	first := store.AuditEntry{Seq: 1, Record: account.AuditRecord{At: 5, Actor: "admin", Action: "payment"}}
	first.Hash = auditSum(&first)
	second := store.AuditEntry{Seq: 2, Prev: first.Hash, Record: account.AuditRecord{At: 6, Actor: "admin", Action: "bill"}}
	second.Hash = auditSum(&second)
	b.trail = []store.AuditEntry{first, second}
	return b
}

func TestRightBooksAreProven(t *testing.T) {
	r := Run(good(), time.Unix(100, 0))
	if !r.OK || r.Accounts != 1 || r.Entries != 3 || len(r.Checks) != len(names) || len(r.Held) != 0 {
		t.Errorf("got %+v", r)
	}
	for _, c := range r.Checks {
		if !c.OK || c.Checked == 0 && c.Name != CheckHeld {
			t.Errorf("check %s: got %+v", c.Name, c)
		}
	}
}

func TestHeldAccountIsListedAndRight(t *testing.T) {
	b := good()
	b.state.Points[0].Latest, b.state.Points[0].Hold = account.Register{At: 40, Energy: kwh(3)}, "A01"
	b.readings = append(b.readings, account.ReadingRecord{No: 1, Quantity: protocol.ActiveImport, TakenAt: 40, Value: int64(kwh(3)), Flags: account.FlagHeld})
	b.findings = []account.Finding{{No: 1, Code: "A01", Hold: true, At: 40}}
	r := Run(b, time.Unix(100, 0))
	if !r.OK || !slices.Equal(r.Held, []string{"1001"}) {
		t.Errorf("got %+v", r)
	}
}

func TestEveryWrongIsFound(t *testing.T) {
	for _, c := range []struct {
		name, check, want string
		spoil             func(b *books1)
	}{
		{"an amount changed", CheckChains, "altered", func(b *books1) { b.entries[0].Entry.Amount++ }},
		{"an entry between two gone", CheckChains, "broken", func(b *books1) { b.entries = slices.Delete(b.entries, 1, 2) }},
		{"the last entry gone", CheckChains, "truncated", func(b *books1) { b.entries = b.entries[:2] }},
		{"a balance raised", CheckBalances, "not the fold", func(b *books1) { b.state.Balances.Advances += 100 }},
		{"books out of balance", CheckEntries, "do not balance", func(b *books1) { b.state.Balances.Cash += 100 }},
		{"an entry of no event", CheckEntries, "cannot debit", func(b *books1) { b.entries[0].Entry.Debit = ledger.Revenue }},
		{"a bill lost", CheckBills, "a bill that is not there", func(b *books1) { b.bills = nil }},
		{"a bill changed", CheckBills, "the ledger says", func(b *books1) { b.bills[0].Amount++; b.bills[0].Lines[0].Amount++ }},
		{"lines that do not add up", CheckBills, "its lines are", func(b *books1) { b.bills[0].Lines[0].Amount++ }},
		{"a period skipped", CheckBills, "period 3 is open", func(b *books1) { b.state.Period = 3 }},
		{"energy billed twice", CheckEnergy, "110 kWh from opening to now, bills and open period 120", func(b *books1) { b.state.Energy = kwh(20) }},
		{"energy not billed", CheckEnergy, "bills and open period 100", func(b *books1) { b.state.Energy = 0 }},
		{"a segment nobody started", CheckEnergy, "nobody decided so", func(b *books1) { b.state.Points[0].SegmentStart = account.Register{At: 15, Energy: kwh(510)} }},
		{"a register out of nowhere", CheckReadings, "not among the stored readings", func(b *books1) { b.readings[2].Value++ }},
		{"a reading that was never judged", CheckReadings, "does not know", func(b *books1) {
			b.readings = append(b.readings, account.ReadingRecord{Quantity: protocol.ActiveImport, TakenAt: 50})
		}},
		{"held and not listed", CheckHeld, "not listed as held", func(b *books1) { b.state.Points[0].Hold = "A01" }},
		{"fee held and not listed", CheckHeld, "fee is held by C01 and not listed", func(b *books1) { b.state.Hold = "C01" }},
		{"listed and not held", CheckHeld, "is listed as held by A01 and is not", func(b *books1) { b.findings = []account.Finding{{Code: "A01", Hold: true}} }},
		{"an audit record gone", CheckAudit, "does not follow", func(b *books1) { b.trail = b.trail[1:] }},
		{"an audit record changed", CheckAudit, "not what was written", func(b *books1) { b.trail[0].Record.Actor = "nobody" }},
		{"an audit record changed, and its hash", CheckAudit, "does not follow", func(b *books1) { b.trail[0].Record.Actor = "nobody"; b.trail[0].Hash = auditSum(&b.trail[0]) }},
		{"a payment of no receipt", CheckEntries, "given a receipt for", func(b *books1) { b.entries[0].Entry.Ref = "k2" }},
		{"a payment twice", CheckEntries, "posted twice", func(b *books1) { b.entries = append(b.entries, b.entries[0]) }},
		{"a price of no tariff", CheckBills, "in t v1 it is", func(b *books1) { b.bills[0].Lines[1].Price++ }},
		{"a line that is not its product", CheckBills, "not 31.00", func(b *books1) { b.bills[0].Lines[1].Amount = 310000 }},
		{"energy of a bill that its registers do not have", CheckBills, "its registers say", func(b *books1) { b.bills[0].Registers[0].End.Energy++ }},
		{"a bill of a register out of nowhere", CheckReadings, "bill 1001-1 rests on", func(b *books1) {
			b.bills[0].Registers[0].Start.Energy += kwh(1)
			b.bills[0].Registers[0].End.Energy += kwh(1)
		}},
		{"an estimate of another price", CheckEnergy, "make 6.00", func(b *books1) { b.state.Estimate++ }},
		{"an open period of other registers", CheckEnergy, "the open period is", func(b *books1) { b.state.Points[0].Anchor.Energy++ }},
		{"a gap between bill and open period", CheckBills, "does not begin where", func(b *books1) { b.state.PeriodStart++ }},
		{"unreadable", CheckChains, "cannot be read", func(b *books1) { b.broken = errors.New("damaged") }},
	} {
		b := good()
		c.spoil(b)
		r := Run(b, time.Unix(100, 0))
		text := strings.Join(r.Problems, "\n")
		failed := slices.ContainsFunc(r.Checks, func(v wire.Verified) bool { return v.Name == c.check && !v.OK })
		if r.OK || !failed || !strings.Contains(text, c.want) {
			t.Errorf("%s: got ok %v, problems %q; want check %s to fail with %q", c.name, r.OK, text, c.check, c.want)
		}
	}
}

func TestReportReadsInBothLanguages(t *testing.T) {
	b := good()
	b.state.Energy = 0
	r := Run(b, time.Unix(100, 0))
	for lang, want := range map[string]string{"zh": "账务有误：1 户，3 条分录。", "en": "The books are NOT right: 1 accounts, 3 ledger entries."} {
		var out bytes.Buffer
		if err := Text(&out, lang, &r); err != nil || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "account 1001: the registers say 110") {
			t.Errorf("%s: got %s, %v", lang, out.String(), err)
		}
	}
}
