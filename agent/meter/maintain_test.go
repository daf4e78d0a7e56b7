package meter

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// Passwords of the simulated meter, in wire order.
var (
	pw02   = [4]byte{2, 0x56, 0x34, 0x12}
	pw04   = [4]byte{4, 0x11, 0x11, 0x11}
	wrong  = [4]byte{2, 0, 0, 0}
	theirs = dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}
)

// bench is one driver on a line in memory, in fake time, with every byte in its time.
type bench struct {
	*DLT645
	ctx    context.Context // of the fake time
	sims   []*simmeter.Meter
	bus    *bus.Line
	line   *line.Line
	frames []protocol.FrameEvidence
	intent int // how often the intention was told
}

func onBench(t *testing.T, change func(*simmeter.Config), others []string, f func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 4, 10, 10, 0, 20, 0, shanghai))) // fake time begins in 2000
		b := &bench{ctx: t.Context()}
		for _, s := range append([]string{"000000000101"}, others...) {
			a, err := dlt645.ParseAddress(s)
			if err != nil {
				t.Fatal(err)
			}
			c := simmeter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000, LoadW: 1000, Switch: simmeter.SwitchDirect, Location: shanghai, Password: theirs,
				Passwords: []dlt645.Password{{Level: 4, Digits: [3]byte{0x11, 0x11, 0x11}}}, History: 24 * time.Hour}
			if change != nil {
				change(&c)
			}
			b.sims = append(b.sims, simmeter.New(c, time.Now()))
		}
		var port *bus.Port
		port, b.bus = bus.Memory(bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 20 * time.Millisecond, Preamble: 4}, b.sims...)
		b.line = line.New(line.Settings{Name: "l1", Path: "memory", Baud: 2400, Parity: "even", StopBits: 1}, func(line.Settings) (line.Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
		d, err := NewDLT645(meterRef, b.line, 500*time.Millisecond, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		b.DLT645 = d
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { b.bus.Run(ctx) })
		wg.Go(func() { b.line.Run(ctx) })
		f(b)
		cancel()
		wg.Wait()
	})
}

func (b *bench) call() Call {
	return Call{Order: true, Trace: func(f protocol.FrameEvidence) { b.frames = append(b.frames, f) }}
}

func (b *bench) hand(pw [4]byte) Hand {
	return Hand{Password: pw, Operator: [4]byte{1}, Intend: func([]ItemValue) error { b.intent++; return nil }}
}

// sent counts the requests of a control byte that went over the line.
func (b *bench) sent(control byte) (n int) {
	for _, f := range b.bus.Frames(0) {
		if got, err := dlt645.Decode(f.Wire); f.From == "master" && err == nil && len(got) == 1 && got[0].Control == control {
			n++
		}
	}
	return n
}

func built(e simmeter.Edition) func(*simmeter.Config) {
	return func(c *simmeter.Config) { c.Edition = e }
}

func text(vs []ItemValue, id string) string {
	for _, v := range vs {
		if v.ID == id {
			return v.Text
		}
	}
	return ""
}

func TestWriteIsReadBackAndOneFrame(t *testing.T) {
	onBench(t, nil, nil, func(b *bench) {
		ch, err := b.Write(b.ctx, b.call(), b.hand(pw02), "CT ratio", "200")
		if err != nil || ch.Proof != Proved || text(ch.Before, "04000306") != "1" || text(ch.After, "04000306") != "200" || b.sent(0x14) != 1 || b.intent != 1 {
			t.Fatalf("got %+v, %v, %d frames", ch, err, b.sent(0x14))
		}
		if ch, err = b.Write(b.ctx, b.call(), b.hand(pw02), "04000306", "200.0"); !errors.Is(err, ErrAsk) || ch.Sent {
			t.Errorf("200.0 in an item without decimals: got %+v, %v", ch, err)
		}
		if ch, err = b.Write(b.ctx, b.call(), b.hand(pw02), "电流互感器变比", "200"); err != nil || ch.Sent || ch.Proof != Proved {
			t.Errorf("what stands there already: got %+v, %v", ch, err)
		}
		if ch, err = b.Write(b.ctx, b.call(), b.hand(pw02), "04010001", "00:00 1, 06:00 2, 22:00 3"); err != nil || ch.Proof != Proved {
			t.Errorf("a table: got %+v, %v", ch, err)
		}
		for _, row := range []struct {
			what, value string
			want        error
		}{
			{"total", "5", ErrAsk}, {"04000401", "102", ErrAsk}, {"04000703", "08", ErrAsk}, {"clock", "2026-01-01", ErrAsk}, {"04000C03", "123456", ErrUnsupported}, {"nonsense", "1", ErrItem}, {"04FF0001", "00", ErrAsk},
		} {
			n := b.sent(0x14)
			if ch, err := b.Write(b.ctx, b.call(), b.hand(pw02), row.what, row.value); !errors.Is(err, row.want) || ch.Sent || b.sent(0x14) != n {
				t.Errorf("%s: got %+v, %v", row.what, ch, err)
			}
		}
		if _, err := b.Write(b.ctx, b.call(), Hand{Bare: true}, "CT ratio", "1"); !errors.Is(err, ErrNoPassword) {
			t.Errorf("without a password: got %v", err)
		}
		if strings.Contains(hexOf(b.frames), "896745") { // 56 34 12 + 33
			t.Error("the evidence shows the password")
		}
	})
}

