package field

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"feikong/protocol"
)

var update = flag.Bool("update", false, "write the golden pages anew")

const t0 = 1_780_000_000_000

var (
	meter = Ref{Line: "l1", Address: "000000000101"}
	zone  = time.FixedZone("+08:00", 8*3600)
)

func number(t testing.TB, s string) Number {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func registers(t testing.TB, by Source, at int64, values ...string) (out []Register) {
	t.Helper()
	for i, v := range values {
		out = append(out, Register{Register: uint8(i), KWh: number(t, v), By: by, At: at, Twice: by == ByWire})
	}
	return out
}

// samples is one record of each kind, with everything in it.
func samples(t testing.TB) map[string]Record {
	t.Helper()
	id := strings.Repeat("0a", 16)
	photo := &Photo{SHA256: strings.Repeat("ab", 32), Name: strings.Repeat("ab", 32) + ".jpg", Bytes: 1234}
	w := Work{ID: id, Person: "李工 Wei", At: time.UnixMilli(t0), Agent: "site-1", Note: "三单元地下室，门锁已换；下次带梯子。A note that is long enough to be broken into two lines of the page.", Photo: photo}
	drift := int64(-1500)
	c := NewCommission(w, meter)
	c.Program, c.Protocol, c.Printed, c.Serial = "v1", "dlt645", "000000000101", "3130000101"
	c.Registers = registers(t, ByWire, t0-9000, "1234.56", "100.00", "200.00", "300.00", "634.56")
	c.DriftMS, c.Ratio, c.Signal = &drift, &Ratio{number(t, "40"), "200/5", Secondary}, &Signal{10, 9, 86}
	c.Voltages = []Value{{"A", "221.3", "V"}, {"B", "0.0", "V"}, {"C", "220.9", "V"}}
	for _, item := range Items {
		c.Mark(item, OK, "")
	}
	c.Mark(ItemVoltage, Failed, "0.0 V 不合理：查缺相、错相或接线")
	c.Mark(ItemRelay, Skipped, "用户在用电")
	e, err := NewExchange(w, "显示屏损坏", OldMeter{Meter: meter, Serial: "3130000101", Registers: registers(t, ByEye, t0-9000, "1234.56")}, Ref{Line: "l1", Address: "000000000202", Channel: 1},
		NewMeter{Serial: "3130000202", Protocol: "dlt645", Registers: registers(t, ByEye, t0, "0.02"), Ratio: Ratio{number(t, "40"), "200/5", Secondary}, RelayWhy: "无负荷"})
	if err != nil {
		t.Fatal(err)
	}
	e.Program = "v1"
	h, err := NewHandReading(w, meter, Secondary, registers(t, ByEye, t0, "1234.56", "100.00"), "")
	if err != nil {
		t.Fatal(err)
	}
	h.Program = "v1"
	r := NewRelayTest(w, meter, "permit", StageResult)
	r.Program, r.Of, r.State, r.Photo = "v1", strings.Repeat("0b", 16), "permitted", nil
	r.Before, r.After = &RelayState{true, true, false}, &RelayState{true, false, true}
	r.Frames = []Frame{{true, t0 - 100, "68010100000000681c1035ffffff343333334e3378744a564459ff16", "permit"}, {false, t0, "68010100000000689c006e16", "permit"}}
	m, err := NewMode(Work{ID: id, Person: "李工", At: time.UnixMilli(t0), Agent: "site-1"}, true, t0+1_800_000)
	if err != nil {
		t.Fatal(err)
	}
	m.Program = "v1"
	a := NewMaintenance(w, meter, "clear-demand", "", "", StageResult)
	a.Program, a.Of, a.State, a.Photo = "v1", strings.Repeat("0b", 16), "done", nil
	a.Before = []Setting{{"03300200", "demand clear count", "需量清零总次数", "0", ""}, {"01010000", "forward active maximum demand", "正向有功最大需量", "12.3456", "kW"}}
	a.After = []Setting{{"03300200", "demand clear count", "需量清零总次数", "1", ""}, {"01010000", "forward active maximum demand", "正向有功最大需量", "0.0000", "kW"}}
	a.Frames = []Frame{{true, t0 - 100, "68010100000000681908" + "35ffffff34333333ff16", "clear demand"}, {false, t0, "681010000000006899006e16", "clear demand"}}
	return map[string]Record{KindCommission: c, KindExchange: e, KindReading: h, KindRelay: r, KindMode: m, KindMaintain: a}
}

func TestPagesAreTheSameEachTimeAndFitTheSheet(t *testing.T) {
	for kind, r := range samples(t) {
		for _, lang := range []string{"zh", "en"} {
			got := r.Page(lang, zone)
			for i, l := range strings.Split(got, "\n") {
				if width(l) > 80 || i > 60 {
					t.Errorf("%s, %s: line %d has %d columns: %s", kind, lang, i+1, width(l), l)
				}
			}
			file := filepath.Join("testdata", kind+"."+lang+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s, %s (-want +got):\n%s", kind, lang, d)
			}
		}
	}
}

func TestRecordsSurviveTheirJSON(t *testing.T) {
	for kind, r := range samples(t) {
		fr, err := Encode(r)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if fr.Kind != kind || fr.ID != r.Top().ID || fr.Person != r.Top().Person || fr.At != r.Top().At || fr.Meter != r.Top().Meter.Meter() {
			t.Errorf("%s travels as %+v", kind, fr)
		}
		back, err := Decode(fr.Body)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if d := cmp.Diff(r, back); d != "" {
			t.Errorf("%s (-want +got):\n%s", kind, d)
		}
	}
}

func TestRecordsThatLackSomethingAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, kind string
		spoil      func(Record)
	}{
		{"no person", KindReading, func(r Record) { r.Top().Person = "" }},
		{"escape in the name", KindReading, func(r Record) { r.Top().Person = "x\x1b[2J" }},
		{"line break in a note", KindReading, func(r Record) { r.Top().Note = "a\nb" }},
		{"long name", KindReading, func(r Record) { r.Top().Person = strings.Repeat("x", 65) }},
		{"no time", KindReading, func(r Record) { r.Top().At = 0 }},
		{"no meter", KindReading, func(r Record) { r.Top().Meter = Ref{} }},
		{"id", KindReading, func(r Record) { r.Top().ID = "../../etc" }},
		{"photo's name", KindReading, func(r Record) { r.Top().Photo.Name = "../x.jpg" }},
		{"version", KindReading, func(r Record) { r.Top().Version = 2 }},
		{"no registers", KindReading, func(r Record) { r.(*HandReading).Registers = nil }},
		{"no total", KindReading, func(r Record) { r.(*HandReading).Registers[0].Register = 5 }},
		{"by wire in a hand reading", KindReading, func(r Record) { r.(*HandReading).Registers[0].By = ByWire }},
		{"side", KindReading, func(r Record) { r.(*HandReading).Side = "left" }},
		{"no serial", KindExchange, func(r Record) { r.(*Exchange).New.Serial = "" }},
		{"one serial twice", KindExchange, func(r Record) { r.(*Exchange).New.Serial = r.(*Exchange).Old.Serial }},
		{"no reason", KindExchange, func(r Record) { r.(*Exchange).Reason = "" }},
		{"no ratio", KindExchange, func(r Record) { r.(*Exchange).New.Ratio.Multiplier = Number{} }},
		{"relay not tested and no word", KindExchange, func(r Record) { r.(*Exchange).New.RelayWhy = "" }},
		{"new before old", KindExchange, func(r Record) { r.(*Exchange).New.Registers[0].At = 5 }},
		{"item missing", KindCommission, func(r Record) { c := r.(*Commission); c.Items = c.Items[1:] }},
		{"items swapped", KindCommission, func(r Record) { c := r.(*Commission); c.Items[0], c.Items[1] = c.Items[1], c.Items[0] }},
		{"failed without a reason", KindCommission, func(r Record) { r.(*Commission).Mark(ItemClock, Failed, "") }},
		{"ok without what was seen", KindCommission, func(r Record) { r.(*Commission).DriftMS = nil }},
		{"unknown action", KindRelay, func(r Record) { r.(*RelayTest).Action = "raw" }},
		{"result without a state", KindRelay, func(r Record) { r.(*RelayTest).State = "" }},
		{"intention with a result", KindRelay, func(r Record) { r.(*RelayTest).Stage = StageIntent }},
		{"frame that is none", KindRelay, func(r Record) { r.(*RelayTest).Frames[0].Hex = "6x" }},
		{"meter clear", KindMaintain, func(r Record) { r.(*Maintenance).Act = "clear-meter" }},
		{"maintenance without a state", KindMaintain, func(r Record) { r.(*Maintenance).State = "" }},
		{"too many values", KindMaintain, func(r Record) { r.(*Maintenance).After = make([]Setting, valuesMax+1) }},
		{"mode without an end", KindMode, func(r Record) { r.(*Mode).Until = 0 }},
	} {
		r := samples(t)[row.kind]
		row.spoil(r)
		if _, err := Encode(r); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: got %v", row.name, err)
		}
	}
}

