package meter

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// Quality is how well a meter talks, counted since start: what a technician looks at before a cable is exchanged.
type Quality struct {
	Replies   uint64 // usable answers, refusals among them
	Retries   uint64 // requests sent again because nothing usable came
	Silent    uint64 // exchanges without a byte
	Faults    uint64 // exchanges where bytes came and no usable answer
	Checksums uint64 // of the faults, those whose frame had a wrong checksum

	// Delay is from the end of the request to the first byte of the answer, of usable answers.
	DelayMin, DelayMean, DelayMax time.Duration
}

// Measured is a meter whose quality is counted; all drivers are.
type Measured interface{ Quality() Quality }

// counter keeps what the status message and the tools tell of one meter since start.
type counter struct {
	mu     sync.Mutex // guards all below
	st     protocol.MeterStatus
	q      Quality
	sum    time.Duration // of all delays
	n      int64         // delays in sum
	failed []byte        // the request that was not answered last
}

// Status is the count so far; BackoffUntil is the poller's to fill in.
func (c *counter) Status() protocol.MeterStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.st
	st.Retries, st.DelayMinMs, st.DelayMaxMs = c.q.Retries, c.q.DelayMin.Milliseconds(), c.q.DelayMax.Milliseconds()
	return st
}

// Quality is the count so far.
func (c *counter) Quality() Quality {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.q
}

// note counts one exchange. err is the line's error, or what was wrong with the answer.
func (c *counter) note(x *line.Exchange, set line.Settings, err error) {
	if !x.Wrote {
		return // it says nothing about the meter
	}
	if x.Baud != 0 {
		set.Baud = x.Baud
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes.Equal(c.failed, x.Request) {
		c.q.Retries++
	}
	c.failed = c.failed[:0]
	switch {
	case err == nil, errors.Is(err, ErrRefused):
		c.answered(x, set)
		c.st.Replies++ // a refusal is a sound answer: a meter that keeps no freezes is not a bad line
	case errors.Is(err, line.ErrSilent) && x.Received == 0:
		c.st.Silent++
		c.q.Silent++
		c.failed = append(c.failed, x.Request...)
	case x.Received > 0:
		c.st.Faults++
		c.q.Faults++
		if errors.Is(err, dlt645.ErrChecksum) || errors.Is(err, modbus.ErrCRC) {
			c.q.Checksums++
		}
		c.failed = append(c.failed, x.Request...)
	}
}

// answered counts a usable answer and its delay.
func (c *counter) answered(x *line.Exchange, set line.Settings) {
	c.q.Replies++
	if x.RepliedAt.IsZero() {
		return
	}
	d := max(0, x.RepliedAt.Sub(x.SentAt)-set.CharTime(len(x.Request)))
	c.st.LastReply, c.st.DelayMs = x.RepliedAt.UnixMilli(), d.Milliseconds()
	if c.n == 0 || d < c.q.DelayMin {
		c.q.DelayMin = d
	}
	c.sum, c.n = c.sum+d, c.n+1
	c.q.DelayMax, c.q.DelayMean = max(c.q.DelayMax, d), c.sum/time.Duration(c.n)
}
