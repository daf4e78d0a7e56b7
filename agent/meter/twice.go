package meter

import (
	"fmt"

	"feikong/protocol"
	"feikong/protocol/modbusmap"
)

// readsMax bounds the reads of which two must agree: noise hits one frame, seldom two.
const readsMax = 3

// twice does read once, or, with c.Twice, until two of at most three answers agree on all energies; those have QualityTwice. A
// register that counts while it is read never gives two equal answers: when it may, and none of the three went back, the second
// counts, without the mark. However fast it runs, and whichever one of the three may have a wrong digit that both checksum and
// parity let pass, the second lies between two true ones.
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
	if counts && rising(energies(got[0]), energies(got[1])) && rising(energies(got[1]), energies(got[2])) {
		return got[1], nil
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

// rising says that no register went back from a to b.
func rising(a, b []protocol.Reading) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameRegister(a[i], b[i]) || b[i].Value < a[i].Value {
			return false
		}
	}
	return true
}
