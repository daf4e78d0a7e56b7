package local

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"feikong/agent/field"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// requests counts the frames of a control byte that a master sent.
func (s *station) requests(control byte) (n int) {
	for _, f := range s.bus.Frames(0) {
		if got, err := dlt645.Decode(f.Wire); f.From == "master" && err == nil && got[0].Control == control {
			n++
		}
	}
	return n
}

func (s *station) commission(t *testing.T, c *Client) {
	t.Helper()
	if _, err := c.Mode(ModeRequest{On: true, Person: "李工", Minutes: 5}); err != nil {
		t.Fatal(err)
	}
}

var clearDemand = MaintainRequest{Meter: field.RefOf(ref), Act: "clear-demand", Person: "李工", Password: "02563412", Operator: "01000000", Confirm: "101"}

func TestMeterIsMaintainedOnlyInCommissioningMode(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	if _, err := c.Maintain(clearDemand); code(err) != CodeMode || s.requests(0x19) != 0 {
		t.Fatalf("without the mode: got %v", err)
	}
	s.commission(t, c)
	r, err := c.Maintain(clearDemand)
	if err != nil || r.State != "done" || len(r.Before) < 2 || len(r.After) < 2 || s.requests(0x19) != 1 {
		t.Fatalf("got %+v, %v, %d frames", r, err, s.requests(0x19))
	}
	kinds := ""
	for _, rec := range s.records(t) {
		m, ok := rec.(*field.Maintenance)
		if !ok {
			continue
		}
		kinds += m.Act + "-" + m.Stage + " "
		if m.Stage == field.StageIntent && len(m.Before) == 0 {
			t.Error("the intention does not say what will be lost")
		}
		for _, f := range m.Frames {
			if strings.Contains(f.Hex, "896745") {
				t.Errorf("the record shows the password: %s", f.Hex)
			}
		}
	}
	if kinds != "clear-demand-intent clear-demand-result " {
		t.Errorf("got records %s", kinds)
	}
	if strings.Contains(s.log.String(), "563412") {
		t.Error("the log shows the password")
	}
}

func TestClearingNeedsTheAddressTypedAgain(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	s.commission(t, c)
	for _, act := range []string{"clear-demand", "clear-events"} {
		for _, typed := range []string{"", "102", "AAAAAAAAAAAA", "yes", "0", "000000000102"} {
			r := clearDemand
			r.Act, r.What, r.Confirm = act, "all", typed
			if _, err := c.Maintain(r); code(err) != CodeConfirm {
				t.Errorf("%s, %q: got %v", act, typed, err)
			}
		}
	}
	if s.requests(0x19)+s.requests(0x1B) != 0 || len(s.records(t)) != 1 {
		t.Error("something was cleared, or a record of it is left")
	}
	look := clearDemand
	look.Confirm, look.Password, look.Look = "", "", true
	if r, err := c.Maintain(look); err != nil || len(r.Before) == 0 || r.State != "" || s.requests(0x19) != 0 || len(s.records(t)) != 1 {
		t.Errorf("looking: got %+v, %v", r, err)
	}
}

func TestMaintenanceThatTheMeterRefusesIsToldAndNotRepeated(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	s.commission(t, c)
	r := clearDemand
	r.Password = "02000000"
	if got, err := c.Maintain(r); err != nil || got.State != "failed" || got.Cause != field.CausePassword || s.requests(0x19) != 1 {
		t.Errorf("got %+v, %v, %d frames", got, err, s.requests(0x19))
	}
	if got, err := c.Maintain(MaintainRequest{Meter: field.RefOf(ref), Act: "address", Value: "102", Person: "x"}); err != nil || got.State != "failed" || got.Cause != field.CauseUnchanged || s.requests(0x15) != 1 {
		t.Errorf("a button that nobody pressed: got %+v, %v", got, err)
	}
}

func TestEveryActGoesThroughTheAgent(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	s.commission(t, c)
	s.sim.Program(time.Now())
	for _, r := range []MaintainRequest{
		{Act: "freeze", What: "now"}, {Act: "freeze", What: "daily 00:30"},
		{Act: "write", What: "CT ratio", Value: "200", Password: "02563412"},
		{Act: "clear-events", What: "programming", Password: "02563412", Confirm: ref.Address},
		{Act: "password", Password: "02563412", NewPassword: "02998877"},
		{Act: "write", What: "CT ratio", Value: "1", Password: "02998877"},
		{Act: "baud", Value: "2400"}, {Act: "baud", Value: "9600"},
		{Act: "address", Value: "102"},
	} {
		r.Meter, r.Person = field.RefOf(ref), "x"
		got, err := c.Maintain(r)
		if want := map[bool]string{true: "accepted", false: "done"}[r.What == "daily 00:30"]; err != nil || got.State != want {
			t.Errorf("%s %s %s: got %+v, %v", r.Act, r.What, r.Value, got, err)
		}
		for _, f := range got.Frames {
			for _, secret := range []string{"cbbbaa", "896745"} {
				if strings.Contains(f.Hex, secret) {
					t.Errorf("%s shows a password: %s", r.Act, f.Hex)
				}
			}
		}
	}
}

