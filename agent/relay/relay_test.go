package relay

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

var ref = protocol.MeterRef{Line: "l1", Address: "000000000101"}

type clock struct{}

func (clock) Trusted() bool         { return true }
func (clock) Offset() time.Duration { return 0 }

// bench is one simulated meter on a line in memory, an outbox file, and an executor that can be killed and started
// again. Time is fake.
type bench struct {
	t      *testing.T
	path   string
	sim    *simmeter.Meter
	bus    *bus.Line
	port   *bus.Port
	cancel context.CancelFunc
	done   chan struct{}
	box    *outbox.Box
	exec   *Executor
	log    *slog.Logger
	wrap   func(meter.Driver) meter.Driver // of what start makes; nil: as it is
	open   func(line.Port) line.Port       // the same for the port
	opts   []meter.Option
}

func newBench(t *testing.T, kind simmeter.Switch, change ...func(*simmeter.Config)) *bench {
	t.Helper()
	a, err := dlt645.ParseAddress(ref.Address)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * 24 * time.Hour) // fake time begins in 2000, and meters tell two digits of the year
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "outbox.db"), log: slog.New(slog.DiscardHandler)}
	c := simmeter.Config{Address: ref.Address, Wire: a, EnergymWh: 5_000_000, LoadW: 1000, Switch: kind, Location: time.Local,
		Password: dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}}
	for _, f := range change {
		f(&c)
	}
	b.sim = simmeter.New(c, time.Now())
	b.port, b.bus = bus.Memory(bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4}, b.sim)
	ctx, cancel := context.WithCancel(context.Background())
	simDone := make(chan struct{})
	go func() { b.bus.Run(ctx); close(simDone) }()
	t.Cleanup(func() { b.kill(); cancel(); <-simDone })
	return b
}

// start is a new process on the same file and port.
func (b *bench) start(h Hooks) {
	b.t.Helper()
	var err error
	if b.box, err = outbox.Open(b.path, outbox.Options{}); err != nil {
		b.t.Fatal(err)
	}
	b.port = b.port.Reopen()
	log := b.log
	l := line.New(line.Settings{Name: "l1", Baud: 2400, Parity: "even", StopBits: 1}, func(line.Settings) (line.Port, error) {
		if b.open != nil {
			return b.open(b.port), nil
		}
		return b.port, nil
	}, log)
	var d meter.Driver
	if d, err = meter.NewDLT645(ref, l, 600*time.Millisecond, time.Local, b.opts...); err != nil {
		b.t.Fatal(err)
	}
	if b.wrap != nil {
		d = b.wrap(d)
	}
	if b.exec, err = New(Options{Agent: "a1", Mode: Bench, Hooks: h}, map[string][]meter.Driver{"l1": {d}}, b.box, clock{}, log); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel, b.done = cancel, make(chan struct{}, 2)
	go func() { defer func() { b.done <- struct{}{} }(); l.Run(ctx) }()
	go func() { defer func() { b.done <- struct{}{} }(); b.exec.Run(ctx) }()
}

// kill ends the process; what it had not yet written is gone.
func (b *bench) kill() {
	if b.cancel != nil {
		b.cancel()
		<-b.done
		<-b.done
		b.box.Close()
		b.cancel = nil
	}
}

func (b *bench) order(n uint64, a protocol.Action) protocol.Order {
	return protocol.Order{ID: protocol.OrderID{Generation: 1, SlotEpoch: 1, Number: n}, Agent: "a1", Meter: ref, Action: a,
		IssuedAt: time.Now().UnixMilli(), Deadline: time.Now().Add(2 * time.Minute).UnixMilli(), CheckExpect: a == protocol.ActionTrip,
		Password: [4]byte{0x02, 0x56, 0x34, 0x12}, Operator: [4]byte{1, 0, 0, 0}}
}

func (b *bench) offer(o protocol.Order) { b.exec.Offer(protocol.AppendOrder(nil, &o)) }

// outcome waits for number n of the evidence lane.
func (b *bench) outcome(n int) protocol.Outcome {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) { // fake time
		got, err := b.box.Evidence(uint64(n), 1, 1<<20)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(got) == 1 && got[0].Outcome != nil {
			return *got[0].Outcome
		}
	}
	b.t.Fatalf("no outcome %d", n)
	return protocol.Outcome{}
}

func (b *bench) evidence() int { return int(b.box.Lanes()[1].Next - 1) }

func (b *bench) frames(code dlt645.RelayCommand) (n int) {
	for _, f := range b.bus.Frames(0) {
		if f.From != "master" {
			continue
		}
		got, err := dlt645.Decode(f.Wire)
		if err == nil && got[0].Control == 0x1C && got[0].Data[8] == byte(code) {
			n++
		}
	}
	return n
}

