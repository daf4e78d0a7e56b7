package local

import (
	"feikong/agent/field"
	"feikong/protocol"
)

// Status is what the running agent says of itself.
type Status struct {
	Agent         string        `json:"agent"`
	Version       string        `json:"version"`
	At            int64         `json:"at"`
	PID           int           `json:"pid"`
	UpMS          int64         `json:"up_ms"`
	ClockTrusted  bool          `json:"clock_trusted"`
	ClockOffsetMS int64         `json:"clock_offset_ms"` // agent minus gateway
	RelayMode     string        `json:"relay_mode"`
	Commissioning ModeReply     `json:"commissioning"`
	Outbox        Outbox        `json:"outbox"`
	Lines         []LineStatus  `json:"lines"`
	Meters        []MeterStatus `json:"meters"`
}

// Outbox is how full the outbox is, and what still waits in it.
type Outbox struct {
	Bytes    int64  `json:"bytes"`
	Limit    int64  `json:"limit"`
	Stored   uint64 `json:"stored"`
	Dropped  uint64 `json:"dropped"`
	Readings uint64 `json:"readings_waiting"`
	Evidence uint64 `json:"evidence_waiting"`
}

// LineStatus counts one port since start.
type LineStatus struct {
	Line      string `json:"line"`
	Up        bool   `json:"up"`
	Error     string `json:"error,omitempty"`
	Sent      uint64 `json:"sent"`
	Received  uint64 `json:"received"`
	Exchanges uint64 `json:"exchanges"`
	Timeouts  uint64 `json:"timeouts"`
	Faults    uint64 `json:"faults"`
	Foreign   uint64 `json:"foreign,omitempty"` // frames on the line that were not ours
}

// MeterStatus counts one meter since start.
type MeterStatus struct {
	Meter        field.Ref `json:"meter"`
	Replies      uint64    `json:"replies"`
	Silent       uint64    `json:"silent"`
	Faults       uint64    `json:"faults"`
	LastReply    int64     `json:"last_reply,omitempty"`
	BackoffUntil int64     `json:"backoff_until,omitempty"`
	DelayMS      int64     `json:"delay_ms,omitempty"`
}

func statusOf(s protocol.Status) Status {
	out := Status{Agent: s.Agent, Version: s.Version, At: s.At, ClockTrusted: s.ClockTrusted, ClockOffsetMS: s.ClockOffset, RelayMode: s.RelayMode,
		Outbox: Outbox{Bytes: s.OutboxBytes, Limit: s.OutboxMax, Stored: s.Stored, Dropped: s.Dropped}}
	for _, l := range s.Lines {
		out.Lines = append(out.Lines, LineStatus{Line: l.Line, Up: l.Up, Error: l.Error, Sent: l.Sent, Received: l.Received, Exchanges: l.Exchanges, Timeouts: l.Timeouts, Faults: l.Faults, Foreign: l.Foreign})
	}
	for _, m := range s.Meters {
		out.Meters = append(out.Meters, MeterStatus{Meter: field.RefOf(m.Meter), Replies: m.Replies, Silent: m.Silent, Faults: m.Faults, LastReply: m.LastReply, BackoffUntil: m.BackoffUntil, DelayMS: m.DelayMs})
	}
	return out
}
