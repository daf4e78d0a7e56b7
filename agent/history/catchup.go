package history

import (
	"feikong/protocol"
)

// Lane is a Box that can be read; *outbox.Box. What it holds is newer than what a killed agent had noted.
type Lane interface {
	Lanes() []protocol.LaneState
	Readings(first uint64, entries, bytes int) ([]protocol.Entry, error)
}

// laneMax bounds what is looked through at a start: notes are keepEvery old at most, in which 2,000 meters of five registers,
// polled each minute, make this many entries.
const laneMax = 1 << 17

// catchUp finds the energy reads that were stored after their meter's record was.
func (m *Memory) catchUp() error {
	l, ok := m.box.(Lane)
	if !ok {
		return nil
	}
	m.later = map[protocol.MeterRef][]int64{}
	for _, s := range l.Lanes() {
		if s.Lane != protocol.LaneReadings {
			continue
		}
		first := s.Tail
		if s.Next > laneMax {
			first = max(first, s.Next-laneMax)
		}
		for first < s.Next {
			got, err := l.Readings(first, protocol.MaxBatch, protocol.MaxPacket)
			if err != nil {
				return err
			}
			if len(got) == 0 {
				break
			}
			first += uint64(len(got))
			for _, e := range got {
				m.stored(e)
			}
		}
	}
	return nil
}

func (m *Memory) stored(e protocol.Entry) {
	r := e.Reading
	known := m.meters[r.Meter]
	if e.Gap != nil || known == nil || known.Seen == 0 || r.TakenAt <= known.Seen || r.Method != protocol.MethodPoll ||
		r.Quantity != protocol.ActiveImport || r.Register != 0 || r.Quality&protocol.QualityClockUntrusted != 0 {
		return
	}
	m.later[r.Meter] = append(m.later[r.Meter], r.TakenAt)
}