// try runs f in fake time with a started bench whose floors are told.
func try(t *testing.T, kind simmeter.Switch, f func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, kind)
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		f(t, b)
	})
}

func TestTripIsReadBackAndProven(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		o := b.order(1, protocol.ActionTrip)
		o.MinEnergy = 4_000_000
		b.offer(o)
		b.offer(o) // the gateway repeats
		got := b.outcome(1)
		if got.State != protocol.OutcomeDone || !got.After.Open || got.Before.Open || got.Energy < 5_000_000 || got.Recovered {
			t.Errorf("got %+v", got)
		}
		if n := b.frames(dlt645.Trip); n != 1 {
			t.Errorf("%d trip frames on the line, want 1", n)
		}
		notes := ""
		for _, f := range got.Frames {
			notes += f.Note + ","
			if f.Sent && f.Note == "trip" && (f.Bytes[11] != 0xFF || f.Bytes[12] != 0xFF || f.Bytes[13] != 0xFF) {
				t.Errorf("the password is not masked: % X", f.Bytes)
			}
		}
		if !strings.Contains(notes, "read before trip,trip,trip,read back,read back") {
			t.Errorf("got frames %s", notes)
		}
		b.offer(o)
		time.Sleep(10 * time.Second)
		if b.evidence() != 1 || b.frames(dlt645.Trip) != 1 {
			t.Errorf("an answered order was done again: %d outcomes", b.evidence())
		}
		rs, err := b.box.Readings(1, 100, 1<<20)
		if err != nil || len(rs) < 7 || rs[1].Reading.Method != protocol.MethodTrip {
			t.Errorf("readings of the order: %d, %v", len(rs), err)
		}
	})
}

func TestOrdersAreRefusedByRule(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*bench, *protocol.Order)
		state  protocol.OutcomeState
		rule   string
	}{
		{"deadline passed", func(_ *bench, o *protocol.Order) { o.Deadline = time.Now().UnixMilli() - 1 }, protocol.OutcomeExpired, "deadline"},
		{"unknown meter", func(_ *bench, o *protocol.Order) { o.Meter.Address = "000000000999" }, protocol.OutcomeRefused, "unknown-meter"},
		{"register below", func(_ *bench, o *protocol.Order) { o.MinEnergy = 1 << 40 }, protocol.OutcomeRefused, "energy"},
		{"power hold", func(b *bench, _ *protocol.Order) { b.sim.SetHold(true) }, protocol.OutcomeRefused, "hold"},
		{"clock off", func(b *bench, _ *protocol.Order) { b.sim.SetOffset(11*time.Minute, time.Now()) }, protocol.OutcomeRefused, "clock"},
		{"expected open", func(_ *bench, o *protocol.Order) { o.ExpectOpen = true }, protocol.OutcomeRefused, "expect"},
		{"meter silent", func(b *bench, _ *protocol.Order) { b.sim.SetPlugged(false) }, protocol.OutcomeRefused, "no-answer"},
		{"wrong password", func(_ *bench, o *protocol.Order) { o.Password[1] = 0x99 }, protocol.OutcomeFailed, "password"},
		{"a signature", func(_ *bench, o *protocol.Order) { o.Signatures = []protocol.Signature{{KeyID: "k"}} }, protocol.OutcomeRefused, "signature"},
	} {
		t.Run(row.name, func(t *testing.T) {
			try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
				o := b.order(1, protocol.ActionTrip)
				row.change(b, &o)
				b.offer(o)
				got := b.outcome(1)
				if got.State != row.state || got.Rule != row.rule {
					t.Errorf("got state %d, rule %q: %s; want %d, %q", got.State, got.Rule, got.Detail, row.state, row.rule)
				}
				if v := b.sim.View(time.Now()); v.Open {
					t.Error("the relay is open")
				}
				if row.rule != "password" && b.frames(dlt645.Trip) != 0 {
					t.Error("a trip frame was sent")
				}
			})
		})
	}
}

