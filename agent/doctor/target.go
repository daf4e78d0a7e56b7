package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"feikong/agent/edge"
	"feikong/agent/scan"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// outcome of one question to one meter.
type outcome int

const (
	silent   outcome = iota // nothing but our echo
	answered                // one whole answer of this meter
	twice                   // more than one answer to one question
	damaged                 // bytes that are no answer
)

// target is a meter and how it is asked.
type target struct {
	address string
	request []byte
	reply   int // bytes at most
	judge   func(capture []byte) judged
	framing scan.Framing
	edition string // of DL/T 645
	auto    bool   // the configuration leaves open how it talks

	good, mute, bad, two int
	delays               []time.Duration
}

// judged is what a capture says.
type judged struct {
	outcome
	foreign int    // frames of another master
	other   string // somebody else's address
	near    bool   // damaged, and the meter's own address can be made out in it
}

// whole says that an answer is there.
func (t *target) whole(capture []byte) bool { return t.judge(capture).outcome == answered }

// take counts one question.
func (t *target) take(h heard) judged {
	j := t.judge(h.capture)
	switch j.outcome {
	case silent:
		t.mute++
	case answered:
		t.good++
		t.delays = append(t.delays, h.delay)
	case twice:
		t.two++
	case damaged:
		t.bad++
	}
	return j
}

func (t *target) asked() int { return t.good + t.mute + t.bad + t.two }

// mean reply delay.
func mean(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	var sum time.Duration
	for _, v := range d {
		sum += v
	}
	return sum / time.Duration(len(d))
}

// targets are the meters of a line as they are asked first.
func targets(l edge.Line) (out []*target, err error) {
	own := scan.Framing{Baud: l.Baud, Parity: l.Parity}
	for _, m := range l.Meters {
		var t *target
		if l.Protocol == scan.Modbus {
			t, err = modbusTarget(m, l.Framing)
		} else {
			edition := edition2007
			if m.Edition == edition1997 {
				edition = edition1997
			}
			t, err = dlt645Target(m.Ref.Address, edition)
		}
		if err != nil {
			return nil, err
		}
		t.framing, t.auto = own, l.Protocol == scan.DLT645 && m.Baud == 0 && m.Parity == "" && (m.Edition == "" || m.Edition == "auto")
		if m.Baud != 0 {
			t.framing.Baud = m.Baud
		}
		if m.Parity != "" {
			t.framing.Parity = m.Parity
		}
		out = append(out, t)
	}
	return out, nil
}

// Editions of DL/T 645.
const (
	edition2007 = "2007"
	edition1997 = "1997"
)

// dlt645Target asks for the forward active total. address may have wildcards.
func dlt645Target(address, edition string) (*target, error) {
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	f := dlt645.ReadRequest(a, dlt645.DIForwardTotal)
	if edition == edition1997 {
		f = dlt645.ReadRequest1997(a, 0x9010)
	}
	t := &target{address: a.String(), request: dlt645.AppendFrame(dlt645.AppendPreamble(nil), f), reply: 4 + 12 + 8, edition: edition}
	t.judge = func(capture []byte) (j judged) {
		h := scan.Listen(capture, t.request)
		j.foreign = h.Foreign
		mine := 0
		for _, r := range h.Replies {
			if r.Addr.Match(a) {
				mine++
			} else {
				j.other = r.Addr.String()
			}
		}
		j.near = slices.Contains(h.Maybe, a)
		switch {
		case mine > 1:
			j.outcome = twice
		case mine == 1:
			j.outcome = answered
		case h.Stray > 0 || len(h.Replies) > 0:
			j.outcome = damaged
		}
		return j
	}
	return t, nil
}

// modbusTarget asks for what the meter's model keeps first, or for holding registers when no model is known.
func modbusTarget(m edge.Meter, framing modbus.Framing) (*target, error) {
	low, high := framing.Units()
	n, err := strconv.Atoi(m.Ref.Address)
	if err != nil || n < low || n > high {
		return nil, fmt.Errorf("address %q is not a Modbus unit id, %d to %d", m.Ref.Address, low, high)
	}
	request := modbus.ReadRequest(byte(n), modbus.ReadHolding, 0, 2)
	if reads := m.Model.Reads(); len(reads) > 0 {
		request = reads[0].Request(byte(n))
	}
	const id = 0x0645 // of every transaction: one is under way at a time, and a late answer is an answer
	t := &target{address: m.Ref.Address, request: modbus.AppendRTU(nil, request), reply: modbus.ReplyLength(request) + 8}
	need := func(b []byte) int { return modbus.ReplyNeed(b, request) }
	decode := func(b []byte) (modbus.ADU, error) { return modbus.DecodeReply(b, request) }
	around := 4 // unit, function, CRC
	if framing == modbus.TCP {
		t.request = modbus.AppendTCP(nil, id, request)
		need = func(b []byte) int { return modbus.ReplyNeedTCP(b, id, request) }
		decode = func(b []byte) (modbus.ADU, error) { return modbus.DecodeReplyTCP(b, id, request) }
		around = 8 // header with unit, function
	}
	t.judge = func(capture []byte) (j judged) {
		rest := capture
		if len(rest) >= len(t.request) && string(rest[:len(t.request)]) == string(t.request) {
			rest = rest[len(t.request):]
		}
		found, strays := 0, 0
		for len(rest) > 0 {
			n := need(rest)
			if n > 0 {
				strays += len(rest)
				break
			}
			if n < 0 {
				strays -= n
				rest = rest[min(-n, len(rest)):]
				continue
			}
			a, err := decode(rest)
			var refused *modbus.Exception
			if err != nil && !errors.As(err, &refused) {
				strays += len(rest)
				break
			}
			if refused == nil || refused.Code != modbus.GatewayPath && refused.Code != modbus.GatewayTarget {
				found++ // else the gateway speaks, and the meter behind it does not
			}
			rest = rest[min(len(rest), around+len(a.Data)):]
		}
		switch {
		case found > 1:
			j.outcome = twice
		case found == 1:
			j.outcome = answered
		case strays > glitch:
			j.outcome = damaged
		}
		return j
	}
	return t, nil
}

// glitch is how many bytes an adapter may make by itself when it turns the line around.
const glitch = 2
