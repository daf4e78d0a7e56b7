package pipeline

import (
	"encoding/json"
	"fmt"
	"math"

	"feikong/gateway/account"
	"feikong/protocol"
)

// futureMax is how far ahead of our clock a reading may be taken and still count; beyond it, it is stored and never current.
const futureMax = 5 * 60 * 1000

// pastMax is how old a reading may be and still count: older than any meter's life is a clock that was never set.
const pastMax = 20 * 365 * 24 * 3600 * 1000

// preprocess is stage 1, 预处理: it says to whom an event belongs. Nothing is dropped: what belongs to nobody goes to quarantine
// in the same commit and is acknowledged.
func (r *run) preprocess(i int, ev *account.Event) {
	receipt := &r.out.Receipts[i]
	receipt.Status = account.Accepted
	switch {
	case ev.Readings != nil:
		b := ev.Readings
		skip := r.advance(receipt, b.Agent, protocol.LaneReadings, b.Epoch, b.First, len(b.Entries), ev.Now)
		for n := skip; n < len(b.Entries); n++ {
			r.classify(ev, b, n)
		}
	case ev.Evidence != nil:
		b := ev.Evidence
		skip := r.advance(receipt, b.Agent, protocol.LaneEvidence, b.Epoch, b.First, len(b.Entries), ev.Now)
		for n := skip; n < len(b.Entries); n++ {
			r.witness(ev, b, n)
		}
	case ev.Garbage != nil:
		g := ev.Garbage
		if g.Count > 0 && r.advance(receipt, g.Agent, g.Lane, g.Epoch, g.First, g.Count, ev.Now) == g.Count {
			return // all of it is on disk already, or something before it is missing: the agent sends again
		}
		r.out.Quarantine = append(r.out.Quarantine, account.Quarantined{At: ev.Now, Agent: g.Agent, Topic: g.Topic, Reason: g.Reason, Data: g.Data})
	case ev.Archive != nil:
		r.out.Archive = ev.Archive
		r.exchanged(ev)
		r.out.Audit = append(r.out.Audit, account.AuditRecord{At: ev.Now, Actor: ev.Actor, Action: "archive",
			Detail: fmt.Sprintf("%d accounts, %d documents", len(ev.Archive.Profiles), len(ev.Archive.Documents)), Result: "ok"})
	default:
		no, ok := r.facts.ByID(ev.Account)
		if !ok {
			refuse(receipt, "unknown-account", fmt.Sprintf("there is no account %q", ev.Account))
			return
		}
		w := r.work(no, ev.Now)
		if ev.Issue != nil {
			w.issues = append(w.issues, i)
		} else {
			w.acts = append(w.acts, i)
		}
	}
}

// advance compares a batch with its lane's cursor: how many of its entries are on disk already (all of them when none is new),
// and the acknowledgement. A hole before the batch is answered by the last contiguous sequence; the agent sends again from there.
func (r *run) advance(receipt *account.Receipt, agent string, lane protocol.Lane, epoch, first uint64, n int, now int64) (skip int) {
	if first == 0 || n == 0 || first > math.MaxUint64-uint64(n) {
		refuse(receipt, "empty-batch", "a batch starts at sequence 1 or later, holds at least one entry, and ends before the numbers do")
		return n
	}
	if r.cursors == nil {
		r.cursors = make(map[cursorKey]int)
	}
	key := cursorKey{agent, lane, epoch}
	at, ours := r.cursors[key]
	var cursor account.Cursor
	if ours {
		cursor = r.out.Cursors[at]
	} else if stored, ok := r.facts.Cursor(agent, lane, epoch); ok {
		cursor = stored
	} else {
		// A new outbox file. What it does not hold any more is a gap with a name, not silence.
		cursor = account.Cursor{Agent: agent, Lane: lane, Epoch: epoch, Upto: first - 1}
		if first > 1 {
			r.out.Gaps = append(r.out.Gaps, account.GapRecord{Agent: agent, Epoch: epoch, Seq: first - 1, Gap: protocol.Gap{
				To: now, Count: first - 1, Reason: fmt.Sprintf("sequences 1 to %d of a new outbox were never received", first-1)}})
		}
	}
	last := first + uint64(n) - 1
	switch {
	case first > cursor.Upto+1: // hole
		skip = n
	case last <= cursor.Upto:
		skip, receipt.Status = n, account.Duplicate
	default:
		skip = int(cursor.Upto + 1 - first)
		cursor.Upto = last
		if ours {
			r.out.Cursors[at] = cursor
		} else {
			r.cursors[key] = len(r.out.Cursors)
			r.out.Cursors = append(r.out.Cursors, cursor)
		}
	}
	receipt.Ack = &protocol.Ack{Agent: agent, Lane: lane, Epoch: epoch, Upto: cursor.Upto}
	return skip
}

