package dlt645

import (
	"bytes"
	"strings"
	"testing"
)

func TestExplainCoversEveryByteOfEveryVector(t *testing.T) {
	for _, v := range vectors(t) {
		wire := unhex(t, v.Wire)
		for _, lang := range []string{"en", "zh_CN.UTF-8"} {
			var joined []byte
			for _, p := range Explain(lang, wire) {
				joined = append(joined, p.Bytes...)
				if p.Text == "" || len(p.Bytes) == 0 {
					t.Errorf("%s: part %v says nothing", v.ID, p)
				}
			}
			if !bytes.Equal(joined, wire) {
				t.Errorf("%s: got % X, want % X", v.ID, joined, wire)
			}
		}
	}
}

func TestExplainATripInWords(t *testing.T) {
	const trip = "FE FE FE FE 68 01 00 15 08 26 20 68 1C 10 35 89 67 45 4A 33 33 33 4D 33 83 8C 56 63 44 59 92 16"
	for lang, want := range map[string]string{
		"en": `FE FE FE FE  preamble, wakes the receiver
68  start
01 00 15 08 26 20  address 202608150001
68  start
1C  control: relay, alarm and power hold, asked by the master
10  length: 16 data bytes
35  password level 02
** ** **  password, masked
4A 33 33 33  operator 00000017
4D  command 1A: trip
33  no delay
83 8C 56 63 44 59  deadline 2026-11-30 23:59:50, meter time
**  checksum, correct; masked with the password
16  end`,
		"zh": `FE FE FE FE  前导字节，唤醒接收方
68  起始符
01 00 15 08 26 20  地址 202608150001
68  起始符
1C  控制码：跳合闸、报警、保电，主站请求
10  长度：16 个数据字节
35  密级 02
** ** **  密码（已隐去）
4A 33 33 33  操作者代码 00000017
4D  命令 1A：拉闸
33  无延时
83 8C 56 63 44 59  命令有效截止时间 2026-11-30 23:59:50（电表时间）
**  校验和，正确（与密码一并隐去）
16  结束符`,
	} {
		var lines []string
		for _, p := range Explain(lang, unhex(t, trip)) {
			lines = append(lines, p.String())
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", lang, got, want)
		}
	}
}

func TestExplainAReadBack(t *testing.T) {
	parts := Explain("en", unhex(t, "68 01 00 15 08 26 20 68 91 06 36 38 33 37 83 43 69 16"))
	want := "status word 3 0x1050: relay open, last command open, power hold"
	if got := parts[6].Text; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoExplanationShowsAPassword(t *testing.T) {
	for _, v := range vectors(t) {
		switch v.Control {
		case "14", "18", "19", "1A", "1B", "1C", "98":
		default:
			continue
		}
		wire := unhex(t, v.Wire)
		damaged := bytes.Clone(wire)
		damaged[len(damaged)-2]++
		shown := Redact(wire) + "\n" + Redact(wire[3:]) + "\n" + Redact(damaged) + "\n" + Redact(wire[:len(wire)-1])
		for _, p := range append(Explain("en", wire), Explain("zh", damaged)...) {
			shown += "\n" + p.String()
		}
		for _, leak := range []string{"89 67 45", "56 34 12", "99 88 77", "66 55 44", "6C 85 89", "39 52 56"} {
			if strings.Contains(shown, leak) {
				t.Errorf("%s: %s appears in\n%s", v.ID, leak, shown)
			}
		}
	}
}

func TestExplainADamagedFrameByteByByte(t *testing.T) {
	good := AppendFrame(nil, ReadReply(Address{0x01, 0x01}, DIForwardTotal, []byte{0x78, 0x56, 0x34, 0x12}))
	good[15] ^= 1
	for lang, want := range map[string]string{"en": "checksum is wrong, want ", "zh": "校验和错误，应为 "} {
		parts := Explain(lang, append([]byte{wakeUp, wakeUp}, good...))
		var said []byte
		text := ""
		for _, p := range parts {
			said, text = append(said, p.Bytes...), text+p.Text+"\n"
		}
		if len(said) != len(good)+2 || len(parts) < 8 || !strings.Contains(text, want) || !strings.Contains(text, "000000000101") {
			t.Errorf("got %d parts:\n%s", len(parts), text)
		}
	}
	pw := AppendFrame(nil, Frame{Addr: Address{0x01}, Control: 0x1C, Data: make([]byte, 16)})
	pw[14] ^= 1
	if parts := Explain("en", pw); len(parts) != 1 || !parts[0].Secret {
		t.Errorf("a damaged frame with a password is shown: %+v", parts)
	}
}
