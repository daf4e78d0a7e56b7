package tools

import (
	"bytes"
	"errors"
	"time"

	"feikong/protocol/dlt645"
)

// request counts a question, and the one before it that stayed without an answer.
func (e *ear) request(wire []byte, h heard, end time.Time, broadcast bool) {
	e.unanswered(h.At)
	if !broadcast {
		q := e.of(h.Meter)
		q.Asked++
		if !e.answered && bytes.Equal(wire, e.last) {
			q.Retries++
			h.Text += e.say("（重发）", " (again)")
		}
		e.open, e.openTo, e.openEnd, e.damaged = wire, h.Meter, end, false
	}
	e.last, e.answered = wire, false
	e.tell(h)
}

// unanswered closes the question that is open.
func (e *ear) unanswered(at time.Time) {
	if e.open == nil {
		return
	}
	if q := e.of(e.openTo); e.damaged {
		q.Damaged++
	} else {
		q.Silent++
		e.tell(heard{At: at, Kind: heardSilence, Meter: e.openTo, Text: e.say("没有应答", "no answer")})
	}
	e.open = nil
}

// reply counts an answer.
func (e *ear) reply(h heard, start time.Time, mine, refused bool) {
	if !mine || start.Sub(e.openEnd) > openMax {
		h.Text += e.say("（无人提问，或迟到）", " (nobody asked, or it is late)")
		e.tell(h)
		return
	}
	q := e.of(h.Meter)
	if q.Meter != e.openTo { // asked by a wildcard: it is this meter that was meant
		e.of(e.openTo).Asked--
		q.Asked++
	}
	q.Replies++
	if refused {
		q.Refused++
	}
	h.Delay = max(0, start.Sub(e.openEnd))
	ms := h.Delay.Milliseconds()
	if q.Replies == 1 {
		q.DelayMin = ms
	}
	q.sum += h.Delay
	q.DelayMin, q.DelayMax = min(q.DelayMin, ms), max(q.DelayMax, ms)
	q.DelayMean = (q.sum / time.Duration(q.Replies)).Milliseconds()
	e.open, e.answered = nil, true
	e.tell(h)
}

// garbage tells bytes that are no frame; wake-up bytes and what adapters add around frames are not worth a word.
func (e *ear) garbage(b []byte, at time.Time) {
	for len(b) > 0 && (b[0] == 0xFE || b[0] == 0xFF || b[0] == 0x00) {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == 0xFE || b[len(b)-1] == 0xFF || b[len(b)-1] == 0x00) {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return
	}
	why := e.say("不是帧", "not a frame")
	if e.protocol != "modbus" {
		if _, err := dlt645.Decode(b); err != nil && !errors.Is(err, dlt645.ErrNoFrame) {
			why = e.say("受损：%s", "damaged: %s", faultWords(e.lang, err))
		}
	} else if len(b) >= 4 {
		why = e.say("受损：CRC 错误", "damaged: bad CRC")
	}
	h := heard{At: at, Kind: heardGarbage, Hex: dlt645.Redact(b), Text: why, Count: len(b)}
	if e.open != nil {
		h.Meter, e.damaged = e.openTo, true
	}
	e.tell(h)
}

func faultWords(lang string, err error) string {
	if lang == "zh" {
		switch {
		case errors.Is(err, dlt645.ErrChecksum):
			return "校验和错误"
		case errors.Is(err, dlt645.ErrTruncated):
			return "帧不完整"
		case errors.Is(err, dlt645.ErrEnd):
			return "结束符不是 16H"
		case errors.Is(err, dlt645.ErrSecondStart):
			return "第二个起始符不是 68H"
		}
	}
	return err.Error()
}

// of is the count of a meter.
func (e *ear) of(meter string) *meterQuality {
	q := e.quality[meter]
	if q == nil {
		q = &meterQuality{Meter: meter}
		if len(e.quality) < metersMax {
			e.quality[meter] = q
			e.order = append(e.order, meter)
		}
	}
	return q
}

// summary is the count of every meter, in the order they were met.
func (e *ear) summary() (out []meterQuality) {
	for _, m := range e.order {
		if q := e.quality[m]; q.Asked > 0 || q.Replies > 0 {
			out = append(out, *q)
		}
	}
	return out
}
