package tools

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// Kinds of what is heard on a line.
const (
	heardRequest = "request" // of a master
	heardReply   = "reply"   // of a meter
	heardGarbage = "garbage" // bytes that are no frame
	heardSilence = "silence" // a request that was not answered
)

const (
	// pendingMax bounds the bytes that wait for the rest of their frame.
	pendingMax = 3 * dlt645.MaxFrame
	// openMax is how long a request may wait for its answer before an answer is called unasked: DTUs hold back for seconds.
	openMax = 10 * time.Second
	// metersMax bounds the meters that are counted apart: a line carries 256 at best.
	metersMax = 512
)

// heard is one thing on the line, explained. Passwords in it are masked.
type heard struct {
	At    time.Time     `json:"at"`
	Kind  string        `json:"kind"`
	Meter string        `json:"meter,omitempty"`
	Delay time.Duration `json:"-"`
	Hex   string        `json:"hex,omitempty"`
	Text  string        `json:"text"`
	Count int           `json:"bytes"`
}

// meterQuality is what was counted of one meter.
type meterQuality struct {
	Meter     string `json:"meter"`
	Asked     int    `json:"asked"`
	Replies   int    `json:"replies"`
	Retries   int    `json:"retries"` // the same request again, unanswered before
	Silent    int    `json:"silent"`
	Damaged   int    `json:"damaged"` // checksum errors and other garbage after a request
	Refused   int    `json:"refused"`
	DelayMin  int64  `json:"delay_min_ms"`
	DelayMean int64  `json:"delay_mean_ms"`
	DelayMax  int64  `json:"delay_max_ms"`

	sum time.Duration
}

// ear finds the frames in the bytes of a line, explains each in one line, and counts each meter's quality. One goroutine
// uses it.
type ear struct {
	protocol string // "dlt645", "modbus"; "" until the first frame tells
	lang     string
	char     time.Duration // of one character
	tell     func(heard)

	pending []byte
	begun   time.Time // the first pending byte

	open     []byte // the request that waits for its answer; nil: none
	openTo   string
	openADU  modbus.ADU
	openEnd  time.Time
	damaged  bool // garbage came instead
	last     []byte
	answered bool // the last request was

	quality map[string]*meterQuality
	order   []string
}

func newEar(protocol, lang string, char time.Duration, tell func(heard)) *ear {
	return &ear{protocol: protocol, lang: lang, char: char, tell: tell, quality: map[string]*meterQuality{}}
}

func (e *ear) say(zh, en string, args ...any) string {
	if e.lang == "zh" {
		return fmt.Sprintf(zh, args...)
	}
	return fmt.Sprintf(en, args...)
}

// hear takes bytes; at is when the last of them had come.
func (e *ear) hear(b []byte, at time.Time) {
	if len(b) == 0 {
		return
	}
	if len(e.pending) == 0 {
		e.begun = at.Add(-time.Duration(len(b)) * e.char)
	}
	e.pending = append(e.pending, b...)
	e.cut(at, false)
	if over := len(e.pending) - pendingMax; over > 0 {
		e.garbage(e.pending[:over], at)
		e.pending = append(e.pending[:0], e.pending[over:]...)
	}
}

// sent takes a request of our own, at the moment its first byte left.
func (e *ear) sent(b []byte, at time.Time) {
	e.quiet(at)
	e.begun = at
	end := at.Add(time.Duration(len(b)) * e.char)
	if wire, a, ok := masked(b); ok {
		e.protocol = "dlt645"
		e.request(wire, heard{At: at, Kind: heardRequest, Meter: a.String(), Hex: dlt645.Redact(wire), Text: frameWords(e.lang, wire), Count: len(b)}, end, a == dlt645.Broadcast)
		return
	}
	e.pending = append(e.pending, b...)
	e.cut(end, true)
}

// masked is a request whose password, and the checksum with it, was taken out before it came here.
func masked(b []byte) (wire []byte, a dlt645.Address, ok bool) {
	const start = 0x68
	if _, err := dlt645.Decode(b); err == nil {
		return nil, a, false
	}
	for len(b) > 0 && b[0] == 0xFE {
		b = b[1:]
	}
	if len(b) < 12 || b[0] != start || b[7] != start {
		return nil, a, false
	}
	return b, dlt645.Address(b[1:7]), true
}

// wakeUp says that bytes before a frame belong to it.
func wakeUp(b []byte) bool {
	for _, v := range b {
		if v != 0xFE {
			return false
		}
	}
	return true
}

// quiet says that the line has been silent: what is incomplete stays so.
func (e *ear) quiet(at time.Time) {
	if len(e.pending) > 0 {
		e.cut(at, true)
	}
}

