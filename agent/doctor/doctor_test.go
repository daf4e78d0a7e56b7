package doctor

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

func config() bus.Config {
	return bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4, Seed: 7}
}

func born(t *testing.T, address string, c meter.Config) *meter.Meter {
	t.Helper()
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	c.Address, c.Wire, c.Location = a.String(), a, time.Local
	if c.EnergymWh == 0 {
		c.EnergymWh = 1_234_560_000
	}
	return meter.New(c, time.Now())
}

// lineOf is the configuration's line for a simulated one.
func lineOf(cfg bus.Config, addresses ...string) edge.Line {
	l := edge.Line{Settings: line.Settings{Name: "l1", Path: "simulated", Baud: cfg.Baud, Parity: cfg.Parity, StopBits: cfg.StopBits}, Protocol: string(cfg.Protocol)}
	for _, a := range addresses {
		l.Meters = append(l.Meters, edge.Meter{Ref: protocol.MeterRef{Line: "l1", Address: a}})
	}
	return l
}

// examined is what the doctor says of a simulated line; change makes the line misbehave.
func examined(t *testing.T, cfg bus.Config, l edge.Line, change func(*bus.Faults), meters ...*meter.Meter) []Check {
	t.Helper()
	port, sim := bus.Memory(cfg, meters...)
	if change != nil {
		if err := sim.Change(func(f *bus.Faults) error { change(f); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { sim.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	return Run(t.Context(), Options{Only: []edge.Line{l}, Simulated: true, Open: func(set line.Settings) (line.Port, error) {
		return port, port.SetFraming(set.Baud, set.Parity, set.StopBits)
	}}, nil)
}

func faults(checks []Check) (out []string) {
	for _, c := range checks {
		if c.Fault != "" {
			out = append(out, c.Fault)
		}
	}
	return out
}

func TestEachFaultOfALineHasItsName(t *testing.T) {
	three := []string{"000000000101", "000000000102", "000000000103"}
	meters := func(t *testing.T) []*meter.Meter {
		return []*meter.Meter{born(t, "101", meter.Config{Delay: 60 * time.Millisecond}), born(t, "102", meter.Config{Delay: 90 * time.Millisecond}), born(t, "103", meter.Config{})}
	}
	for _, row := range []struct {
		name   string
		change func(*bus.Faults)
		meters func(*testing.T) []*meter.Meter
		line   func(*edge.Line)
		want   string // fault
		meter  string
		state  State
	}{
		{name: "a good line", meters: meters},
		{name: "cut", change: func(f *bus.Faults) { f.Cut = true }, meters: meters, want: FaultSilent, state: Fail},
		{name: "wrong baud", line: func(l *edge.Line) { l.Baud = 9600 }, meters: meters, want: FaultFraming, state: Fail},
		{name: "wrong parity", line: func(l *edge.Line) { l.Parity = "none" }, meters: meters, want: FaultFraming, state: Fail},
		{name: "echo", change: func(f *bus.Faults) { f.Echo = true }, meters: meters, want: FaultEcho, state: Warn},
		{name: "second master", change: func(f *bus.Faults) { f.SecondMaster = bus.Span(2 * time.Second) }, meters: meters, want: FaultMaster, state: Fail},
		{name: "noise", change: func(f *bus.Faults) { f.Noise = 0.15 }, meters: meters, want: FaultNoise, state: Fail},
		{name: "other meters", meters: func(t *testing.T) []*meter.Meter { return []*meter.Meter{born(t, "777", meter.Config{})} }, want: FaultAddress, state: Fail},
		{name: "one meter gone", meters: func(t *testing.T) []*meter.Meter { return meters(t)[:2] }, want: FaultMeterSilent, meter: three[2], state: Fail},
		{name: "one meter at another baud", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Baud: 9600}))
		}, want: FaultFraming, meter: three[2], state: Warn},
		{name: "one meter at another parity", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Parity: "none"}))
		}, want: FaultFraming, meter: three[2], state: Fail},
		{name: "one meter of 1997 at its own baud", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Edition: meter.Edition1997, Baud: 1200}))
		}, want: FaultFraming, meter: three[2], state: Warn},
		{name: "two meters with one address and no others", line: func(l *edge.Line) { l.Meters = l.Meters[:1] }, meters: func(t *testing.T) []*meter.Meter {
			return []*meter.Meter{born(t, "101", meter.Config{Delay: 30 * time.Millisecond}), born(t, "101", meter.Config{EnergymWh: 77_000_000, Delay: 45 * time.Millisecond})}
		}, want: FaultClash, meter: three[0], state: Fail},
		{name: "two meters with one address", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t), born(t, "101", meter.Config{EnergymWh: 77_000_000, Delay: 100 * time.Millisecond}))
		}, want: FaultClash, meter: three[0], state: Fail},
		{name: "two meters with one address, one behind the other", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t), born(t, "101", meter.Config{EnergymWh: 77_000_000, Delay: 400 * time.Millisecond}))
		}, want: FaultClash, meter: three[0], state: Fail},
		{name: "a slow meter", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Delay: 480 * time.Millisecond}))
		}, want: FaultSlow, meter: three[2], state: Warn},
		{name: "a dying meter", meters: func(t *testing.T) []*meter.Meter {
			m := meters(t)
			go func() { // its contact comes and goes
				for on := true; ; on = !on {
					select {
					case <-t.Context().Done():
						return
					case <-time.After(1700 * time.Millisecond):
						m[2].SetPlugged(on)
					}
				}
			}()
			return m
		}, want: FaultDying, meter: three[2], state: Fail},
		{name: "a meter that the simulator lets die", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Dying: time.Minute, Seed: 3}))
		}, want: FaultDying, meter: three[2], state: Fail},
		{name: "a clock that is off", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Offset: -20 * time.Minute}))
		}, want: FaultMeterClock, meter: three[2], state: Fail},
		{name: "a clock that is a little off", meters: func(t *testing.T) []*meter.Meter {
			return append(meters(t)[:2], born(t, "103", meter.Config{Offset: 2 * time.Minute}))
		}, want: FaultMeterClock, meter: three[2], state: Warn},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := lineOf(config(), three...)
				if row.line != nil {
					row.line(&l)
				}
				got := examined(t, config(), l, row.change, row.meters(t)...)
				if row.want == "" {
					if f := faults(got); len(f) > 0 || Failed(got) {
						t.Errorf("got %+v", got)
					}
					return
				}
				i := slices.IndexFunc(got, func(c Check) bool { return c.Fault == row.want })
				if i < 0 {
					t.Fatalf("no %s in %+v", row.want, got)
				}
				if c := got[i]; c.State != row.state || c.Meter != row.meter || c.Remedy == "" {
					t.Errorf("got %+v", c)
				}
			})
		})
	}
}

