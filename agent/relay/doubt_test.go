package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

func floorsAt(n uint64) []protocol.OrderFloor {
	return []protocol.OrderFloor{{Meter: ref, Order: protocol.OrderID{Generation: 1, SlotEpoch: 1, Number: n}}}
}

// cold is a bench whose journal is new: the floors are not told.
func cold(t *testing.T, f func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		f(b)
	})
}

// An entry that a new journal makes itself, of a refused trip or of a close, says nothing about what its forerunner did.
func TestNothingButTheFloorsOpensANewJournalForTrips(t *testing.T) {
	cold(t, func(b *bench) {
		b.offer(b.order(3, protocol.ActionTrip))
		if got := b.outcome(1); got.Rule != "no-floor" || got.State != protocol.OutcomeRefused {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(4, protocol.ActionClose))
		b.outcome(2)
		b.offer(b.order(5, protocol.ActionTrip))
		if got := b.outcome(3); got.Rule != "no-floor" || b.frames(dlt645.Trip) != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// "Refused" means that the agent did not act. Of a trip that the lost journal may have carried out it can say so only
// when the relay is closed.
func TestTripThatALostJournalMayHaveCarriedOutIsUnknownWhenTheRelayIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		o := b.order(7, protocol.ActionTrip)
		b.offer(o)
		b.outcome(1)
		b.kill()
		b.path += ".lost"
		b.start(Hooks{})
		if err := b.exec.Floors(floorsAt(7)); err != nil {
			t.Fatal(err)
		}
		b.offer(o)
		if got := b.outcome(1); got.State != protocol.OutcomeUnknown || got.Rule != "no-floor" || !got.After.Open || got.Before.Known {
			t.Errorf("got %+v", got)
		}
		if n := b.frames(dlt645.Trip); n != 1 {
			t.Errorf("%d trip frames", n)
		}
	})
}

func TestOrdersBelowTheToldFloorAreSuperseded(t *testing.T) {
	cold(t, func(b *bench) {
		if err := b.exec.Floors(floorsAt(7)); err != nil {
			t.Fatal(err)
		}
		for i, a := range []protocol.Action{protocol.ActionClose, protocol.ActionTrip} {
			b.offer(b.order(uint64(5+i), a))
			if got := b.outcome(i + 1); got.State != protocol.OutcomeRefused || got.Rule != "superseded" {
				t.Errorf("got %+v", got)
			}
		}
		b.offer(b.order(7, protocol.ActionClose)) // the newest one is a close: it may have been done and may be done again
		if got := b.outcome(3); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
	})
}

// The file is an old copy: what it does not know may have been carried out.
func TestDoubtedJournalWaitsForFloorsAgain(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		b.offer(b.order(1, protocol.ActionClose))
		b.outcome(1)
		if err := b.exec.Doubt(); err != nil || !b.exec.NoJournal() {
			t.Fatal(err)
		}
		b.kill()
		b.start(Hooks{})
		if !b.exec.NoJournal() {
			t.Fatal("the doubt did not survive a restart")
		}
		b.offer(b.order(2, protocol.ActionTrip))
		if got := b.outcome(2); got.Rule != "no-floor" {
			t.Errorf("got %+v", got)
		}
		if err := b.exec.Floors(floorsAt(5)); err != nil {
			t.Fatal(err)
		}
		b.offer(b.order(4, protocol.ActionTrip))
		if got := b.outcome(3); got.Rule != "superseded" {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(6, protocol.ActionTrip))
		if got := b.outcome(4); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
	})
}

// A gateway that lost its slot, or was restored without raising the generation, may not trip; its close does no harm.
func TestTripOfAReplacedGatewayIsRefusedOnEveryMeter(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		b.exec.mu.Lock() // another meter of this agent has seen slot epoch 3
		b.exec.journal.entries[protocol.MeterRef{Line: "l1", Address: "000000000102"}] = entry{Generation: 1, SlotEpoch: 3, Number: 1}
		b.exec.mu.Unlock()
		o := b.order(9, protocol.ActionTrip)
		o.ID.SlotEpoch = 2
		b.offer(o)
		if got := b.outcome(1); got.State != protocol.OutcomeRefused || got.Rule != "epoch" {
			t.Errorf("got %+v", got)
		}
		o = b.order(10, protocol.ActionClose)
		o.ID.SlotEpoch = 2
		b.offer(o)
		if got := b.outcome(2); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
		o = b.order(1, protocol.ActionTrip)
		o.ID.SlotEpoch = 3
		b.offer(o)
		if got := b.outcome(3); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
	})
}

