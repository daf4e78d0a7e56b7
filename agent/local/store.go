package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"feikong/agent/field"
	"feikong/agent/outbox"
	"feikong/protocol"
)

// OutboxName is the outbox's file in the data directory.
const OutboxName = "outbox.db"

// knownLook is how many of the newest readings are searched for what is known of a meter: a day of a hundred meters at
// fifteen minutes, and a second on a slow board.
const knownLook = 20_000

// record queues what a person did at a meter.
func (s *Server) record(r *RecordRequest) (*Stored, error) {
	rec, err := field.Decode(r.Body)
	if err != nil {
		return nil, fault(CodeRecord, "记录不合格：%v", "%v", err)
	}
	h := rec.Top()
	switch h.Kind {
	case field.KindCommission, field.KindExchange, field.KindReading:
	default:
		return nil, fault(CodeRecord, "%q 类记录只由采集终端自己写", "records of kind %q are written by the agent alone", h.Kind)
	}
	of := h.Meter
	if e, ok := rec.(*field.Exchange); ok {
		of = e.Old.Meter // the new one is not in the configuration yet
	}
	if _, err := s.driver(of.Meter()); err != nil {
		return nil, err
	}
	return s.keep(rec)
}

// keep stores a record; the readings in it carry what is known of the agent's clock.
func (s *Server) keep(rec field.Record) (*Stored, error) {
	err := keep(s.desk.Box, rec, s.desk.Trusted())
	switch {
	case errors.Is(err, outbox.ErrFull):
		return nil, fault(CodeFull, "暂存已满，记录未存：让采集终端连上网关，或腾出磁盘空间，再做一次", "the outbox is full and the record was not stored: let the agent reach the gateway or free disk space, and repeat")
	case errors.Is(err, field.ErrRecord), errors.Is(err, outbox.ErrOtherRecord):
		return nil, fault(CodeRecord, "记录不合格：%v", "%v", err)
	case err != nil:
		select {
		case s.fatal <- fmt.Errorf("store a field record: %w", err):
		default:
		}
		return nil, fault(CodeInside, "记录未存：%v", "the record was not stored: %v", err)
	}
	h := rec.Top()
	s.log.Info("field record stored", "kind", h.Kind, "record", h.ID, "person", h.Person, "line", h.Meter.Line, "meter", h.Meter.Address)
	return &Stored{ID: h.ID}, nil
}

func keep(box interface {
	AppendRecord(protocol.FieldRecord, []protocol.Reading) error
}, rec field.Record, trusted bool) error {
	fr, err := field.Encode(rec)
	if err != nil {
		return err
	}
	rs := rec.Readings()
	for i := range rs {
		if !trusted {
			rs[i].Quality |= protocol.QualityClockUntrusted
		}
	}
	return box.AppendRecord(fr, rs)
}

// offlineTries bounds how often the two ways are tried: an agent may start or end in between.
const offlineTries = 5

// Keep stores a record where the gateway will get it: through the agent that runs, or else in the outbox itself, which is let
// go of at once. When it returns nil, the record is on disk. running says which way it went.
func Keep(data string, o outbox.Options, rec field.Record) (running bool, err error) {
	for range offlineTries {
		c, derr := Dial(data)
		if derr == nil {
			err = c.Record(rec)
			return true, errors.Join(err, c.Close())
		}
		if !errors.Is(derr, ErrNotRunning) {
			return true, derr
		}
		if err = private(data); err != nil {
			break
		}
		var box *outbox.Box
		if box, err = outbox.Open(filepath.Join(data, OutboxName), o); err == nil {
			if err = box.Begin(); err == nil || errors.Is(err, outbox.ErrFull) {
				err = keep(box, rec, false) // nobody has compared the clock
			}
			return false, errors.Join(err, box.Close())
		}
		if !errors.Is(err, outbox.ErrLocked) { // it waits for the lock a second, in which an agent that starts makes its socket
			break
		}
	}
	return false, fmt.Errorf("store the record: %w", err)
}

// Known tells the newest registers of a meter that the outbox has, through the agent that runs or from the file; nothing where
// there is no file, and none is made.
func Known(data string, o outbox.Options, ref protocol.MeterRef) (map[uint8]field.Known, error) {
	var err error
	for range offlineTries {
		c, derr := Dial(data)
		if derr == nil {
			r, rerr := c.Read(field.RefOf(ref), "known")
			out := map[uint8]field.Known{}
			if rerr == nil {
				for _, k := range r.Registers {
					out[k.Register] = field.Known{KWh: k.KWh, At: k.At}
				}
			}
			return out, errors.Join(rerr, c.Close())
		}
		if !errors.Is(derr, ErrNotRunning) {
			return nil, derr
		}
		path := filepath.Join(data, OutboxName)
		if _, serr := os.Stat(path); errors.Is(serr, fs.ErrNotExist) {
			return nil, nil
		}
		var box *outbox.Box
		if box, err = outbox.Open(path, o); err == nil {
			out, kerr := known(box, ref)
			return out, errors.Join(kerr, box.Close())
		}
		if !errors.Is(err, outbox.ErrLocked) {
			break
		}
	}
	return nil, fmt.Errorf("look into the outbox: %w", err)
}

func known(box interface {
	Newest(int) ([]protocol.Entry, error)
}, ref protocol.MeterRef) (map[uint8]field.Known, error) {
	out := map[uint8]field.Known{}
	entries, err := box.Newest(knownLook)
	field.Newest(ref, entries, out)
	return out, err
}

func (s *Server) known(ref protocol.MeterRef) (*ReadReply, error) {
	ks, err := known(s.desk.Box, ref)
	if err != nil {
		return nil, fault(CodeInside, "%v", "%v", err)
	}
	out := &ReadReply{Meter: field.RefOf(ref), At: time.Now().UnixMilli()}
	for n := range 256 {
		if k, ok := ks[uint8(n)]; ok {
			out.Registers = append(out.Registers, field.Register{Register: uint8(n), KWh: k.KWh, At: k.At, By: field.ByWire})
		}
	}
	return out, nil
}
