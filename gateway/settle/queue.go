package settle

import (
	"unsafe"

	"feikong/gateway/account"
	"feikong/protocol"
)

// waiting is an event with who waits for it.
type waiting struct {
	event    account.Event
	done     func(account.Receipt, error) // nil: nobody
	readings int
	bytes    int // in memory
}

func (w *waiting) answer(r account.Receipt, err error) {
	if w.done != nil {
		w.done(r, err)
	}
}

// onDisk is about what the event adds to a commit: 64 bytes a reading, with its share of the account's state.
func (w *waiting) onDisk() int {
	if w.readings > 0 {
		return w.readings * 64
	}
	return w.bytes
}

// weigh says how many readings an event has and what it takes of memory, near enough to bound a queue.
func weigh(ev *account.Event) (readings, bytes int) {
	bytes = int(unsafe.Sizeof(waiting{})) + len(ev.Key) + len(ev.Account) + 256
	if ev.Readings != nil {
		readings = len(ev.Readings.Entries)
		bytes += readings * int(unsafe.Sizeof(protocol.Entry{}))
	}
	if ev.Evidence != nil {
		for i := range ev.Evidence.Entries {
			bytes += 512
			if o := ev.Evidence.Entries[i].Outcome; o != nil {
				for _, f := range o.Frames {
					bytes += 128 + len(f.Bytes) + len(f.Note)
				}
			}
		}
	}
	if ev.Garbage != nil {
		bytes += len(ev.Garbage.Data)
	}
	if ev.Archive != nil {
		bytes += 1024 * len(ev.Archive.Profiles)
		for i := range ev.Archive.Documents {
			bytes += len(ev.Archive.Documents[i].Body)
		}
	}
	return readings, bytes
}

// queue is first in, first out.
type queue struct {
	list  []waiting
	head  int // list[:head] is gone
	bytes int
}

func (q *queue) len() int         { return len(q.list) - q.head }
func (q *queue) front() *waiting  { return &q.list[q.head] }
func (q *queue) items() []waiting { return q.list[q.head:] }

func (q *queue) push(w waiting) {
	if q.head > 0 && q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
	q.list = append(q.list, w)
	q.bytes += w.bytes
}

// pop takes the front, which is w.
func (q *queue) pop(w *waiting) waiting {
	out := *w
	*w = waiting{} // lets go of the batch
	q.head++
	q.bytes -= out.bytes
	if q.head > 1024 && q.head > len(q.list)/2 {
		q.list, q.head = append([]waiting(nil), q.list[q.head:]...), 0
	}
	return out
}
