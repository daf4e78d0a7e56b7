package line

import (
	"fmt"
	"time"
)

// Retuner is a Port whose baud rate, parity and stop bits can be changed while it is open: serial ports can, a serial
// server behind TCP cannot.
type Retuner interface {
	SetFraming(baud int, parity string, stopBits int) error
}

// framing is how characters are made on the wire.
type framing struct {
	baud   int
	parity string
	stop   int
}

func (s Settings) framing() framing { return framing{s.Baud, s.Parity, s.StopBits} }

// chars is how long n characters take: start bit, 8 data bits, parity bit if any, stop bits.
func (f framing) chars(n int) time.Duration {
	bits := 9 + f.stop
	if f.parity != "none" {
		bits++
	}
	return time.Duration(n*bits) * time.Second / time.Duration(f.baud)
}

// CharTime is how long n characters take on the wire: start bit, 8 data bits, parity bit if any, stop bits.
func (s Settings) CharTime(n int) time.Duration { return s.framing().chars(n) }

// framingOf is what an exchange wants.
func (l *Line) framingOf(x *Exchange) framing {
	f := l.set.framing()
	if x.Baud != 0 {
		f.baud = x.Baud
	}
	if x.Parity != "" {
		f.parity = x.Parity
	}
	return f
}

// tune brings the port to f; most of the time it is there already. What was sent before has left: the exchange before
// ended with its reply, its timeout, or its last byte.
func (l *Line) tune(f framing) error {
	if f == l.tuned {
		return nil
	}
	set := l.set
	set.Baud, set.Parity = f.baud, f.parity
	if err := set.checkFraming(); err != nil {
		return fmt.Errorf("line %s: %w: %w", l.set.Name, ErrFraming, err)
	}
	r, ok := l.port.(Retuner)
	if !ok {
		return fmt.Errorf("line %s: %w: port %s has %d baud, parity %s; give the meter's line that framing, or the meter a line of its own",
			l.set.Name, ErrFraming, l.set.Path, l.set.Baud, l.set.Parity)
	}
	if err := r.SetFraming(f.baud, f.parity, f.stop); err != nil {
		return l.lost(err)
	}
	l.tuned = f
	return nil
}

// gap is the silence before a request. Modbus mandates 3.5 characters, above 19200 baud 1.75 ms (MODBUS over Serial Line
// 2.5.1.1). DL/T 645 names none between a reply and the next request; one character is left for the meter's driver to
// let go of the wires. Settings.Gap asks for more.
func (l *Line) gap(f framing, request []byte) time.Duration {
	g := f.chars(1)
	switch {
	case isMBAP(request):
		g = 0 // TCP has no silences, and the gateway keeps those of its wire
	case !isDLT645(request):
		if g = f.chars(7) / 2; f.baud > 19200 {
			g = 1750 * time.Microsecond
		}
	}
	return max(g, l.set.Gap)
}

// isDLT645 says that wire bytes are a DL/T 645 frame, with or without its preamble; anything else we send is Modbus.
func isDLT645(b []byte) bool {
	for len(b) > 0 && b[0] == 0xFE {
		b = b[1:]
	}
	return len(b) >= 8 && b[0] == 0x68 && b[7] == 0x68
}

// isMBAP says that a request has the head of Modbus TCP: it goes to a gateway, which makes the frames of the wire.
func isMBAP(b []byte) bool {
	return len(b) > 8 && b[2] == 0 && b[3] == 0 && int(b[4])<<8|int(b[5]) == len(b)-6 && !crc(b)
}