func hexOf(fs []protocol.FrameEvidence) string {
	var s strings.Builder
	for _, f := range fs {
		s.WriteString(strings.ToUpper(strings.ReplaceAll(string(appendHex(f.Bytes)), " ", "")))
	}
	return s.String()
}

func appendHex(b []byte) (out []byte) {
	const digits = "0123456789ABCDEF"
	for _, v := range b {
		out = append(out, digits[v>>4], digits[v&15])
	}
	return out
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	for name, act := range map[string]struct {
		control byte
		do      func(*bench) (Change, error)
	}{
		"write": {0x14, func(b *bench) (Change, error) {
			return b.Write(b.ctx, b.call(), b.hand(wrong), "CT ratio", "200")
		}},
		"password": {0x18, func(b *bench) (Change, error) { return b.SetPassword(b.ctx, b.call(), b.hand(wrong), pw04) }},
		"demand":   {0x19, func(b *bench) (Change, error) { return b.ClearDemand(b.ctx, b.call(), b.hand(wrong)) }},
		"events":   {0x1B, func(b *bench) (Change, error) { return b.ClearEvents(b.ctx, b.call(), b.hand(wrong), "all") }},
	} {
		onBench(t, nil, nil, func(b *bench) {
			ch, err := act.do(b)
			if !errors.Is(err, ErrPassword) || !ch.Sent || ch.Proof != Unproved || len(ch.After) != 0 || b.sent(act.control) != 1 {
				t.Errorf("%s: got %+v, %v, %d frames", name, ch, err, b.sent(act.control))
			}
		})
	}
}

func TestIntentionThatCannotBeKeptKeepsTheFrame(t *testing.T) {
	full := errors.New("full")
	onBench(t, nil, nil, func(b *bench) {
		var before []ItemValue
		h := Hand{Password: pw02, Intend: func(vs []ItemValue) error { before = vs; return full }}
		if ch, err := b.ClearDemand(b.ctx, b.call(), h); !errors.Is(err, full) || ch.Sent || b.sent(0x19) != 0 || len(before) == 0 {
			t.Errorf("got %+v, %v, %d frames, before %+v", ch, err, b.sent(0x19), before)
		}
		late := errors.New("the mode has ended")
		if ch, err := b.ClearDemand(b.ctx, b.call(), Hand{Password: pw02, Before: func() error { return late }}); !errors.Is(err, late) || ch.Sent || b.sent(0x19) != 0 {
			t.Errorf("got %+v, %v", ch, err)
		}
	})
}

func TestClearingsAreCountedByTheMeter(t *testing.T) {
	onBench(t, nil, nil, func(b *bench) {
		ch, err := b.ClearDemand(b.ctx, b.call(), b.hand(pw02))
		if err != nil || ch.Proof != Proved || text(ch.Before, "01010000") == "0.0000" || text(ch.Before, "01010000") == "" || text(ch.After, "03300200") != "1" {
			t.Errorf("got %+v, %v", ch, err)
		}
		if last := ch.After[len(ch.After)-1]; !last.Null || !last.Never {
			t.Errorf("the time of a demand that was cleared: got %+v", last)
		}
		if _, err := b.Write(b.ctx, b.call(), b.hand(pw02), "CT ratio", "200"); err != nil {
			t.Fatal(err)
		}
		ch, err = b.ClearEvents(b.ctx, b.call(), b.hand(pw02), "编程")
		if err != nil || ch.Proof != Proved || text(ch.Before, "03300000") != "1" || text(ch.After, "03300000") != "0" || text(ch.After, "03300300") != "1" {
			t.Errorf("got %+v, %v", ch, err)
		}
		for _, which := range []string{"", "everything", "03300000", "FFFFFFFFFF", "1A"} {
			if ch, err := b.ClearEvents(b.ctx, b.call(), b.hand(pw02), which); !errors.Is(err, ErrAsk) || ch.Sent {
				t.Errorf("%q: got %+v, %v", which, ch, err)
			}
		}
	})
}