func TestRegistersReadOverTheLineKeepTheirSide(t *testing.T) {
	rs := FromReadings([]protocol.Reading{{Quantity: protocol.ActiveImport, Value: 123456, Exp: -2, TakenAt: t0, Side: protocol.SidePrimary}})
	if WireSide(rs) != Primary || WireSide(registers(t, ByEye, t0, "1.00")) != "" {
		t.Errorf("got %+v", rs)
	}
	c := samples(t)[KindCommission].(*Commission)
	c.Registers = rs // the person says secondary
	if got := c.Readings(); got[0].Side != protocol.SidePrimary {
		t.Errorf("the ratio would be counted twice: %+v", got)
	}
	c.Registers = registers(t, ByEye, t0, "1.00")
	if got := c.Readings(); got[0].Side != protocol.SideSecondary {
		t.Errorf("by eye, the person's side counts: %+v", got)
	}
	c.Registers[0].Side = "left"
	if err := c.Check(); !errors.Is(err, ErrRecord) {
		t.Errorf("got %v", err)
	}
}

func TestLongestRecordsFitTheWire(t *testing.T) {
	long, why := strings.Repeat("长", personMax/3), strings.Repeat("长", textMax/3)
	c := samples(t)[KindCommission].(*Commission)
	c.Registers = nil
	for i := range registersMax {
		c.Registers = append(c.Registers, Register{uint8(i), Number{999_999_999_999_999_999, -6}, ByWire, 1 << 51, true, Secondary})
	}
	c.Person, c.Note, c.Model, c.Serial = long, why, long, long
	for i := range c.Items {
		c.Items[i].Why = why[:WhyMax]
	}
	c.Voltages = nil
	for range VoltagesMax {
		c.Voltages = append(c.Voltages, Value{long[:24], long[:24], long[:24]})
	}
	if _, err := Encode(c); err != nil {
		t.Error(err)
	}
	if n := len(strings.Split(c.Page("zh", zone), "\n")); n > 66 {
		t.Errorf("the page has %d lines", n)
	}
	e := samples(t)[KindExchange].(*Exchange)
	for i := range registersMax {
		if i > 0 {
			e.Old.Registers, e.New.Registers = append(e.Old.Registers, e.Old.Registers[0]), append(e.New.Registers, e.New.Registers[0])
			e.Old.Registers[i].Register, e.New.Registers[i].Register = uint8(i), uint8(i)
		}
	}
	e.Reason, e.Old.Why, e.New.Why, e.New.RelayWhy = why, why, why, why
	if _, err := Encode(e); err != nil {
		t.Error(err)
	}
	r := samples(t)[KindRelay].(*RelayTest)
	r.Frames = nil
	for range framesMax {
		r.Frames = append(r.Frames, Frame{true, t0, strings.Repeat("68", 268), "read before trip"})
	}
	if _, err := Encode(r); err != nil {
		t.Error(err)
	}
}

