package bill_test

import (
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/usage"

	"pgregory.net/rapid"
)

const year = `
periods:
  - {from: 2026-01-01, to: 2026-05-01, energy: 2400}
  - {from: 2026-05-01, to: 2026-06-01, energy: 300}
  - {from: 2026-06-01, to: 2026-07-01, energy: 100}
  - {from: 2026-07-01, to: 2027-01-01, energy: 100}
  - {from: 2027-01-01, to: 2027-02-01, energy: 100}
corrections:
  - {from: 2026-05-01, to: 2026-06-01, energy: 100, reason: misread}
`

func TestACorrectionIsAMirrorANewBillAndTheLaterBillsOfTheCycle(t *testing.T) {
	v := shipped(t, "shandong-household")
	d := document(t, v, year)
	originals, postings, net, err := bill.Correct(v, nil, d.Periods, d.Corrections)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range postings {
		got = append(got, p.Kind.String()+" "+p.Bill.From.Format("01-02")+" "+p.Bill.Total.String())
	}
	// May was 120 in tier 1 and 180 in tier 2; it is 100 in tier 1. June had 100 in
	// tier 2 and has 20 in tier 1 and 80 in tier 2. The next year is not touched.
	want := "mirror 05-01 -173.07; corrected 05-01 54.69; mirror 06-01 -59.69; rerated 06-01 58.69; mirror 07-01 -59.69; rerated 07-01 59.69"
	if strings.Join(got, "; ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, "; "), want)
	}
	if len(originals) != 5 || net.String() != "-119.38" {
		t.Errorf("got %d originals and %s", len(originals), net)
	}
	// Billing it right from the start comes out the same.
	right := d.Periods
	right[1] = d.Corrections[0].Period
	again, err := bill.RateAll(v, nil, right)
	if err != nil {
		t.Fatal(err)
	}
	sum := billing.Money(0)
	for i := range again {
		sum += again[i].Total - originals[i].Total
	}
	if sum != net {
		t.Errorf("the corrections come to %s, billing anew to %s", net, sum)
	}
	d.Corrections[0].Form = usage.Difference
	_, postings, net, err = bill.Correct(v, nil, d.Periods, d.Corrections)
	if err != nil || len(postings) != 1 || postings[0].Kind != bill.Adjusted || net != 0 {
		t.Errorf("got %d postings, %s, %v, want one of nothing: the period is already right", len(postings), net, err)
	}
}

func TestLateChargesChangeAtTheYearsEnd(t *testing.T) {
	date := func(s string) time.Time {
		at, err := time.ParseInLocation(time.DateOnly, s, beijing)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, test := range []struct{ tariff, amount, due, paid, want string }{
		{"hubei-single-lv", "1000", "2026-01-20", "2026-01-30", "late.same-year 20.00"},
		{"hubei-single-lv", "1000", "2026-01-20", "2027-01-10", "late.same-year 690.00; late.later 30.00"},
		{"hubei-single-lv", "1000", "2026-01-20", "2026-01-20", ""},
		{"hubei-single-lv", "10", "2026-01-20", "2026-01-21", "late.same-year 0.02; late.minimum 0.98"},
		{"shandong-household-tou", "150.69", "2026-12-30", "2027-01-09", "late.same-year 0.15; late.later 1.36"},
		{"shandong-household", "150.69", "2026-12-30", "2027-01-09", "line 0: usage lacks what the tariff needs: version 1 of tariff shandong-household says nothing of late payment"},
	} {
		lines, err := bill.Late(shipped(t, test.tariff), "u", usage.Late{Amount: money(t, test.amount), Due: date(test.due), Paid: date(test.paid)})
		var got []string
		for _, l := range lines {
			got = append(got, l.Code+" "+l.Amount.String())
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if text := strings.Join(got, "; "); text != test.want && (err == nil || !strings.Contains(text, test.want)) {
			t.Errorf("%s %s: got %s, want %s", test.amount, test.paid, text, test.want)
		}
	}
}

func TestAVersionPublishedAfterwardsIsPostedAsADifference(t *testing.T) {
	v := shipped(t, "flat")
	for i, start := range []string{"2026-03-01", "2026-06-01", "2026-08-01"} {
		at, err := time.ParseInLocation(time.DateOnly, start, beijing)
		if err != nil {
			t.Fatal(err)
		}
		v[i].ValidTo = at
		next := v[0]
		next.Number, next.ValidFrom, next.ValidTo, next.Price = i+2, at, time.Time{}, billing.Price(i+1)*1e8
		v = append(v, next)
	}
	// When February to July were billed only versions 1 and 3 were known.
	v[1].Number, v[2].Number, v[3].Number = 3, 2, 4
	d := document(t, v, `
periods:
  - {from: 2026-02-01, to: 2026-03-01, energy: 100, billed_with: 2}
  - {from: 2026-03-01, to: 2026-04-01, energy: 100, billed_with: 2}
  - {from: 2026-06-01, to: 2026-07-01, energy: 100, billed_with: 2}
  - {from: 2026-08-01, to: 2026-09-01, energy: 100}
`)
	originals, postings, net, err := bill.Correct(v, nil, d.Periods, d.Corrections)
	if err != nil || len(originals) != 4 || len(postings) != 2 {
		t.Fatalf("got %d postings of %d, %v", len(postings), len(originals), err)
	}
	if originals[1].Total.String() != "54.69" || postings[1].Bill.Total.String() != "100.00" || postings[1].Kind != bill.Rerated || net.String() != "45.31" {
		t.Errorf("got %s, then %s; net %s", originals[1].Total, postings[1].Bill.Total, net)
	}
}

// Whatever was wrong, the postings come to what billing anew would have said.
func TestCorrectionsComeToBillingAnew(t *testing.T) {
	v := shipped(t, "shandong-household")
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Date(2025, 9, 1, 0, 0, 0, 0, beijing)
		var periods []usage.Period
		var corrections []usage.Correction
		counter := billing.Energy(rapid.Int64Range(0, 4e9).Draw(rt, "counter"))
		for i := range rapid.IntRange(1, 9).Draw(rt, "periods") {
			to := at.AddDate(0, 0, rapid.IntRange(10, 70).Draw(rt, "days"))
			u := usage.Period{From: at, To: to, Name: "u", Line: 1, Meters: told(at, to, billing.Energy(rapid.Int64Range(0, 1e9).Draw(rt, "energy")))}
			if i == 0 {
				u.Counter, u.CounterKnown = counter, true
			}
			periods = append(periods, u)
			if rapid.Bool().Draw(rt, "wrong") {
				u.Meters = told(at, to, billing.Energy(rapid.Int64Range(0, 1e9).Draw(rt, "right")))
				corrections = append(corrections, usage.Correction{Period: u, Form: usage.Form(rapid.IntRange(0, 1).Draw(rt, "form"))})
			}
			at = to
		}
		originals, _, net, err := bill.Correct(v, nil, periods, corrections)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range periods {
			for _, c := range corrections {
				if c.Period.From.Equal(periods[i].From) {
					periods[i] = c.Period
				}
			}
		}
		anew, err := bill.RateAll(v, nil, periods)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range anew {
			net -= anew[i].Total - originals[i].Total
		}
		if net != 0 {
			rt.Fatalf("the postings come to %s more than billing anew", net)
		}
	})
}
