package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

const (
	// partsMax bounds the parts of one answer well below the assembler's 255: what is asked for here has some hundred bytes,
	// and a meter that always says "more" must not hold the line for minutes.
	partsMax = 40
	// partTries is how often one part of an answer is asked for.
	partTries = 3
	// lostMax bounds the parts of one answer that are lost: an answer of 1997 begins anew after each (its parts have no
	// number), and a meter that promises more and never gives it would be asked for ever.
	lostMax = 6
)

// read asks for one item of the edition that w names and copies its data out, with the parts that follow (后续帧).
func (m *DLT645) read(ctx context.Context, c Call, w way, d dlt645.DI) (data []byte, at time.Time, err error) {
	request := dlt645.ReadRequest(m.addr, d)
	if w.edition == ed1997 {
		request = dlt645.ReadRequest1997(m.addr, d)
	}
	data, at, err = m.readFrame(ctx, c, w, request)
	if err != nil {
		return nil, at, fmt.Errorf("item %s: %w", itemName(w, d), err)
	}
	return data, at, nil
}

// readFrame is read for a request that carries more than the identifier. at is when the first byte of the answer came.
func (m *DLT645) readFrame(ctx context.Context, c Call, w way, request dlt645.Frame) (data []byte, at time.Time, err error) {
	whole, err := dlt645.NewAssembler(request)
	if err != nil {
		return nil, at, err
	}
	for lost, done := 0, false; !done; {
		x := &line.Exchange{}
		if done, err = m.part(ctx, c, w, whole, x, &lost); err != nil {
			return nil, at, err
		}
		switch n := whole.Parts(); {
		case n == 1:
			at = x.RepliedAt
		case n > partsMax:
			return nil, at, fmt.Errorf("more than %d parts: %w", partsMax, dlt645.ErrTooLong)
		}
	}
	return whole.Data(), at, nil
}

// part reads one frame of an answer. The first is not repeated here: who asked knows how often. For a later one the
// meter says the same block again, and what it had already said would be lost with it.
func (m *DLT645) part(ctx context.Context, c Call, w way, whole *dlt645.Assembler, x *line.Exchange, lost *int) (done bool, err error) {
	f, begun := whole.Request(), whole.Parts() > 0
	for try := 1; ; try++ {
		*x = line.Exchange{}
		err = m.exchange(ctx, c, w, f, x, replyData, func(r dlt645.Frame) (err error) {
			done, err = whole.Take(r)
			return err
		})
		if err == nil || !begun || !errors.Is(err, line.ErrSilent) || ctx.Err() != nil || try == partTries || *lost == lostMax {
			return done, err
		}
		*lost++
		f = whole.Repeat()
	}
}

// probe is a read that a meter of the edition answers, whatever else it is.
func (m *DLT645) probe(ctx context.Context, c Call, w way) error {
	d := dlt645.DIForwardTotal
	if w.edition == ed1997 {
		d = di1997Total
	}
	_, _, err := m.read(ctx, c, w, d)
	return err
}

func itemName(w way, d dlt645.DI) string {
	if w.edition == ed1997 {
		return fmt.Sprintf("%04X", uint32(d))
	}
	return d.String()
}
