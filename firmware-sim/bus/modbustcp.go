package bus

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"feikong/firmware-sim/meter"
	"feikong/protocol/modbus"
)

// ModbusTCP makes a line behind a Modbus gateway: it speaks Modbus TCP to masters and Modbus RTU on the wires, one request at a time. A
// meter that is silent gives exception 0B. Close a line that never runs.
func ModbusTCP(cfg Config, address string, meters ...*meter.Meter) (*Line, error) {
	if cfg.Protocol != Modbus {
		return nil, fmt.Errorf("line %s: modbus_tcp needs a modbus line", cfg.Name)
	}
	s, err := listen(cfg, address, "modbus-tcp")
	if err != nil {
		return nil, err
	}
	g := &gateway{server: s, arrived: make(chan struct{}, 1), wait: cfg.Framing().Span(2*modbus.MaxFrame) + gatewayWait + cfg.DTU.Latency*2}
	s.serve, s.hears = g.converse, g.collect
	return newLine(cfg, s, meters), nil
}

// gatewayWait is how long a gateway waits beyond the time of the longest frames, as gateways leave the factory.
const gatewayWait = time.Second

// gateway joins requests of all masters into one stream of exchanges.
type gateway struct {
	*server
	turn    sync.Mutex    // one exchange at a time
	wait    time.Duration // for a reply
	arrived chan struct{} // 1: bytes came

	mu  sync.Mutex // guards buf
	buf []byte
}

// collect hears the wires. Between exchanges nobody wants what comes.
func (g *gateway) collect(p []byte) {
	g.mu.Lock()
	g.buf = append(g.buf, p[:min(len(p), 2*modbus.MaxFrame-len(g.buf))]...)
	g.mu.Unlock()
	select {
	case g.arrived <- struct{}{}:
	default:
	}
}

// converse serves one master.
func (g *gateway) converse(c net.Conn) {
	var parser modbus.ParserTCP
	var buf [modbus.MaxTCP]byte
	for {
		n, err := c.Read(buf[:])
		parser.Write(buf[:n])
		for id, a, ok := parser.Next(); ok; id, a, ok = parser.Next() {
			reply, up := g.exchange(a)
			if !up {
				return
			}
			_ = c.SetWriteDeadline(time.Now().Add(sendWait))
			if _, err := c.Write(modbus.AppendTCP(nil, id, reply)); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// exchange puts one request on the wires and waits for its reply; up is false when the line has ended.
func (g *gateway) exchange(a modbus.ADU) (reply modbus.ADU, up bool) {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	g.buf = g.buf[:0]
	g.mu.Unlock()
	if !g.put(modbus.AppendRTU(nil, a)) {
		return reply, false
	}
	late := time.NewTimer(g.wait)
	defer late.Stop()
	for {
		select {
		case <-g.arrived:
		case <-late.C:
			return modbus.ExceptionReply(a.Unit, a.Func, modbus.GatewayTarget), true
		case <-g.done:
			return reply, false
		}
		if reply, ok := g.reply(a); ok {
			return reply, true
		}
	}
}

// reply looks for the answer among what was collected.
func (g *gateway) reply(a modbus.ADU) (modbus.ADU, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		need := modbus.ReplyNeed(g.buf, a)
		if need > 0 {
			return modbus.ADU{}, false
		}
		if need < 0 {
			g.buf = g.buf[:copy(g.buf, g.buf[-need:])]
			continue
		}
		r, err := modbus.DecodeReply(g.buf, a)
		var refused *modbus.Exception
		if err != nil && !errors.As(err, &refused) {
			if len(g.buf) == 0 {
				return modbus.ADU{}, false
			}
			g.buf = g.buf[:copy(g.buf, g.buf[1:])]
			continue
		}
		r.Data = append([]byte(nil), r.Data...)
		return r, true
	}
}
