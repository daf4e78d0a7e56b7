package scan

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"feikong/agent/line"
	"feikong/protocol/modbus"
)

const (
	// unitHits: so many damaged answers of one unit id are two devices with it, or a device at another framing.
	unitHits = 3
	// lateTimes is how much longer than the window a unit is waited for that answered too late.
	lateTimes = 4
)

// presence are the requests that show that a device is there; a refusal shows it as well. Some devices are silent to
// functions that they do not have, so both reads are tried.
var presence = []byte{modbus.ReadHolding, modbus.ReadInput}

// units asks every unit id at one framing: Modbus has no wildcard that is answered. Holding registers first; where some
// device answered, or no framing had any, the silent ids are asked for input registers as well.
func (s *search) units(ctx context.Context, f Framing, fn byte) error {
	s.framing = f
	s.stage = fmt.Sprintf("%s, Modbus RTU", f)
	if s.o.TCP {
		s.stage = "Modbus TCP"
	}
	for unit := s.o.First; unit <= s.o.Last; unit++ {
		if s.has(f, unit) {
			s.done++
			continue
		}
		if err := s.unit(ctx, byte(unit), fn); err != nil {
			return err
		}
	}
	return nil
}

// has says that a unit was found at this framing.
func (s *search) has(f Framing, unit int) bool {
	for _, x := range s.report.Found {
		if x.Protocol == Modbus && x.Address == strconv.Itoa(unit) && (x.Framing == f || f == (Framing{})) {
			return true
		}
	}
	return false
}

// modbus goes through the framings.
func (s *search) modbus(ctx context.Context) error {
	units := s.o.Last - s.o.First + 1
	s.plan += len(s.o.Modbus) * units
	var again []Framing
	any := false
	for i, f := range s.o.Modbus {
		before := len(s.report.Found)
		if err := s.units(ctx, f, presence[0]); s.unusable(err, f) {
			s.plan -= units
			continue
		} else if err != nil {
			return err
		}
		if len(s.report.Found) == before {
			again = append(again, f)
			continue
		}
		any = true
		s.plan += units
		if err := s.units(ctx, f, presence[1]); err != nil {
			return err
		}
		if s.o.OneFraming {
			s.plan -= (len(s.o.Modbus) - i - 1) * units
			return nil
		}
	}
	if any && !s.o.Thorough {
		return nil
	}
	s.plan += len(again) * units
	for _, f := range again {
		if err := s.units(ctx, f, presence[1]); err != nil {
			return err
		}
	}
	return nil
}

// unit asks one id.
func (s *search) unit(ctx context.Context, unit, fn byte) error {
	request := modbus.ReadRequest(unit, fn, 0, 2)
	for hits := 0; hits < unitHits; hits++ {
		a, err := s.talk(ctx, request, s.o.ModbusWindow)
		switch {
		case err != nil:
			return err
		case a.whole:
			return s.device(ctx, unit, a.delay)
		case a.late != 0 && a.late != unit && s.o.First <= int(a.late) && int(a.late) <= s.o.Last && !s.has(s.framing, int(a.late)):
			// Somebody answered after his window was over: he is asked again, with patience.
			s.plan++
			b, err := s.talk(ctx, modbus.ReadRequest(a.late, fn, 0, 2), lateTimes*s.o.ModbusWindow)
			if err != nil {
				return err
			}
			if b.whole {
				if err := s.device(ctx, a.late, b.delay); err != nil {
					return err
				}
			}
		case a.bytes == 0:
			if hits > 0 {
				s.note(NoteGarbage, strconv.Itoa(int(unit)))
			}
			return nil
		}
		s.plan++
	}
	s.note(NoteClash, strconv.Itoa(int(unit)))
	return s.add(Found{Protocol: Modbus, Address: strconv.Itoa(int(unit)), Clash: true})
}

// device records a unit that answered, and the model it may be.
func (s *search) device(ctx context.Context, unit byte, delay time.Duration) error {
	found := Found{Protocol: Modbus, Address: strconv.Itoa(int(unit)), DelayMs: delay.Milliseconds()}
	if err := s.recognize(ctx, unit, &found); err != nil {
		return err
	}
	return s.add(found)
}

