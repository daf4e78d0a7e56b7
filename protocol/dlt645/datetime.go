package dlt645

import (
	"fmt"
	"time"
)

// Times on the wire are BCD, the smallest unit first, in the meter's own wall
// clock; the two-digit year is of this century. Appending functions take the
// wall clock of t in loc.

// AppendDate4 appends 04000101: WW DD MM YY, Sunday is 00.
func AppendDate4(dst []byte, t time.Time, loc *time.Location) []byte {
	t = t.In(loc)
	return append(dst, byte(t.Weekday()), bcd2(t.Day()), bcd2(int(t.Month())), bcd2(t.Year()%100))
}

// AppendTime3 appends 04000102: ss mm hh.
func AppendTime3(dst []byte, t time.Time, loc *time.Location) []byte {
	t = t.In(loc)
	return append(dst, bcd2(t.Second()), bcd2(t.Minute()), bcd2(t.Hour()))
}

// AppendDateTime7 appends 0400010C: ss mm hh WW DD MM YY.
func AppendDateTime7(dst []byte, t time.Time, loc *time.Location) []byte {
	return AppendDate4(AppendTime3(dst, t, loc), t, loc)
}

// AppendDateTime6 appends ss mm hh DD MM YY, the form of deadlines, of the
// broadcast time and of events.
func AppendDateTime6(dst []byte, t time.Time, loc *time.Location) []byte {
	t = t.In(loc)
	return append(AppendTime3(dst, t, loc), bcd2(t.Day()), bcd2(int(t.Month())), bcd2(t.Year()%100))
}

// AppendDateTime5 appends mm hh DD MM YY, the form of freezes and of load
// profiles.
func AppendDateTime5(dst []byte, t time.Time, loc *time.Location) []byte {
	t = t.In(loc)
	return append(dst, bcd2(t.Minute()), bcd2(t.Hour()), bcd2(t.Day()), bcd2(int(t.Month())), bcd2(t.Year()%100))
}

// Date4 reads 04000101 as midnight in loc. The weekday must be a digit 0..7
// but is not compared: meters set by hand carry wrong ones. The error wraps
// ErrDateTime.
func Date4(b []byte, loc *time.Location) (time.Time, error) {
	if len(b) != 4 {
		return time.Time{}, fmt.Errorf("date of %d bytes: %w", len(b), ErrLength)
	}
	return stamp([6]byte{0, 0, 0, b[1], b[2], b[3]}, b[0], loc)
}

// Time3 reads 04000102 as the time since midnight.
func Time3(b []byte) (time.Duration, error) {
	if len(b) != 3 {
		return 0, fmt.Errorf("time of %d bytes: %w", len(b), ErrLength)
	}
	t, err := stamp([6]byte{b[0], b[1], b[2], 1, 1, 0}, 0, time.UTC)
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second, nil
}

// DateTime7 reads 0400010C.
func DateTime7(b []byte, loc *time.Location) (time.Time, error) {
	if len(b) != 7 {
		return time.Time{}, fmt.Errorf("date and time of %d bytes: %w", len(b), ErrLength)
	}
	return stamp([6]byte{b[0], b[1], b[2], b[4], b[5], b[6]}, b[3], loc)
}

// DateTime6 reads ss mm hh DD MM YY.
func DateTime6(b []byte, loc *time.Location) (time.Time, error) {
	if len(b) != 6 {
		return time.Time{}, fmt.Errorf("date and time of %d bytes: %w", len(b), ErrLength)
	}
	return stamp([6]byte(b), 0, loc)
}

// DateTime5 reads mm hh DD MM YY.
func DateTime5(b []byte, loc *time.Location) (time.Time, error) {
	if len(b) != 5 {
		return time.Time{}, fmt.Errorf("date and time of %d bytes: %w", len(b), ErrLength)
	}
	return stamp([6]byte{0, b[0], b[1], b[2], b[3], b[4]}, 0, loc)
}

// MeterClock joins the replies to 04000101 and 04000102. Read the date twice
// around the time when midnight is near.
func MeterClock(date4, time3 []byte, loc *time.Location) (time.Time, error) {
	if len(date4) != 4 || len(time3) != 3 {
		return time.Time{}, fmt.Errorf("date of %d and time of %d bytes: %w", len(date4), len(time3), ErrLength)
	}
	return stamp([6]byte{time3[0], time3[1], time3[2], date4[1], date4[2], date4[3]}, date4[0], loc)
}

// BroadcastTime sets the clocks of all meters on a line (广播校时, C = 08H).
// Meters obey once a day and only to a correction of up to 5 minutes; nobody
// answers.
func BroadcastTime(t time.Time, loc *time.Location) Frame {
	return Frame{Addr: Broadcast, Control: funcBroadcastTime, Data: AppendDateTime6(nil, t, loc)}
}

// ParseBroadcastTime is the meter's side of BroadcastTime.
func ParseBroadcastTime(f Frame, loc *time.Location) (time.Time, error) {
	if f.Control != funcBroadcastTime {
		return time.Time{}, fmt.Errorf("control %02XH is not a broadcast time: %w", f.Control, ErrNotRequest)
	}
	return DateTime6(f.Data, loc)
}

// stamp reads ss mm hh DD MM YY and a weekday.
func stamp(b [6]byte, weekday byte, loc *time.Location) (time.Time, error) {
	var n [6]int
	for i, v := range b {
		if !isBCD(v) {
			return time.Time{}, fmt.Errorf("time % X: %w: %w", b, ErrDateTime, ErrBCD)
		}
		n[i] = int(v>>4)*10 + int(v&0x0F)
	}
	t := time.Date(2000+n[5], time.Month(n[4]), n[3], n[2], n[1], n[0], 0, time.UTC)
	if t.Second() != n[0] || t.Minute() != n[1] || t.Hour() != n[2] || t.Day() != n[3] || int(t.Month()) != n[4] || weekday > 7 {
		return time.Time{}, fmt.Errorf("time % X: %w", b, ErrDateTime)
	}
	return time.Date(2000+n[5], time.Month(n[4]), n[3], n[2], n[1], n[0], 0, loc), nil
}

func bcd2(v int) byte { return byte(v/10%10)<<4 | byte(v%10) }
