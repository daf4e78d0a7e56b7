package settle

import (
	"testing"
	"time"
)

func TestClockThatWasSetIsFollowedAndDoubted(t *testing.T) {
	const start = int64(1_800_000_000_000)
	year := (365 * 24 * time.Hour).Milliseconds()
	var c clock
	for _, step := range []struct {
		what  string
		wall  int64
		count time.Duration
		now   int64
		doubt bool
	}{
		{"first look", start, 0, start, false},
		{"a second later", start + 1000, time.Second, start + 1000, false},
		{"steered back by a little", start + 500, 2 * time.Second, start + 1000, false},
		{"a quiet day, steered", start + 86_400_000 + 40_000, 24 * time.Hour, start + 86_440_000, false},
		{"a year ahead", start + year, 24*time.Hour + time.Second, start + year, true},
		{"and back", start + 86_402_000, 24*time.Hour + 2*time.Second, start + 86_402_000, true},
		{"an hour later", start + 90_000_000, 25 * time.Hour, start + 90_000_000, true},
		{"a day later", start + 176_400_000, 49 * time.Hour, start + 176_400_000, false},
	} {
		c.look(step.wall, step.count)
		if now := c.now(0); now != step.now || c.doubt != step.doubt {
			t.Errorf("%s: now %d, doubt %v; want %d, %v", step.what, now, c.doubt, step.now, step.doubt)
		}
	}
}