func TestMeterClockThatIsOffGetsAFrameItObeys(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		b.sim.SetOffset(-4*time.Minute, time.Now())
		b.offer(b.order(1, protocol.ActionTrip))
		if got := b.outcome(1); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
		b.sim.SetOffset(9*time.Minute, time.Now())
		b.offer(b.order(2, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.After.Open {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPermitWaitsForTheButton(t *testing.T) {
	try(t, simmeter.SwitchPermit, func(t *testing.T, b *bench) {
		b.offer(b.order(1, protocol.ActionTrip))
		b.outcome(1)
		b.offer(b.order(2, protocol.ActionPermit))
		if got := b.outcome(2); got.State != protocol.OutcomePermitted || !got.After.Open || got.After.CommandOpen {
			t.Errorf("got %+v", got)
		}
		if !b.sim.Press(time.Now()) {
			t.Error("the button does nothing")
		}
		b.offer(b.order(3, protocol.ActionPermit))
		if got := b.outcome(3); got.State != protocol.OutcomeDone || got.After.Open {
			t.Errorf("got %+v", got)
		}
		if n := b.frames(dlt645.ClosePermit); n != 1 {
			t.Errorf("%d permit frames, want 1: a closed relay needs none", n)
		}
	})
}

func TestOlderOrderIsIgnoredAndNewerOneWins(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		b.offer(b.order(5, protocol.ActionTrip))
		b.offer(b.order(6, protocol.ActionClose)) // the customer paid while the trip was waiting
		if got := b.outcome(1); got.State != protocol.OutcomeRefused || got.Rule != "superseded" {
			t.Errorf("got %+v", got)
		}
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.Order.Number != 6 {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(4, protocol.ActionTrip))
		time.Sleep(20 * time.Second)
		if b.evidence() != 2 || b.frames(dlt645.Trip) != 0 {
			t.Error("an older order was obeyed")
		}
	})
}

func TestNewJournalRefusesTripsUntilFloorsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		if !b.exec.NoJournal() {
			t.Fatal("a new journal does not say so")
		}
		b.offer(b.order(1, protocol.ActionTrip))
		if got := b.outcome(1); got.Rule != "no-floor" {
			t.Errorf("got %+v", got)
		}
		b.kill()
		b.path += ".second" // the file is lost
		b.start(Hooks{})
		if err := b.exec.Floors([]protocol.OrderFloor{{Meter: ref, Order: protocol.OrderID{Generation: 1, SlotEpoch: 1, Number: 7}}}); err != nil {
			t.Fatal(err)
		}
		b.kill()
		b.start(Hooks{}) // floors survive
		if b.exec.NoJournal() {
			t.Error("floors were not kept")
		}
		b.offer(b.order(7, protocol.ActionTrip))
		if got := b.outcome(1); got.Rule != "no-floor" {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(8, protocol.ActionTrip))
		if got := b.outcome(2); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
	})
}

func TestCrashAroundTheFrameNeverSendsATripTwice(t *testing.T) {
	for _, row := range []struct {
		name   string
		hooks  func(die func()) Hooks
		frames int
		state  protocol.OutcomeState
	}{
		{"before the frame", func(die func()) Hooks { return Hooks{BeforeFrame: die} }, 0, protocol.OutcomeFailed},
		{"after the frame", func(die func()) Hooks { return Hooks{AfterFrame: die} }, 1, protocol.OutcomeDone},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, simmeter.SwitchDirect)
				died := make(chan struct{})
				// What is on disk at this instant is all that the next process finds.
				b.start(row.hooks(func() { b.snapshot(); close(died); runtime.Goexit() }))
				if err := b.exec.Floors(nil); err != nil {
					t.Fatal(err)
				}
				o := b.order(1, protocol.ActionTrip)
				b.offer(o)
				<-died
				b.kill()
				b.path += ".crash"
				b.start(Hooks{})
				b.offer(o) // the gateway has no outcome and repeats
				got := b.outcome(1)
				if got.State != row.state || !got.Recovered || got.Energy == 0 {
					t.Errorf("got %+v", got)
				}
				b.offer(o)
				time.Sleep(20 * time.Second)
				if n := b.frames(dlt645.Trip); n != row.frames || b.evidence() != 1 {
					t.Errorf("%d trip frames, %d outcomes; want %d and 1", n, b.evidence(), row.frames)
				}
			})
		})
	}
}

// snapshot keeps the file as a power cut now would leave it.
func (b *bench) snapshot() {
	data, err := os.ReadFile(b.path)
	if err == nil {
		err = os.WriteFile(b.path+".crash", data, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}

func TestOffersThatCannotBeTrustedAreDropped(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		other := b.order(1, protocol.ActionTrip)
		other.Agent = "a2"
		b.offer(other)
		b.exec.Offer([]byte("garbage"))
		time.Sleep(10 * time.Second)
		if b.evidence() != 0 || b.frames(dlt645.Trip) != 0 {
			t.Error("something was done")
		}
	})
}

func TestJournalOfABrokenDiskSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		b.exec.box = fullBox{b.exec.box}
		b.offer(b.order(1, protocol.ActionTrip))
		if got := b.outcome(1); got.Rule != "disk" {
			t.Errorf("got %+v", got)
		}
		if b.frames(dlt645.Trip) != 0 {
			t.Error("a frame was sent")
		}
	})
}

type fullBox struct{ Box }

func (fullBox) HasRoom(int64) bool { return false }

func FuzzEntry(f *testing.F) {
	key := switchKey(ref)
	f.Add(key, seal(key, []byte(`{"number":1,"armed":true}`)))
	f.Add(key, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if _, err := decodeEntry(key, value); err != nil && !errors.Is(err, errJournal) {
			t.Errorf("got %v", err)
		}
	})
}
