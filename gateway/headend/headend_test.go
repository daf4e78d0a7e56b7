package headend

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"feikong/gateway/client"
	"feikong/gateway/store"
	"feikong/protocol"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// said collects what a gateway tells the person who started it.
type said struct {
	mu  sync.Mutex
	all bytes.Buffer
	now chan struct{} // closed at the first line that names the console
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Write(p)
	if strings.Contains(string(p), "console http") {
		close(s.now)
	}
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// street writes the street's configuration into a directory of its own, with free ports, and loads it.
func street(t *testing.T) *Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../configs/street")); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPListen, c.MQTTListen = "127.0.0.1:0", "127.0.0.1:0"
	return c
}

// start runs a gateway until stop is called, which gives its error.
func start(t *testing.T, c *Config) (s *said, mqttAddr string, stop func() error) {
	t.Helper()
	s = &said{now: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, c, Options{Version: "test", Lang: "en", Out: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	}()
	ended := false
	stop = func() error {
		if ended {
			return nil
		}
		ended = true
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
			return errors.New("the gateway did not end")
		}
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("gateway ended with %v", err)
		}
	})
	select {
	case <-s.now:
	case err := <-done:
		ended = true
		t.Fatalf("gateway ended with %v", err)
	case <-time.After(patience):
		t.Fatal("the gateway did not start")
	}
	_, after, _ := strings.Cut(s.String(), "MQTT ")
	return s, strings.TrimSpace(after), stop
}

func connect(t *testing.T, c *Config) *client.Client {
	t.Helper()
	a, ok, err := ReadAccess(c.Data)
	if err != nil || !ok {
		t.Fatalf("got %v, %v, want the gateway's word", ok, err)
	}
	return client.New(a.URL, a.Token)
}

