package field

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"feikong/internal/daemon"
)

// pageWidth is in columns of a terminal; a sheet of A4 in a 10-point type has a few more.
const pageWidth = 78

// nameWidth is the column where values begin.
const nameWidth = 18

// page is one sheet, written from top to bottom.
type page struct {
	lang string
	zone *time.Location
	b    strings.Builder
}

func (p *page) say(zh, en string) string { return daemon.Say(p.lang, zh, en) }

func (p *page) title(zh, en string) {
	p.line("%s", p.say("费控 · "+zh, "Feikong · "+en))
	p.rule('=')
}

func (p *page) rule(r rune) { p.line("%s", strings.Repeat(string(r), pageWidth)) }

func (p *page) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	p.b.WriteByte('\n')
}

// row is a name and what stands beside it, broken into lines of the page's width.
func (p *page) row(zh, en, value string) {
	name := p.say(zh, en)
	for i, part := range wrap(value, pageWidth-nameWidth) {
		if i > 0 {
			name = ""
		}
		p.line("%s%s", pad(name, nameWidth), part)
	}
}

func (p *page) time(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).In(p.zone).Format("2006-01-02 15:04:05 -07:00")
}

func (p *page) head(h *Head) {
	if h.Meter != (Ref{}) {
		p.row("电表", "meter", p.meter(h.Meter))
	}
	p.row("人员", "person", h.Person)
	p.row("时间", "time", p.time(h.At))
	if h.Agent != "" {
		p.row("采集终端", "agent", h.Agent)
	}
}

func (p *page) meter(m Ref) string {
	s := m.Address + p.say("，线路 ", ", line ") + m.Line
	if m.Channel != 0 {
		s += fmt.Sprintf("%s%d", p.say("，通道 ", ", channel "), m.Channel)
	}
	return s
}

func (p *page) registers(zh, en string, rs []Register) {
	for i, r := range rs {
		name := p.say("正向有功 ", "active import ") + p.registerName(r.Register)
		how := p.say("目抄", "by eye")
		if r.By == ByWire {
			how = p.say("总线", "by wire")
		}
		if r.Twice {
			how += p.say("，两次一致", ", twice")
		}
		if i > 0 {
			zh, en = "", ""
		}
		p.row(zh, en, fmt.Sprintf("%s%14s kWh  %s", pad(name, 20), r.KWh, how))
	}
}

func (p *page) registerName(n uint8) string {
	if n == 0 {
		return p.say("总", "total")
	}
	return fmt.Sprintf("%s%d", p.say("费率", "rate "), n)
}

func (p *page) ratio(r Ratio) {
	v := r.Multiplier.String()
	if r.Plate != "" && r.Plate != v {
		v += " (" + r.Plate + ")"
	}
	if r.Side == Primary {
		v += p.say("，一次侧示数", ", registers on the primary side")
	} else {
		v += p.say("，二次侧示数", ", registers on the secondary side")
	}
	p.row("倍率", "ratio", v)
}

func (p *page) foot(h *Head) {
	if h.Note != "" {
		p.row("备注", "note", h.Note)
	}
	if h.Photo != nil {
		p.line("%s%s", pad(p.say("照片", "photo"), pageWidth-70), h.Photo.Name) // 64 digits and what kind of picture: one line
	}
	p.rule('-')
	p.row("记录号", "record", h.ID)
	p.row("签字", "signature", "")
	p.line("")
}

// frames are the proof, at the foot of a record.
func (p *page) frames(fs []Frame) {
	if len(fs) > 0 {
		p.rule('-')
	}
	for _, f := range fs {
		way := "<-"
		if f.Sent {
			way = "->"
		}
		name := way + " " + time.UnixMilli(f.At).In(p.zone).Format("15:04:05.000")
		p.row(name, name, strings.ToUpper(f.Hex))
	}
}

func (p *page) relay(zh, en string, s *RelayState) {
	v := p.say("未读到", "not read")
	if s != nil {
		v = p.say("闭合", "closed")
		if s.Open {
			v = p.say("断开", "open")
			if !s.CommandOpen {
				v += p.say("，已允许合闸", ", closing is permitted")
			}
		}
		if s.Hold {
			v += p.say("，保电", ", power hold")
		}
	}
	p.row(zh, en, v)
}

// width is how many columns a terminal gives a string: Chinese characters and their punctuation take two.
func width(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(n-width(s), 0)) }

// wrap breaks at blanks where it can, and anywhere where it must: Chinese has none.
func wrap(s string, limit int) (out []string) {
	line, w, blank := []rune(nil), 0, -1
	for _, r := range s {
		if w+runeWidth(r) > limit {
			rest := []rune(nil)
			if blank > 0 {
				rest = append(rest, line[blank+1:]...)
				line = line[:blank]
			}
			out = append(out, string(line))
			line, w, blank = rest, width(string(rest)), -1
		}
		if r == ' ' {
			blank = len(line)
		}
		line, w = append(line, r), w+runeWidth(r)
	}
	return append(out, string(line))
}
