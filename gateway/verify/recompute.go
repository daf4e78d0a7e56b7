package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

// payments: each payment in the ledger is there once, and the door answered for it.
func (r *report) payments(v store.View, profile *account.Profile, entries []ledger.Entry) {
	seen := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		if e.Kind != ledger.Payment {
			continue
		}
		if seen[e.Ref] {
			r.problem(CheckEntries, "payment %s was posted twice", e.Ref)
		}
		seen[e.Ref] = true
		receipt, ok := v.Key(e.Ref)
		if want := fmt.Sprintf("%s/%d", profile.ID, e.Seq); !ok || receipt.Status != account.Accepted || receipt.Ref != want {
			r.problem(CheckEntries, "entry %d is a payment that nobody was given a receipt for, %s", e.Seq, e.Ref)
		}
	}
}

// bill computes a bill from what is printed on it: energy from its registers, amounts from quantities and the prices of its tariff version.
func (r *report) bill(v store.View, b *account.Bill) {
	var energy billing.Energy
	for _, g := range b.Registers {
		energy += (g.End.Energy-g.Start.Energy)*billing.Energy(g.Multiplier) + g.Carried
	}
	if energy != b.Energy {
		r.problem(CheckBills, "bill %s is for %s kWh, its registers say %s", b.ID, b.Energy, energy)
	}
	version := versionOf(v.Config(), func(t *tariff.Version) bool { return fmt.Sprintf("%s v%d", t.ID, t.Number) == b.Tariff })
	if version == nil {
		return // its document is not in force any more: there is nothing to compute with
	}
	if version.Kind == tariff.Composed {
		r.composed(b, version)
		return
	}
	var quantity billing.Quantity
	for _, l := range b.Lines {
		amount, err := billing.MulRound(billing.Energy(l.Quantity), l.Price, version.Decimals)
		if err != nil || amount != l.Amount {
			r.problem(CheckBills, "bill %s: %s of %s kWh at %s is %s, not %s", b.ID, l.Code, l.Quantity, l.Price, amount, l.Amount)
		}
		if price, ok := priceOf(version, l.Code); !ok || price != l.Price {
			r.problem(CheckBills, "bill %s: the price of %s is %s, in %s it is %s", b.ID, l.Code, l.Price, b.Tariff, price)
		}
		if len(l.Code) < 5 || l.Code[:5] != "adder" { // an adder prices energy again that the base has priced
			quantity += l.Quantity
		}
	}
	if quantity != billing.Quantity(b.Energy) {
		r.problem(CheckBills, "bill %s is for %s kWh, its lines for %s", b.ID, b.Energy, quantity)
	}
}

// composed computes the lines per kWh of a bill whose version rounds by line; what its other lines rest on is not among the registers.
func (r *report) composed(b *account.Bill, version *tariff.Version) {
	if version.Rounding != tariff.RoundLine {
		return
	}
	for _, l := range b.Lines {
		if l.Unit != billing.UnitKWh || l.Quantity == 0 {
			continue
		}
		amount, err := billing.MulRound(billing.Energy(l.Quantity), l.Price, version.Decimals)
		if err != nil || amount != l.Amount {
			r.problem(CheckBills, "bill %s: %s of %s kWh at %s is %s, not %s", b.ID, l.Code, l.Quantity, l.Price, amount, l.Amount)
		}
	}
}

func priceOf(v *tariff.Version, code string) (billing.Price, bool) {
	var n int
	switch {
	case code == "flat":
		return v.Price, v.Kind == tariff.Flat
	case code == "base":
		return tierOf(v, 1).Price, len(v.Tiers) > 0
	}
	if _, err := fmt.Sscanf(code, "tier%d", &n); err == nil {
		return tierOf(v, n).Price, n <= len(v.Tiers)
	}
	if _, err := fmt.Sscanf(code, "adder%d", &n); err == nil {
		return tierOf(v, n).Price - tierOf(v, 1).Price, n <= len(v.Tiers)
	}
	return 0, false
}

func tierOf(v *tariff.Version, n int) tariff.Tier {
	if n < 1 || n > len(v.Tiers) {
		return tariff.Tier{}
	}
	return v.Tiers[n-1]
}

