package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// RelayState reads all that the meter tells about its relay: contact, last command, lock, and who decides over it.
func (m *Modbus) RelayState(ctx context.Context, c Call) (modbusmap.RelayState, time.Time, error) {
	r := m.model.Relay
	if r == nil || !r.Feedback {
		return modbusmap.RelayState{}, time.Time{}, fmt.Errorf("relay of meter %s, model %s: %w", m.ref.Address, m.model.Name, ErrUnsupported)
	}
	words, at, err := m.registers(ctx, c, r.StateRead())
	if err != nil {
		return modbusmap.RelayState{}, at, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	return r.Judge(words), at, nil
}

// Relay reads the relay's state as the model's table says. Known is false for a value that the manual does not name, and
// for a contact that its meter moves by its own rules without telling.
func (m *Modbus) Relay(ctx context.Context, c Call) (protocol.RelayReport, time.Time, error) {
	s, at, err := m.RelayState(ctx, c)
	return protocol.RelayReport{Known: s.Known, Open: s.Open, CommandOpen: s.CommandOpen}, at, err
}

// Switch writes the relay's coil or register once. Modbus frames carry neither password nor deadline: cmd.Deadline keeps
// the frame from being sent late, and nothing can stop it afterwards. A device that acknowledges and goes on working
// (exception 05) has accepted.
func (m *Modbus) Switch(ctx context.Context, c Call, cmd Command) (sent bool, err error) {
	can := m.Can()
	switch {
	case cmd.Action == protocol.ActionTrip && can.Trip, cmd.Action == protocol.ActionClose && can.Close, cmd.Action == protocol.ActionPermit && can.Permit:
	case m.model.Relay != nil && m.everybody():
		return false, fmt.Errorf("unit 0 may be every meter behind a gateway, so nothing is written to it: %w", ErrUnsupported)
	default:
		return false, fmt.Errorf("action %d on meter %s, model %s: %w", cmd.Action, m.ref.Address, m.model.Name, ErrUnsupported)
	}
	if c.NotAfter.IsZero() || cmd.Deadline.Before(c.NotAfter) {
		c.NotAfter = cmd.Deadline
	}
	c.Alone = false // the write is one frame; who else hears it was asked before
	r := m.model.Relay
	value := r.Close
	if cmd.Action == protocol.ActionTrip {
		value = r.Open
	}
	x, err := m.write(ctx, c, r.Func, r.Addr, value, cmd.Before)
	if x.Wrote && cmd.After != nil {
		cmd.After()
	}
	var refused *modbus.Exception
	if errors.As(err, &refused) && refused.Code == modbus.Acknowledge {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("switch relay of meter %s: %w", m.ref.Address, err)
	}
	return x.Wrote, err
}
