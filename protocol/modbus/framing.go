package modbus

import "fmt"

// Framing is how frames lie on a line. Modbus RTU over TCP (a transparent serial server) is RTU on another kind of port.
type Framing uint8

// Framings. The zero value is RTU.
const (
	RTU Framing = iota // unit, function, data, CRC ("MODBUS over Serial Line V1.02", 2.3)
	TCP                // MBAP header with a transaction number, no CRC ("MODBUS Messaging on TCP/IP V1.0b", 3.1.3)
)

// String is the word of configuration files.
func (f Framing) String() string {
	if f == TCP {
		return "tcp"
	}
	return "rtu"
}

// ParseFraming reads "rtu" or "tcp"; the empty word is RTU.
func ParseFraming(s string) (Framing, error) {
	switch s {
	case "", "rtu":
		return RTU, nil
	case "tcp":
		return TCP, nil
	}
	return RTU, fmt.Errorf("framing %q is not rtu or tcp", s)
}

// Units are the unit ids a meter may have under f. On a serial line 0 is everybody and 248 to 255 are reserved (Serial
// Line 2.2). In an MBAP header 255, and on many devices 0, mean the device that has the address itself, so all are
// allowed (Messaging on TCP/IP, 4.4.2.1 and appendix).
func (f Framing) Units() (low, high int) {
	if f == TCP {
		return 0, 255
	}
	return 1, 247
}
