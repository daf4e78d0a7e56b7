// Package meter turns bytes on a line into readings and relay states, one driver a protocol. A driver keeps its counters
// and how its meter is to be talked to; what a meter said is in what it returns.
package meter

import (
	"context"
	"errors"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
)

// Why a meter's answer cannot be used.
var (
	ErrRefused     = errors.New("meter refused")               // the meter answered, with an error
	ErrPassword    = errors.New("meter refused the password")  // 密码错: never try again, meters lock the level
	ErrHold        = errors.New("meter refused: power hold")   // 保电
	ErrUnsupported = errors.New("the meter cannot do this")    // by its model; nothing was sent
	ErrTwo         = errors.New("two answers to one request")  // two meters have one address: which of them was read?
	ErrClock       = errors.New("meter's clock tells no time") // its battery is flat, say; the meter answers otherwise
)

// Talker carries exchanges; a *line.Line.
type Talker interface {
	Do(ctx context.Context, x *line.Exchange) error
	Settings() line.Settings
}

// Capabilities say what a model can do, as data.
type Capabilities struct {
	Trip, Permit, Close bool
	Feedback            bool // the relay's state can be read
	Clock               bool // it has a clock that can be read
}

// Call says how one act talks: for whom, and where its frames are noted down.
type Call struct {
	Order    bool      // goes ahead of polling
	Search   bool      // a person waits: a meter that was never heard is asked in every way it may speak, at once
	Alone    bool      // listens for a second answer, which is ErrTwo: two meters have one address
	Twice    bool      // registers are read until two answers agree, three times at most: before a trip, at a boundary
	NotAfter time.Time // when not zero, nothing is sent after it
	Note     string    // into the evidence: "read before trip"
	Trace    func(protocol.FrameEvidence)

	// routine is the energy read of each round, the same request each time: it alone is held to the pace that the meter has
	// shown in it. What the meter fetches from its flash (freezes, load profile) takes longer than a register, and would never
	// be answered in a register's time.
	routine bool
}

// Command is one relay frame to be sent.
type Command struct {
	Action   protocol.Action
	Order    protocol.OrderID // for a key service; never on the wire
	Password [4]byte          // level, then three digits, wire order
	Operator [4]byte
	Deadline time.Time     // by the agent's clock; the frame carries it in meter time
	Drift    time.Duration // meter clock minus agent clock
	Before   func() error  // right before the frame's first byte; an error keeps the frame from being sent
	After    func()        // right after the frame, before its answer is judged
}

// Driver is one meter on a line. Readings come without quality flags; the caller knows how far its clock is trusted.
type Driver interface {
	Ref() protocol.MeterRef
	Can() Capabilities
	Energy(ctx context.Context, c Call) ([]protocol.Reading, error)
	Relay(ctx context.Context, c Call) (protocol.RelayReport, time.Time, error)
	Clock(ctx context.Context, c Call) (drift time.Duration, at time.Time, err error)
	// Switch sends exactly one frame, never again by itself. nil: the meter accepted, which is not yet done. sent is
	// false when surely nothing left.
	Switch(ctx context.Context, c Call, cmd Command) (sent bool, err error)
	Status() protocol.MeterStatus
}

// RelayReading is a relay state as a reading.
func RelayReading(ref protocol.MeterRef, r protocol.RelayReport, at time.Time) protocol.Reading {
	v := int64(0)
	for _, b := range []struct {
		on  bool
		bit int64
	}{{r.Open, protocol.RelayBitOpen}, {r.CommandOpen, protocol.RelayBitCommandOpen}, {r.Hold, protocol.RelayBitHold}} {
		if b.on {
			v |= b.bit
		}
	}
	return protocol.Reading{Meter: ref, Quantity: protocol.RelayState, Value: v, TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}
}

// ClockReading is a clock comparison as a reading: meter minus agent, ms.
func ClockReading(ref protocol.MeterRef, drift time.Duration, at time.Time) protocol.Reading {
	return protocol.Reading{Meter: ref, Quantity: protocol.ClockDrift, Value: drift.Milliseconds(), TakenAt: at.UnixMilli(),
		MeterTime: at.Add(drift).UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}
}