// A line that loses one answer in five has one fault: nobody is called silent, differently framed or one of two.
func TestLossyLineHasNoOtherFault(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Seed = seed
			got := examined(t, cfg, lineOf(cfg, "101", "102", "103", "104", "105"), func(f *bus.Faults) { f.Silent, f.Noise = 0.12, 0.08 },
				born(t, "101", meter.Config{}), born(t, "102", meter.Config{}), born(t, "103", meter.Config{}), born(t, "104", meter.Config{}), born(t, "105", meter.Config{}))
			for _, f := range faults(got) {
				if f != FaultNoise && f != FaultDying {
					t.Errorf("seed %d: %s in %+v", seed, f, got)
				}
			}
			if !slices.Contains(faults(got), FaultNoise) {
				t.Errorf("seed %d: no noise in %+v", seed, got)
			}
		})
	}
}

func TestWrongFramingNamesTheRightOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lineOf(config(), "101")
		l.Baud = 4800
		for _, c := range examined(t, config(), l, nil, born(t, "101", meter.Config{})) {
			if c.Fault == FaultFraming && strings.Contains(c.Remedy, "2400") && strings.Contains(c.Remedy, "even") {
				return
			}
		}
		t.Error("the right framing is not named")
	})
}

func TestLineWithoutNamesIsAskedWhoIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lineOf(config())
		if got := examined(t, config(), l, nil, born(t, "777", meter.Config{})); Failed(got) || !slices.ContainsFunc(got, func(c Check) bool { return strings.Contains(c.Finding, "000000000777") }) {
			t.Errorf("got %+v", got)
		}
		l.Baud = 1200
		if got := examined(t, config(), l, nil, born(t, "777", meter.Config{})); !slices.Contains(faults(got), FaultFraming) {
			t.Errorf("got %+v", got)
		}
		if got := examined(t, config(), l, nil); !slices.Contains(faults(got), FaultSilent) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestModbusLineIsExaminedByItsUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 30 * time.Millisecond}
		model, _ := modbusmap.Find("eastron-sdm230")
		l := lineOf(cfg, "1", "2")
		for i := range l.Meters {
			l.Meters[i].Model = model
		}
		m := meter.New(meter.Config{Address: "1", Unit: 1, Model: model, LoadW: 1000}, time.Now())
		got := examined(t, cfg, l, nil, m)
		if i := slices.IndexFunc(got, func(c Check) bool { return c.Fault == FaultMeterSilent && c.Meter == "2" }); i < 0 {
			t.Errorf("got %+v", got)
		}
		l.Baud, l.Meters = 2400, l.Meters[:1]
		got = examined(t, cfg, l, nil, m)
		if i := slices.IndexFunc(got, func(c Check) bool { return c.Fault == FaultFraming && strings.Contains(c.Remedy, "9600") }); i < 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPortThatIsNotThereIsToldWithWhatIs(t *testing.T) {
	l := lineOf(config(), "101")
	l.Path = filepath.Join(t.TempDir(), "ttyNone")
	got := Run(t.Context(), Options{Only: []edge.Line{l}}, nil)
	if f := faults(got); !slices.Equal(f, []string{FaultNoPort}) || !Failed(got) {
		t.Errorf("got %+v", got)
	}
	l.Path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(l.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := faults(Run(t.Context(), Options{Only: []edge.Line{l}}, nil)); !slices.Equal(f, []string{FaultPort}) {
		t.Errorf("got %v", f)
	}
	l.Path = "simulated"
	for err, want := range map[error]string{fs.ErrPermission: FaultPermission, errors.New("Serial port busy"): FaultBusy} {
		got := Run(t.Context(), Options{Only: []edge.Line{l}, Simulated: true, Open: func(line.Settings) (line.Port, error) { return nil, err }}, nil)
		if f := faults(got); !slices.Equal(f, []string{want}) {
			t.Errorf("%v: got %v", err, f)
		}
	}
}

func TestConfigurationThatCannotBeReadIsTheFirstFault(t *testing.T) {
	got := Run(t.Context(), Options{Path: "agent.yaml", Err: errors.New("line 7: key borker is not known")}, nil)
	if len(got) != 1 || got[0].Fault != FaultConfig || !strings.Contains(got[0].Finding, "line 7") {
		t.Errorf("got %+v", got)
	}
}

// loaded is a configuration whose broker is at address.
func loaded(t *testing.T, address string) *edge.Config {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "agent.yaml")
	text := "agent: site-1\ndata: data\nbroker:\n  url: tcp://" + address + "\n  user: site-1\n  password: right\nlines:\n  - {name: l1, port: /dev/none, protocol: dlt645, meters: [{address: \"101\"}]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := edge.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Lines = nil
	return c
}

