package edge

import (
	"time"

	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/meter"
	"feikong/agent/relay"
	"feikong/protocol"
)

// desk is what a technician's commands on this machine may use of the running agent.
func desk(st *status, switches map[string][]meter.Driver, lines []*line.Line, orders *relay.Executor) local.Desk {
	d := local.Desk{Agent: st.c.Agent, Relay: st.mode, Drivers: map[protocol.MeterRef]meter.Driver{}, Lines: map[string]local.Tracer{}, Box: st.box, Hands: orders,
		Trusted: st.clock.Trusted, Status: func() protocol.Status { return st.now(time.Now()) }}
	for _, l := range lines {
		d.Lines[l.Settings().Name] = l
	}
	for _, ms := range switches {
		for _, m := range ms {
			d.Drivers[m.Ref()] = m
		}
	}
	return d
}