func readings(t *testing.T, first uint64, entries ...protocol.Entry) []byte {
	t.Helper()
	raw, err := protocol.AppendReadingBatch(nil, &protocol.ReadingBatch{Agent: "street-1", Epoch: 9, First: first, SentAt: time.Now().UnixMilli(), Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func register(address string, hundredths int64, at time.Time) protocol.Entry {
	return protocol.Entry{Reading: protocol.Reading{Meter: protocol.MeterRef{Line: "l1", Address: address}, Quantity: protocol.ActiveImport,
		Value: hundredths, Exp: -2, TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}}
}

func TestReadingsComeInArePricedAndSurviveARestart(t *testing.T) {
	c := street(t)
	s, addr, stop := start(t, c)
	if !strings.Contains(s.String(), "one-time password: ") {
		t.Errorf("the first start told no password: %s", s)
	}
	acks, replies := make(chan *protocol.Ack, 8), make(chan *protocol.HelloReply, 8)
	agent := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("street-1").SetUsername("street-1").SetPassword("street").SetAutoReconnect(false))
	wait(t, agent.Connect())
	wait(t, agent.Subscribe(protocol.Down("default", "street-1", "ack"), 1, func(_ paho.Client, m paho.Message) {
		if a, err := protocol.DecodeAck(m.Payload()); err == nil {
			acks <- a
		}
	}))
	wait(t, agent.Subscribe(protocol.Down("default", "street-1", "hello"), 1, func(_ paho.Client, m paho.Message) {
		if r, err := protocol.DecodeHelloReply(m.Payload()); err == nil {
			replies <- r
		}
	}))
	send := func(kind string, payload []byte) {
		t.Helper()
		wait(t, agent.Publish(protocol.Up("default", "street-1", kind), 1, false, payload))
	}
	send("hello", protocol.AppendHello(nil, &protocol.Hello{Agent: "street-1", Boot: 1, Lanes: []protocol.LaneState{{Lane: protocol.LaneReadings, Epoch: 9, Tail: 1, Next: 1}}}))
	if r := next(t, replies); r.Agent != "street-1" || len(r.Acks) != 0 || time.Since(time.UnixMilli(r.Time)).Abs() > time.Minute {
		t.Errorf("got %+v, want an empty reply with the time", r)
	}
	now := time.Now()
	send("readings", readings(t, 1, register("000000000108", 30000, now.Add(-2*time.Minute)), register("000000009999", 1, now)))
	if a := next(t, acks); a.Upto != 2 {
		t.Errorf("got %+v, want both entries on disk, the stranger's too", a)
	}
	send("readings", readings(t, 3, register("000000000108", 30150, now)))
	if a := next(t, acks); a.Upto != 3 || a.Lane != protocol.LaneReadings || a.Epoch != 9 || a.Commit == 0 {
		t.Errorf("got %+v", a)
	}
	send("readings", readings(t, 3, register("000000000108", 30150, now)))
	if a := next(t, acks); a.Upto != 3 {
		t.Errorf("a batch sent again: got %+v, want the same answer", a)
	}

	rest := connect(t, c)
	for range 2 {
		if _, err := rest.Pay(t.Context(), "1008", "k-1", "100.00", "cash"); err != nil {
			t.Fatal(err)
		}
	}
	check := func(rest *client.Client, when string) {
		t.Helper()
		a, err := rest.Account(t.Context(), "1008")
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		// 1.5 kWh at 1.00.
		if a.Period.Energy != "1.5" || a.Balance.Available != "98.50" || a.Balance.Advances != "100.00" {
			t.Errorf("%s: got %s kWh, available %s of %s, want 1.5, 98.50 of 100.00", when, a.Period.Energy, a.Balance.Available, a.Balance.Advances)
		}
		q, err := rest.Quarantine(t.Context(), 10)
		if err != nil || len(q) != 1 || q[0].Meter.Address != "000000009999" {
			t.Errorf("%s: got %+v, %v, want the unknown meter listed once", when, q, err)
		}
		r, err := rest.Verify(t.Context())
		if err != nil || !r.OK || r.Accounts != 11 || r.Entries != 1 {
			t.Errorf("%s: got %+v, %v, want the books proven", when, r, err)
		}
	}
	check(rest, "running")
	metrics(t, c)
	agent.Disconnect(0)
	if err := stop(); err != nil {
		t.Fatalf("gateway ended with %v", err)
	}
	if _, ok, _ := ReadAccess(c.Data); ok {
		t.Error("a gateway that ended cleanly left its word behind")
	}

	access, end, err := Offline(c.Data, "test")
	if err != nil {
		t.Fatal(err)
	}
	off := client.New(access.URL, access.Token)
	check(off, "stopped")
	if _, err := off.Pay(t.Context(), "1008", "k-2", "1.00", "cash"); err == nil {
		t.Error("a stopped gateway took a payment")
	}
	if err := end(); err != nil {
		t.Error(err)
	}

	s, _, _ = start(t, c)
	if strings.Contains(s.String(), "one-time password") {
		t.Error("a second start told a password")
	}
	check(connect(t, c), "started again")
}

func metrics(t *testing.T, c *Config) {
	t.Helper()
	a, _, _ := ReadAccess(c.Data)
	resp, err := http.Get(a.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v", resp.Status, err)
	}
	for _, want := range []string{
		`feikong_stage_total{stage="1_preprocess",what="readings"} 2`, `feikong_stage_total{stage="1_preprocess",what="quarantined"} 1`,
		`feikong_agent_total{agent="street-1",what="entries"}`, `feikong_cache_hit_ratio{region="tariffs"}`, `feikong_door{what="events"}`, `feikong_agent_connected{agent="street-1"} 1`,
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("/metrics does not have %s", want)
		}
	}
	if strings.Contains(string(body), "000000000108") || strings.Contains(string(body), `"1008"`) {
		t.Error("/metrics names a meter or an account")
	}
}

func TestSecondGatewayOnTheSameFileIsRefused(t *testing.T) {
	c := street(t)
	start(t, c)
	err := Run(t.Context(), c, Options{Lang: "en", Out: io.Discard, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, store.ErrLocked) {
		t.Errorf("got %v, want %v", err, store.ErrLocked)
	}
}

func TestTakenAddressEndsTheStart(t *testing.T) {
	c := street(t)
	_, addr, _ := start(t, c)
	other := street(t)
	other.MQTTListen = addr
	if err := Run(t.Context(), other, Options{Lang: "en", Out: io.Discard, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "start broker") {
		t.Errorf("got %v, want the address in use", err)
	}
}

func wait(t *testing.T, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer from the broker")
	}
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}

func next[T any](t *testing.T, from chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}
