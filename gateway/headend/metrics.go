package headend

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"feikong/gateway/cache"
	"feikong/gateway/intake"
	"feikong/gateway/mqtt"
)

// sources are the parts whose counters stand in /metrics; each is read when somebody asks. Labels are agents and regions, never
// meters or accounts: a site of 100,000 meters must not become 100,000 series, and a metric must not tell who is in arrears.
type sources struct {
	fleet    *intake.Fleet
	broker   func() mqtt.Stats
	store    func() map[string]int64
	door     func() map[string]int64
	ratios   func() map[string]cache.Ratio
	gauges   map[string]func() float64 // by metric name
	counters map[string]func() float64
}

// newRegistry makes the registry behind /metrics.
func newRegistry(s *sources) (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), s,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

var (
	agentUp      = describe("feikong_agent_connected", "1 while the agent is connected.", "agent")
	agentSeen    = describe("feikong_agent_seen_timestamp_seconds", "When the agent's last packet came.", "agent")
	agentCount   = describe("feikong_agent_total", "Packets and batches of the agent since the gateway started.", "agent", "what")
	agentOutbox  = describe("feikong_agent_outbox_bytes", "Bytes in the agent's outbox, as it last said.", "agent")
	agentPolls   = describe("feikong_agent_entries_total", "Entries the agent stored, and polls it could not store, since it started.", "agent", "what")
	agentOffset  = describe("feikong_agent_clock_offset_seconds", "Agent's clock minus the gateway's.", "agent")
	agentLines   = describe("feikong_agent_lines_total", "Exchanges on the agent's lines since it started.", "agent", "line", "what")
	cacheTotal   = describe("feikong_cache_total", "Look-ups in a region of the cache.", "region", "result")
	cacheRatio   = describe("feikong_cache_hit_ratio", "Hits of all look-ups in a region of the cache. Rule documents are looked up once a change (0 until one comes again), profiles and balances by each reader.", "region")
	storeStat    = describe("feikong_store", "Counters of the store's engine.", "what")
	doorStat     = describe("feikong_door", "Counters of the one door, and what waits before it.", "what")
	brokerStat   = describe("feikong_broker_total", "Counters of the broker.", "what")
	brokerClient = describe("feikong_broker_clients", "Connections now.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe sends nothing: what there is to tell depends on what was configured, and the registry checks it at each Collect.
func (s *sources) Describe(chan<- *prometheus.Desc) {}

// Collect reads every part.
func (s *sources) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "?")
		}
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	for _, m := range s.fleet.Agents() {
		up := 0.0
		if m.Connected {
			up = 1
		}
		send(agentUp, prometheus.GaugeValue, up, m.ID)
		if !m.Seen.IsZero() {
			send(agentSeen, prometheus.GaugeValue, float64(m.Seen.UnixMilli())/1000, m.ID)
		}
		for _, c := range []struct {
			what string
			n    uint64
		}{
			{"packets", m.Counts.Packets}, {"bytes", m.Counts.Bytes}, {"batches", m.Counts.Batches}, {"entries", m.Counts.Entries},
			{"repeated", m.Counts.Repeated}, {"behind", m.Counts.Behind}, {"refused", m.Counts.Refused}, {"quarantined", m.Counts.Quarantined},
			{"dropped", m.Counts.Dropped}, {"overloaded", m.Counts.Overloaded},
		} {
			send(agentCount, prometheus.CounterValue, float64(c.n), m.ID, c.what)
		}
		if st := m.Status; st != nil {
			send(agentOutbox, prometheus.GaugeValue, float64(st.OutboxBytes), m.ID)
			send(agentPolls, prometheus.CounterValue, float64(st.Stored), m.ID, "stored")
			send(agentPolls, prometheus.CounterValue, float64(st.Dropped), m.ID, "dropped")
			send(agentOffset, prometheus.GaugeValue, float64(st.ClockOffset)/1000, m.ID)
			seen := map[string]bool{} // what an agent says is not ours to trust: one line twice would fail the whole page
			for _, l := range st.Lines[:min(len(st.Lines), linesMax)] {
				if seen[l.Line] {
					continue
				}
				seen[l.Line] = true
				send(agentLines, prometheus.CounterValue, float64(l.Exchanges), m.ID, l.Line, "exchanges")
				send(agentLines, prometheus.CounterValue, float64(l.Timeouts), m.ID, l.Line, "timeouts")
				send(agentLines, prometheus.CounterValue, float64(l.Faults), m.ID, l.Line, "faults")
			}
		}
	}
	b := s.broker()
	send(brokerClient, prometheus.GaugeValue, float64(b.Clients))
	for _, c := range []struct {
		what string
		n    float64
	}{
		{"bytes in", float64(b.BytesIn)}, {"bytes out", float64(b.BytesOut)}, {"messages in", float64(b.MessagesIn)},
		{"messages out", float64(b.MessagesOut)}, {"dropped", float64(b.Dropped)}, {"refused", float64(b.Refused)},
	} {
		send(brokerStat, prometheus.CounterValue, c.n, c.what)
	}
	for what, n := range s.store() {
		send(storeStat, prometheus.UntypedValue, float64(n), what)
	}
	for what, n := range s.door() {
		send(doorStat, prometheus.UntypedValue, float64(n), what)
	}
	for region, r := range s.ratios() {
		send(cacheTotal, prometheus.CounterValue, float64(r.Hits), region, "hit")
		send(cacheTotal, prometheus.CounterValue, float64(r.Misses), region, "miss")
		if all := r.Hits + r.Misses; all > 0 {
			send(cacheRatio, prometheus.GaugeValue, float64(r.Hits)/float64(all), region)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.gauges)) {
		send(describe(name, helpOf[name]), prometheus.GaugeValue, s.gauges[name]())
	}
	for _, name := range slices.Sorted(maps.Keys(s.counters)) {
		send(describe(name, helpOf[name]), prometheus.CounterValue, s.counters[name]())
	}
}

// linesMax bounds what one agent's status may add to the page.
const linesMax = 64

var helpOf = map[string]string{
	"feikong_inbox_bytes":              "Bytes waiting to be decoded.",
	"feikong_inbox_dropped_total":      "Packets dropped unacknowledged because the inbox was full.",
	"feikong_orders_sent_total":        "Orders sent to agents, repeats included.",
	"feikong_timers_fired_total":       "Due accounts brought to settlement.",
	"feikong_notices_published_total":  "Notices put on terminal topics, repeats included.",
	"feikong_webhooks_delivered_total": "Webhook calls answered with 2xx.",
	"feikong_webhooks_failed_total":    "Webhook calls that failed.",
}
