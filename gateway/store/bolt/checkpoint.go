package bolt

import (
	"encoding/binary"
	"fmt"

	"feikong/gateway/account"
)

// sweepCommits bounds how many commits a whole sweep over the pages takes, and so how much is replayed at start-up: two
// sweeps of images at most. At 1 million accounts that makes nine pages, 100 KB, the least a commit rewrites.
const sweepCommits = 2048

// dropMax bounds how many expired image chunks one commit deletes; the rest goes with the next ones.
const dropMax = 4096

// checkpoint is what the engine remembers of the pages on disk beside their bytes.
type checkpoint struct {
	dirty []bool   // the states have moved on since the page was written
	seals []uint32 // of the page as stored
	has   []bool   // the page is stored
}

func (c *checkpoint) grow(pages int) {
	for len(c.dirty) < pages {
		c.dirty, c.seals, c.has = append(c.dirty, false), append(c.seals, 0), append(c.has, false)
	}
}

// pageDone is a page written in a commit; it takes effect in memory after it.
type pageDone struct {
	page int
	seal uint32
}

// putStates appends the images of the touched states.
func (w *writer) putStates(states []*account.State) error {
	const startBytes = 3 * binary.MaxVarintLen64
	var body []byte
	count := 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		value := make([]byte, sealSize, sealSize+startBytes+len(body))
		value = append(value, chunkVersion)
		value = binary.AppendUvarint(value, w.head.Commit)
		value = binary.AppendUvarint(value, uint64(count))
		value = append(value, body...)
		w.head.StateSeq++
		_, err := w.put(bucketStates, keySeq(w.head.StateSeq), value, 0, false)
		body, count = body[:0], 0
		return err
	}
	for _, s := range states {
		before := len(body)
		body = account.AppendState(body, s)
		if size := len(body) - before; size > 4096 {
			// What is this large may be beyond the decoder's bounds: find out before it is the only copy.
			if _, _, err := account.DecodeState(body[before:]); err != nil {
				return fmt.Errorf("state of account %d with %d bytes: %w", s.No, size, err)
			}
		}
		count++
		if len(body) >= chunkBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// sweep rewrites the next pages that are dirty, as seen by state, and drops the images that a whole sweep has overtaken.
func (w *writer) sweep(c *checkpoint, changed, pages int, touched func(page int) bool, state func(account.No) *account.State) ([]pageDone, error) {
	want := max(1, changed/4/pageAccounts, (pages+sweepCommits-1)/sweepCommits)
	var done []pageDone
	for w.head.SweepPage < pages && len(done) < want {
		page := w.head.SweepPage
		w.head.SweepPage++
		if !(page < len(c.dirty) && c.dirty[page]) && !touched(page) {
			continue
		}
		value := make([]byte, sealSize, chunkBytes)
		value = append(value, chunkVersion)
		value = binary.AppendUvarint(value, w.head.StateSeq)
		for no := account.No(page * pageAccounts); no < account.No((page+1)*pageAccounts); no++ {
			if s := state(no); s != nil && s.Version > 0 {
				value = account.AppendState(value, s)
			}
		}
		var old uint32
		replaces := page < len(c.has) && c.has[page]
		if replaces {
			old = c.seals[page]
		}
		sum, err := w.put(bucketPages, keySeq(uint64(page)), value, old, replaces)
		if err != nil {
			return nil, err
		}
		done = append(done, pageDone{page, sum})
	}
	if w.head.SweepPage >= pages {
		// All that was journalled before this sweep began is in pages now.
		w.head.SweptFrom, w.head.SweepFrom = w.head.SweepFrom, w.head.StateSeq+1
		w.head.SweepPage = 0
		w.head.Sweeps++
	}
	return done, w.drop()
}

func (w *writer) drop() error {
	var keys [][]byte
	c := w.bucket(bucketStates).Cursor()
	for k, _ := c.First(); k != nil && len(keys) < dropMax; k, _ = c.Next() {
		if len(k) != 8 {
			return damaged("key %x of %s", k, bucketNames[bucketStates])
		}
		if binary.BigEndian.Uint64(k) >= w.head.SweptFrom {
			break
		}
		keys = append(keys, append([]byte(nil), k...))
	}
	for _, k := range keys {
		if err := w.delete(bucketStates, k); err != nil {
			return err
		}
	}
	return nil
}

// decodePage reads the states of one page and the number of the last image chunk it includes.
func decodePage(data []byte, f func(*account.State) error) (seq uint64, err error) {
	c := cut{b: data}
	version := c.byte()
	seq = c.uint()
	if c.bad || version != chunkVersion {
		return 0, damaged("page of states has layout %d", version)
	}
	for len(c.b) > 0 {
		var s *account.State
		if s, c.b, err = account.DecodeState(c.b); err != nil {
			return 0, damaged("page of states: %v", err)
		}
		if err := f(s); err != nil {
			return 0, err
		}
	}
	return seq, nil
}

// decodeImages reads the states of one image chunk.
func decodeImages(data []byte, f func(*account.State) error) error {
	c := cut{b: data}
	version := c.byte()
	c.uint() // commit, for people with a hex dump
	count := c.uint()
	if c.bad || version != chunkVersion {
		return damaged("chunk of states has layout %d", version)
	}
	for range count {
		s, rest, err := account.DecodeState(c.b)
		if err != nil {
			return damaged("chunk of states: %v", err)
		}
		c.b = rest
		if err := f(s); err != nil {
			return err
		}
	}
	if len(c.b) != 0 {
		return damaged("chunk of states does not end where it should")
	}
	return nil
}
