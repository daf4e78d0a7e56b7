package modbusmap

import (
	"errors"
	"fmt"
	"time"
)

// Clock is where a model's date and time lie. Fields names the bytes of the registers in wire order, high byte of the
// first register first; a field that is named twice in a row is a number of two bytes.
type Clock struct {
	Func   byte
	Addr   uint16
	Fields []ClockField
	BCD    bool // the bytes are packed decimals: 26H is 26
}

// ClockField is what a byte of a clock holds.
type ClockField uint8

// Fields of a clock. The week day is not used; Skip is a byte that means nothing.
const (
	Skip ClockField = iota
	Year            // of the century, or a whole year in two bytes
	Month
	Day
	Hour
	Minute
	Second
	Weekday
)

var clockFields = [...]string{"skip", "year", "month", "day", "hour", "minute", "second", "weekday"}

// ErrTime is wrapped by errors of clock registers that hold no time: the meter's battery is flat, say.
var ErrTime = errors.New("registers hold no time")

// Read is the request for it.
func (c Clock) Read() Read { return Read{Func: c.Func, Addr: c.Addr, Count: uint16(len(c.Fields) / 2)} }

// Decode is the time in the registers, on a wall in zone. Errors wrap ErrTime.
func (c Clock) Decode(words []uint16, zone *time.Location) (time.Time, error) {
	if len(words) != len(c.Fields)/2 {
		return time.Time{}, fmt.Errorf("%d registers of clock %04XH: %w", len(words), c.Addr, ErrTime)
	}
	var v [Weekday + 1]int
	for i, f := range c.Fields {
		b := int(byte(words[i/2] >> (8 - 8*(i%2))))
		base := 256
		if c.BCD {
			if base = 100; b>>4 > 9 || b&15 > 9 {
				return time.Time{}, fmt.Errorf("byte %02XH in clock %04XH: %w", b, c.Addr, ErrTime)
			}
			b = b>>4*10 + b&15
		}
		v[f] = v[f]*base + b
	}
	year := v[Year]
	if year < 100 {
		year += 2000
	}
	t := time.Date(year, time.Month(v[Month]), v[Day], v[Hour], v[Minute], v[Second], 0, zone)
	// time.Date accepts the 32nd; a meter that shows one has lost its time. An hour that summer time skips is moved by an
	// hour and is a time all the same.
	if y, m, d := t.Date(); y != year || int(m) != v[Month] || d != v[Day] || t.Minute() != v[Minute] || t.Second() != v[Second] || v[Hour] > 23 || year < 2000 || year > 2099 {
		return time.Time{}, fmt.Errorf("%d-%02d-%02d %02d:%02d:%02d in clock %04XH: %w", year, v[Month], v[Day], v[Hour], v[Minute], v[Second], c.Addr, ErrTime)
	}
	return t, nil
}

// Encode is the registers of a meter whose wall shows t, already in the meter's zone: the other side of Decode.
func (c Clock) Encode(t time.Time) []uint16 {
	values := [Weekday + 1]int{Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Hour: t.Hour(), Minute: t.Minute(), Second: t.Second(), Weekday: int(t.Weekday())}
	words := make([]uint16, len(c.Fields)/2)
	base := 256
	if c.BCD {
		base = 100
	}
	for i := len(c.Fields) - 1; i >= 0; i-- { // the last byte of a number is the lowest
		f := c.Fields[i]
		v := values[f]
		if f == Year && !c.twice(Year) {
			v %= 100
		}
		b := v % base
		values[f] = v / base
		if c.BCD {
			b = b/10<<4 | b%10
		}
		words[i/2] |= uint16(b) << (8 - 8*(i%2))
	}
	return words
}

func (c Clock) twice(f ClockField) bool {
	n := 0
	for _, g := range c.Fields {
		if g == f {
			n++
		}
	}
	return n > 1
}
