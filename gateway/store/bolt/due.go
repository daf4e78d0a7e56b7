package bolt

import (
	"sort"
	"sync"

	"feikong/gateway/account"
)

// dueIndex is a heap of the accounts that have a due time, with the place of each, so that a change of an account moves
// one element. It follows commits, never runs ahead of them.
type dueIndex struct {
	mu    sync.Mutex // guards all below
	heap  []dueAt
	place []int32 // by account number; 0 not in the heap, otherwise index + 1
}

type dueAt struct {
	at int64
	no account.No
}

func (a dueAt) before(b dueAt) bool { return a.at < b.at || a.at == b.at && a.no < b.no }

// set moves an account to its new due time; 0 takes it out.
func (d *dueIndex) set(no account.No, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for uint64(no) >= uint64(len(d.place)) {
		d.place = append(d.place, make([]int32, 1+len(d.place))...)
	}
	i := int(d.place[no]) - 1
	switch {
	case i < 0 && at == 0:
	case i < 0:
		d.heap = append(d.heap, dueAt{at, no})
		d.place[no] = int32(len(d.heap))
		d.up(len(d.heap) - 1)
	case at == 0:
		last := len(d.heap) - 1
		d.swap(i, last)
		d.heap = d.heap[:last]
		d.place[no] = 0
		if i < last {
			d.down(i)
			d.up(i)
		}
	default:
		d.heap[i].at = at
		d.down(i)
		d.up(i)
	}
}

// next is the earliest due time, 0 when there is none.
func (d *dueIndex) next() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.heap) == 0 {
		return 0
	}
	return d.heap[0].at
}

// upTo lists the accounts due at now, earliest first, at most limit. Only the due part of the heap is walked.
func (d *dueIndex) upTo(now int64, limit int) []account.No {
	d.mu.Lock()
	var found []dueAt
	todo := []int{0}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i >= len(d.heap) || d.heap[i].at > now {
			continue
		}
		found = append(found, d.heap[i])
		todo = append(todo, 2*i+1, 2*i+2)
	}
	d.mu.Unlock()
	sort.Slice(found, func(i, j int) bool { return found[i].before(found[j]) })
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	out := make([]account.No, len(found))
	for i := range found {
		out[i] = found[i].no
	}
	return out
}

func (d *dueIndex) swap(i, j int) {
	d.heap[i], d.heap[j] = d.heap[j], d.heap[i]
	d.place[d.heap[i].no], d.place[d.heap[j].no] = int32(i+1), int32(j+1)
}

func (d *dueIndex) up(i int) {
	for i > 0 && d.heap[i].before(d.heap[(i-1)/2]) {
		d.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (d *dueIndex) down(i int) {
	for {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < len(d.heap) && d.heap[c].before(d.heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		d.swap(i, least)
		i = least
	}
}
