package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

// shelf is a store of a few orders and due times; what it is not asked for here it does not have.
type shelf struct {
	store.View
	mu     sync.Mutex
	orders []account.OrderRecord
	due    map[account.No]int64
	broken error
}

func (s *shelf) look(_ context.Context, f func(store.View) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	return f(s)
}

type viewer struct{ s *shelf }

func (v viewer) View(ctx context.Context, f func(store.View) error) error { return v.s.look(ctx, f) }

func (s *shelf) OpenOrders(string) ([]account.OrderRecord, error) { return s.orders, nil }
func (s *shelf) Profile(no account.No) *account.Profile {
	return &account.Profile{ID: string(rune('a' + no))}
}

func (s *shelf) NextDue() (next int64) {
	for _, at := range s.due {
		if next == 0 || at < next {
			next = at
		}
	}
	return next
}

func (s *shelf) Due(now int64, limit int) (all []account.No) {
	for no, at := range s.due {
		if at <= now && len(all) < limit {
			all = append(all, no)
		}
	}
	return all
}

func (s *shelf) set(do func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

type sending struct {
	agent  string
	number uint64
	at     time.Duration
}

// dispatch runs a dispatcher in the bubble and gives what it sent, with the time since the start.
func dispatch(t *testing.T, s *shelf) (*Dispatcher, *[]sending) {
	t.Helper()
	start, sent := time.Now(), new([]sending)
	d := NewDispatcher(viewer{s}, func(agent string, o protocol.Order) error {
		*sent = append(*sent, sending{agent, o.ID.Number, time.Since(start)})
		return nil
	}, slog.New(slog.DiscardHandler))
	launch(t, d.Run)
	return d, sent
}

func launch(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func order(agent string, number uint64, deadline time.Duration) account.OrderRecord {
	return account.OrderRecord{No: account.No(number), Number: number, State: account.OrderQueued, Order: protocol.Order{
		ID: protocol.OrderID{Generation: 1, Number: number}, Agent: agent, Action: protocol.ActionTrip, Deadline: time.Now().Add(deadline).UnixMilli()}}
}

func TestOrderIsRepeatedUntilAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		d, sent := dispatch(t, s)
		synctest.Wait()
		s.set(func(s *shelf) { s.orders = []account.OrderRecord{order("street-1", 4, time.Minute)} })
		d.Committed(account.Changes{Orders: s.orders}, nil)
		time.Sleep(7 * time.Second)
		synctest.Wait()
		s.set(func(s *shelf) { s.orders = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []sending{{"street-1", 4, 0}, {"street-1", 4, 3 * time.Second}, {"street-1", 4, 6 * time.Second}}
		if diff := cmp.Diff(want, *sent, cmp.AllowUnexported(sending{})); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOrderIsNotSentAfterItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.orders = []account.OrderRecord{order("street-1", 4, 4*time.Second)}
		_, sent := dispatch(t, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(*sent) != 2 {
			t.Errorf("got %v, want it sent at 0 and 3 s and never after 4 s", *sent)
		}
	})
}

func TestHelloSendsTheAgentsOpenOrdersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.orders = []account.OrderRecord{order("street-1", 4, time.Minute), order("street-2", 5, time.Minute)}
		d, sent := dispatch(t, s)
		time.Sleep(time.Second)
		synctest.Wait()
		d.Hello("street-2")
		synctest.Wait()
		if got := *sent; len(got) != 3 || got[2].agent != "street-2" || got[2].at != time.Second {
			t.Errorf("got %v", got)
		}
	})
}

func TestUnreadableStoreEndsTheDispatcher(t *testing.T) {
	d := NewDispatcher(viewer{&shelf{broken: store.ErrBroken}}, nil, slog.New(slog.DiscardHandler))
	if err := d.Run(t.Context()); !errors.Is(err, store.ErrBroken) {
		t.Errorf("got %v, want %v", err, store.ErrBroken)
	}
}

// gate settles what it is offered at once, by giving the account its next due time.
type gate struct {
	s     *shelf
	next  func(id string) int64 // 0: nothing is due any more; below 0: refused
	calls []time.Duration
	start time.Time
}

func (g *gate) Offer(ev account.Event, done func(account.Receipt, error)) bool {
	g.calls = append(g.calls, time.Since(g.start))
	next := g.next(ev.Account)
	no := account.No(ev.Account[0] - 'a')
	status := account.Accepted
	g.s.set(func(s *shelf) {
		switch {
		case next > 0:
			s.due[no] = next
		case next == 0:
			delete(s.due, no)
		default:
			status = account.Refused
		}
	})
	done(account.Receipt{Status: status}, nil)
	return true
}

func TestDueAccountsAreBroughtAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{due: map[account.No]int64{1: time.Now().Add(6 * time.Second).UnixMilli()}}
		g := &gate{s: s, start: time.Now(), next: func(string) int64 { return 0 }}
		timers := NewTimers(viewer{s}, g, slog.New(slog.DiscardHandler))
		launch(t, timers.Run)
		time.Sleep(time.Second)
		synctest.Wait()
		s.set(func(s *shelf) { s.due[2] = time.Now().Add(2 * time.Second).UnixMilli() })
		timers.Committed(account.Changes{States: []*account.State{{Due: 1}}}, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{3 * time.Second, 6 * time.Second}, g.calls); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAccountThatStaysDueIsNotABusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{due: map[account.No]int64{1: time.Now().UnixMilli()}}
		g := &gate{s: s, start: time.Now(), next: func(string) int64 { return -1 }}
		launch(t, NewTimers(viewer{s}, g, slog.New(slog.DiscardHandler)).Run)
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		if n := len(g.calls); n < 9 || n > 12 {
			t.Errorf("brought %d times in 10 s, want about once a second", n)
		}
	})
}
