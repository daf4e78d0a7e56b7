package read

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
	"feikong/protocol"
)

// LedgerEntry is one line of the ledger, in a language.
func LedgerEntry(e account.LedgerEntry, lang string) wire.LedgerEntry {
	x := e.Entry
	return wire.LedgerEntry{Seq: x.Seq, At: at(x.At), Kind: x.Kind.String(), KindText: EntryKinds.In(lang, x.Kind.String()),
		Debit: x.Debit.String(), Credit: x.Credit.String(), Amount: x.Amount.String(), Ref: x.Ref, Hash: hex.EncodeToString(x.Hash[:])}
}

// Notice is a message to the customer, in a language.
func Notice(n account.NoticeRecord, lang string) wire.Notice {
	kind, state := string(n.Notice.Kind), noticeWord(n.State)
	w := wire.Notice{Number: n.Number, ID: n.Notice.ID, Kind: kind, KindText: NoticeKinds.In(lang, kind), State: state,
		StateText: NoticeStates.In(lang, state), Created: at(n.Created), Delivered: at(n.Delivered),
		Text: Phrase{n.Notice.TextEN, n.Notice.TextZH}.In(lang), Deadline: n.Notice.Deadline, Available: n.Notice.Available, Receipts: []string{}}
	for _, r := range n.Receipts {
		w.Receipts = append(w.Receipts, r.Channel+": "+r.Detail)
	}
	return w
}

func noticeWord(s account.NoticeState) string {
	switch s {
	case account.NoticeQueued:
		return "queued"
	case account.NoticeDelivered:
		return "delivered"
	case account.NoticeFailed:
		return "failed"
	}
	return fmt.Sprintf("state %d", s)
}

// Bill is an issued period, in a language.
func Bill(p *account.Profile, b account.Bill, lang string) wire.Bill {
	w := wire.Bill{ID: b.ID, Account: p.ID, Period: b.Period, From: at(b.From), To: at(b.To), Issued: at(b.Issued), Energy: b.Energy.String(),
		Amount: b.Amount.String(), Currency: p.Currency, Tariff: b.Tariff, Document: b.Document,
		Lines: []wire.BillLine{}, Registers: []wire.BillRegister{}, Explain: []string{}}
	for _, l := range b.Lines {
		text := l.Name.In(lang)
		if text == "" {
			text = Lines.In(lang, l.Code)
		}
		unit := l.Unit.String()
		if l.Unit == billing.UnitMoney {
			unit = p.Currency
		}
		w.Lines = append(w.Lines, wire.BillLine{Code: l.Code, Text: text, Unit: unit, Quantity: l.Quantity.String(), Price: l.Price.String(), Amount: l.Amount.String()})
	}
	for _, r := range b.Registers {
		w.Registers = append(w.Registers, wire.BillRegister{Point: r.Point, StartAt: at(r.Start.At), Start: r.Start.Energy.String(),
			EndAt: at(r.End.At), End: r.End.Energy.String(), Carried: r.Carried.String(), Multiplier: r.Multiplier})
	}
	explain := b.Explain
	if lang == "zh" && len(b.ExplainZH) > 0 {
		explain = b.ExplainZH
	}
	w.Explain = append(w.Explain, explain...)
	return w
}

// quarantineHex is how much of a raw packet a list shows; the whole stays in the store.
const quarantineHex = 64

// Quarantined is what could not be attributed, in a language.
func Quarantined(q account.Quarantined, lang string) wire.Quarantined {
	w := wire.Quarantined{ID: q.ID, At: at(q.At), Agent: q.Agent, Topic: q.Topic, Reason: q.Reason, ReasonText: QuarantineReasons.In(lang, q.Reason), Meter: meter(q.Meter),
		Bytes: len(q.Data), Hex: Hex(q.Data[:min(len(q.Data), quarantineHex)])}
	if q.Entry != nil {
		if w.Meter == (wire.Meter{}) {
			w.Meter = meter(q.Entry.Reading.Meter)
		}
		w.Quantity, w.Value = quantity(q.Entry.Reading.Quantity), decimal(q.Entry.Reading.Value, q.Entry.Reading.Exp)
	}
	return w
}

