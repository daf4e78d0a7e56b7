package story

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Teller prints the time line as it happens and counts the claims. Chapters run at the same time, so each line says whose it is.
type Teller struct {
	Lang string // "zh" or "en"

	out    io.Writer
	start  time.Time
	mu     sync.Mutex
	claims int      // guarded by mu
	failed []string // guarded by mu
}

// NewTeller starts the clock.
func NewTeller(out io.Writer, lang string) *Teller {
	return &Teller{Lang: lang, out: out, start: time.Now()}
}

// say picks the sentence.
func (t *Teller) say(zh, en string) string {
	if t.Lang == "zh" {
		return zh
	}
	return en
}

// Tell prints one line of the time line.
func (t *Teller) Tell(who, zh, en string, args ...any) {
	t.print(who, "  ", fmt.Sprintf(t.say(zh, en), args...))
}

// Claim prints what must hold and whether it does. got is what was seen.
func (t *Teller) Claim(ok bool, who, zh, en, got string) {
	mark := "✓ "
	t.mu.Lock()
	t.claims++
	if !ok {
		mark = "✗ "
		t.failed = append(t.failed, fmt.Sprintf("%s: %s (%s)", who, t.say(zh, en), got))
	}
	t.mu.Unlock()
	line := t.say(zh, en)
	if got != "" {
		line += "  [" + got + "]"
	}
	t.print(who, mark, line)
}

func (t *Teller) print(who, mark, line string) {
	since := time.Since(t.start)
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%02d:%04.1f  %-7s %s%s\n", int(since.Minutes()), since.Seconds()-60*float64(int(since.Minutes())), who, mark, line)
}

// Frame prints one frame of the evidence, every byte explained.
func (t *Teller) Frame(who, title, hex string, parts []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "         %-7s    %s: %s\n", who, title, hex)
	for _, p := range parts {
		fmt.Fprintf(t.out, "                      %s\n", p)
	}
}

// Failed are the claims that did not hold; Claims is how many were checked.
func (t *Teller) Failed() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.failed...)
}

// Claims is how many claims were checked.
func (t *Teller) Claims() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.claims
}

// Elapsed is the time since the story began.
func (t *Teller) Elapsed() time.Duration { return time.Since(t.start) }
