package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// relayControl is C of a relay request.
const relayControl = 0x1C

// relayCommands is what each action sends.
var relayCommands = map[protocol.Action]dlt645.RelayCommand{
	protocol.ActionTrip: dlt645.Trip, protocol.ActionPermit: dlt645.ClosePermit, protocol.ActionClose: dlt645.Close,
	ActionAlarmOn: dlt645.AlarmOn, ActionAlarmOff: dlt645.AlarmOff, ActionHoldOn: dlt645.HoldOn, ActionHoldOff: dlt645.HoldOff,
}

// Switch sends one control frame (C = 1CH) with its deadline in meter time: with the order's password, or sealed by the
// key service where the meter's configuration says so.
func (m *DLT645) Switch(ctx context.Context, c Call, cmd Command) (sent bool, err error) {
	w := m.ways.now()
	n1, ok := relayCommands[cmd.Action]
	if !ok {
		return false, fmt.Errorf("action %d: %w", cmd.Action, ErrUnsupported)
	}
	fail := func(err error) error { return fmt.Errorf("%s of meter %s: %w", n1, m.ref.Address, err) }
	if w.edition == ed1997 {
		return false, fail(fmt.Errorf("edition 1997: %w", ErrUnsupported))
	}
	f, err := m.relayFrame(ctx, c, w, cmd, n1, cmd.Deadline.Add(cmd.Drift).In(m.zone))
	if err != nil {
		return false, fail(err)
	}
	x := &line.Exchange{Before: cmd.Before}
	err = m.exchange(ctx, c, w, f, x, 0, func(r dlt645.Frame) error { _, err := dlt645.ParseRelayReply(r, m.addr); return err })
	if x.Wrote && cmd.After != nil {
		cmd.After()
	}
	if err != nil {
		err = fail(err)
	}
	return x.Wrote, err
}

// relayFrame is the order's one relay frame. A meter that wants sealed trips mostly takes a close with its password, so
// a key service that is missing or down keeps nobody in the dark.
func (m *DLT645) relayFrame(ctx context.Context, c Call, w way, cmd Command, n1 dlt645.RelayCommand, deadline time.Time) (dlt645.Frame, error) {
	if m.sealed {
		f, err := m.sealedFrame(ctx, c, w, cmd, n1, deadline)
		opens := cmd.Action != protocol.ActionPermit && cmd.Action != protocol.ActionClose
		if err == nil || opens || !errors.Is(err, ErrNoKeyService) && !errors.Is(err, ErrKeyService) {
			return f, err
		}
	}
	pw := dlt645.Password{Level: cmd.Password[0], Digits: [3]byte(cmd.Password[1:])}
	return dlt645.RelayRequest(m.addr, pw, cmd.Operator, n1, deadline)
}