// decimal writes value x 10^exp. It is exact for the powers meters send; others keep the power.
func decimal(value int64, exp int8) string {
	const most = 12 // digits behind the point, or zeros before it
	switch {
	case exp == 0:
		return strconv.FormatInt(value, 10)
	case exp < -most || exp > most:
		return fmt.Sprintf("%de%d", value, exp)
	case exp > 0:
		return strconv.FormatInt(value, 10) + strings.Repeat("0", int(exp))
	}
	digits, sign := strconv.FormatInt(value, 10), ""
	if value < 0 {
		digits, sign = digits[1:], "-"
	}
	places := -int(exp)
	if len(digits) <= places {
		digits = strings.Repeat("0", places+1-len(digits)) + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// Gap is a named hole, in a language.
func Gap(g account.GapRecord, lang string) wire.Gap {
	return wire.Gap{Agent: g.Agent, Seq: g.Seq, Meter: meter(g.Gap.Meter), From: at(g.Gap.From), To: at(g.Gap.To), Reason: g.Gap.Reason, ReasonText: GapReasons.In(lang, g.Gap.Reason), Count: g.Gap.Count}
}

// Alarm is an alarm of an agent, in a language.
func Alarm(a account.AlarmRecord, lang string) wire.Alarm {
	return wire.Alarm{Agent: a.Agent, Meter: meter(a.Alarm.Meter), Code: a.Alarm.Code, CodeText: Alarms.In(lang, a.Alarm.Code), Detail: a.Alarm.Detail, At: at(a.Alarm.At)}
}

// FieldWork is what a person did at a meter, in a language; account is the meter's, empty when nobody has it.
func FieldWork(f account.FieldWork, accountID, lang string) wire.FieldWork {
	r := f.Record
	w := wire.FieldWork{ID: r.ID, Agent: f.Agent, Account: accountID, Meter: meter(r.Meter), Kind: r.Kind, KindText: FieldKinds.In(lang, r.Kind), Person: r.Person, At: at(r.At), Photo: r.Photo,
		Summary: workSummary(&r, lang)}
	if len(r.Body) > 0 && json.Unmarshal(r.Body, &w.Record) != nil {
		w.Record = string(r.Body) // whatever an agent of another make wrote
	}
	return w
}

// AuditEntry is who did what.
func AuditEntry(e store.AuditEntry) wire.AuditEntry {
	r := e.Record
	return wire.AuditEntry{Seq: e.Seq, At: at(r.At), Actor: r.Actor, Action: r.Action, Object: r.Object, Detail: r.Detail, Result: r.Result,
		Hash: hex.EncodeToString(e.Hash[:])}
}

// Agent is the newest word of an agent, which may be none yet.
func Agent(id string, status *protocol.Status) wire.Agent {
	var s protocol.Status
	if status != nil {
		s = *status
	}
	w := wire.Agent{ID: id, Version: s.Version, RelayMode: s.RelayMode, ClockTrusted: s.ClockTrusted, ClockOffsetMS: s.ClockOffset,
		OutboxBytes: s.OutboxBytes, OutboxMax: s.OutboxMax, Stored: s.Stored, Dropped: s.Dropped,
		Lines: []wire.AgentLine{}, Meters: []wire.AgentMeter{}, Cursors: []wire.Cursor{}}
	for _, l := range s.Lines {
		w.Lines = append(w.Lines, wire.AgentLine{Line: l.Line, Up: l.Up, Error: l.Error, Exchanges: l.Exchanges, Timeouts: l.Timeouts, Faults: l.Faults, Foreign: l.Foreign})
	}
	for _, m := range s.Meters {
		w.Meters = append(w.Meters, wire.AgentMeter{Meter: meter(m.Meter), Replies: m.Replies, Silent: m.Silent, Faults: m.Faults,
			LastReply: at(m.LastReply), DelayMS: m.DelayMs,
			DelayMinMS: m.DelayMinMs, DelayMaxMS: m.DelayMaxMs, Retries: m.Retries, Edition: m.Edition})
	}
	return w
}

// Cursor is how far a lane is on disk.
func Cursor(c account.Cursor) wire.Cursor {
	lane := "readings"
	if c.Lane == protocol.LaneEvidence {
		lane = "evidence"
	}
	return wire.Cursor{Lane: lane, Epoch: strconv.FormatUint(c.Epoch, 16), Upto: c.Upto}
}
