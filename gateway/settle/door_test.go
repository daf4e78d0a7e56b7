package settle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

// fakeStore settles in memory. hold, when set, keeps each call until it gets a token; it is stricter than an engine: two
// calls at once fail the test.
type fakeStore struct {
	store.Store
	t     *testing.T
	hold  chan struct{}
	fail  func(events []account.Event) error
	mu    sync.Mutex
	busy  bool
	calls [][]account.Event
}

func (f *fakeStore) Settle(ctx context.Context, events []account.Event, think func(account.Facts, []account.Event) account.Changes) ([]account.Receipt, error) {
	f.mu.Lock()
	if f.busy {
		f.t.Error("two settlements at once")
	}
	f.busy = true
	f.mu.Unlock()
	defer func() { f.mu.Lock(); f.busy = false; f.mu.Unlock() }()
	if f.hold != nil {
		<-f.hold
	}
	f.mu.Lock()
	f.calls = append(f.calls, events)
	f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(events); err != nil {
			return nil, err
		}
	}
	ch := think(nil, events)
	for i := range ch.Receipts {
		ch.Receipts[i].Commit = uint64(len(f.calls))
	}
	return ch.Receipts, nil
}

func accept(_ account.Facts, events []account.Event) account.Changes {
	ch := account.Changes{}
	for _, ev := range events {
		ch.Receipts = append(ch.Receipts, account.Receipt{Key: ev.Key, Status: account.Accepted})
	}
	return ch
}

func batch(n int) account.Event {
	return account.Event{Readings: &protocol.ReadingBatch{Entries: make([]protocol.Entry, n)}}
}

// run starts d and returns what stops it and gives Run's error.
func run(t *testing.T, d *Door) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return func() error { cancel(); return <-ended }
}

func TestWhatWaitsGoesIntoOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t, hold: make(chan struct{}, 99)}
		var commits []uint64
		d := NewDoor(s, accept, Options{After: []func(account.Changes, []account.Receipt){func(_ account.Changes, r []account.Receipt) { commits = append(commits, r[0].Commit) }}})
		stop := run(t, d)
		answered := 0
		offer := func(ev account.Event) {
			if !d.Offer(ev, func(_ account.Receipt, err error) {
				if err != nil {
					t.Error(err)
				}
				answered++
			}) {
				t.Error("no room")
			}
		}
		offer(batch(1000))
		synctest.Wait() // the first is under way
		for range 10 {
			offer(batch(1000))
		}
		s.hold <- struct{}{}
		synctest.Wait()
		if answered != 1 {
			t.Errorf("%d answered after the first commit", answered)
		}
		s.hold <- struct{}{}
		s.hold <- struct{}{}
		synctest.Wait()
		sizes := []int{}
		for _, c := range s.calls {
			sizes = append(sizes, len(c))
		}
		if fmt.Sprint(sizes) != "[1 8 2]" || answered != 11 || fmt.Sprint(commits) != "[1 2 3]" {
			t.Errorf("gatherings %v, answered %d, commits %v", sizes, answered, commits)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestPeopleComeBeforeReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t, hold: make(chan struct{}, 99)}
		d := NewDoor(s, accept, Options{QueueBytes: 4 << 20})
		stop := run(t, d)
		d.Offer(batch(1), nil)
		synctest.Wait()
		full := false
		for range 100_000 {
			if full = !d.Offer(batch(1000), nil); full {
				break
			}
		}
		if !full {
			t.Error("the queue has no bound")
		}
		got := make(chan account.Receipt, 1)
		go func() {
			r, err := d.Submit(t.Context(), account.Event{Key: "k"})
			if err != nil {
				t.Error(err)
			}
			got <- r
		}()
		synctest.Wait()
		s.hold <- struct{}{}
		s.hold <- struct{}{}
		if r := <-got; r.Commit != 2 || r.Key != "k" {
			t.Errorf("receipt %+v", r)
		}
		close(s.hold)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Due times, receipts and outcomes do not wait behind half a minute of readings, and they cannot shut people out.