func TestFreezeHasItsStamp(t *testing.T) {
	onBench(t, nil, nil, func(b *bench) {
		if ch, err := b.Freeze(b.ctx, b.call(), Hand{}, dlt645.FreezeNow); err != nil || ch.Proof != Proved || len(ch.After) == 0 {
			t.Errorf("got %+v, %v", ch, err)
		}
		if ch, err := b.Freeze(b.ctx, b.call(), Hand{}, dlt645.FreezeDaily(0, 0)); err != nil || !ch.Sent || ch.Proof != Unproved {
			t.Errorf("got %+v, %v", ch, err)
		}
		if ch, err := b.Freeze(b.ctx, b.call(), Hand{}, dlt645.FreezeDaily(25, 0)); !errors.Is(err, ErrAsk) || ch.Sent {
			t.Errorf("got %+v, %v", ch, err)
		}
		if b.sent(0x16) != 2 {
			t.Errorf("%d frames", b.sent(0x16))
		}
	})
}

func TestPasswordIsChangedAndStaysHidden(t *testing.T) {
	onBench(t, nil, nil, func(b *bench) {
		next := [4]byte{4, 0x98, 0x76, 0x54}
		ch, err := b.SetPassword(b.ctx, b.call(), b.hand(pw04), next)
		if err != nil || ch.Proof != Proved || b.sent(0x18) != 1 {
			t.Fatalf("got %+v, %v", ch, err)
		}
		if ch, err := b.Write(b.ctx, b.call(), b.hand(next), "04000103", "30"); err != nil || ch.Proof != Proved {
			t.Errorf("with the new password: got %+v, %v", ch, err)
		}
		for _, secret := range []string{"444444", "CBA987"} {
			if strings.Contains(hexOf(b.frames), secret) {
				t.Errorf("the evidence shows a password: %s", secret)
			}
		}
	})
}

func TestAddressIsWrittenToOneMeterAlone(t *testing.T) {
	for _, old := range []bool{false, true} {
		onBench(t, func(c *simmeter.Config) { c.OldAddress = old }, nil, func(b *bench) {
			b.sims[0].Program(time.Now())
			ch, err := b.SetAddress(b.ctx, b.call(), b.hand(pw02), "102")
			if err != nil || ch.Proof != Proved || ch.After[0].Text != "000000000102" || b.sent(0x15) != 1 {
				t.Errorf("old %v: got %+v, %v", old, ch, err)
			}
		})
	}
	onBench(t, nil, nil, func(b *bench) { // nobody pressed its button
		ch, err := b.SetAddress(b.ctx, b.call(), b.hand(pw02), "102")
		if !errors.Is(err, line.ErrSilent) || ch.Proof != Disproved || b.sent(0x15) != 1 {
			t.Errorf("without the button: got %+v, %v", ch, err)
		}
	})
	onBench(t, nil, []string{"000000000202"}, func(b *bench) {
		b.sims[0].Program(time.Now())
		ch, err := b.SetAddress(b.ctx, b.call(), b.hand(pw02), "102")
		if !errors.Is(err, ErrNotAlone) || ch.Sent || b.sent(0x15) != 0 {
			t.Errorf("two meters: got %+v, %v", ch, err)
		}
	})
	onBench(t, nil, nil, func(b *bench) {
		for _, a := range []string{"AAAAAAAAAAAA", "999999999999", "1AA", "x", "101", ""} {
			if ch, err := b.SetAddress(b.ctx, b.call(), b.hand(pw02), a); !errors.Is(err, ErrAsk) || ch.Sent {
				t.Errorf("%q: got %+v, %v", a, ch, err)
			}
		}
	})
}

func TestBaudIsChangedAndDoubted(t *testing.T) {
	onBench(t, nil, nil, func(b *bench) {
		if ch, err := b.SetBaud(b.ctx, b.call(), b.hand(pw02), 9600); err != nil || ch.Proof != Proved || ch.After[0].Text != "9600" || b.sent(0x17) != 1 {
			t.Fatalf("got %+v, %v", ch, err)
		}
		if baud, _ := b.Framing(); baud != 9600 {
			t.Errorf("the driver goes on at %d", baud)
		}
		if _, err := b.Energy(b.ctx, Call{}); err != nil {
			t.Errorf("at the new rate: %v", err)
		}
		time.Sleep(6 * time.Minute) // this meter goes back by itself
		asked := 0
		for asked = 1; asked < 10; asked++ {
			if _, err := b.Energy(b.ctx, Call{}); err == nil {
				break
			}
		}
		if asked > 2 {
			t.Error("a meter that went back to its rate is lost")
		}
		if ch, err := b.SetBaud(b.ctx, b.call(), b.hand(pw02), 300); !errors.Is(err, ErrAsk) || ch.Sent {
			t.Errorf("a rate that 2007 has not: got %+v, %v", ch, err)
		}
	})
}

