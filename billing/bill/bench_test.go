package bill_test

import (
	"testing"

	"feikong/billing/bill"
)

func BenchmarkRateHouseholdByRegisters(b *testing.B) {
	v := shipped(b, "shandong-household-tou")
	u := period(b, v, `
from: 2026-07-01
to: 2026-08-01
counter: 4650
meters:
  - meter: "1"
    readings:
      - {at: 2026-07-01, total: 1000, registers: [{register: 2, value: 600}, {register: 4, value: 400}]}
      - {at: 2026-08-01, total: 1340, registers: [{register: 2, value: 810}, {register: 4, value: 530}]}
`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bill.Rate(v, nil, u); err != nil {
			b.Fatal(err)
		}
	}
}
