package dlt645

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

const (
	start  = 0x68
	end    = 0x16
	wakeUp = 0xFE // 前导字节
	offset = 0x33 // added to every byte of the data field on the line

	headLen  = 10 // 68 A0..A5 68 C L
	overhead = 12 // head, CS, 16
	maxData  = 255
)

// MaxFrame is the longest frame in bytes, without preamble. The standard ends
// at L = 200; longer vendor frames exist and the length byte allows 255.
const MaxFrame = overhead + maxData

// Frame is one DL/T 645 frame (帧) without its wrapping. Data is the data
// field after the offset 33H is taken off. A frame from a Parser aliases the
// parser's buffer and is valid until the next call on it.
type Frame struct {
	Addr    Address
	Control byte
	Data    []byte
}

// FromMeter is control bit D7: the frame was sent by a meter.
func (f Frame) FromMeter() bool { return f.Control&0x80 != 0 }

// IsError is D6: the meter refuses; Data is the ERR byte.
func (f Frame) IsError() bool { return f.Control&0xC0 == 0xC0 }

// More is D5: more data follow, ask with SubsequentRequest.
func (f Frame) More() bool { return f.Control&0x20 != 0 }

// Func is D4..D0, the function code.
func (f Frame) Func() byte { return f.Control & 0x1F }

// AppendPreamble appends the four FE that wake a meter's receiver.
func AppendPreamble(dst []byte) []byte { return append(dst, wakeUp, wakeUp, wakeUp, wakeUp) }

// AppendFrame appends f as it goes on the line, without preamble: offset
// added, checksum and end byte set. It does not allocate when dst has room.
// Data beyond 255 bytes cannot be expressed and is cut off; no function of
// this package makes such a frame.
func AppendFrame(dst []byte, f Frame) []byte {
	data := f.Data[:min(len(f.Data), maxData)]
	first := len(dst)
	dst = append(dst, start)
	dst = append(dst, f.Addr[:]...)
	dst = append(dst, start, f.Control, byte(len(data)))
	for _, b := range data {
		dst = append(dst, b+offset)
	}
	return append(dst, checksum(dst[first:]), end)
}

// checksum is the sum of all bytes modulo 256. Eight bytes are taken at once
// into four 16-bit lanes; a frame's 33 words cannot overflow one.
func checksum(b []byte) (sum byte) {
	const lanes = 0x00FF00FF00FF00FF
	var acc uint64
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		acc += x&lanes + x>>8&lanes
	}
	sum = byte(acc * 0x0001000100010001 >> 48)
	for _, v := range b {
		sum += v
	}
	return sum
}

// takeOffset subtracts 33H from every byte of b, in place: eight at once, the
// top bits set aside so that no byte borrows from its neighbour.
func takeOffset(b []byte) {
	const top, off = 0x8080808080808080, 0x3333333333333333
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		binary.LittleEndian.PutUint64(b, ((x|top)-off)^((x^^uint64(off))&top))
	}
	for i := range b {
		b[i] -= offset
	}
}

// Decode finds all frames of a whole capture; their data are copies. When
// there is none, the error says why the first 68H was refused.
func Decode(wire []byte) (frames []Frame, err error) {
	pieces := cut(wire)
	for _, p := range pieces {
		if p.frame {
			frames = append(frames, p.Frame)
		}
	}
	if len(frames) == 0 {
		err = ErrNoFrame
		for _, p := range pieces {
			if p.fault != nil {
				return nil, p.fault
			}
		}
	}
	return frames, err
}

// piece is a stretch of a capture: a frame, or bytes that belong to none.
type piece struct {
	Frame
	frame bool
	wire  []byte
	fault error // of bytes that belong to none
}

// cut divides a whole capture into frames and what lies between them.
func cut(wire []byte) (pieces []piece) {
	skipped := 0
	var fault error
	for at := 0; at <= len(wire); {
		total, err := 0, error(nil)
		if at < len(wire) {
			total, err = check(wire[at:])
			if err == errMore {
				err = ErrTruncated
			}
		}
		if at < len(wire) && err != nil {
			if fault == nil && err != errNoStart {
				fault = err
			}
			at++
			continue
		}
		if at > skipped {
			pieces = append(pieces, piece{wire: wire[skipped:at], fault: fault})
		}
		if at == len(wire) {
			break
		}
		w := wire[at : at+total]
		f := Frame{Addr: Address(w[1:7]), Control: w[8], Data: bytes.Clone(w[headLen : total-2])}
		takeOffset(f.Data)
		pieces = append(pieces, piece{Frame: f, frame: true, wire: w})
		at += total
		skipped, fault = at, nil
	}
	return pieces
}

// String is for logs: address, control, and the plain data in hex with every
// password byte as **.
func (f Frame) String() string {
	s := fmt.Sprintf("%s %02X", f.Addr, f.Control)
	for i, b := range f.Data {
		if f.secret(i) {
			s += " **"
		} else {
			s += fmt.Sprintf(" %02X", b)
		}
	}
	return s
}

// Format makes every verb print String, so that no verb prints a password.
func (f Frame) Format(s fmt.State, _ rune) { io.WriteString(s, f.String()) }

// LogValue is String.
func (f Frame) LogValue() slog.Value { return slog.StringValue(f.String()) }
