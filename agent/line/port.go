package line

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"go.bug.st/serial"
)

// Port is what the line needs of a serial port. One goroutine reads while another writes, and Close ends a Read that
// waits. Read gives up after the read timeout with (0, nil), as go.bug.st/serial does, so nobody may wrap a Port in bufio
// or io.ReadFull: they would spin for ever on a silent meter. A negative timeout waits without end.
type Port interface {
	io.ReadWriteCloser
	SetReadTimeout(time.Duration) error
	ResetInputBuffer() error
}

// Settings of one port.
type Settings struct {
	Name     string // of the line, as the configuration calls it
	Path     string // device file, best one of /dev/serial/by-id; or tcp://host:port of a serial server or DTU that passes bytes
	Baud     int    // on the wire, also behind a serial server
	Parity   string // "none", "even", "odd"
	StopBits int    // 1 or 2

	// Nobody has to set these.
	Gap     time.Duration // silence before each request; zero or less than the protocol mandates: what it mandates
	Latency time.Duration // what adapter and link add to a reply at most; zero: 100 ms, 700 ms behind a network
}

// parities and stop bits by their name in the configuration.
var (
	parities = map[string]serial.Parity{"none": serial.NoParity, "even": serial.EvenParity, "odd": serial.OddParity}
	stopBits = map[int]serial.StopBits{1: serial.OneStopBit, 2: serial.TwoStopBits}
)

// Check refuses settings no port can have.
func (s Settings) Check() error {
	switch {
	case s.Path == "":
		return errors.New("port is empty")
	case s.network():
		if err := s.checkNetwork(); err != nil {
			return err
		}
	}
	return s.checkFraming()
}

func (s Settings) checkFraming() error {
	if s.Baud < 300 || s.Baud > 1_000_000 {
		return fmt.Errorf("baud %d is not between 300 and 1,000,000", s.Baud)
	}
	if _, ok := parities[s.Parity]; !ok {
		return fmt.Errorf("parity %q is not none, even or odd", s.Parity)
	}
	if _, ok := stopBits[s.StopBits]; !ok {
		return fmt.Errorf("stop_bits %d is not 1 or 2", s.StopBits)
	}
	return nil
}

// Open opens the serial port with eight data bits, or connects to the serial server. The error says what to do about it.
func Open(s Settings) (Port, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.network() {
		return dial(s)
	}
	p, err := serial.Open(s.Path, s.mode())
	if err != nil {
		return nil, fmt.Errorf("open port %s: %w%s", s.Path, err, remedy(err))
	}
	quicken(s.Path)
	return &serialPort{p}, nil
}

func (s Settings) mode() *serial.Mode {
	return &serial.Mode{BaudRate: s.Baud, DataBits: 8, Parity: parities[s.Parity], StopBits: stopBits[s.StopBits]}
}

// serialPort is a local port; it can be retuned.
type serialPort struct{ serial.Port }

// SetFraming changes the port while it is open; what it has received stays.
func (p *serialPort) SetFraming(baud int, parity string, stopBits int) error {
	mode := Settings{Baud: baud, Parity: parity, StopBits: stopBits}.mode()
	if err := p.SetMode(mode); err != nil {
		return fmt.Errorf("set the port to %d baud, parity %s: %w", baud, parity, err)
	}
	return nil
}

// remedy is what a person can do about an error of the port, or nothing.
func remedy(err error) string {
	var pe *serial.PortError
	is := func(code serial.PortErrorCode, plain error) bool {
		return errors.As(err, &pe) && pe.Code() == code || errors.Is(err, plain)
	}
	switch {
	case is(serial.PortNotFound, fs.ErrNotExist):
		return " (is the adapter plugged in? `ls /dev/serial/by-id` names those that are; such a name stays when ttyUSB numbers change)"
	case is(serial.PortBusy, syscall.EBUSY):
		return " (another program has it open; `fuser` tells which)"
	case is(serial.PermissionDenied, fs.ErrPermission):
		return " (add the user to the group of the device, often dialout)"
	case is(serial.InvalidSerialPort, syscall.ENOTTY):
		return " (it is not a serial device)"
	}
	return ""
}