func versionOf(config *account.Config, match func(*tariff.Version) bool) *tariff.Version {
	if config == nil {
		return nil
	}
	for _, versions := range config.Tariffs {
		for i := range versions {
			if match(&versions[i]) {
				return &versions[i]
			}
		}
	}
	return nil
}

// billed holds the registers of the newest bill against the stored readings. Older bills hang on it: each begins where the one before
// ended, and the energy of all is the registers'.
func (r *report) billed(v store.View, no account.No, profile *account.Profile, state *account.State, b *account.Bill) {
	for i, g := range b.Registers {
		if i >= len(profile.Points) || i >= len(state.Points) || g.End.At == 0 {
			continue
		}
		for _, at := range [...]account.Register{g.Start, g.End} {
			if at == state.Points[i].Opening && profile.Points[i].HasOpening {
				continue // keyed in, not read
			}
			if found, err := stored(v, no, uint16(i), at); err != nil {
				r.problem(CheckReadings, "the readings of %s cannot be read: %v", g.Point, err)
			} else if !found {
				r.problem(CheckReadings, "the register of %s that bill %s rests on, %s kWh, is not among the stored readings", g.Point, b.ID, at.Energy)
			}
		}
	}
}

func stored(v store.View, no account.No, point uint16, at account.Register) (found bool, err error) {
	records, err := v.Readings(no, point, protocol.ActiveImport, 0, at.At, at.At, 0)
	for _, rec := range records {
		found = found || rec.TakenAt == at.At && rec.Value == int64(at.Energy)
	}
	return found, err
}

// open computes the open period from its registers, and prices it.
func (r *report) open(v store.View, profile *account.Profile, state *account.State) {
	switch state.Hold {
	case "C01", "C02", "C04", "C05", "E02":
		return // it has no estimate, and is listed as held
	}
	var energy billing.Energy
	for i := range state.Points {
		p := &state.Points[i]
		energy += (p.Current.Energy-p.Anchor.Energy)*billing.Energy(profile.Points[i].Multiplier) + p.Carried
	}
	if energy != state.Energy {
		r.problem(CheckEnergy, "the open period is %s kWh, its registers say %s", state.Energy, energy)
	}
	version := versionOf(v.Config(), func(t *tariff.Version) bool { return state.Tariff != [8]byte{} && [8]byte(t.Hash[:8]) == state.Tariff })
	if version == nil {
		return // nothing priced yet, or by a version that is not in force any more
	}
	if usage.Banded(version) || version.Kind == tariff.Composed && profile.Household.Told() {
		return // it rests on the rate registers, or on the household: the bill will name them
	}
	from := clock(state.PeriodStart)
	used := rate.Usage{From: from, To: from, Energy: state.Energy, CycleBefore: state.CycleBefore}
	for i := range state.Points {
		if p := &state.Points[i]; p.Opening.At != 0 && p.Current.At > state.PeriodStart {
			used.To = later(used.To, clock(p.Current.At)) // charges by the day go on as far as the energy
		}
	}
	charge, err := rate.Estimate(version, used)
	if errors.Is(err, rate.ErrCycleCrossed) || errors.Is(err, rate.ErrVersionCrossed) {
		if state.Hold != "C03" {
			return // its parts rest on readings at the border: the bill will name them
		}
		used.To = from // held, and estimated by its start
		charge, err = rate.Estimate(version, used)
	}
	if err != nil || charge.Total != state.Estimate {
		r.problem(CheckEnergy, "the estimate is %s, %s kWh after %s make %s", state.Estimate, state.Energy, state.CycleBefore, errors.Join(fmt.Errorf("%s", charge.Total), err))
	}
}

// auditSum is the hash an audit record must have: SHA-256 of the domain, the hash before, and the record with each text behind its length.
func auditSum(e *store.AuditEntry) [32]byte {
	b := append([]byte("feikong audit 1\x00"), e.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Record.At))
	for _, s := range []string{e.Record.Actor, e.Record.Action, e.Record.Object, e.Record.Detail, e.Record.Result} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return sha256.Sum256(b)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