func TestOrderIDsAreOrderedByGenerationThenSlotEpochThenNumber(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		n := 0
		for _, row := range []struct {
			id    protocol.OrderID
			taken bool
		}{
			{protocol.OrderID{Generation: 2, SlotEpoch: 1, Number: 9}, true},
			{protocol.OrderID{Generation: 1, SlotEpoch: 9, Number: 99}, false},
			{protocol.OrderID{Generation: 2, SlotEpoch: 2, Number: 1}, true},
			{protocol.OrderID{Generation: 2, SlotEpoch: 1, Number: 10}, false},
			{protocol.OrderID{Generation: 2, SlotEpoch: 2, Number: 1}, false},
			{protocol.OrderID{Generation: 3}, true},
		} {
			o := b.order(0, protocol.ActionClose)
			o.ID = row.id
			b.offer(o)
			if row.taken {
				n++
				b.outcome(n)
				continue
			}
			time.Sleep(20 * time.Second)
			if b.evidence() != n {
				t.Errorf("%v was taken", row.id)
			}
		}
	})
}

// deaf is a driver whose clock tells no time.
type deaf struct{ meter.Driver }

func (deaf) Clock(context.Context, meter.Call) (time.Duration, time.Time, error) {
	return 0, time.Time{}, fmt.Errorf("read clock: %w", meter.ErrClock)
}

func TestMeterWithAFlatClockBatteryIsClosedButNotTripped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		b.offer(b.order(1, protocol.ActionTrip))
		b.outcome(1)
		b.kill()
		b.wrap = func(d meter.Driver) meter.Driver { return deaf{d} }
		b.start(Hooks{})
		b.offer(b.order(2, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.After.Open {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(3, protocol.ActionTrip))
		if got := b.outcome(3); got.State != protocol.OutcomeRefused || b.frames(dlt645.Trip) != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

// noJournalRoom is a disk on which evidence finds its place later, and the journal alone does not.
type noJournalRoom struct{ Box }

func (b noJournalRoom) AppendEvidence(evidence []protocol.Evidence, also func(*bolt.Tx) error) error {
	if len(evidence) == 0 {
		return outbox.ErrFull
	}
	return b.Box.AppendEvidence(evidence, also)
}

func TestFullDiskKeepsNobodyInTheDark(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		b.offer(b.order(1, protocol.ActionTrip))
		b.outcome(1)
		b.exec.journal.box = noJournalRoom{b.box}
		b.offer(b.order(2, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.After.Open {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(3, protocol.ActionTrip))
		if got := b.outcome(3); got.Rule != "disk" || b.frames(dlt645.Trip) != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestInventedMetersLeaveNothingInTheJournal(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		for i := range 3 {
			o := b.order(1, protocol.ActionTrip)
			o.Meter.Address = fmt.Sprint(900 + i)
			b.offer(o)
			if got := b.outcome(i + 1); got.Rule != "unknown-meter" {
				t.Errorf("got %+v", got)
			}
		}
		n := 0
		if err := b.box.View(func(tx *bolt.Tx) error { n = tx.Bucket(bucketJournal).Stats().KeyN; return nil }); err != nil || n != 0 || len(b.exec.journal.entries) != 0 {
			t.Errorf("%d entries, %v", n, err)
		}
	})
}

func TestInterruptedCloseIsDoneAgainUntilItsDeadline(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, simmeter.SwitchDirect)
			b.start(Hooks{})
			if err := b.exec.Floors(nil); err != nil {
				t.Fatal(err)
			}
			b.offer(b.order(1, protocol.ActionTrip))
			b.outcome(1)
			b.kill()
			died := make(chan struct{})
			die := func() { b.snapshot(); close(died); runtime.Goexit() }
			if before {
				b.start(Hooks{BeforeFrame: die})
			} else {
				b.start(Hooks{AfterFrame: die})
			}
			o := b.order(2, protocol.ActionClose)
			b.offer(o)
			<-died
			b.kill()
			b.path += ".crash"
			b.start(Hooks{})
			b.offer(o) // the gateway has no outcome and repeats
			got := b.outcome(2)
			if got.State != protocol.OutcomeDone || got.After.Open || got.Order != o.ID {
				t.Errorf("before %t: got %+v", before, got)
			}
			time.Sleep(3 * time.Minute) // beyond its deadline: it is not reported twice
			if b.evidence() != 2 {
				t.Errorf("before %t: %d outcomes", before, b.evidence())
			}
		})
	}
}

