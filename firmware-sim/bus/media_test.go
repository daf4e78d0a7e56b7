package bus

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"feikong/firmware-sim/meter"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// work runs a line until the test ends.
func work(t *testing.T, line *Line, err error) *Line {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- line.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return line
}

func quick() Config {
	cfg := l645
	cfg.Baud, cfg.Delay = 115200, 0
	return cfg
}

func dial(t *testing.T, line *Line) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", line.Place().Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSerialServerPassesBytesToEveryMaster(t *testing.T) {
	line, err := TCP(quick(), "127.0.0.1:0", meter645(t, "101"))
	work(t, line, err)
	if p := line.Place(); p.Kind != "tcp" {
		t.Errorf("got %+v", p)
	}
	one, two := dial(t, line), dial(t, line)
	for end := time.Now().Add(5 * time.Second); masters(line) < 2; runtime.Gosched() { // nothing is written meanwhile: it would be on the wires
		if time.Now().After(end) {
			t.Fatal("two masters were not admitted")
		}
	}
	for range 2 {
		if _, err := one.Write(readTotal("101")); err != nil {
			t.Fatal(err)
		}
		for _, c := range []net.Conn{one, two} {
			got := make([]byte, 24)
			if _, err := io.ReadFull(c, got); err != nil || !whole(got) {
				t.Fatalf("got % X, %v", got, err)
			}
		}
	}
	two.Close()
	if _, err := one.Write(readTotal("101")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(one, make([]byte, 24)); err != nil {
		t.Error(err)
	}
}

// masters is how many a serial server has admitted.
func masters(line *Line) int {
	s := line.wires.(*server)
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:0", ":0", "nonsense"} {
		if _, err := TCP(quick(), address); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

func TestModbusGatewayTranslatesAndTellsWhoIsSilent(t *testing.T) {
	model, _ := modbusmap.Find("dds238-zn-sr")
	m := meter.New(meter.Config{Address: "7", Unit: 7, Model: model, EnergymWh: 1_000_000, Switch: meter.SwitchDirect}, time.Now())
	cfg := Config{Name: "l2", Protocol: Modbus, Baud: 115200, Parity: "none", StopBits: 1}
	line, err := ModbusTCP(cfg, "127.0.0.1:0", m)
	work(t, line, err)
	c := dial(t, line)
	for i, row := range []struct {
		ask modbus.ADU
		fn  byte
	}{
		{modbus.ReadRequest(7, modbus.ReadHolding, 0, 2), modbus.ReadHolding},
		{modbus.ReadRequest(7, modbus.ReadHolding, 40000, 2), modbus.ReadHolding | 0x80},
		{modbus.ReadRequest(9, modbus.ReadHolding, 0, 2), modbus.ReadHolding | 0x80},
		{modbus.ReadRequest(7, modbus.ReadHolding, 0, 2), modbus.ReadHolding},
	} {
		if _, err := c.Write(modbus.AppendTCP(nil, uint16(i+1), row.ask)); err != nil {
			t.Fatal(err)
		}
		var buf [modbus.MaxTCP]byte
		n, err := c.Read(buf[:])
		if err != nil {
			t.Fatal(err)
		}
		id, a, err := modbus.DecodeTCP(buf[:n])
		if err != nil || id != uint16(i+1) || a.Func != row.fn {
			t.Errorf("%d: got % X, %v", i, buf[:n], err)
		}
		if i == 2 && a.Data[0] != modbus.GatewayTarget {
			t.Errorf("a silent meter gave exception %02X", a.Data[0])
		}
	}
	if _, err := ModbusTCP(quick(), "127.0.0.1:0"); err == nil {
		t.Error("a DL/T 645 line speaks Modbus TCP")
	}
}

// A pair of pseudo-terminal ends stands for a cable: the line has one end open as a serial port, the master the other.
func TestMetersOnARealSerialPort(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	defer near.Close()
	line, err := Serial(quick(), near.Name(), meter645(t, "101"))
	work(t, line, err)
	if p := line.Place(); p != (Place{"serial", near.Name()}) {
		t.Errorf("got %+v", p)
	}
	if err := far.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := far.Write(readTotal("101")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 24)
		if _, err := io.ReadFull(far, got); err != nil || !whole(got) {
			t.Fatalf("got % X, %v", got, err)
		}
	}
	if _, err := Serial(quick(), "/dev/does-not-exist"); !errors.Is(err, os.ErrNotExist) && err == nil {
		t.Errorf("got %v", err)
	}
}

func TestDTUSplitsAndMergesButLosesNothing(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			cfg := l645
			cfg.Seed = seed
			cfg.DTU = DTU{Latency: 80 * time.Millisecond, Jitter: 60 * time.Millisecond, Split: 0.5, Merge: 0.5}
			port, _ := running(t, cfg, meter645(t, "101"))
			start := time.Now()
			if _, err := port.Write(readTotal("101")); err != nil {
				t.Fatal(err)
			}
			var got []byte
			pieces := 0
			for len(got) < 24 {
				var b [64]byte
				n, err := port.Read(b[:])
				if err != nil || n == 0 {
					t.Fatalf("seed %d: got % X, %v", seed, got, err)
				}
				if len(got) == 0 && time.Since(start) < 2*cfg.DTU.Latency+cfg.Framing().Span(21)+cfg.Delay {
					t.Errorf("seed %d: the first byte came after %v", seed, time.Since(start))
				}
				got = append(got, b[:n]...)
				pieces++
			}
			if !whole(got) || pieces > 24 {
				t.Errorf("seed %d: got % X in %d pieces", seed, got, pieces)
			}
		})
	}
}