func TestMaintenanceThatCannotBeIsRefusedBeforeAnythingIsSent(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	s.commission(t, c)
	for _, row := range []struct {
		r    MaintainRequest
		want string
	}{
		{MaintainRequest{Act: "clear-meter", Password: "02563412", Confirm: "101"}, CodeBad},
		{MaintainRequest{Act: "1A"}, CodeBad},
		{MaintainRequest{Act: "address", Value: "AAAAAAAAAAAA"}, CodeBad},
		{MaintainRequest{Act: "address", Value: "999999999999"}, CodeBad},
		{MaintainRequest{Act: "baud", Value: "fast"}, CodeBad},
		{MaintainRequest{Act: "baud", Value: "115200"}, CodeBad},
		{MaintainRequest{Act: "freeze", What: "daily 25:00"}, CodeBad},
		{MaintainRequest{Act: "freeze", What: "sometimes"}, CodeBad},
		{MaintainRequest{Act: "write", What: "total", Value: "0", Password: "02563412"}, CodeUnsupported},
		{MaintainRequest{Act: "write", What: "CT ratio", Value: "much", Password: "02563412"}, CodeBad},
		{MaintainRequest{Act: "write", What: "CT ratio", Value: "1"}, CodeBad},
		{MaintainRequest{Act: "password", Password: "02563412"}, CodeBad},
		{MaintainRequest{Act: "clear-events", What: "01020304", Password: "02563412", Confirm: "101"}, CodeBad},
	} {
		row.r.Meter, row.r.Person = field.RefOf(ref), "x"
		if got, err := c.Maintain(row.r); code(err) != row.want {
			t.Errorf("%+v: got %+v, %v", row.r, got, err)
		}
	}
	for _, a := range []string{"AAAAAAAAAAAA", "999999999999", ""} {
		r := clearDemand
		r.Meter.Address, r.Confirm = a, a
		if _, err := c.Maintain(r); code(err) != CodeMeter {
			t.Errorf("to %q: got %v", a, err)
		}
	}
	r := clearDemand
	r.Person = ""
	if _, err := c.Maintain(r); code(err) != CodeBad {
		t.Errorf("without a person: got %v", err)
	}
	for _, control := range []byte{0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B} {
		if n := s.requests(control); n != 0 {
			t.Errorf("%d frames of %02X", n, control)
		}
	}
	if len(s.records(t)) != 1 {
		t.Error("a refused act left a record")
	}
}

func TestAddressIsNotWrittenOnALineWithOtherMeters(t *testing.T) {
	s := newStation(t, "bench")
	s.srv.desk.Drivers[protocol.MeterRef{Line: "l1", Address: "000000000102"}] = s.desk.Drivers[ref]
	c := dial(t, s.data)
	s.commission(t, c)
	if _, err := c.Maintain(MaintainRequest{Meter: field.RefOf(ref), Act: "address", Value: "103", Person: "x"}); code(err) != CodeRefused || s.requests(0x15) != 0 {
		t.Errorf("got %v", err)
	}
}

func TestMaintenanceWaitsForNoOrderAndForItsIntention(t *testing.T) {
	s := newStation(t, "bench")
	c := dial(t, s.data)
	s.commission(t, c)
	s.srv.desk.Box = noMaintenance{s.box}
	if _, err := c.Maintain(clearDemand); code(err) != CodeFull || s.requests(0x19) != 0 {
		t.Errorf("full: got %v", err)
	}
	s.srv.desk.Box = s.box
	o := protocol.Order{ID: protocol.OrderID{Generation: 1, SlotEpoch: 1, Number: 1}, Agent: "a1", Meter: ref, Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute).UnixMilli()}
	s.exec.Offer(protocol.AppendOrder(nil, &o)) // nobody runs the executor: the order waits
	if _, err := c.Maintain(clearDemand); code(err) != CodeOrder || s.requests(0x19) != 0 {
		t.Errorf("an open order: got %v", err)
	}
}

// noMaintenance is an outbox without room for what hands do.
type noMaintenance struct{ Box }

func (b noMaintenance) AppendRecord(r protocol.FieldRecord, rs []protocol.Reading) error {
	if r.Kind == field.KindMaintain {
		return outbox.ErrFull
	}
	return b.Box.AppendRecord(r, rs)
}

func TestMaintenanceWithoutAnAgentIsTheSame(t *testing.T) {
	s := newStation(t, "bench")
	log := slog.New(slog.DiscardHandler)
	r := clearDemand
	r.Confirm = ""
	if _, err := maintainAt(t.Context(), s.desk, &r, log); code(err) != CodeConfirm {
		t.Errorf("got %v", err)
	}
	r.Confirm = "101"
	if got, err := maintainAt(t.Context(), s.desk, &r, log); err != nil || got.State != "done" || len(s.records(t)) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	off := s.desk
	off.Relay = "off"
	if _, err := maintainAt(t.Context(), off, &r, log); code(err) != CodeOff {
		t.Errorf("relay: off: got %v", err)
	}
}

func TestModbusMetersAreNotMaintained(t *testing.T) {
	s := newStation(t, "bench")
	s.srv.desk.Drivers[ref] = struct{ meter.Driver }{s.desk.Drivers[ref]} // a driver and no more
	c := dial(t, s.data)
	s.commission(t, c)
	if _, err := c.Maintain(clearDemand); code(err) != CodeUnsupported {
		t.Errorf("got %v", err)
	}
}