// classify gives one entry of the readings lane to its account, the gaps, or quarantine.
func (r *run) classify(ev *account.Event, b *protocol.ReadingBatch, n int) {
	entry := &b.Entries[n]
	if entry.Gap != nil {
		r.out.Gaps = append(r.out.Gaps, account.GapRecord{Agent: b.Agent, Epoch: b.Epoch, Seq: b.First + uint64(n), Gap: *entry.Gap})
		return
	}
	rd := &entry.Reading
	no, point, ok := r.facts.Installation(b.Agent, rd.Meter)
	value, fits := stored(rd)
	if !ok || !fits {
		reason := "unknown-meter"
		if ok {
			reason = "value-out-of-range"
		}
		r.out.Quarantine = append(r.out.Quarantine, account.Quarantined{At: ev.Now, Agent: b.Agent, Reason: reason, Meter: rd.Meter, Entry: entry})
		return
	}
	record := account.ReadingRecord{No: no, Point: point, Quantity: rd.Quantity, Register: rd.Register, Method: rd.Method, Value: value, TakenAt: rd.TakenAt}
	if !seen(rd.Method) && rd.MeterTime != 0 {
		record.TakenAt = rd.MeterTime // what the meter kept is known by the meter's own stamp, whenever and however often it is fetched
	}
	if record.TakenAt > ev.Now+futureMax || record.TakenAt < max(1, ev.Now-pastMax) || rd.Quality&protocol.QualityClockUntrusted != 0 {
		record.Flags |= account.FlagUntrusted
	}
	w := r.work(no, ev.Now)
	w.readings = append(w.readings, record)
}

// witness gives one entry of the evidence lane to its account's orders, the alarms, the gaps, or quarantine.
func (r *run) witness(ev *account.Event, b *protocol.EvidenceBatch, n int) {
	switch e := &b.Entries[n]; {
	case e.Outcome != nil:
		no, _, ok := r.facts.Installation(b.Agent, e.Outcome.Meter)
		if !ok {
			r.out.Quarantine = append(r.out.Quarantine, account.Quarantined{At: ev.Now, Agent: b.Agent, Reason: "outcome of an unknown switch",
				Meter: e.Outcome.Meter, Data: protocol.AppendEvidence(nil, e)})
			return
		}
		w := r.work(no, ev.Now)
		w.outcomes = append(w.outcomes, e.Outcome)
		w.agents = append(w.agents, b.Agent)
	case e.Alarm != nil:
		r.out.Alarms = append(r.out.Alarms, account.AlarmRecord{Agent: b.Agent, Alarm: *e.Alarm})
	case e.Gap != nil:
		r.out.Gaps = append(r.out.Gaps, account.GapRecord{Agent: b.Agent, Epoch: b.Epoch, Seq: b.First + uint64(n), Gap: *e.Gap})
	case e.Record != nil:
		no, point, _ := r.ofWork(b.Agent, e.Record) // work at a meter that nobody archived yet is kept all the same
		r.out.FieldWork = append(r.out.FieldWork, account.FieldWork{Agent: b.Agent, Epoch: b.Epoch, Seq: b.First + uint64(n), No: no, Point: point, Record: *e.Record})
	}
}

// ofWork finds the account of a field record: by its meter, or, when a meter was exchanged and the archive does not know the new one
// yet, by the one that hung there before.
func (r *run) ofWork(agent string, record *protocol.FieldRecord) (account.No, uint16, bool) {
	if no, point, ok := r.facts.Installation(agent, record.Meter); ok {
		return no, point, true
	}
	var body struct {
		Old struct {
			Meter struct {
				Line    string `json:"line"`
				Address string `json:"address"`
				Channel uint8  `json:"channel"`
			} `json:"meter"`
		} `json:"old"`
	}
	if err := json.Unmarshal(record.Body, &body); err != nil || body.Old.Meter.Address == "" {
		return 0, 0, false // of another kind, or of an agent of another make
	}
	return r.facts.Installation(agent, protocol.MeterRef(body.Old.Meter))
}

// measure is how a quantity is stored: its unit times 10^-places, whole where money rests on it.
type measure struct {
	places   int
	whole    bool // digits beyond the places are refused, not cut off
	unsigned bool // never negative (DL/T 645-2007, dlt645.md section 6)
}

// measures are the quantities that are stored. Only registers of forward active energy are priced.
var measures = map[protocol.Quantity]measure{
	protocol.ActiveImport:    {6, true, true}, // kWh to mWh
	protocol.ActiveExport:    {6, true, true},
	protocol.ReactiveImport:  {6, true, false}, // kvarh to mvarh; combined registers have a sign
	protocol.ReactiveExport:  {6, true, false},
	protocol.RemainingEnergy: {6, true, false},
	protocol.RemainingMoney:  {4, true, false}, // to 1/10,000
	protocol.Demand:          {3, false, false},
	protocol.ActivePower:     {3, false, false}, // kW to W; digits below a watt are of no use to anybody
	protocol.ReactivePower:   {3, false, false},
	protocol.ApparentPower:   {3, false, false},
	protocol.Voltage:         {3, false, false}, // to mV
	protocol.Current:         {3, false, false}, // to mA
	protocol.PowerFactor:     {3, false, false},
	protocol.Frequency:       {3, false, false}, // to mHz
	protocol.RelayState:      {0, true, false},
	protocol.ClockDrift:      {0, true, false},
}

// stored is the value in the unit readings are stored in. false: it does not fit, exactly, or is of a quantity nobody knows here.
func stored(rd *protocol.Reading) (int64, bool) {
	m, known := measures[rd.Quantity]
	if !known || m.unsigned && rd.Value < 0 {
		return 0, false
	}
	value, shift := rd.Value, int(rd.Exp)+m.places
	for ; shift > 0; shift-- {
		if value > math.MaxInt64/10 || value < -math.MaxInt64/10 {
			return 0, false
		}
		value *= 10
	}
	for ; shift < 0; shift++ {
		if value%10 != 0 && m.whole {
			return 0, false
		}
		value /= 10
	}
	return value, true
}

func refuse(receipt *account.Receipt, rule, detail string) {
	receipt.Status, receipt.Rule, receipt.Detail = account.Refused, rule, detail
}