// untunable is a port that cannot be tuned.
type untunable struct{ Talker }

func (f untunable) Do(ctx context.Context, x *line.Exchange) error {
	if x.Baud != 0 && x.Baud != 2400 {
		return line.ErrFraming
	}
	return f.Talker.Do(ctx, x)
}

func TestBaudThatThePortCannotFollowIsNotAsked(t *testing.T) {
	onBench(t, nil, nil, func(b *bench) {
		b.DLT645.line = untunable{b.line}
		if ch, err := b.SetBaud(b.ctx, b.call(), b.hand(pw02), 9600); !errors.Is(err, line.ErrFraming) || ch.Sent || b.sent(0x17) != 0 {
			t.Errorf("got %+v, %v", ch, err)
		}
	})
}

func TestMeterOf1997IsMaintainedAsFarAsItsStandardGoes(t *testing.T) {
	bare := Hand{Bare: true}
	onBench(t, built(simmeter.Edition1997), nil, func(b *bench) {
		if _, err := b.Freeze(b.ctx, b.call(), bare, dlt645.FreezeNow); !errors.Is(err, ErrUnsupported) {
			t.Errorf("freeze: got %v", err)
		}
		if _, err := b.ClearEvents(b.ctx, b.call(), b.hand(pw02), "all"); !errors.Is(err, ErrUnsupported) {
			t.Errorf("events: got %v", err)
		}
		b.sims[0].Program(time.Now())
		if ch, err := b.Write(b.ctx, b.call(), bare, "C033", "4711"); err != nil || ch.Proof != Proved || ch.After[0].Text != "000000004711" {
			t.Errorf("write: got %+v, %v", ch, err)
		}
		if ch, err := b.ClearDemand(b.ctx, b.call(), bare); err != nil || ch.Proof != Proved {
			t.Errorf("demand: got %+v, %v", ch, err)
		}
		if ch, err := b.SetPassword(b.ctx, b.call(), b.hand(pw02), pw04); err != nil || ch.Proof != Proved {
			t.Errorf("password: got %+v, %v", ch, err)
		}
		n := b.sent(0x0F)
		if ch, err := b.SetPassword(b.ctx, b.call(), b.hand(wrong), pw04); !errors.Is(err, line.ErrSilent) || !ch.Sent || b.sent(0x0F) != n+1 {
			t.Errorf("a wrong password: got %+v, %v", ch, err)
		}
		if ch, err := b.SetBaud(b.ctx, b.call(), bare, 4800); err != nil || ch.Proof != Proved || !ch.Passes {
			t.Errorf("baud: got %+v, %v", ch, err)
		}
		time.Sleep(time.Second)
		if baud, _ := b.Framing(); baud == 4800 {
			t.Error("the driver stays at a rate that lasts for half a second")
		}
		b.sims[0].Program(time.Now())
		if ch, err := b.SetAddress(b.ctx, b.call(), bare, "102"); err != nil || ch.Proof != Proved {
			t.Errorf("address: got %+v, %v", ch, err)
		}
	})
}

// A meter is never cleared: there is no act for it, and none of them sends 1AH.
func TestMeterClearIsNotOffered(t *testing.T) {
	kind := reflect.TypeOf((*Maintainer)(nil)).Elem()
	for i := range kind.NumMethod() {
		if name := kind.Method(i).Name; strings.HasPrefix(name, "Clear") && name != "ClearDemand" && name != "ClearEvents" {
			t.Errorf("%s is offered", name)
		}
	}
	onBench(t, nil, nil, func(b *bench) {
		for _, which := range []string{"all", "programming", "1A1A1AFF", "000000FF"} {
			b.ClearEvents(b.ctx, b.call(), b.hand(pw02), which)
		}
		b.ClearDemand(b.ctx, b.call(), b.hand(pw02))
		for _, what := range []string{"total", "00010000", "0001FF00", "energy"} {
			b.Write(b.ctx, b.call(), b.hand(pw02), what, "0")
		}
		if b.sent(0x1A) != 0 {
			t.Error("a meter clear was sent")
		}
		if v := b.sims[0].View(time.Now()); v.EnergymWh < 5_000_000 {
			t.Errorf("energy is %d", v.EnergymWh)
		}
	})
}
