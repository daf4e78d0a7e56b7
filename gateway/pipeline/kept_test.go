package pipeline

import (
	"testing"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/protocol"
)

// What a meter kept, and what a person read, arrives late, out of order and twice. It is stored once, under the meter's own stamp,
// and moves no register: the day's end by the meter's clock may lie a second on the wrong side of a poll.
func TestRecordsTheMeterKeptAreStoredOnceAndMoveNoRegister(t *testing.T) {
	for _, method := range []protocol.Method{protocol.MethodFreeze, protocol.MethodHourly, protocol.MethodProfile, protocol.MethodHand} {
		t.Run(method.String(), func(t *testing.T) {
			w := newWorld(t, profile("1001", pointProfile("m1")))
			w.settle(t, w.batch(entryAt(w, "m1", 100, hour), entryAt(w, "m1", 100.5, 0)))
			kept := func(energy float64, ago, drift int64) protocol.Entry {
				e := entryAt(w, "m1", energy, ago)
				e.Reading.Method, e.Reading.MeterTime = method, e.Reading.TakenAt
				e.Reading.TakenAt += drift
				return e
			}
			// The same record twice, with another drift each time; and one whose register is below a poll before it.
			w.settle(t, w.batch(kept(100.2, hour/2, 0), kept(99.99, hour-1, 0)))
			w.settle(t, w.batch(kept(100.2, hour/2, 700)))
			p := w.account("1001").Points[0]
			if p.Hold != "" || p.Current.Energy != billing.Energy(kwh(100.5)) || w.account("1001").Energy != billing.Energy(kwh(0.5)) {
				t.Fatalf("%+v, energy %s", p, w.account("1001").Energy)
			}
			if n := len(w.readings[1]); n != 4 {
				t.Errorf("got %d stored readings, want 4: %+v", n, w.readings[1])
			}
			// A poll that comes late is judged again over all that is stored, without them.
			w.settle(t, w.batch(entryAt(w, "m1", 100.3, hour/4)))
			if p := w.account("1001").Points[0]; p.Hold != "" || p.Current.Energy != billing.Energy(kwh(100.5)) || len(w.findings[1]) != 0 {
				t.Errorf("%+v, findings %+v", p, w.findings[1])
			}
		})
	}
}

func TestPollAtTheInstantOfAFreezeStillCounts(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	frozen := entryAt(w, "m1", 100, 0)
	frozen.Reading.Method, frozen.Reading.MeterTime = protocol.MethodFreeze, frozen.Reading.TakenAt
	w.settle(t, w.batch(frozen))
	w.settle(t, w.batch(entryAt(w, "m1", 100, 0)))
	if p := w.account("1001").Points[0]; p.Current.At != w.now || len(w.readings[1]) != 2 {
		t.Errorf("%+v, %d readings", p, len(w.readings[1]))
	}
}

func TestQuantitiesThatAreNotPricedAreStored(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	entry := func(q protocol.Quantity, value int64, exp int8) protocol.Entry {
		return protocol.Entry{Reading: protocol.Reading{Meter: meterRef("m1"), Quantity: q, Register: 1, Value: value, Exp: exp, TakenAt: w.now, Method: protocol.MethodPoll}}
	}
	w.settle(t, w.batch(entry(protocol.Voltage, 2301, -1), entry(protocol.PowerFactor, -998, -3), entry(protocol.ReactiveImport, 123, -2), entry(200, 1, 0)))
	want := map[protocol.Quantity]int64{protocol.Voltage: 230_100, protocol.PowerFactor: -998, protocol.ReactiveImport: 1_230_000}
	for _, r := range w.readings[1] {
		if r.Value != want[r.Quantity] {
			t.Errorf("quantity %d: got %d, want %d", r.Quantity, r.Value, want[r.Quantity])
		}
	}
	if len(w.readings[1]) != len(want) || len(w.last.Quarantine) != 1 {
		t.Errorf("%d readings, quarantine %+v", len(w.readings[1]), w.last.Quarantine)
	}
}

func TestFieldWorkIsKeptWithOrWithoutAnAccount(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	record := func(meter string) protocol.Evidence {
		return protocol.Evidence{Record: &protocol.FieldRecord{Kind: "commission", ID: "r-" + meter, Person: "Li", Meter: meterRef(meter), At: w.now, Body: []byte("{}")}}
	}
	exchanged := record("m8")
	exchanged.Record.Kind, exchanged.Record.Body = "exchange", []byte(`{"old":{"meter":{"line":"a","address":"m1"}}}`)
	b := &protocol.EvidenceBatch{Agent: "street-1", Epoch: 1, First: 1, Entries: []protocol.Evidence{record("m1"), record("m9"), exchanged}}
	r := w.settle(t, account.Event{Now: w.now, Evidence: b})[0]
	if r.Ack == nil || r.Ack.Upto != 3 || len(w.last.FieldWork) != 3 {
		t.Fatalf("%+v, field work %+v", r, w.last.FieldWork)
	}
	if f := w.last.FieldWork; f[0].No != 1 || f[1].No != 0 || f[1].Record.Person != "Li" || f[2].No != 1 {
		t.Errorf("%+v", f)
	}
}
