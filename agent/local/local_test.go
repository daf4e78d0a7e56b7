package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"feikong/agent/field"
	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/relay"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

var ref = protocol.MeterRef{Line: "l1", Address: "000000000101"}

type clock struct{}

func (clock) Trusted() bool         { return true }
func (clock) Offset() time.Duration { return 0 }

// station is an agent without its uplink: one simulated meter on a line in memory, a real outbox, a real socket.
type station struct {
	data string
	sim  *simmeter.Meter
	bus  *bus.Line
	box  *outbox.Box
	exec *relay.Executor
	desk Desk
	srv  *Server
	log  *bytes.Buffer
	stop func() error // of the server
}

func newStation(t *testing.T, mode string) *station {
	t.Helper()
	a, err := dlt645.ParseAddress(ref.Address)
	if err != nil {
		t.Fatal(err)
	}
	s := &station{data: filepath.Join(t.TempDir(), "data"), log: &bytes.Buffer{}}
	if err := os.Mkdir(s.data, 0o755); err != nil {
		t.Fatal(err)
	}
	s.sim = simmeter.New(simmeter.Config{Address: ref.Address, Wire: a, EnergymWh: 5_000_000, LoadW: 1000, Switch: simmeter.SwitchDirect, Location: time.Local,
		Password: dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}}, time.Now())
	var port *bus.Port
	port, s.bus = bus.Memory(bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Delay: 5 * time.Millisecond, Preamble: 4}, s.sim)
	l := line.New(line.Settings{Name: "l1", Path: "memory", Baud: 9600, Parity: "even", StopBits: 1}, func(line.Settings) (line.Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
	d, err := meter.NewDLT645(ref, l, 300*time.Millisecond, time.Local)
	if err != nil {
		t.Fatal(err)
	}
	if s.box, err = outbox.Open(filepath.Join(s.data, OutboxName), outbox.Options{}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&locked{w: s.log}, nil))
	if s.exec, err = relay.New(relay.Options{Agent: "a1", Mode: relay.Bench}, map[string][]meter.Driver{"l1": {d}}, s.box, clock{}, log); err != nil {
		t.Fatal(err)
	}
	s.desk = Desk{Agent: "a1", Relay: mode, Drivers: map[protocol.MeterRef]meter.Driver{ref: d}, Lines: map[string]Tracer{"l1": l}, Box: s.box, Hands: s.exec, Trusted: func() bool { return true },
		Status: func() protocol.Status {
			return protocol.Status{Agent: "a1", RelayMode: mode, Lines: []protocol.LineStatus{l.Status()}, Meters: []protocol.MeterStatus{d.Status()}}
		},
		ReadBack: []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.bus.Run(ctx) })
	wg.Go(func() { l.Run(ctx) })
	s.srv = New(s.data, s.desk, log)
	s.serve(t)
	t.Cleanup(func() {
		s.stop()
		cancel()
		wg.Wait()
		s.box.Close()
	})
	return s
}

// locked lets test and server share the log.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.w.Write(b) }

