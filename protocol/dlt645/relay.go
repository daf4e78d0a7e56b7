package dlt645

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// RelayCommand is N1 of a control request (C = 1CH).
type RelayCommand byte

// Relay commands. TripAutoClose and TripAutoPermit wait N2 × 5 minutes before
// they recover and depend on vendor and region.
const (
	Trip           RelayCommand = 0x1A // 拉闸
	ClosePermit    RelayCommand = 0x1B // 合闸允许: the customer presses the button
	Close          RelayCommand = 0x1C // 直接合闸
	TripAutoClose  RelayCommand = 0x1D
	TripAutoPermit RelayCommand = 0x1E
	AlarmOn        RelayCommand = 0x2A // 报警
	AlarmOff       RelayCommand = 0x2B
	HoldOn         RelayCommand = 0x3A // 保电
	HoldOff        RelayCommand = 0x3B
)

// relayCommands is the table of what may be sent.
var relayCommands = []struct {
	Command  RelayCommand
	Name, ZH string
	needsN2  bool
}{
	{Trip, "trip", "拉闸", false},
	{ClosePermit, "close_permit", "合闸允许", false},
	{Close, "direct_close", "直接合闸", false},
	{TripAutoClose, "trip_then_auto_close", "拉闸后自动合闸", true},
	{TripAutoPermit, "trip_then_auto_permit", "拉闸后自动合闸允许", true},
	{AlarmOn, "alarm_on", "报警", false},
	{AlarmOff, "alarm_off", "报警解除", false},
	{HoldOn, "power_hold_on", "保电", false},
	{HoldOff, "power_hold_off", "保电解除", false},
}

// String names the command, or gives its hex when the table has none.
func (c RelayCommand) String() string {
	for _, r := range relayCommands {
		if r.Command == c {
			return r.Name
		}
	}
	return fmt.Sprintf("unknown %02XH", byte(c))
}

// Password is a meter's password with its level; Digits are in wire order,
// low byte first. No printed form shows it.
type Password struct {
	Level  byte
	Digits [3]byte
}

const redacted = "[redacted]"

// String is "[redacted]".
func (p Password) String() string { return redacted }

// Format makes every verb print "[redacted]".
func (p Password) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// LogValue is "[redacted]".
func (p Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is "[redacted]": a password leaves only through a frame.
func (p Password) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// RelayOrder is a control request taken apart. Deadline is in the meter's
// wall clock: after it the meter ignores the command. N2 counts 5 minutes and
// is zero but for the two commands that recover by themselves.
type RelayOrder struct {
	Password Password
	Operator [4]byte
	Command  RelayCommand
	N2       byte
	Deadline time.Time
}

// RelayRequest is the plain control request (L = 10H) for one meter. deadline
// is meter time: its wall clock in its own location goes on the wire, so add
// the allowance to the meter's clock, not to the gateway's. Wildcard and
// broadcast addresses are refused (ErrAddress), as are unknown commands,
// those that need N2 (use RelayOrder.Frame) and ciphered levels (ErrCommand).
func RelayRequest(a Address, pw Password, operator [4]byte, cmd RelayCommand, deadline time.Time) (Frame, error) {
	return RelayOrder{Password: pw, Operator: operator, Command: cmd, Deadline: deadline}.Frame(a)
}

// Frame is the request for o, with the refusals of RelayRequest.
func (o RelayOrder) Frame(a Address) (Frame, error) {
	if !a.Exact() {
		return Frame{}, fmt.Errorf("%s to %s: relay commands go to exactly one meter: %w", o.Command, a, ErrAddress)
	}
	if err := o.usable(); err != nil {
		return Frame{}, fmt.Errorf("%s to %s: %w", o.Command, a, err)
	}
	if y := o.Deadline.Year(); y < 2000 || y > 2099 {
		return Frame{}, fmt.Errorf("%s to %s: deadline in year %d: %w", o.Command, a, y, ErrDateTime)
	}
	d := make([]byte, 0, 16)
	d = append(d, o.Password.Level)
	d = append(d, o.Password.Digits[:]...)
	d = append(d, o.Operator[:]...)
	d = append(d, byte(o.Command), o.N2)
	d = AppendDateTime6(d, o.Deadline, o.Deadline.Location())
	return Frame{Addr: a, Control: funcRelay, Data: d}, nil
}

func (o RelayOrder) usable() error {
	for _, r := range relayCommands {
		if r.Command != o.Command {
			continue
		}
		if r.needsN2 != (o.N2 != 0) {
			return fmt.Errorf("N2 is %d: %w", o.N2, ErrCommand)
		}
		if o.Password.Level >= 0x10 {
			return fmt.Errorf("level %02X is ciphered by an ESAM: %w", o.Password.Level, ErrCommand)
		}
		return nil
	}
	return fmt.Errorf("not in the table: %w", ErrCommand)
}

// ParseRelayRequest is the meter's side; loc is the meter's clock. A ciphered
// request is ErrSealed. The command may be one this package does not know,
// and the password is not judged.
func ParseRelayRequest(f Frame, loc *time.Location) (RelayOrder, error) {
	switch {
	case f.Control != funcRelay:
		return RelayOrder{}, fmt.Errorf("control %02XH is not a relay request: %w", f.Control, ErrNotRequest)
	case len(f.Data) == 0x1C && f.Data[0] >= 0x10:
		return RelayOrder{}, ErrSealed
	case len(f.Data) != 0x10:
		return RelayOrder{}, fmt.Errorf("relay request of %d bytes: %w", len(f.Data), ErrLength)
	}
	d := f.Data
	deadline, err := DateTime6(d[10:16], loc)
	if err != nil {
		return RelayOrder{}, fmt.Errorf("relay deadline: %w", err)
	}
	return RelayOrder{
		Password: Password{Level: d[0], Digits: [3]byte(d[1:4])},
		Operator: [4]byte(d[4:8]),
		Command:  RelayCommand(d[8]),
		N2:       d[9],
		Deadline: deadline,
	}, nil
}

// ParseRelayReply reads the answer of meter a. accepted is acceptance, not
// execution: a delay, a current limit or a button that waits may postpone it,
// so read status word 3 afterwards. 9CH of any length is accepted; DCH is a
// *ReplyError; for the errors KeepWaiting names, go on listening.
func ParseRelayReply(f Frame, a Address) (accepted bool, err error) {
	if err := expect(f, a, funcRelay); err != nil {
		return false, err
	}
	return true, nil
}

// RelayReply is meter a's acceptance of a control request (9C, L = 0).
func RelayReply(a Address) Frame { return Frame{Addr: a, Control: funcRelay | fromMeter} }
