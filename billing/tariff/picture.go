package tariff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// columns is the width of the terminal that a sheet is made for.
const columns = 80

// ramps are the characters of the bands from the cheapest to the dearest, by the number of bands. They are ASCII, one column in every
// terminal, and heavier where the price is higher.
var ramps = [BandsMax + 1]string{"", "#", ".#", ".-#", ".-+#", "_.-+#", "_.-=+#", "_.-=+*#", "_.-=+*#@"}

// glyphs gives each band its character by the rank of its price.
func (v *Version) glyphs() []byte {
	glyphs := make([]byte, len(v.Bands))
	order := make([]int, len(v.Bands))
	for i := range order {
		order[i] = i
	}
	if e := v.banded(); e != nil {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(e.Prices[a], e.Prices[b]) })
	}
	for rank, band := range order {
		glyphs[band] = ramps[len(v.Bands)][rank]
	}
	return glyphs
}

// Text is the sheet for a terminal of 80 columns: the prices as a table, the day by bands as a picture with its legend.
func (s *Sheet) Text(lang string) string {
	say := func(zh, en string) string { return (&sheetWriter{lang: lang}).say(zh, en) }
	var b strings.Builder
	line := func(indent int, text string) {
		for _, part := range wrap(text, columns-indent) {
			fmt.Fprintf(&b, "%s%s\n", strings.Repeat(" ", indent), part)
		}
	}
	line(0, fmt.Sprintf("%s (%s), %s, UTC%s", s.Name, s.Tariff, s.Currency, s.Offset))
	valid := fmt.Sprintf(say("版本 %d，自 %s 起", "version %d, valid from %s"), s.Version, s.ValidFrom)
	if s.ValidTo != "" {
		valid += fmt.Sprintf(say("，至 %s 前", " to before %s"), s.ValidTo)
	}
	line(0, valid)
	line(0, s.Document)
	line(0, say("指纹 ", "hash ")+s.Hash)
	b.WriteByte('\n')
	label := 0
	for _, r := range s.Rows {
		label = min(max(label, width(r.Label)), columns/2)
	}
	for _, r := range s.Rows {
		row(&b, r, label)
	}
	if len(s.Days) > 0 {
		s.days(&b, lang, say)
	}
	if len(s.Notes) > 0 {
		b.WriteByte('\n')
		for _, n := range s.Notes {
			line(0, say("注意：", "note: ")+n)
		}
	}
	return b.String()
}

// row writes label and value side by side, both wrapped into their column.
func row(b *strings.Builder, r Row, label int) {
	left, right := wrap(r.Label, label), wrap(r.Value, columns-label-4)
	for i := range max(len(left), len(right)) {
		l, v := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			v = right[i]
		}
		text := "  " + l + strings.Repeat(" ", label-width(l)+2) + v
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
}

func (s *Sheet) days(b *strings.Builder, lang string, say func(zh, en string) string) {
	fmt.Fprintf(b, "\n%s\n", say("一日时段，每格半小时", "the day by bands, half an hour a character"))
	legend := ""
	for i := range s.Legend {
		entry := strings.TrimRight(fmt.Sprintf("%c %s %s", s.glyphs[i], s.bandName(s.Legend[i].Code, lang), s.prices[i]), " ")
		if legend != "" && width(legend)+3+width(entry) > columns-2 {
			legendLine(b, legend)
			legend = ""
		}
		if legend != "" {
			legend += "   "
		}
		legend += entry
	}
	legendLine(b, legend)
	for i := range s.Days {
		d := &s.Days[i]
		b.WriteByte('\n')
		for _, part := range wrap(d.Label, columns-2) {
			fmt.Fprintf(b, "  %s\n", part)
		}
		fmt.Fprintf(b, "  %s\n  %s\n", "0   2   4   6   8   10  12  14  16  18  20  22  24", d.Picture)
		text := ""
		for k, h := range d.Hours {
			if k > 0 {
				text += say("；", "; ")
			}
			text += s.bandName(h.Band, lang) + " " + strings.Join(h.At, say("、", ", "))
		}
		for _, part := range wrap(text, columns-2) {
			fmt.Fprintf(b, "  %s\n", part)
		}
	}
}

func legendLine(b *strings.Builder, text string) {
	for _, part := range wrap(text, columns-2) {
		fmt.Fprintf(b, "  %s\n", part)
	}
}

func (s *Sheet) bandName(code, lang string) string {
	for i := range s.Legend {
		if name := s.Legend[i].Name.In(lang); s.Legend[i].Code == code && name != "" {
			return name
		}
	}
	return code
}

// wrap cuts text into lines of at most columns, at blanks where there are any. Control characters become blanks: what others wrote does
// not steer a terminal.
func wrap(text string, columns int) (lines []string) {
	var line []rune
	used, blank := 0, -1
	for _, r := range text {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			r = ' '
		}
		if used+runeWidth(r) > columns {
			cut := len(line)
			if blank > 0 && r != ' ' {
				cut = blank
			}
			lines = append(lines, strings.TrimRight(string(line[:cut]), " "))
			line = []rune(strings.TrimLeft(string(line[cut:]), " "))
			used, blank = width(string(line)), -1
			if r == ' ' && len(line) == 0 {
				continue
			}
		}
		if r == ' ' {
			blank = len(line)
		}
		line = append(line, r)
		used += runeWidth(r)
	}
	return append(lines, strings.TrimRight(string(line), " "))
}

// width is how many columns a text takes in a terminal.
func width(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for the wide characters of East Asia, by the blocks of UAX #11 that tariffs are written in.
func runeWidth(r rune) int {
	switch {
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x16fe0 && r <= 0x18aff, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