func TestInterruptedCloseWithoutARepeatIsReportedAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		b.offer(b.order(1, protocol.ActionTrip))
		b.outcome(1)
		b.kill()
		died := make(chan struct{})
		b.start(Hooks{BeforeFrame: func() { b.snapshot(); close(died); runtime.Goexit() }})
		b.offer(b.order(2, protocol.ActionClose))
		<-died
		b.kill()
		b.path += ".crash"
		b.start(Hooks{})
		time.Sleep(time.Minute)
		if b.evidence() != 1 {
			t.Error("reported before its deadline")
		}
		if got := b.outcome(2); got.State != protocol.OutcomeFailed || !got.Recovered || !got.After.Open {
			t.Errorf("got %+v", got)
		}
	})
}

// torn is a port that vanishes in the middle of a control frame, as an adapter does that is pulled.
type torn struct {
	line.Port
	gone bool
}

func (p *torn) Write(b []byte) (int, error) {
	if !p.gone && len(b) == 4+28 && b[4+8] == 0x1C {
		p.gone = true
		p.Port.Write(b[:20])
		return 20, io.ErrUnexpectedEOF
	}
	if p.gone {
		return 0, io.ErrClosedPipe
	}
	return p.Port.Write(b)
}

func TestPortThatVanishesInTheMiddleOfATripLeavesOneFrameAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.open = func(p line.Port) line.Port { return &torn{Port: p} }
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		o := b.order(1, protocol.ActionTrip)
		b.offer(o)
		got := b.outcome(1)
		if got.State != protocol.OutcomeUnknown && got.State != protocol.OutcomeFailed {
			t.Errorf("got %+v", got)
		}
		sent := 0
		for _, f := range got.Frames {
			if f.Sent && f.Note == "trip" {
				sent++
			}
		}
		b.kill()
		b.open = nil
		b.start(Hooks{})
		b.offer(o)
		time.Sleep(20 * time.Second)
		if n := b.frames(dlt645.Trip); n != 0 || sent != 1 || b.evidence() != 1 {
			t.Errorf("%d whole trip frames, %d in the evidence, %d outcomes", n, sent, b.evidence())
		}
	})
}

// The canary is looked for in every byte that an agent keeps or prints.
func TestPasswordIsNeitherStoredNorLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		var printed bytes.Buffer
		b.log = slog.New(slog.NewJSONHandler(&printed, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		b.offer(b.order(1, protocol.ActionTrip))
		b.outcome(1)
		wrong := b.order(2, protocol.ActionClose)
		wrong.Password = [4]byte{0x02, 0x97, 0x86, 0x75}
		b.offer(wrong)
		if got := b.outcome(2); got.Rule != "password" {
			t.Errorf("got %+v", got)
		}
		b.kill()
		file, err := os.ReadFile(b.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, pw := range [][]byte{{0x56, 0x34, 0x12}, {0x97, 0x86, 0x75}} {
			wire := make([]byte, 3)
			for i := range pw {
				wire[i] = pw[i] + 0x33
			}
			for name, canary := range map[string][]byte{"plain": pw, "on the wire": wire} {
				if bytes.Contains(file, canary) {
					t.Errorf("the outbox file holds the password, %s", name)
				}
			}
			for _, canary := range []string{fmt.Sprintf("%x", pw), fmt.Sprintf("% X", pw), fmt.Sprintf("%X", wire), fmt.Sprintf("%v", pw)} {
				if bytes.Contains(printed.Bytes(), []byte(canary)) {
					t.Errorf("the log shows %q", canary)
				}
			}
		}
	})
}

// stepped is a clock that somebody sets while the meter is read.
type stepped struct{ by atomic.Int64 }

func (*stepped) Trusted() bool           { return true }
func (c *stepped) Offset() time.Duration { return time.Duration(c.by.Load()) }

// setter is the meter whose reading takes so long that the clock is set meanwhile.
type setter struct {
	meter.Driver
	clock *stepped
}

func (s setter) Clock(ctx context.Context, c meter.Call) (time.Duration, time.Time, error) {
	defer s.clock.by.Store(int64(10 * time.Minute))
	return s.Driver.Clock(ctx, c)
}

