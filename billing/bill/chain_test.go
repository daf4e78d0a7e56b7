package bill_test

import (
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/usage"
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
