package edge

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/poll"
	"feikong/agent/uplink"
	"feikong/protocol"
)

// carrier counts what is published.
type carrier struct {
	uplink.Link
	messages, bytes int
}

func (c *carrier) Publish(_ string, b []byte) error {
	c.messages, c.bytes = c.messages+1, c.bytes+len(b)
	return nil
}

func TestStatusOfManyMetersIsToldLessOften(t *testing.T) {
	for _, row := range []struct{ meters, least, most int }{
		{12, 119, 120},
		{2048, 5, 20}, // of 70 to 110 kB
	} {
		synctest.Test(t, func(t *testing.T) {
			box, err := outbox.Open(filepath.Join(t.TempDir(), "o.db"), outbox.Options{MaxBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer box.Close()
			log := slog.New(slog.DiscardHandler)
			l := line.New(line.Settings{Name: "l1"}, line.Open, log)
			var drivers []meter.Driver
			for i := range row.meters {
				d, err := meter.NewDLT645(protocol.MeterRef{Line: "l1", Address: fmt.Sprintf("%012d", i+1)}, l, time.Second, time.UTC)
				if err != nil {
					t.Fatal(err)
				}
				drivers = append(drivers, d)
			}
			link := &carrier{}
			s := &status{c: &Config{Agent: "a1", Status: 5 * time.Second}, lines: []*line.Line{l}, box: box, clock: &uplink.Clock{}, link: link, log: log,
				pollers: []*poll.Poller{poll.New("l1", drivers, poll.Options{}, box, func() bool { return true }, log)}}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			if err := s.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if link.messages < row.least || link.messages > row.most || link.bytes > 12*statusRate*10*60/10 {
				t.Errorf("%d meters: %d messages, %d bytes in ten minutes", row.meters, link.messages, link.bytes)
			}
		})
	}
}
