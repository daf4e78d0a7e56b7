package local

import (
	"strings"
	"testing"
	"time"

	"feikong/agent/field"
	"feikong/agent/outbox"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

func (s *station) frames(c dlt645.RelayCommand) (n int) {
	for _, f := range s.bus.Frames(0) {
		if f.From != "master" {
			continue
		}
		if got, err := dlt645.Decode(f.Wire); err == nil && got[0].Control == 0x1C && got[0].Data[8] == byte(c) {
			n++
		}
	}
	return n
}

func (s *station) records(t *testing.T) (out []field.Record) {
	t.Helper()
	got, err := s.box.Evidence(1, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got {
		if e.Record == nil {
			continue
		}
		r, err := field.Decode(e.Record.Body)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestRelayIsMovedByHandOnlyInCommissioningMode(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	trip := RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "李工", Password: "02563412", Operator: "00000001"}
	if _, err := c.Relay(trip); code(err) != CodeMode || s.frames(dlt645.Trip) != 0 {
		t.Fatalf("without the mode: got %v, %d frames", err, s.frames(dlt645.Trip))
	}
	if m, err := c.Mode(ModeRequest{On: true, Person: "李工", Minutes: 30}); err != nil || !m.On || time.Until(time.UnixMilli(m.Until)) > 30*time.Minute {
		t.Fatalf("got %+v, %v", m, err)
	}
	r, err := c.Relay(trip)
	if err != nil || r.State != "done" || !r.After.Open || r.Before.Open || s.frames(dlt645.Trip) != 1 {
		t.Fatalf("got %+v, %v, %d frames", r, err, s.frames(dlt645.Trip))
	}
	if r, err = c.Relay(trip); err != nil || r.State != "done" || s.frames(dlt645.Trip) != 1 {
		t.Errorf("an open relay was tripped again: %+v, %v", r, err)
	}
	trip.Action = "close"
	if r, err = c.Relay(trip); err != nil || r.State != "done" || r.After.Open {
		t.Errorf("got %+v, %v", r, err)
	}
	trip.Action = "trip"
	if _, err = c.Relay(trip); code(err) != CodeRefused {
		t.Errorf("a second trip within %v: got %v", tripsApart, err)
	}
	trip.Action = "hold-on"
	if r, err = c.Relay(trip); err != nil || r.State != "done" || !r.After.Hold {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := c.Mode(ModeRequest{Person: "李工"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Relay(trip); code(err) != CodeMode {
		t.Errorf("after the mode was switched off: got %v", err)
	}
	kinds := ""
	for _, r := range s.records(t) {
		switch r := r.(type) {
		case *field.Mode:
			kinds += "mode "
		case *field.RelayTest:
			kinds += r.Action + "-" + r.Stage + " "
			for _, f := range r.Frames {
				if strings.Contains(f.Hex, "896745") {
					t.Errorf("the record shows the password: %s", f.Hex)
				}
			}
		}
	}
	if want := "mode trip-intent trip-result trip-result close-intent close-result hold-on-intent hold-on-result mode "; kinds != want {
		t.Errorf("got records %s\nwant        %s", kinds, want)
	}
	if strings.Contains(s.log.String(), "563412") {
		t.Error("the log shows the password")
	}
}

func TestRefusedPasswordIsToldAndNotRepeated(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	r, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "x", Password: "02000000"})
	if err != nil || r.State != "failed" || r.Cause != field.CausePassword || s.frames(dlt645.Trip) != 1 {
		t.Errorf("got %+v, %v, %d frames", r, err, s.frames(dlt645.Trip))
	}
}

func TestRelayOffInTheConfigurationForbidsHandsToo(t *testing.T) {
	s := newStation(t, "off")
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); code(err) != CodeOff {
		t.Errorf("mode: got %v", err)
	}
	if _, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "x"}); code(err) != CodeOff {
		t.Errorf("relay: got %v", err)
	}
}

func TestModeIsBoundedAndEndsByItself(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	for _, minutes := range []int{0, -1, 121, 1 << 40} {
		if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: minutes}); code(err) != CodeBad {
			t.Errorf("%d minutes: got %v", minutes, err)
		}
	}
	if _, err := c.Mode(ModeRequest{On: true, Minutes: 1}); code(err) != CodeRecord {
		t.Errorf("without a person: got %v", err)
	}
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	s.srv.mode.mu.Lock()
	s.srv.mode.until = time.Now().Add(-time.Millisecond)
	s.srv.mode.mu.Unlock()
	if _, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "close", Person: "x"}); code(err) != CodeMode {
		t.Errorf("got %v", err)
	}
	for end := time.Now().Add(10 * time.Second); len(s.records(t)) < 2 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // the server's own second
	}
	rs := s.records(t)
	if len(rs) != 2 || rs[1].(*field.Mode).On || rs[1].Top().Note == "" {
		t.Errorf("got records %+v", rs)
	}
}

