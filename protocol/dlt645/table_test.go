package dlt645

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEveryRowOfTheTablesIsSound(t *testing.T) {
	for name, tc := range map[string]struct {
		csv    string
		atLeat int
		find   func(DI) (ItemInfo, bool)
		layout func(DI) []ItemInfo
	}{
		"2007": {itemsCSV, 250, Item, layout},
		"1997": {itemsCSV1997, 80, Item1997, layout1997},
	} {
		lines := strings.Split(strings.TrimSuffix(tc.csv, "\n"), "\n")
		if lines[0] != "DI,name,zh,format,bytes,unit,signed,writable" {
			t.Errorf("%s: columns %s", name, lines[0])
		}
		lines = lines[1:]
		if len(lines) < tc.atLeat || len(lines) != len(rows(tc.csv)) {
			t.Errorf("%s: %d rows, %d of them sound, want at least %d", name, len(lines), len(rows(tc.csv)), tc.atLeat)
		}
		var before DI
		for i, line := range lines {
			it, err := row(line)
			if err != nil {
				t.Errorf("%s row %d: %v", name, i+2, err)
				continue
			}
			if it.DI <= before && i > 0 {
				t.Errorf("%s: %s stands behind %s", name, it.DI, before)
			}
			before = it.DI
			if got, ok := tc.find(it.DI); !ok || got != it.named() {
				t.Errorf("%s: looked up %s, got %+v", name, it.DI, got)
			}
			// A block in the table of families must say the same as its row.
			parts := tc.layout(it.DI)
			if it.Format == FormatLoad {
				continue
			}
			n := 0
			for _, p := range parts {
				n += p.Bytes
			}
			if n != it.Bytes || len(parts) == 0 {
				t.Errorf("%s: %s has %d bytes, its parts %d", name, it.DI, it.Bytes, n)
				continue
			}
			if p := parts[0]; !it.Format.composite() && (p.Format != it.Format || p.Unit != it.Unit || p.Signed != it.Signed ||
				!strings.HasPrefix(it.named().Name, p.Name) || !strings.HasPrefix(it.NameZH, p.NameZH)) {
				t.Errorf("%s: row %+v, family %+v", name, it, p)
			}
			for _, p := range parts {
				if p.Format == FormatASCII || p.Format == FormatBinary || p.Format == FormatSecret {
					continue
				}
				if vs, err := p.decode([]byte(strings.Repeat("\xFF", p.Bytes))); err != nil || !vs[0].Null {
					t.Errorf("%s %s: filled with FF: got %v, %v", it.DI, p.Name, vs, err)
				}
				one := []byte(strings.Repeat("\x01", p.Bytes))
				if _, err := p.decode(one); err != nil {
					t.Errorf("%s %s: digits 01: %v", it.DI, p.Name, err)
				}
				one[0] = 0x0A
				if _, err := p.decode(one); err == nil {
					t.Errorf("%s %s: digit A was taken", it.DI, p.Name)
				}
			}
		}
		t.Logf("%s: %d rows", name, len(lines))
	}
}

func TestALookUpDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		for _, d := range []DI{0x00000000, 0x04000503, 0x1E000801, 0x02010100, 0x04FF0000} {
			Item(d)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func TestRowsThatAreNotSoundAreRefused(t *testing.T) {
	for _, line := range []string{
		"", "04000101", "04000101,date", "0400010g,date,日期,NN,1,,,", "04000101,date,日期,NN,2,,,", "04000101,date,日期,NN,x,,,", "04000101,,日期,NN,1,,,",
		"04000101,date,日期,QQ,1,,,", "04000101,date,日期,NN,1,,x,", "04000101,date,日期,NN,1,,,,", "04000101,date,日期,NN+digits,2,,,",
		"04000101,date,日期,99*NN,99,,,", "04000101,a|b,甲|乙,NN+NN,2,,,", "04000101,a,甲,digits:0,0,,,", "04000101,a,甲,,0,,,", "04000101,a,甲,NN,-1,,,",
	} {
		if it, err := row(line); !errors.Is(err, ErrTable) {
			t.Errorf("%q: got %+v, %v", line, it, err)
		}
	}
}

func TestTheLastRecordsAreAsTheFirst(t *testing.T) {
	for _, tc := range []struct {
		d    DI
		name string
	}{
		{0x0333030A, "purchase amount"}, {0x1D000103, "event time"}, {0x1D00FF0A, ""}, {0x03300D07, "meter cover opening record"},
		{0x0403000E, "holiday"}, {0x0506003E, "freeze time"}, {0x050600FE, "freeze time"}, {0x050400FF, ""}, {0x0333030B, ""}, {0x04050106, ""},
	} {
		it, ok := Item(tc.d)
		if ok != (tc.name != "") || it.Name != tc.name || ok && it.DI != tc.d {
			t.Errorf("%s: got %+v, %v, want %q", tc.d, it, ok, tc.name)
		}
	}
}

func TestTablesOfTheMeterAreReadEntryByEntry(t *testing.T) {
	for _, tc := range []struct {
		d    DI
		data string
		want string
	}{
		{0x04010000, "01 01 03 02 01 07", "zone table 1 entry 1 03-01 01, zone table 1 entry 2 07-01 02"},
		{0x04020003, "02 00 08", "day table 3 of set 2 slot 1 08:00 02"},
		{0x04030001, "02 01 05 26", "holiday 2026-05-01 02"},
		{0x04000B01, "00 01", "settlement day 1 01 00"},
		{0x04000A01, "00 12 22 11", "load record start 11-22 12:00"},
		{0x04050102, "00 50 00 00", "price of rate 2 set 1 0.5000 money/kWh"},
		{0x04001104, "01 02 03 04 05 06 07 88", "report mode word 0x8807060504030201"},
		{0x04001501, "01 00 00 00 00 00 00 00 00 00 00 FF", "report status word 0xFF0000000000000000000001"},
		{0x04000C03, "02 56 34 12", "password level 2 [redacted]"},
		{0x03010000, "05 00 00 90 00 00", "voltage loss A count 5, voltage loss A minutes 90"},
		{0x03300401, "17 00 00 00 15 30 22 22 11 26 20 30 22 22 11 26", "operator code 00000017, time before 2026-11-22 22:30:15, time after 2026-11-22 22:30:20"},
		{0x0333FF01, "30 22 22 11 26 03 00 00 00 01 00 00 50 00 00 00 50 01 00 00 00 04 00", "purchase date 2026-11-22 22:30, purchase count 3, purchase amount 100.00 money, " +
			"purchase remaining before 50.00 money, purchase remaining after 150.00 money, purchase total 400.00 money"},
		{0x05001001, "00 10 00", "frozen active power total 0.1000 kW"},
	} {
		vs, err := DecodeValues(tc.d, unhex(t, tc.data))
		var got []string
		for _, v := range vs {
			got = append(got, v.String())
		}
		if joined := strings.Join(got, ", "); err != nil || joined != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.d, joined, err, tc.want)
		}
	}
}

func TestReadingTheWholeTableIsCheap(t *testing.T) {
	began := time.Now()
	if got := testing.AllocsPerRun(10, func() { Items() }); got > 4000 {
		t.Errorf("got %v allocations for a list of %d rows", got, len(Items()))
	}
	t.Logf("%d rows, %v a list", len(Items()), time.Since(began)/11)
}
