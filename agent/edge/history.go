package edge

import (
	"log/slog"

	"feikong/agent/history"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/relay"
	"feikong/agent/uplink"
	"feikong/protocol"
)

// historyFile is history in agent.yaml.
type historyFile struct {
	RereadDays int `yaml:"reread_days"`
}

// remember opens what is known about all meters' readings.
func remember(switches map[string][]meter.Driver, box *outbox.Box, log *slog.Logger) (*history.Memory, error) {
	var refs []protocol.MeterRef
	for _, ms := range switches {
		for _, m := range ms {
			refs = append(refs, m.Ref())
		}
	}
	return history.Open(box, refs, log)
}

// historyOf is the history of one line.
func historyOf(lc Line, c *Config, mem *history.Memory, drivers []meter.Driver, orders *relay.Executor, clock *uplink.Clock, log *slog.Logger) *history.History {
	return history.New(history.Options{
		Line: lc.Name, Interval: c.Poll.Interval, Zone: c.Zone, Reread: c.Reread, Broadcast: c.SetClocks, Trusted: clock.Trusted,
		Busy: func() bool { return orders.Busy(lc.Name) },
	}, mem, drivers, log)
}
