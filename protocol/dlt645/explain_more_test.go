package dlt645

import (
	"fmt"
	"strings"
	"testing"
)

// dataOf explains a frame and gives the lines of its data field.
func dataOf(lang string, f Frame) string {
	var lines []string
	parts := Explain(lang, AppendFrame(nil, f))
	for _, p := range parts[5 : len(parts)-2] {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func TestExplainTellsEveryKindOfOrderInBothLanguages(t *testing.T) {
	a, pw, op, _ := sample(t)
	must := func(f Frame, err error) Frame {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	frozen := ReadReply(a, FreezeDI(FreezeDailyKind, FreezeContentAll, 2), unhex(t, "00 00 22 11 26 AA AA 00 01 00 00 AA"))
	for _, tc := range []struct {
		f      Frame
		en, zh string
	}{
		{must(WriteRequest(a, DITime, pw, op, []byte{5, 0x30, 0x21})),
			"35 34 33 37  data identifier 04000102, time\n35  password level 02\n** ** **  password, masked\n4A 33 33 33  operator 00000017\n38 63 54  time 21:30:05",
			"35 34 33 37  数据标识 04000102，时间\n35  密级 02\n** ** **  密码（已隐去）\n4A 33 33 33  操作者代码 00000017\n38 63 54  时间 21:30:05"},
		{FreezeRequest(a, FreezeDaily(0, 0)), "33 33 CC CC  freeze daily at 00:00", "33 33 CC CC  冻结：每日 00:00"},
		{FreezeRequest(a, FreezeMonthly(1, 0, 30)), "63 33 34 CC  freeze monthly on day 01 at 00:30", "63 33 34 CC  冻结：每月 01 日 00:30"},
		{must(BaudRequest(a, 9600)), "53  Z 20: 9600 baud", "53  Z 20: 9600 bps"},
		{must(ClearEventsRequest(a, pw, op, DIAllEvents)),
			"35  password level 02\n** ** **  password, masked\n4A 33 33 33  operator 00000017\n32 32 32 32  all events",
			"35  密级 02\n** ** **  密码（已隐去）\n4A 33 33 33  操作者代码 00000017\n32 32 32 32  全部事件"},
		{must(OutputRequest(a, OutputSlot)), "35  output: time-slot switch", "35  输出：时段投切"},
		{LoadRequest(a, DILoadFrom, 2, at(t, "2026-11-22 22:15")),
			"34 33 33 39  data identifier 06000001, load profile all classes from a time\n35  records: 2\n48 55 55 44 59  from 2026-11-22 22:15",
			"34 33 33 39  数据标识 06000001，负荷记录（给定时间）\n35  记录数：2\n48 55 55 44 59  起始时间 2026-11-22 22:15"},
		{frozen,
			"35 32 39 38  data identifier 0506FF02, daily freeze 2, whole record\n33 33 55 44 59  freeze time 2026-11-22 00:00\nDD  AA, divides the parts\nDD  AA, a part the meter does not keep\n" +
				"33 34 33 33  frozen reverse active energy total 1.00 kWh\nDD  AA, divides the parts",
			"35 32 39 38  数据标识 0506FF02，日冻结第2次，整条记录\n33 33 55 44 59  冻结时间 2026-11-22 00:00\nDD  AA，分隔符\nDD  AA，电表未保存的数据\n" +
				"33 34 33 33  冻结反向有功总电能 1.00 kWh\nDD  AA，分隔符"},
		{ReadReply(a, 0x01010000, make([]byte, 8)),
			"33 33 34 34  data identifier 01010000, forward active demand total\n33 33 33  forward active demand total 0.0000 kW\n33 33 33 33 33  forward active demand total time never",
			"33 33 34 34  数据标识 01010000，正向有功最大需量\n33 33 33  正向有功最大需量 0.0000 kW\n33 33 33 33 33  正向有功最大需量发生时间 从未发生"},
		{RelayStatusReply(a, 1<<3), "3B 33  relay status word of newer meters: trips after the delay that is set", "3B 33  新型电表的控制状态字：延时跳闸"},
		{RelayErrorReply(a, 1<<5), "53 33  reason: trip refused by power hold", "53 33  原因：保电中，拒绝跳闸"},
		{SecurityError(a, 1<<1|1<<6), "75 33  reason: repeated top-up, purchase above the hoarding limit", "75 33  原因：重复充值，购电超囤积"},
		{ErrorReply(a, 0x01, 2), "35  reason: data identifier error", "35  原因：数据标识错"},
		{SubsequentReply(a, DIForwardBlock, []byte{0x78}, 3, true),
			"33 32 34 33  data identifier 0001FF00, forward active energy total and what follows it\nAB  part of the answer\n36  SEQ 3",
			"33 32 34 33  数据标识 0001FF00，正向有功总电能等（数据块）\nAB  应答的一部分\n36  帧序号 3"},
		{ReadReply(a, 0x04000504, []byte{0x02, 0x00}), "37 38 33 37  data identifier 04000504, status word 4\n35 33  status word 4 0x0002: phase A under-voltage", "37 38 33 37  数据标识 04000504，电表运行状态字4\n35 33  电表运行状态字4 0x0002：A相欠压"},
		{ReadReply(a, 0x04000506, []byte{0x80, 0x01}), "39 38 33 37  data identifier 04000506, status word 6\nB3 34  status word 6 0x0180: phase C phase break, phase C current break", "39 38 33 37  数据标识 04000506，电表运行状态字6\nB3 34  电表运行状态字6 0x0180：C相断相，C相断流"},
		{ReadReply1997(a, 0xC020, []byte{0x34}, false), "53 F3  data identifier C020, meter status word\n67  meter status word 0x34: battery low, active power reverse, reactive power reverse", "53 F3  数据标识 C020，电表运行状态字\n67  电表运行状态字 0x34：电池欠压，有功功率方向反向，无功功率方向反向"},
		{ReadReply1997(a, 0xC021, []byte{0x8A}, false), "54 F3  data identifier C021, grid status word\nBD  grid status word 0x8A: phase B off, bit_3, bit_7", "54 F3  数据标识 C021，电网状态字\nBD  电网状态字 0x8A：B相断电，第3位，第7位"},
		{ReadReply1997(a, 0x901F, unhex(t, "03 00 00 00 AA 01 00 00 00"), false),
			"52 C3  data identifier 901F, forward active energy total and what follows it\n36 33 33 33  forward active energy total 0.03 kWh\nDD  AA, divides the parts\n34 33 33 33  forward active energy rate 1 0.01 kWh",
			"52 C3  数据标识 901F，正向有功总电能等（数据块）\n36 33 33 33  正向有功总电能 0.03 kWh\nDD  AA，分隔符\n34 33 33 33  正向有功费率1电能 0.01 kWh"},
		{must(WriteRequest1997(a, 0xC011, &pw, []byte{1, 2, 3})),
			"44 F3  data identifier C011, time\n** ** ** ** ** ** **  written data, masked: it may begin with a password",
			"44 F3  数据标识 C011，时间\n** ** ** ** ** ** **  写入数据（可能含密码，已隐去）"},
		{must(IdentityRequest(a, Identity{Operator: op})),
			"32 33 33 3A  data identifier 070000FF, identity authentication\n4A 33 33 33  operator 00000017\n33 33 33 33 33 33 33 33  cipher\n33 33 33 33 33 33 33 33  random number 1\n33 33 33 33 33 33 33 33  dispersion factor",
			"32 33 33 3A  数据标识 070000FF，身份认证\n4A 33 33 33  操作者代码 00000017\n33 33 33 33 33 33 33 33  密文\n33 33 33 33 33 33 33 33  随机数1\n33 33 33 33 33 33 33 33  分散因子"},
	} {
		for lang, want := range map[string]string{"en": tc.en, "zh": tc.zh} {
			if got := dataOf(lang, tc.f); got != want {
				t.Errorf("%v in %s: got\n%s\nwant\n%s", tc.f, lang, got, want)
			}
		}
	}
}

func TestExplainALoadRecord(t *testing.T) {
	a, _, _, _ := sample(t)
	r := LoadRecord{At: at(t, "2026-11-22 22:15"), Classes: LoadClasses(0).With(4), Energies: [4]int64{12345, 0, -7, NotMeasured}}
	got := dataOf("en", ReadReply(a, DILoadFrom, AppendLoadRecord(nil, r)))
	want := `34 33 33 39  data identifier 06000001, load profile all classes from a time
D3 D3  load record
4E  length: 27 bytes
48 55 55 44 59  record time 2026-11-22 22:15
DD  AA, a part the meter does not keep
DD  AA, a part the meter does not keep
DD  AA, a part the meter does not keep
78 56 34 33  forward active energy 123.45 kWh
33 33 33 33  reverse active energy 0.00 kWh
3A 33 33 B3  combined reactive 1 energy -0.07 kvarh
32 32 32 32  combined reactive 2 energy not measured
DD  AA, divides the parts
DD  AA, a part the meter does not keep
DD  AA, a part the meter does not keep`
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "record checksum, correct") || !strings.HasSuffix(got, "end of the record") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r.Suspect = true
	if got := dataOf("zh", ReadReply(a, DILoadFrom, AppendLoadRecord(nil, r))); !strings.Contains(got, "负荷记录，可疑：") {
		t.Errorf("got\n%s", got)
	}
}

func TestEachStatusBitHasANameInBothLanguages(t *testing.T) {
	for n := 1; n <= 7; n++ {
		seen := map[string]bool{}
		for i, b := range statusBits[n-1] {
			if b.name == "" {
				continue
			}
			if b.en == "" || b.zh == "" || seen[b.name] {
				t.Errorf("word %d bit %d: %+v", n, i, b)
			}
			seen[b.name] = true
			w := StatusWord{n, 1 << i}
			if got := w.Names(); len(got) != 1 || got[0] != b.name {
				t.Errorf("word %d bit %d: got %v", n, i, got)
			}
			for _, lang := range []string{"en", "zh"} {
				if got := strings.Join(w.Explain(lang), ","); !strings.Contains(got, b.in(lang)) {
					t.Errorf("word %d bit %d in %s: got %s", n, i, lang, got)
				}
			}
		}
	}
	if got := fmt.Sprint(StatusWord{2, 1 << 15}.Names(), StatusWord{8, 1}.Names()); got != "[bit_15] [bit_0]" {
		t.Errorf("unknown bits: got %s", got)
	}
}

func TestStatusWordsAreReadByLength(t *testing.T) {
	for n, want := range map[int]int{2: 1, 6: 3, 10: 5, 14: 7, 18: 7} {
		words, err := ParseStatusWords(make([]byte, n))
		if err != nil || len(words) != want {
			t.Errorf("%d bytes: got %d words, %v", n, len(words), err)
		}
	}
	for _, n := range []int{0, 1, 7, 20} {
		if words, err := ParseStatusWords(make([]byte, n)); err == nil {
			t.Errorf("%d bytes: got %v", n, words)
		}
	}
	words, _ := ParseStatusWords([]byte{4, 0, 0, 0, 0x50, 0x10})
	if got := words[2].Explain("en"); strings.Join(got, ", ") != "relay open, last command open, power hold" || string(words[2].Append(nil)) != "\x50\x10" {
		t.Errorf("got %v", got)
	}
}