func TestHandWaitsForNoOrderOfTheGateway(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	o := protocol.Order{ID: protocol.OrderID{Generation: 1, SlotEpoch: 1, Number: 1}, Agent: "a1", Meter: ref, Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute).UnixMilli()}
	s.exec.Offer(protocol.AppendOrder(nil, &o)) // nobody runs the executor: the order waits
	if _, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "close", Person: "x"}); code(err) != CodeOrder {
		t.Errorf("got %v", err)
	}
	if len(s.records(t)) != 1 {
		t.Error("a refused act left a record of an intention")
	}
}

func TestNoVerbReachesMoreThanOneMeter(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"AAAAAAAAAAAA", "999999999999", ""} {
		if _, err := c.Relay(RelayRequest{Meter: field.Ref{Line: "l1", Address: a}, Action: "trip", Person: "x", Password: "02563412"}); code(err) != CodeMeter {
			t.Errorf("%q: got %v", a, err)
		}
	}
}

// full is an outbox that has no room for what hands do.
type full struct{ Box }

func (full) AppendRecord(r protocol.FieldRecord, rs []protocol.Reading) error {
	if r.Kind == field.KindRelay {
		return outbox.ErrFull
	}
	return nil
}

func TestNoFrameLeavesBeforeItsIntentionIsOnDisk(t *testing.T) {
	s := newStation(t, "bench")
	s.srv.desk.Box = full{s.box}
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "x", Password: "02563412"})
	if code(err) != CodeFull || s.frames(dlt645.Trip) != 0 {
		t.Errorf("got %v, %d frames", err, s.frames(dlt645.Trip))
	}
}

func TestModeThatEndsWhileTheMeterIsReadKeepsTheFrameBack(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	s.srv.desk.Box = ending{s.box, &s.srv.mode}
	r, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "x", Password: "02563412"})
	if err != nil || r.State != "refused" || s.frames(dlt645.Trip) != 0 {
		t.Errorf("got %+v, %v, %d frames", r, err, s.frames(dlt645.Trip))
	}
}

// ending is an outbox so slow that the mode ends while the intention is written.
type ending struct {
	Box
	m *mode
}

func (e ending) AppendRecord(r protocol.FieldRecord, rs []protocol.Reading) error {
	e.m.clear(time.Now(), true)
	return e.Box.AppendRecord(r, rs)
}

// narrow is an outbox that has room for the intention and none for the result.
type narrow struct{ Box }

func (n narrow) AppendRecord(r protocol.FieldRecord, rs []protocol.Reading) error {
	if rec, err := field.Decode(r.Body); err != nil || r.Kind == field.KindRelay && rec.(*field.RelayTest).Stage == field.StageResult {
		return outbox.ErrFull
	}
	return n.Box.AppendRecord(r, rs)
}

func TestResultWithoutARecordIsNoReasonToRepeat(t *testing.T) {
	s := newStation(t, "bench")
	s.srv.desk.Box = narrow{s.box}
	c := dial(t, s.data)
	if _, err := c.Mode(ModeRequest{On: true, Person: "x", Minutes: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Relay(RelayRequest{Meter: field.RefOf(ref), Action: "trip", Person: "x", Password: "02563412"})
	if code(err) != CodeInside || !strings.Contains(err.Error(), "do not repeat") || s.frames(dlt645.Trip) != 1 {
		t.Errorf("got %v, %d frames", err, s.frames(dlt645.Trip))
	}
}
