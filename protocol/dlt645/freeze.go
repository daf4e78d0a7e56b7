package dlt645

import "fmt"

// FreezeTime is when meters shall freeze (冻结), in wire order: minute, hour,
// day, month as BCD, 99 for "any" [M].
type FreezeTime [4]byte

// FreezeNow freezes at once (瞬时冻结).
var FreezeNow = FreezeTime{0x99, 0x99, 0x99, 0x99}

// FreezeHourly freezes each hour at the given minute.
func FreezeHourly(minute int) FreezeTime { return FreezeTime{bcd2(minute), 0x99, 0x99, 0x99} }

// FreezeDaily freezes each day at the given time of the meter's clock.
func FreezeDaily(hour, minute int) FreezeTime {
	return FreezeTime{bcd2(minute), bcd2(hour), 0x99, 0x99}
}

// FreezeMonthly freezes each month on the given day and time.
func FreezeMonthly(day, hour, minute int) FreezeTime {
	return FreezeTime{bcd2(minute), bcd2(hour), bcd2(day), 0x99}
}

// Check refuses what is no time: the error wraps ErrDateTime. Once a part is
// "any", the larger ones must be too.
func (t FreezeTime) Check() error {
	low, high := [4]byte{0, 0, 1, 1}, [4]byte{0x59, 0x23, 0x31, 0x12}
	anyMore := false
	for i, v := range t {
		switch {
		case v == 0x99:
			anyMore = true
		case anyMore || !isBCD(v) || v < low[i] || v > high[i]:
			return fmt.Errorf("freeze time % X: %w", t[:], ErrDateTime)
		}
	}
	return nil
}

// String is for people: "now", "hourly at minute 15", "daily at 00:00".
func (t FreezeTime) String() string {
	switch {
	case t.Check() != nil:
		return fmt.Sprintf("invalid % X", t[:])
	case t == FreezeNow:
		return "now"
	case t[1] == 0x99:
		return fmt.Sprintf("hourly at minute %02X", t[0])
	case t[2] == 0x99:
		return fmt.Sprintf("daily at %02X:%02X", t[1], t[0])
	case t[3] == 0x99:
		return fmt.Sprintf("monthly on day %02X at %02X:%02X", t[2], t[1], t[0])
	}
	return fmt.Sprintf("on %02X-%02X at %02X:%02X", t[3], t[2], t[1], t[0])
}

// FreezeRequest (C = 16H, 冻结命令) asks meter a to keep a copy of its
// registers. a may be Broadcast: all meters freeze and nobody answers. It
// needs no password [M].
func FreezeRequest(a Address, at FreezeTime) Frame {
	return Frame{Addr: a, Control: funcFreeze, Data: at[:]}
}

// ParseFreezeReply reads meter a's answer: nil, or a *ReplyError.
func ParseFreezeReply(f Frame, a Address) error { return expect(f, a, funcFreeze) }

// ParseFreezeRequest is the meter's side; the error wraps ErrDateTime for
// what is no time. Nobody answers one to Broadcast.
func ParseFreezeRequest(f Frame) (FreezeTime, error) {
	if err := exactly(f, funcFreeze, "freeze", 4); err != nil {
		return FreezeTime{}, err
	}
	t := FreezeTime(f.Data)
	return t, t.Check()
}

// FreezeReply is meter a's answer to a freeze (C = 96H, L = 0).
func FreezeReply(a Address) Frame { return Frame{Addr: a, Control: funcFreeze | fromMeter} }
