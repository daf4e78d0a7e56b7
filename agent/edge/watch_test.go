package edge

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/agent/line"
	"feikong/agent/outbox"
	"feikong/protocol"
)

func TestSentryTellsRelayFramesAtOnceAndTheOthersOnceAnHour(t *testing.T) {
	box, err := outbox.Open(filepath.Join(t.TempDir(), "o.db"), outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	s := newSentry(box, slog.New(slog.DiscardHandler))
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	tell := func(after time.Duration, kind string, count int) {
		t.Helper()
		if err := s.tell(finding{"l1", line.Foreign{At: start.Add(after), Kind: kind, Note: "n", Bytes: []byte{0x68}, Count: count}}); err != nil {
			t.Fatal(err)
		}
	}
	tell(0, line.ForeignMaster, 1)
	tell(time.Minute, line.ForeignMaster, 60)
	tell(2*time.Minute, line.ForeignRelay, 1)
	tell(2*time.Minute, line.ForeignRelay, 1)
	tell(61*time.Minute, line.ForeignMaster, 59)
	for range 2 * relaysHour {
		tell(62*time.Minute+time.Second, line.ForeignRelay, 1)
	}
	var got []protocol.Alarm
	entries, err := box.Evidence(1, protocol.MaxBatch, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, *e.Alarm)
	}
	if len(got) != 4+relaysHour {
		t.Fatalf("got %d alarms, want %d", len(got), 4+relaysHour)
	}
	if got[0].Code != "foreign-master" || got[1].Code != "foreign-relay" || got[3].Code != "foreign-master" || !strings.Contains(got[3].Detail, "119 frames") {
		t.Errorf("got %+v", got[:4])
	}
}