func TestRegistersTravelAsTheyWereRead(t *testing.T) {
	got := samples(t)[KindExchange].Readings()
	want := []protocol.Reading{
		{Meter: meter.Meter(), Quantity: protocol.ActiveImport, Value: 123456, Exp: -2, TakenAt: t0 - 9000, Method: protocol.MethodHand, Side: protocol.SideSecondary},
		{Meter: protocol.MeterRef{Line: "l1", Address: "000000000202", Channel: 1}, Quantity: protocol.ActiveImport, Value: 2, Exp: -2, TakenAt: t0, Method: protocol.MethodHand, Side: protocol.SideSecondary},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, r := range samples(t)[KindCommission].Readings() {
		if r.Method != protocol.MethodPoll || r.Quality != protocol.QualityTwice {
			t.Errorf("read over the line twice, travels as %+v", r)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, r := range samples(f) {
		fr, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(fr.Body)
	}
	f.Add([]byte(`{"kind":"reading","registers":[{"kwh":1}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Decode(body)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		fr, err := Encode(r)
		if err != nil {
			if len(body) > protocol.MaxRecord/8 {
				return // escapes of JSON make it longer
			}
			t.Fatal(err)
		}
		again, err := Decode(fr.Body)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, again, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		if strings.ContainsAny(r.Page("zh", zone)+r.Page("en", zone), "\x1b\r\x00") {
			t.Fatal("a page moves the cursor")
		}
		r.Readings()
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "1234.56", "000.10", "999999999999.999999", ".", "-1", "1e3", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		b, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var back Number
		if err := json.Unmarshal(b, &back); err != nil || back != n {
			t.Fatalf("%q: %v became %v, %v", s, n, back, err)
		}
	})
}

func TestMaintenanceIsCutToWhatARecordHolds(t *testing.T) {
	r := samples(t)[KindMaintain].(*Maintenance)
	act := r.Frames
	for range framesMax - len(act) {
		r.Frames = append([]Frame{{true, t0, strings.Repeat("68", 500), "read before"}}, r.Frames...)
	}
	for range 40 {
		r.Before = append(r.Before, Setting{"01010000", strings.Repeat("n", valueMax), strings.Repeat("名", valueMax/3), "1.0000", "kW"})
	}
	r.After = r.Before
	r.Fit()
	if _, err := Encode(r); err != nil || len(r.Frames) < len(act) || r.Frames[len(r.Frames)-1] != act[1] || len(r.Before) != valuesMax {
		t.Errorf("got %v, %d frames, %d values before", err, len(r.Frames), len(r.Before))
	}
}