// answer is what came for one Modbus request.
type answer struct {
	whole     bool // a reply or an exception with its CRC
	adu       modbus.ADU
	exception bool
	bytes     int
	late      byte // unit of a sound frame that is not the reply: it came too late for its own request
	delay     time.Duration
}

// talk does one request. It is not marked blind: each id is asked once, so a late reply tells whose it is.
func (s *search) talk(ctx context.Context, request modbus.ADU, window time.Duration) (a answer, err error) {
	wire := s.frame(request)
	s.buf = s.buf[:0]
	var got []byte
	x := &line.Exchange{Request: wire, ReplyLen: modbus.ReplyLength(request) + headerTCP, Delay: window, Take: func(b []byte) bool {
		s.buf = append(s.buf, b[:min(len(b), captureMax-len(s.buf))]...)
		got = append(got, b...)
		for len(got) > 0 {
			n := s.need(got, request)
			if n == 0 {
				a.adu, err = s.decode(got, request)
				var refused *modbus.Exception
				a.exception = errors.As(err, &refused)
				a.whole = err == nil || a.exception
				return a.whole || b == nil
			}
			if n > 0 {
				return b == nil
			}
			got = got[min(-n, len(got)):]
		}
		return b == nil
	}}
	s.framing.apply(x)
	start := time.Now()
	err = s.bus.Do(ctx, x)
	s.step(strconv.Itoa(int(request.Unit)), time.Since(start))
	if err != nil && !errors.Is(err, line.ErrSilent) {
		return answer{}, err
	}
	if !x.RepliedAt.IsZero() {
		a.delay = max(0, x.RepliedAt.Sub(x.SentAt)-s.charTime(len(wire)))
	}
	switch {
	case a.exception && len(a.adu.Data) > 0 && (a.adu.Data[0] == modbus.GatewayPath || a.adu.Data[0] == modbus.GatewayTarget):
		a.whole = false // the gateway speaks, and nobody is behind it
	case a.whole:
	case s.o.TCP: // a header names its request: what is another's says nothing about this unit
	default:
		a.late, a.bytes = lateReply(s.buf, wire), strays(s.buf, wire)
	}
	return a, nil
}

// headerTCP is what an MBAP header is longer than an RTU frame's CRC.
const headerTCP = 5

// frame puts a request into the framing of the line.
func (s *search) frame(request modbus.ADU) []byte {
	if !s.o.TCP {
		return modbus.AppendRTU(nil, request)
	}
	s.id++
	return modbus.AppendTCP(nil, s.id, request)
}

func (s *search) need(got []byte, request modbus.ADU) int {
	if s.o.TCP {
		return modbus.ReplyNeedTCP(got, s.id, request)
	}
	return modbus.ReplyNeed(got, request)
}

func (s *search) decode(got []byte, request modbus.ADU) (modbus.ADU, error) {
	if s.o.TCP {
		return modbus.DecodeReplyTCP(got, s.id, request)
	}
	return modbus.DecodeReply(got, request)
}

// strays is how many bytes came, our echo not counted.
func strays(capture, sent []byte) int {
	if len(capture) >= 2 && len(capture) <= len(sent) && string(sent[len(sent)-len(capture):]) == string(capture) {
		return 0
	}
	return len(capture)
}

// lateReply is the unit of a sound reply to a read in the capture, 0 when there is none.
func lateReply(capture, sent []byte) byte {
	for i := range capture {
		rest := capture[i:]
		if len(rest) < 5 || string(rest[:min(len(rest), len(sent))]) == string(sent) {
			continue
		}
		n := 5
		if rest[1] == modbus.ReadHolding || rest[1] == modbus.ReadInput {
			n = 5 + int(rest[2])
		}
		if n > len(rest) {
			continue
		}
		if a, err := modbus.DecodeRTU(rest[:n]); err == nil && a.Unit >= 1 && a.Unit <= unitsMax {
			return a.Unit
		}
	}
	return 0
}
