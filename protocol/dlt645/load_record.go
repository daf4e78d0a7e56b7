package dlt645

import (
	"math"
	"time"
)

// NotMeasured stands in a LoadRecord for what the meter filled with FF. It is
// no number: Energy and Values leave it out.
const NotMeasured = math.MinInt64

// LoadRecord is one record of a load profile (负荷记录). Numbers are whole, in
// the unit of the meter's last digit; classes that the meter does not keep
// (mode word 04000901) are not in Classes and their numbers are zero.
type LoadRecord struct {
	At      time.Time // the meter's wall clock; zero when it could not be read
	Classes LoadClasses

	Voltages  [3]int64 // class 1: 0.1 V
	Currents  [3]int64 // class 1: 0.001 A
	Frequency int64    // class 1: 0.01 Hz
	Active    [4]int64 // class 2: total, A, B, C in 0.0001 kW
	Reactive  [4]int64 // class 2: 0.0001 kvar
	Factors   [4]int64 // class 3: 0.001
	Energies  [4]int64 // class 4: forward, reverse active in 0.01 kWh, combined reactive 1, 2 in 0.01 kvarh
	Quadrants [4]int64 // class 5: reactive I to IV in 0.01 kvarh
	Demands   [2]int64 // class 6: active in 0.0001 kW, reactive in 0.0001 kvar

	// Suspect says that the record is not as it should be: the meter marked it
	// (E0 E0), or its length, checksum or a value is odd. Why says so in
	// words. What could be read is above, every byte is in Raw, which aliases
	// what was parsed.
	Suspect bool
	Why     string
	Raw     []byte
}

// LoadClasses is a set of classes; bit 0 is class 1.
type LoadClasses byte

// Has reports whether class n (1 to 6) is in the set.
func (c LoadClasses) Has(n int) bool { return n >= 1 && n <= len(loadClasses) && c&(1<<(n-1)) != 0 }

// With is the set and class n.
func (c LoadClasses) With(n int) LoadClasses {
	if n < 1 || n > len(loadClasses) {
		return c
	}
	return c | 1<<(n-1)
}

// Energy is number i of class 4; false when the record has none or the meter
// did not measure it.
func (r LoadRecord) Energy(i int) (hundredths int64, ok bool) {
	if !r.Classes.Has(4) || i < 0 || i >= len(r.Energies) || r.Energies[i] == NotMeasured {
		return 0, false
	}
	return r.Energies[i], true
}

// loadClasses is what stands in a record, one row a number: the six classes
// with 17, 24, 8, 16, 16 and 6 bytes, from firmware [M].
var loadClasses = [6][]ItemInfo{
	{
		{Name: "voltage A", NameZH: "A相电压", Format: "XXX.X", Bytes: 2, Unit: "V"}, {Name: "voltage B", NameZH: "B相电压", Format: "XXX.X", Bytes: 2, Unit: "V"}, {Name: "voltage C", NameZH: "C相电压", Format: "XXX.X", Bytes: 2, Unit: "V"},
		{Name: "current A", NameZH: "A相电流", Format: "XXX.XXX", Bytes: 3, Unit: "A", Signed: true}, {Name: "current B", NameZH: "B相电流", Format: "XXX.XXX", Bytes: 3, Unit: "A", Signed: true}, {Name: "current C", NameZH: "C相电流", Format: "XXX.XXX", Bytes: 3, Unit: "A", Signed: true},
		{Name: "frequency", NameZH: "频率", Format: "XX.XX", Bytes: 2, Unit: "Hz"},
	}, {
		{Name: "active power total", NameZH: "总有功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kW", Signed: true}, {Name: "active power A", NameZH: "A相有功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kW", Signed: true},
		{Name: "active power B", NameZH: "B相有功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kW", Signed: true}, {Name: "active power C", NameZH: "C相有功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kW", Signed: true},
		{Name: "reactive power total", NameZH: "总无功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kvar", Signed: true}, {Name: "reactive power A", NameZH: "A相无功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kvar", Signed: true},
		{Name: "reactive power B", NameZH: "B相无功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kvar", Signed: true}, {Name: "reactive power C", NameZH: "C相无功功率", Format: "XX.XXXX", Bytes: 3, Unit: "kvar", Signed: true},
	}, {
		{Name: "power factor total", NameZH: "总功率因数", Format: "X.XXX", Bytes: 2, Signed: true}, {Name: "power factor A", NameZH: "A相功率因数", Format: "X.XXX", Bytes: 2, Signed: true},
		{Name: "power factor B", NameZH: "B相功率因数", Format: "X.XXX", Bytes: 2, Signed: true}, {Name: "power factor C", NameZH: "C相功率因数", Format: "X.XXX", Bytes: 2, Signed: true},
	}, {
		{Name: "forward active energy", NameZH: "正向有功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kWh"}, {Name: "reverse active energy", NameZH: "反向有功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kWh"},
		{Name: "combined reactive 1 energy", NameZH: "组合无功1总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh", Signed: true}, {Name: "combined reactive 2 energy", NameZH: "组合无功2总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh", Signed: true},
	}, {
		{Name: "reactive quadrant 1 energy", NameZH: "第一象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"}, {Name: "reactive quadrant 2 energy", NameZH: "第二象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"},
		{Name: "reactive quadrant 3 energy", NameZH: "第三象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"}, {Name: "reactive quadrant 4 energy", NameZH: "第四象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"},
	}, {
		{Name: "active demand now", NameZH: "当前有功需量", Format: "XX.XXXX", Bytes: 3, Unit: "kW", Signed: true}, {Name: "reactive demand now", NameZH: "当前无功需量", Format: "XX.XXXX", Bytes: 3, Unit: "kvar", Signed: true},
	},
}

// slots are where the numbers of class n go, in the order of loadClasses.
func (r *LoadRecord) slots(n int) []*int64 {
	at := func(groups ...[]int64) (out []*int64) {
		for _, g := range groups {
			for i := range g {
				out = append(out, &g[i])
			}
		}
		return out
	}
	switch n {
	case 1:
		return append(at(r.Voltages[:], r.Currents[:]), &r.Frequency)
	case 2:
		return at(r.Active[:], r.Reactive[:])
	case 3:
		return at(r.Factors[:])
	case 4:
		return at(r.Energies[:])
	case 5:
		return at(r.Quadrants[:])
	}
	return at(r.Demands[:])
}

// Values lists the time and what the record has, for people.
func (r LoadRecord) Values() []Value {
	var out []Value
	if !r.At.IsZero() {
		out = append(out, Value{Name: "record time", NameZH: "记录时间", Text: r.At.Format("2006-01-02 15:04")})
	}
	for n := 1; n <= len(loadClasses); n++ {
		if !r.Classes.Has(n) {
			continue
		}
		for i, slot := range r.slots(n) {
			it := loadClasses[n-1][i]
			v := Value{Name: it.Name, NameZH: it.NameZH, Unit: it.Unit, Exp: it.Format.exp()}
			if v.Null = *slot == NotMeasured; !v.Null {
				v.Int = *slot
			}
			out = append(out, v)
		}
	}
	return out
}