func TestTimersAndEvidenceDoNotWaitBehindReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t, hold: make(chan struct{}, 99)}
		d := NewDoor(s, accept, Options{})
		stop := run(t, d)
		d.Offer(batch(1), nil)
		synctest.Wait()
		for range 30 {
			d.Offer(batch(1000), nil)
		}
		for _, ev := range []account.Event{{Due: &account.Due{}}, {Receipt: &account.NoticeReceipt{}}, {Evidence: &protocol.EvidenceBatch{Entries: make([]protocol.Evidence, 1)}}} {
			d.Offer(ev, nil)
		}
		close(s.hold)
		synctest.Wait()
		if c := s.calls[1]; len(c) < 4 || c[0].Due == nil || c[1].Receipt == nil || c[2].Evidence == nil || c[3].Readings == nil {
			t.Errorf("second commit %+v", c)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestNowNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t}
		d := NewDoor(s, accept, Options{})
		stop := run(t, d)
		ahead := time.Now().Add(time.Hour).UnixMilli()
		for _, now := range []int64{0, ahead, 0, 5} {
			if _, err := d.Submit(t.Context(), account.Event{Now: now}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		last := int64(0)
		for _, c := range s.calls {
			if c[0].Now < last || c[0].Now == 0 {
				t.Errorf("now %d after %d", c[0].Now, last)
			}
			last = c[0].Now
		}
		if last != ahead {
			t.Errorf("now %d, want %d", last, ahead)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOnePoisonedEventFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		poison := errors.New("poison")
		s := &fakeStore{t: t, fail: func(events []account.Event) error {
			for _, ev := range events {
				if ev.Key == "bad" {
					return poison
				}
			}
			return nil
		}}
		d := NewDoor(s, accept, Options{})
		errs := map[string]error{}
		for _, key := range []string{"a", "bad", "c"} {
			d.Offer(account.Event{Key: key}, func(_ account.Receipt, err error) { errs[key] = err })
		}
		stop := run(t, d)
		synctest.Wait()
		if len(errs) != 3 || errs["a"] != nil || !errors.Is(errs["bad"], poison) || errs["c"] != nil {
			t.Errorf("errors %v", errs)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestArchiveGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t}
		d := NewDoor(s, accept, Options{})
		for _, ev := range []account.Event{{Key: "a"}, {Archive: &account.Archive{}}, {Key: "b"}, {Key: "c"}} {
			d.Offer(ev, nil)
		}
		stop := run(t, d)
		synctest.Wait()
		if len(s.calls) != 3 || s.calls[1][0].Archive == nil || len(s.calls[1]) != 1 || len(s.calls[2]) != 2 {
			t.Errorf("calls %v", s.calls)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestBrokenStoreStopsTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t, fail: func([]account.Event) error { return store.ErrBroken }}
		d := NewDoor(s, accept, Options{After: []func(account.Changes, []account.Receipt){func(account.Changes, []account.Receipt) { t.Error("after a commit that failed") }}})
		ended := make(chan error, 1)
		go func() { ended <- d.Run(t.Context()) }()
		if _, err := d.Submit(t.Context(), account.Event{}); !errors.Is(err, store.ErrBroken) {
			t.Errorf("submit: %v", err)
		}
		if err := <-ended; !errors.Is(err, store.ErrBroken) {
			t.Errorf("run: %v", err)
		}
		if _, err := d.Submit(t.Context(), account.Event{}); !errors.Is(err, ErrStopped) {
			t.Errorf("submit to a closed door: %v", err)
		}
		if d.Offer(account.Event{}, nil) {
			t.Error("a closed door took an event")
		}
	})
}

func TestCallerThatGoesAwayIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{t: t, hold: make(chan struct{})}
		d := NewDoor(s, accept, Options{})
		stop := run(t, d)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Submit(ctx, account.Event{Key: "k"}); !errors.Is(err, ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("submit: %v", err)
		}
		close(s.hold)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
