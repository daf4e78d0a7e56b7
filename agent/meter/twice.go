package meter

import (
	"fmt"

	"feikong/protocol"
	"feikong/protocol/modbusmap"
)

// readsMax bounds the reads of which two must agree: noise hits one frame, seldom two.
const readsMax = 3

// twice does read once, or, with c.Twice, until two of at most three answers agree on all energies; those have QualityTwice. A register
// that counts while it is read never gives two equal answers: when it may, three that lie on one line are one register too, and the
// last of them counts, without the mark.
func (c Call) twice(read func() ([]protocol.Reading, error), counts bool) ([]protocol.Reading, error) {
	if !c.Twice {
		return read()
	}
	var got [][]protocol.Reading
	for range readsMax {
		rs, err := read()
		if err != nil {
			return rs, err
		}
		for _, before := range got {
			if alike(before, rs) {
				for i := range rs {
					if modbusmap.IsEnergy(rs[i].Quantity) {
						rs[i].Quality |= protocol.QualityTwice
					}
				}
				return rs, nil
			}
		}
		got = append(got, rs)
	}
	if counts && even(energies(got[0]), energies(got[1]), energies(got[2])) {
		return got[2], nil
	}
	return nil, fmt.Errorf("%d reads: %w", readsMax, ErrDisagree)
}

func energies(rs []protocol.Reading) (out []protocol.Reading) {
	for _, r := range rs {
		if modbusmap.IsEnergy(r.Quantity) {
			out = append(out, r)
		}
	}
	return out
}

// alike says that two answers hold the same registers with the same values.
func alike(a, b []protocol.Reading) bool {
	a, b = energies(a), energies(b)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameRegister(a[i], b[i]) || a[i].Value != b[i].Value || a[i].MeterTime != b[i].MeterTime {
			return false
		}
	}
	return true
}

func sameRegister(a, b protocol.Reading) bool {
	return a.Quantity == b.Quantity && a.Register == b.Register && a.Exp == b.Exp
}

// even says that three answers can be registers that count: none goes back, and each went as fast from the second to the third as
// from the first to the second, but for two steps of its last digit and a load that changed by two thirds. It asks nothing about
// how fast: a register of primary energy may run a thousand steps in that time. A wrong digit in any one of the three answers, which
// both checksum and parity let pass, breaks the line.
func even(a, b, c []protocol.Reading) bool {
	if len(a) != len(b) || len(b) != len(c) {
		return false
	}
	for i := range a {
		if !sameRegister(a[i], b[i]) || !sameRegister(b[i], c[i]) {
			return false
		}
		first, second := b[i].Value-a[i].Value, c[i].Value-b[i].Value
		t1, t2 := max(b[i].TakenAt-a[i].TakenAt, 1), max(c[i].TakenAt-b[i].TakenAt, 1)
		const most = 1 << 30 // steps, or milliseconds: no register runs so far while it is read, and the products below fit
		if first < 0 || second < 0 || max(first, second, t1, t2) > most {
			return false
		}
		x, y := first*t2, second*t1
		if max(x, y)-min(x, y) > (x+y)/4+2*max(t1, t2) {
			return false
		}
	}
	return true
}
