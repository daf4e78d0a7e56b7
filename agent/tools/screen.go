package tools

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"feikong/internal/daemon"
)

// say picks the sentence for the person at the terminal.
func say(zh, en string) string { return daemon.Say(daemon.Lang(), zh, en) }

const (
	// redraw is how often a terminal line is rewritten at most: a slow SSH line carries 60 bytes twice a second easily.
	redraw = 500 * time.Millisecond
	// report is how often a line is added where lines stay (a file, a pipe).
	report = 10 * time.Second
	// columns bounds what is rewritten in place: a longer line would wrap and stay.
	columns = 78
)

// screen shows how far something is: one line that is rewritten on a terminal, a new line every few seconds elsewhere.
type screen struct {
	out  io.Writer
	tty  bool
	last time.Time
	used bool // something stands in the line
}

func newScreen(out io.Writer) *screen { return &screen{out: out, tty: terminal(out)} }

// terminal says whether out can be rewritten in place.
func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	return isTerminal(f)
}

// show writes text when it is time again.
func (s *screen) show(text string) {
	every := report
	if s.tty {
		every = redraw
	}
	now := time.Now()
	if now.Sub(s.last) < every {
		return
	}
	s.last = now
	if !s.tty {
		fmt.Fprintln(s.out, text)
		return
	}
	s.used = true
	fmt.Fprintf(s.out, "\r\x1b[K%s", clip(text, columns))
}

// clear takes the line away, before something that stays is written.
func (s *screen) clear() {
	if s.used {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.used = false
	}
}

// width is how many columns text takes: a Chinese character takes two.
func width(text string) (n int) {
	for _, r := range text {
		n++
		if r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xFFEF && !(r >= 0xFF61 && r <= 0xFFDC)) {
			n++
		}
	}
	return n
}

// clip cuts text at so many columns.
func clip(text string, most int) string {
	if width(text) <= most {
		return text
	}
	n := 0
	for i, r := range text {
		if n += width(string(r)); n > most {
			return text[:i]
		}
	}
	return text
}

// pad fills text with blanks to so many columns.
func pad(text string, to int) string { return text + strings.Repeat(" ", max(0, to-width(text))) }

// table writes rows in columns, two blanks apart; the last column is not filled.
func table(out io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i >= len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			if i < len(row)-1 {
				cell = pad(cell, widths[i]+2)
			}
			b.WriteString(cell)
		}
		if _, err := fmt.Fprintln(out, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// bar is a share of a whole as a bar and a number.
func bar(done, total int) string {
	const cells = 20
	if total <= 0 {
		total = 1
	}
	done = min(done, total)
	return fmt.Sprintf("[%s%s] %3d%%", strings.Repeat("#", done*cells/total), strings.Repeat("-", cells-done*cells/total), done*100/total)
}

// span is a duration as people say it.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// printable keeps a text that came from outside from moving the cursor.
func printable(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) < 0 {
		return s
	}
	return fmt.Sprintf("%q", s)
}