// serve starts the server and waits until it can be reached.
func (s *station) serve(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.srv.Run(ctx) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-done })
	for end := time.Now().Add(5 * time.Second); ; {
		c, err := Dial(s.data)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func dial(t *testing.T, data string) *Client {
	t.Helper()
	c, err := Dial(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func code(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func handReading(t *testing.T) *field.HandReading {
	t.Helper()
	now := time.Now()
	n, err := field.ParseNumber("5.10")
	if err != nil {
		t.Fatal(err)
	}
	r, err := field.NewHandReading(field.Work{Person: "李工", At: now, Agent: "a1"}, field.RefOf(ref), field.Secondary, []field.Register{{KWh: n, By: field.ByEye, At: now.UnixMilli()}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSocketIsItsOwnersAlone(t *testing.T) {
	s := newStation(t, "bench")
	for path, want := range map[string]os.FileMode{s.data: 0o700 | os.ModeDir, filepath.Join(s.data, SocketName): 0o600 | os.ModeSocket} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestSecondServerRefusesAndAKilledOnesSocketIsReplaced(t *testing.T) {
	s := newStation(t, "bench")
	if err := New(s.data, s.desk, slog.New(slog.DiscardHandler)).Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("got %v, want ErrRunning", err)
	}
	if _, err := dial(t, s.data).Status(); err != nil {
		t.Errorf("the first server after the second was refused: %v", err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(s.data); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(s.data, SocketName), Net: "unix"}) // what kill -9 leaves
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := Dial(s.data); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
	s.serve(t)
	if _, err := dial(t, s.data).Status(); err != nil {
		t.Error(err)
	}
}

func TestFileInTheWayIsNotRemoved(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, SocketName), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(data); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("got %v", err)
	}
}

func TestLongPathsWork(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("长", 40), strings.Repeat("d", 60))
	l, err := listen(data)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			c.Close()
		}
	}()
	c, err := Dial(data)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestMeterIsReadThroughTheRunningAgent(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	r, err := c.Read(field.RefOf(ref), "energy")
	if err != nil || len(r.Registers) == 0 || r.Registers[0].KWh.String() != "5.00" || r.Exchanges == 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err = c.Read(field.RefOf(ref), "clock"); err != nil || r.DriftMS == nil || *r.DriftMS < -5000 || *r.DriftMS > 5000 {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err = c.Read(field.RefOf(ref), "relay"); err != nil || r.Relay == nil || r.Relay.Open {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err = c.Read(field.Ref{Line: "l1", Address: "000000000999"}, "energy"); code(err) != CodeMeter {
		t.Errorf("got %v", err)
	}
	st, err := c.Status()
	if err != nil || st.Agent != "a1" || len(st.Meters) != 1 || st.Meters[0].Replies == 0 || st.PID != os.Getpid() {
		t.Errorf("got %+v, %v", st, err)
	}
}

func TestRecordIsOnDiskWhenTheAgentSaysSo(t *testing.T) {
	s := newStation(t, "bench")
	rec := handReading(t)
	for range 2 { // a command that was killed is repeated
		if running, err := Keep(s.data, outbox.Options{}, rec); err != nil || !running {
			t.Fatalf("running %t, %v", running, err)
		}
	}
	known, err := Known(s.data, outbox.Options{}, ref)
	if err != nil || known[0].KWh.String() != "5.10" {
		t.Errorf("got %v, %v", known, err)
	}
	if l := s.box.Lanes(); l[0].Next != 2 || l[1].Next != 2 {
		t.Errorf("lanes %+v, want one entry in each", l)
	}
}

func TestRecordIsKeptWithoutAnAgentAndByManyCommandsAtOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		rec := handReading(t)
		wg.Go(func() {
			if running, err := Keep(data, outbox.Options{}, rec); err != nil || running {
				t.Errorf("running %t, %v", running, err)
			}
		})
	}
	wg.Wait()
	b, err := outbox.Open(filepath.Join(data, OutboxName), outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	evidence, err := b.Evidence(1, 10, 1<<20)
	if err != nil || len(evidence) != 4 {
		t.Errorf("%d records, %v", len(evidence), err)
	}
	entries, err := b.Newest(10)
	if err != nil || len(entries) != 5 || entries[0].Gap == nil {
		t.Errorf("got %d entries, first %+v, %v; want the gap of a new file and four readings", len(entries), entries[0], err)
	}
}

func TestRecordsOfOthersAndOfUnknownMetersAreRefused(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	m, err := field.NewMode(field.Work{Person: "x", At: time.Now()}, true, time.Now().Add(time.Hour).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Record(m); code(err) != CodeRecord {
		t.Errorf("a record of commissioning mode: got %v", err)
	}
	rec := handReading(t)
	rec.Meter.Address = "000000000999"
	if err := c.Record(rec); code(err) != CodeMeter {
		t.Errorf("an unknown meter: got %v", err)
	}
	if s.box.Lanes()[1].Next != 1 {
		t.Error("something was stored")
	}
}

func TestRudeClientsAreAnsweredAndLetGo(t *testing.T) {
	s := newStation(t, "bench")
	for _, row := range []struct{ name, say, want string }{
		{"no JSON", "hello\n", CodeBad},
		{"unknown verb", `{"v":1,"verb":"raw"}` + "\n", CodeBad},
		{"raw bytes", `{"v":1,"verb":"read","raw":"68"}` + "\n", CodeBad},
		{"another verb's member", `{"v":1,"verb":"status","relay":{}}` + "\n", CodeBad},
		{"no member", `{"v":1,"verb":"relay"}` + "\n", CodeBad},
		{"two documents", `{"v":1,"verb":"status"}{}` + "\n", CodeBad},
		{"another version", `{"v":7,"verb":"status","new":1}` + "\n", CodeVersion},
		{"oversize", `{"v":1,"verb":"` + strings.Repeat("x", 2<<20), CodeTooLarge},
		{"unknown line", `{"v":1,"verb":"trace","trace":{"line":"l9"}}` + "\n", CodeLine},
	} {
		c := dial(t, s.data)
		go c.conn.Write([]byte(row.say)) // the server may hang up in the middle
		if _, err := c.reply(10 * time.Second); code(err) != row.want {
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		}
		c.Close()
	}
	if _, err := dial(t, s.data).Status(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestClientsAreBounded(t *testing.T) {
	s := newStation(t, "bench")
	for range clientsMax {
		if _, err := dial(t, s.data).Status(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dial(t, s.data).Status(); code(err) != CodeBusy {
		t.Errorf("got %v", err)
	}
}

func TestTraceShowsTheLineWithoutPasswords(t *testing.T) {
	s := newStation(t, "bench")
	tracing := dial(t, s.data)
	events := make(chan TraceEvent, 100)
	go tracing.Trace("l1", func(e TraceEvent) bool { events <- e; return true })
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "李工", Minutes: 5}); err != nil {
		t.Fatal(err)
	}
	seen := ""
	for end := time.Now().Add(10 * time.Second); !strings.Contains(seen, "sent:fefefefe68010100000000681104") && time.Now().Before(end); {
		if _, err := c.Read(field.RefOf(ref), "relay"); err != nil {
			t.Fatal(err)
		}
		seen += drain(events)
	}
	if _, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "李工", Password: "02563412", Operator: "00000001"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(field.RefOf(ref), "relay"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !strings.Contains(seen, "681c10") && time.Now().Before(end); {
		seen += drain(events)
	}
	if !strings.Contains(seen, "681c1035ffffff") || strings.Contains(seen, "896745") {
		t.Errorf("the trip frame is missing or shows its password:\n%s", seen)
	}
}

func drain(events <-chan TraceEvent) (s string) {
	for {
		select {
		case e := <-events:
			s += e.Kind + ":" + e.Hex + "\n"
		case <-time.After(20 * time.Millisecond): // nothing comes any more
			return s
		}
	}
}

func TestEchoInPiecesIsMaskedToo(t *testing.T) {
	a, _ := dlt645.ParseAddress("101")
	f, err := dlt645.RelayRequest(a, dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}, [4]byte{}, dlt645.Trip, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	wire := dlt645.AppendFrame(dlt645.AppendPreamble(nil), f)
	var m masker
	sent := m.event(line.TraceEvent{Kind: line.TraceSent, Bytes: wire})
	var echo []byte
	for i := range wire {
		echo = append(echo, m.event(line.TraceEvent{Kind: line.TraceReceived, Bytes: wire[i : i+1]})...)
	}
	want := dlt645.AppendMasked(dlt645.AppendPreamble(nil), f)
	if !bytes.Equal(sent, want) || !bytes.Equal(echo, want) {
		t.Errorf("sent % X\necho % X\nwant % X", sent, echo, want)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	r := RelayRequest{Password: "02563412"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "r", r, "p", r.Password)
	if strings.Contains(log.String(), "563412") {
		t.Error(log.String())
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(b), "02563412") {
		t.Errorf("the socket needs it: %s, %v", b, err)
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"v":1,"verb":"status"}`, `{"v":1,"verb":"read","read":{"meter":{"line":"l1","address":"101"},"what":"energy"}}`,
		`{"v":1,"verb":"relay","relay":{"meter":{"line":"l1","address":"101"},"action":"trip","person":"x","password":"02123456"}}`,
		`{"v":1,"verb":"maintain","maintain":{"meter":{"line":"l1","address":"101"},"act":"write","what":"CT ratio","value":"200","person":"x","password":"02123456"}}`,
		`{"v":1,"verb":"record","record":{"body":{}}}`, `{"v":1,"verb":"commissioning","commissioning":{"on":true,"person":"x","minutes":30}}`, `{"v":2,"x":[]}`, `{"v":1,"verb":"trace","trace":{"line":"l1"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRequest(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeRequest(again)
		if err != nil || back.Verb != r.Verb {
			t.Fatalf("%s became %s: %v", b, again, err)
		}
	})
}