// gateway answers one MQTT client: password decides, and offset is how far its clock is behind ours.
func gateway(t *testing.T, password string, offset time.Duration, answers bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		s := &session{conn, bufio.NewReader(conn)}
		for {
			head, body, err := s.receive()
			if err != nil {
				return
			}
			switch head >> 4 {
			case packetConnect:
				code := byte(4)
				if strings.HasSuffix(string(body), string(text(nil, password))) {
					code = 0
				}
				s.send(packetConnack<<4, []byte{0, code})
			case packetSubscribe:
				s.send(packetSuback<<4, []byte{body[0], body[1], 1})
			case packetPublish:
				payload, _, _ := message(head, body)
				h, err := protocol.DecodeHello(payload)
				if err != nil || !answers {
					return
				}
				r := protocol.HelloReply{Agent: h.Agent, Gateway: "g", Time: time.Now().Add(-offset).UnixMilli(), Boot: h.Boot, Seq: h.Seq}
				topic := protocol.Down("default", h.Agent, "hello")
				packet := append(binary.BigEndian.AppendUint16(text(nil, topic), 9), protocol.AppendHelloReply(nil, &r)...)
				s.send(packetPublish<<4|2, packet)
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestEachFaultOfTheUplinkHasItsName(t *testing.T) {
	for _, row := range []struct {
		name    string
		address func(t *testing.T) string
		want    []string
	}{
		{"all is well", func(t *testing.T) string { return gateway(t, "right", 0, true) }, nil},
		{"nobody listens", func(t *testing.T) string { return "127.0.0.1:1" }, []string{FaultBroker}},
		{"wrong password", func(t *testing.T) string { return gateway(t, "other", 0, true) }, []string{FaultCredentials}},
		{"no gateway", func(t *testing.T) string { return gateway(t, "right", 0, false) }, []string{FaultGateway}},
		{"clock off", func(t *testing.T) string { return gateway(t, "right", time.Hour, true) }, []string{FaultAgentClock}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Run(t.Context(), Options{Path: "agent.yaml", Config: loaded(t, row.address(t))}, nil)
			if f := faults(got); !slices.Equal(f, row.want) || Failed(got) != (row.want != nil) {
				t.Errorf("got %v: %+v", f, got)
			}
		})
	}
}

func TestDataDirectoryThatCannotBeWrittenIsAFault(t *testing.T) {
	c := loaded(t, "127.0.0.1:1")
	c.Data = filepath.Join(c.Data, "missing", "further")
	got := Run(t.Context(), Options{Path: "agent.yaml", Config: c}, nil)
	if f := faults(got); !slices.Contains(f, FaultDisk) {
		t.Errorf("got %v", f)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte{0x20, 2, 0, 0})
	f.Add(append([]byte{0x32, 9}, append(text(nil, "a/b"), 0, 1, 'x', 'y')...))
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, data []byte) {
		head, body, err := packet(bufio.NewReader(strings.NewReader(string(data))))
		if err != nil {
			return
		}
		payload, id, err := message(head, body)
		if err == nil && len(payload)+len(id) > len(body) {
			t.Errorf("%d of %d bytes", len(payload), len(body))
		}
	})
}
