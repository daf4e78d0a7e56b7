package bus

import (
	"time"

	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// face finds a protocol's requests in the bytes of a line.
type face interface {
	hear(b []byte)
	next() (request, bool) // valid until the next call of either
	forget()
}

// request is one sound frame of a master. ask puts it to a meter, which may stay silent.
type request struct {
	wire  []byte
	relay bool // moves, or may move, a relay
	ask   func(m *meter.Meter, now time.Time) (reply []byte, answered bool)
}

// relayControl is the control byte of DL/T 645-2007 for trip, close, alarm and hold 跳合闸、报警、保电.
const relayControl = 0x1C

func newFace(cfg Config) face {
	if cfg.Protocol == Modbus {
		return &modbusFace{}
	}
	return &dlt645Face{}
}

// dlt645Face hears DL/T 645. Frames with a bad checksum never become requests, so the meters are silent to them.
type dlt645Face struct{ parser dlt645.Parser }

func (d *dlt645Face) hear(b []byte) { d.parser.Write(b) }

func (d *dlt645Face) forget() { d.parser.Reset() }

func (d *dlt645Face) next() (request, bool) {
	f, ok := d.parser.Next()
	if !ok {
		return request{}, false
	}
	return request{
		wire:  dlt645.AppendFrame(nil, f),
		relay: f.Control == relayControl,
		ask: func(m *meter.Meter, now time.Time) ([]byte, bool) {
			reply, answered := m.AnswerDLT645(f, now)
			if !answered {
				return nil, false
			}
			return dlt645.AppendFrame(nil, reply), true
		},
	}, true
}

// modbusFace hears Modbus RTU.
type modbusFace struct{ parser modbus.Parser }

func (d *modbusFace) hear(b []byte) { d.parser.Write(b) }

func (d *modbusFace) forget() { d.parser.Reset() }

func (d *modbusFace) next() (request, bool) {
	a, ok := d.parser.Next()
	if !ok {
		return request{}, false
	}
	return request{
		wire:  modbus.AppendRTU(nil, a),
		relay: a.Func != modbus.ReadHolding && a.Func != modbus.ReadInput,
		ask: func(m *meter.Meter, now time.Time) ([]byte, bool) {
			reply, answered := m.AnswerModbus(a, now)
			if !answered {
				return nil, false
			}
			return modbus.AppendRTU(nil, reply), true
		},
	}, true
}