func TestClockSetWhileTheMeterIsReadStopsATrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &stepped{}
		b := newBench(t, simmeter.SwitchDirect)
		b.wrap = func(d meter.Driver) meter.Driver { return setter{d, c} }
		b.start(Hooks{})
		b.exec.clock = c
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		o := b.order(1, protocol.ActionTrip)
		o.Deadline += time.Hour.Milliseconds()
		b.offer(o)
		if got := b.outcome(1); got.State != protocol.OutcomeRefused || got.Rule != "clock" || b.frames(dlt645.Trip) != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// A close on a bad line has more exchanges than an outcome has room for: the newest are the proof.
func TestOutcomeOfManyFramesCanBeReadAgain(t *testing.T) {
	a := &act{Executor: &Executor{clock: clock{}}, o: &protocol.Order{}}
	c := a.call("n")
	for i := range protocol.MaxFrames + 9 {
		c.Trace(protocol.FrameEvidence{At: int64(i), Bytes: []byte{1}})
	}
	got, err := protocol.DecodeEvidence(protocol.AppendEvidence(nil, &protocol.Evidence{Outcome: &a.out}))
	if err != nil || got.Outcome.Frames[protocol.MaxFrames-1].At != protocol.MaxFrames+8 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestErrorsOfTheLineHaveTheirRule(t *testing.T) {
	for rule, err := range map[string]error{"line-down": line.ErrLost, "deadline": line.ErrTooLate, "no-answer": line.ErrSilent, "read": errors.New("x")} {
		if got := lineRule(fmt.Errorf("y: %w", err)); got != rule {
			t.Errorf("got %s, want %s", got, rule)
		}
	}
}

// A flipped bit in the journal costs the trips until the floors are told, not the agent: somebody may wait for a close.
func TestDamagedJournalEntryDisarmsTripsAndNothingElse(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		b.offer(b.order(5, protocol.ActionTrip))
		b.outcome(1)
		if err := b.box.AppendEvidence(nil, func(tx *bolt.Tx) error {
			bk := tx.Bucket(bucketJournal)
			v := append([]byte(nil), bk.Get(switchKey(ref))...)
			v[len(v)/2] ^= 4
			return bk.Put(switchKey(ref), v)
		}); err != nil {
			t.Fatal(err)
		}
		b.kill()
		b.start(Hooks{})
		if !b.exec.NoJournal() {
			t.Fatal("a damaged journal is trusted")
		}
		b.offer(b.order(6, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(7, protocol.ActionTrip))
		if got := b.outcome(3); got.Rule != "no-floor" {
			t.Errorf("got %+v", got)
		}
		b.kill()
		b.start(Hooks{})
		if err := b.exec.Floors(floorsAt(7)); err != nil || b.exec.NoJournal() {
			t.Fatal(err)
		}
		b.offer(b.order(8, protocol.ActionTrip))
		if got := b.outcome(4); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
	})
}

// double is a line with two meters of one address: every answer comes twice.
type double struct {
	line.Port
	mu    sync.Mutex // guards again: reads run beside writes
	again []byte
}

func (p *double) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.again = nil
	p.mu.Unlock()
	return p.Port.Write(b)
}

// SetReadTimeout keeps reads short: the second answer comes when the first is over.
func (p *double) SetReadTimeout(time.Duration) error {
	return p.Port.SetReadTimeout(30 * time.Millisecond)
}

func (p *double) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > 0 {
		p.again = append(p.again, b[:n]...)
		return n, err
	}
	n = copy(b, p.again)
	p.again = nil
	return n, err
}

func TestMeterThatAnswersTwiceIsNotTripped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, simmeter.SwitchDirect)
		b.start(Hooks{})
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		b.offer(b.order(1, protocol.ActionTrip))
		if got := b.outcome(1); got.State != protocol.OutcomeDone {
			t.Errorf("got %+v", got)
		}
		b.kill()
		b.open = func(p line.Port) line.Port { return &double{Port: p} }
		b.start(Hooks{})
		b.offer(b.order(2, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.After.Open {
			t.Errorf("got %+v", got)
		}
		b.offer(b.order(3, protocol.ActionTrip))
		if got := b.outcome(3); got.State != protocol.OutcomeRefused || got.Rule != "two-answers" || b.frames(dlt645.Trip) != 1 {
			t.Errorf("got %s %s: %s", got.State, got.Rule, got.Detail)
		}
	})
}
