package bolt

import (
	"feikong/gateway/account"
	"feikong/protocol"
)

// putChanges puts everything but archive, receipts and pages into the transaction.
func (w *writer) putChanges(t *turn) error {
	steps := []func(*turn) error{w.putCursors, w.putLedger, w.putFindings, w.putOrders, w.putNotices, w.putBills, w.putLists, w.putAudit}
	for _, step := range steps {
		if err := step(t); err != nil {
			return err
		}
	}
	if err := w.putReadings(t.ch.Readings); err != nil {
		return err
	}
	return w.putStates(t.ch.States)
}

func (w *writer) putCursors(t *turn) error {
	for i := range t.ch.Cursors {
		c := &t.ch.Cursors[i]
		if err := w.setJSON(bucketCursors, keyCursor(c), c); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putLedger(t *turn) error {
	for i := range t.ch.Entries {
		e := &t.ch.Entries[i]
		if err := w.set(bucketLedger, keyNo(e.No, e.Entry.Seq), appendEntry(nil, &e.Entry)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putFindings(t *turn) error {
	for i := range t.ch.Findings {
		f := &t.ch.Findings[i]
		key := keyFinding(f)
		if err := w.setJSON(bucketFindings, key, f); err != nil {
			return err
		}
		if err := w.mark(bucketOpenFind, key, f.Closed == 0); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putOrders(t *turn) error {
	for i := range t.ch.Orders {
		o := &t.ch.Orders[i]
		key := keyOrder(o.No, o.Point, o.Number)
		if _, known := w.sealOf(bucketOrders, key); !known && o.Order.Action == protocol.ActionTrip {
			t.pace, t.paced = t.pace.add(o.Created), true
		}
		if err := w.setJSON(bucketOrders, key, o); err != nil {
			return err
		}
		if err := w.mark(bucketOpenOrder, key, o.State == account.OrderQueued); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putNotices(t *turn) error {
	for i := range t.ch.Notices {
		n := &t.ch.Notices[i]
		key := keyNo(n.No, n.Number)
		if err := w.setJSON(bucketNotices, key, n); err != nil {
			return err
		}
		if err := w.mark(bucketOpenNote, key, n.State == account.NoticeQueued || n.State == account.NoticeFailed); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putBills(t *turn) error {
	for i := range t.ch.Bills {
		b := &t.ch.Bills[i]
		if err := w.setJSON(bucketBills, keyNo(b.No, uint64(b.Period)), b); err != nil {
			return err
		}
	}
	return nil
}

// putLists appends what is only ever listed. A quarantined packet takes its number here.
func (w *writer) putLists(t *turn) error {
	for i := range t.ch.Quarantine {
		q := &t.ch.Quarantine[i]
		if q.ID == 0 {
			q.ID = w.next(bucketQuarantine)
		}
		if err := w.setJSON(bucketQuarantine, keySeq(q.ID), q); err != nil {
			return err
		}
	}
	for i := range t.ch.Gaps {
		if err := w.setJSON(bucketGaps, keySeq(w.next(bucketGaps)), &t.ch.Gaps[i]); err != nil {
			return err
		}
	}
	for i := range t.ch.Alarms {
		if err := w.setJSON(bucketAlarms, keySeq(w.next(bucketAlarms)), &t.ch.Alarms[i]); err != nil {
			return err
		}
	}
	for i := range t.ch.FieldWork {
		if err := w.setJSON(bucketFieldWork, keySeq(w.next(bucketFieldWork)), &t.ch.FieldWork[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putAudit(t *turn) error {
	for i := range t.ch.Audit {
		record := appendAudit(nil, &t.ch.Audit[i])
		prev := w.head.AuditHead
		hash := auditHash(prev, record)
		payload := append(append(append(make([]byte, 0, 64+len(record)), prev[:]...), hash[:]...), record...)
		if err := w.set(bucketAudit, keySeq(w.next(bucketAudit)), payload); err != nil {
			return err
		}
		w.head.AuditHead = hash
	}
	return nil
}