// cut takes whole frames off the pending bytes.
func (e *ear) cut(at time.Time, final bool) {
	for len(e.pending) > 0 {
		from, n := e.find(final)
		if n == 0 {
			break
		}
		e.garbage(e.pending[:from], at)
		wire := bytes.Clone(e.pending[from : from+n])
		start := e.begun.Add(time.Duration(from) * e.char)
		if wakeUp(e.pending[:from]) {
			start = e.begun // the wake-up bytes are part of the answer
		}
		rest := len(e.pending) - from - n
		e.pending = append(e.pending[:0], e.pending[from+n:]...)
		if e.protocol == "modbus" {
			e.modbus(wire, start, at.Add(-time.Duration(rest)*e.char))
		} else {
			e.dlt645(wire, start, at.Add(-time.Duration(rest)*e.char))
		}
		e.begun = at.Add(-time.Duration(rest) * e.char)
	}
	if final {
		e.garbage(e.pending, at)
		e.pending = e.pending[:0]
	}
}

// find gives the first whole frame; n is 0 when there is none. While the protocol is not known, Modbus is looked for only
// in what a silence has ended: its short checksum fits some bytes of other frames.
func (e *ear) find(final bool) (from, n int) {
	if e.protocol != "modbus" {
		if frames, err := dlt645.Decode(e.pending); err == nil && len(frames) > 0 {
			wire := dlt645.AppendFrame(nil, frames[0])
			if i := bytes.Index(e.pending, wire); i >= 0 {
				e.protocol = "dlt645"
				return i, len(wire)
			}
		}
	}
	if e.protocol == "modbus" || e.protocol == "" && final {
		if from, n = e.findRTU(); n > 0 {
			e.protocol = "modbus"
		}
	}
	return from, n
}

// findRTU looks for a Modbus frame at each place and of each length that its function may have.
func (e *ear) findRTU() (from, n int) {
	for i := range e.pending {
		rest := e.pending[i:]
		if len(rest) < 5 {
			return 0, 0
		}
		for _, n := range e.lengths(rest) {
			if n > len(rest) {
				continue
			}
			if _, err := modbus.DecodeRTU(rest[:n]); err == nil {
				return i, n
			}
		}
	}
	return 0, 0
}

// lengths are what a frame beginning with b may have, the likelier first.
func (e *ear) lengths(b []byte) []int {
	if b[0] > 247 {
		return nil
	}
	switch fn := b[1]; {
	case fn&0x80 != 0:
		return []int{5}
	case fn >= modbus.ReadCoils && fn <= modbus.ReadInput:
		if e.open != nil && e.openADU.Unit == b[0] && e.openADU.Func == fn {
			return []int{5 + int(b[2]), 8}
		}
		return []int{8, 5 + int(b[2])}
	case fn == modbus.WriteCoil || fn == modbus.WriteRegister:
		return []int{8}
	case (fn == modbus.WriteCoils || fn == modbus.WriteRegisters) && len(b) > 6:
		return []int{9 + int(b[6]), 8}
	}
	return nil
}

// dlt645 explains one frame.
func (e *ear) dlt645(wire []byte, start, end time.Time) {
	frames, err := dlt645.Decode(wire)
	if err != nil || len(frames) == 0 {
		return
	}
	f := frames[0]
	h := heard{At: start, Kind: heardRequest, Meter: f.Addr.String(), Hex: dlt645.Redact(wire), Text: frameWords(e.lang, wire), Count: len(wire)}
	if !f.FromMeter() {
		e.request(wire, h, end, f.Addr == dlt645.Broadcast || f.Func() == 0x08)
		return
	}
	h.Kind = heardReply
	a, err := dlt645.ParseAddress(e.openTo)
	mine := e.open != nil && err == nil && a.Match(f.Addr)
	e.reply(h, start, mine, f.IsError())
}

// frameWords is a frame of DL/T 645 in one line: function and data.
func frameWords(lang string, wire []byte) string {
	const control, data = 3, 5 // places of the parts: start, address, start, control, length, data ...
	var words []string
	parts := dlt645.Explain(lang, wire)
	for i, p := range parts {
		if i == control || i >= data && i < len(parts)-2 {
			text := p.Text
			if i == control {
				_, after, ok := strings.Cut(text, "：")
				if !ok {
					_, after, ok = strings.Cut(text, ": ")
				}
				if ok {
					text = after
				}
			}
			words = append(words, text)
		}
	}
	return strings.Join(words, "; ")
}

// modbus explains one frame.
func (e *ear) modbus(wire []byte, start, end time.Time) {
	a, err := modbus.DecodeRTU(wire)
	if err != nil {
		return
	}
	h := heard{At: start, Kind: heardRequest, Meter: strconv.Itoa(int(a.Unit)), Hex: fmt.Sprintf("% X", wire), Count: len(wire)}
	mine := e.open != nil && e.openADU.Unit == a.Unit && e.openADU.Func == a.Func&0x7F
	isReply := a.Func&0x80 != 0 || mine && (len(wire) == modbus.ReplyLength(e.openADU))
	if _, err := modbus.ParseRequest(a); err != nil {
		isReply = true
	}
	if isReply {
		h.Kind = heardReply
		h.Text = replyWords(e.lang, a, e.openADU, mine)
		e.reply(h, start, mine, a.Func&0x80 != 0)
		return
	}
	h.Text = requestWords(e.lang, a)
	e.request(wire, h, end, a.Unit == 0)
	e.openADU = a
}
