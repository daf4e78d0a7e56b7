package meter

import (
	"time"

	"feikong/protocol/dlt645"
)

const (
	answerMax            = 200                          // L of a reply that masters must take
	firstBlock, moreData = answerMax - 4, answerMax - 5 // identifier; identifier and SEQ
	pendingFor           = 5 * time.Minute              // how long an answer in several frames is kept for the rest of it
)

// pending is an answer that does not fit one frame.
type pending struct {
	item  di
	data  []byte
	ends  []int // where each frame's part ends
	at    int64
	given int // parts, 1997 only: there is no SEQ
}

// read answers C = 11.
func (m *Meter) read(f dlt645.Frame) dlt645.Frame {
	a := m.wire
	d, extra, err := dlt645.ParseReadRequest(f)
	if err != nil {
		return dlt645.ErrorReply(a, f.Control, errOther)
	}
	m.pending = nil
	var data []byte
	var borders []int
	ok := len(extra) == 0
	if d>>24 == 0x06 {
		data, borders, ok = m.profileItem(d, extra)
	} else if ok {
		data, ok = m.item(d)
	}
	switch {
	case !ok:
		return dlt645.ErrorReply(a, f.Control, errNoData)
	case len(data) <= firstBlock:
		return dlt645.ReadReply(a, d, data)
	}
	m.pending = &pending{item: d, data: data, ends: cut(len(data), borders), at: m.at}
	return dlt645.ReadReplyMore(a, d, data[:m.pending.ends[0]], true)
}

// cut divides n bytes into the parts of frames. A part ends at a border where it can: records of a load profile are not torn.
func cut(n int, borders []int) (ends []int) {
	for at := 0; at < n && len(ends) < 256; {
		room := firstBlock
		if len(ends) > 0 {
			room = moreData
		}
		end := min(at+room, n)
		for i := len(borders) - 1; i >= 0; i-- {
			if borders[i] <= end {
				if borders[i] > at {
					end = borders[i]
				}
				break
			}
		}
		ends = append(ends, end)
		at = end
	}
	return ends
}

// subsequent answers C = 12. The same SEQ gives the same block again.
func (m *Meter) subsequent(f dlt645.Frame) dlt645.Frame {
	d, seq, err := dlt645.ParseSubsequentRequest(f)
	switch p := m.pending; {
	case err != nil:
		return dlt645.ErrorReply(m.wire, f.Control, errOther)
	case p == nil || d != p.item || seq == 0 || int(seq) >= len(p.ends):
		return dlt645.ErrorReply(m.wire, f.Control, errNoData)
	default:
		return dlt645.SubsequentReply(m.wire, d, p.data[p.ends[seq-1]:p.ends[seq]], seq, int(seq) < len(p.ends)-1)
	}
}
