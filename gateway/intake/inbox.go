package intake

import (
	"context"
	"sync"
)

// Bounds of the inbox. What does not fit is dropped unacknowledged, and its sender sends it again.
const (
	inboxMax = 16 << 20 // bytes waiting to be decoded: 64 full packets, or about a second of readings
	shareMax = 4        // one sender may hold a quarter of it, so a rude one does not shut the others out
	overhead = 256      // bytes counted for a packet besides its payload: the bound holds for tiny packets too
)

// packet is one message as it came from the broker.
type packet struct {
	sender  string // agent id, or account ID for receipts
	kind    string // "readings", "evidence", "hello", "status", or "receipt"
	topic   string
	payload []byte
}

func (p *packet) size() int { return len(p.payload) + len(p.topic) + overhead }

// inbox is a queue bounded in bytes. put never waits; take does.
type inbox struct {
	max  int
	wake chan struct{} // holds one token while something may wait

	mu     sync.Mutex // guards the rest
	queue  []packet
	bytes  int
	shares map[string]int // bytes by sender, absent when none
}

func newInbox(most int) *inbox {
	return &inbox{max: most, wake: make(chan struct{}, 1), shares: map[string]int{}}
}

// put takes the packet over, or reports false when there is no room for it.
func (b *inbox) put(p packet) bool {
	size := p.size()
	b.mu.Lock()
	defer b.mu.Unlock()
	// A sender's first packet always fits its share: a share below the packet cap must not shut a sender out for good.
	share := b.shares[p.sender]
	if b.bytes+size > b.max || share > 0 && share+size > b.max/shareMax {
		return false
	}
	b.queue = append(b.queue, p)
	b.bytes += size
	b.shares[p.sender] = share + size
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take waits for packets and gives all that wait, in the order they came; nil when ctx ended.
func (b *inbox) take(ctx context.Context, into []packet) []packet {
	for {
		b.mu.Lock()
		into = append(into[:0], b.queue...)
		clear(b.queue)
		b.queue = b.queue[:0]
		b.bytes = 0
		clear(b.shares)
		b.mu.Unlock()
		if len(into) > 0 {
			return into
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// waiting is how many bytes wait now.
func (b *inbox) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}
