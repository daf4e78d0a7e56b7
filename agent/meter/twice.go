package meter

import (
	"fmt"

	"feikong/protocol"
)

// readsMax bounds a read that must be confirmed: two that agree, and one more when noise or a step of the register came
// between.
const readsMax = 3

// twice does read once, or, with c.Twice, until two of at most three answers agree; those have QualityTwice. near says
// whether one answer can have followed another honestly: a register under load steps between two reads.
func (c Call) twice(read func() ([]protocol.Reading, error), near func(a, b []protocol.Reading) bool) ([]protocol.Reading, error) {
	if !c.Twice {
		return read()
	}
	var got [][]protocol.Reading
	for range readsMax {
		rs, err := read()
		if err != nil {
			return nil, err
		}
		for _, before := range got {
			if alike(before, rs) {
				for i := range rs {
					rs[i].Quality |= protocol.QualityTwice
				}
				return rs, nil
			}
		}
		got = append(got, rs)
	}
	if near(got[0], got[1]) && near(got[1], got[2]) {
		return got[2], nil
	}
	return nil, fmt.Errorf("%d reads: %w", readsMax, ErrDisagree)
}

// alike says that two answers hold the same registers with the same values.
func alike(a, b []protocol.Reading) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Quantity != b[i].Quantity || a[i].Register != b[i].Register || a[i].Value != b[i].Value || a[i].Exp != b[i].Exp || a[i].MeterTime != b[i].MeterTime {
			return false
		}
	}
	return true
}

// advancing says that b can be a moment after a: no register went back or ran faster than 200 kW, more than any register
// counts directly (a meter of 100 A has 66 kW); 0.01 kWh is what the display rounds.
func advancing(a, b []protocol.Reading) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Quantity != b[i].Quantity || a[i].Register != b[i].Register || a[i].Exp != b[i].Exp || b[i].Exp > 0 || b[i].Exp < -6 {
			return false
		}
		unit := int64(1) // mWh of the last digit
		for e := b[i].Exp; e > -6; e-- {
			unit *= 10
		}
		step := b[i].Value - a[i].Value
		if most := 200*(b[i].TakenAt-a[i].TakenAt)*1000/3600 + unit; step < 0 || step > (most+unit-1)/unit {
			return false
		}
	}
	return true
}

// never is for what cannot step: a frozen register.
func never(_, _ []protocol.Reading) bool { return false }
