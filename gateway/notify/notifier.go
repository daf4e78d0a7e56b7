// Package notify carries notices to customers: to the account's terminal 用户终端 over MQTT and to its webhook, again and again until
// there is evidence that one arrived. The evidence, a terminal's receipt or a webhook's 2xx, goes through the door like everything
// else; here nothing is decided and nothing is remembered for good.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// Bounds of delivery.
const (
	firstPause = 2 * time.Second // after the first attempt; doubled by each further one
	longPause  = 5 * time.Minute // a customer's server that is down for days still gets one call every five minutes
	look       = time.Second     // between looks at what is queued, besides each commit with a notice
	givenUp    = 30 * 24 * time.Hour
	failedFrom = 10 // attempts without a word, about a quarter of an hour: then people are told, and it is tried further
	webhooks   = 8  // calls under way at a time: a handful of slow servers must not hold up the others for long
)

// Door is the one way to change an account; settle.Door is it. done must not block.
type Door interface {
	Offer(ev account.Event, done func(account.Receipt, error)) bool
}

// Viewer reads what is durable; store.Store is it.
type Viewer interface {
	View(ctx context.Context, f func(store.View) error) error
}

// Options of a Notifier.
type Options struct {
	Tenant  string
	Store   Viewer
	Door    Door
	Publish func(topic string, payload []byte) error // to the broker; must not block
	Client  *http.Client                             // nil takes one with our time-outs and without redirects
	Log     *slog.Logger
}

// Notifier delivers queued notices. What it remembers may be lost: a restart tries all of them anew, with the same notice ids.
type Notifier struct {
	opt   Options
	wake  chan struct{}
	slots chan struct{} // one token a webhook call

	tries map[noticeKey]*try // owned by Run

	published, delivered, failed atomic.Uint64
}

type noticeKey struct {
	no     account.No
	number uint64
}

// try is what was attempted for one notice since the start.
type try struct {
	attempts int
	next     time.Time
	calling  *atomic.Bool // a webhook call is under way
}

// New makes a notifier that does nothing until Run.
func New(opt Options) *Notifier {
	if opt.Client == nil {
		opt.Client = &http.Client{
			Timeout: callWait,
			// Evidence is the word of the address that the customer gave, not of wherever it points to.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Notifier{opt: opt, wake: make(chan struct{}, 1), slots: make(chan struct{}, webhooks), tries: map[noticeKey]*try{}}
}

// Committed is an after hook of the door: new notices leave at once. It does not block.
func (n *Notifier) Committed(changes account.Changes, _ []account.Receipt) {
	if len(changes.Notices) == 0 {
		return
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Stats counts since start: notices put on terminal topics, webhook calls answered with 2xx, and calls that failed.
func (n *Notifier) Stats() (published, delivered, failed uint64) {
	return n.published.Load(), n.delivered.Load(), n.failed.Load()
}

// Run delivers until ctx ends and the calls under way are over, or the store cannot be read.
func (n *Notifier) Run(ctx context.Context) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := n.round(ctx, &calls); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("deliver notices: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-n.wake:
		}
	}
}

// waiting is a queued notice with where it can go.
type waiting struct {
	record   account.NoticeRecord
	terminal bool
	webhook  string
}

func (n *Notifier) round(ctx context.Context, calls *sync.WaitGroup) error {
	var open []waiting
	err := n.opt.Store.View(ctx, func(v store.View) error {
		records, err := v.OpenNotices()
		for _, r := range records {
			if p := v.Profile(r.No); p != nil {
				open = append(open, waiting{r, p.Terminal != "", p.Webhook})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	now := time.Now()
	tries := make(map[noticeKey]*try, len(open))
	for i := range open {
		w := &open[i]
		key := noticeKey{w.record.No, w.record.Number}
		t := n.tries[key]
		if t == nil {
			t = &try{calling: new(atomic.Bool)}
		}
		tries[key] = t
		if now.Before(t.next) || now.Sub(time.UnixMilli(w.record.Created)) > givenUp {
			continue
		}
		t.next = now.Add(min(firstPause<<min(t.attempts, 20), longPause))
		t.attempts++
		n.failing(w, t.attempts)
		n.attempt(ctx, w, t, calls)
	}
	n.tries = tries // what is no longer queued is forgotten
	return nil
}

// failing tells the account that nobody confirms a notice: from the beginning when there is no way to the customer at all. It is told
// until it is on disk.
func (n *Notifier) failing(w *waiting, attempts int) {
	detail := "no receipt"
	switch {
	case w.record.State != account.NoticeQueued:
		return
	case !w.terminal && w.webhook == "":
		detail = "neither terminal nor webhook"
	case attempts <= failedFrom:
		return
	}
	// Without room at the door it is told with the next attempt.
	n.opt.Door.Offer(account.Event{
		Key: "failure/" + w.record.Notice.ID, Account: w.record.Notice.Account, Actor: "notifier",
		Failure: &account.NoticeFailure{Notice: w.record.Number, Attempts: attempts - 1, Detail: detail},
	}, func(account.Receipt, error) {})
}

// attempt tries every channel of the account once. Any one of them is evidence enough.
func (n *Notifier) attempt(ctx context.Context, w *waiting, t *try, calls *sync.WaitGroup) {
	notice := &w.record.Notice
	body, err := json.Marshal(notice)
	if err != nil {
		n.opt.Log.Error("notice not written", daemon.KeyNotice, notice.ID, daemon.KeyError, err)
		return
	}
	if !w.terminal && w.webhook == "" && t.attempts == 1 {
		n.opt.Log.Warn("notice has no way to its customer", daemon.KeyNotice, notice.ID, daemon.KeyAccount, notice.Account)
	}
	if w.terminal {
		if err := n.opt.Publish(protocol.NoticeTopic(n.opt.Tenant, notice.Account), body); err != nil {
			n.opt.Log.Warn("notice not published", daemon.KeyNotice, notice.ID, daemon.KeyError, err)
		} else {
			n.published.Add(1)
		}
	}
	if w.webhook == "" || !t.calling.CompareAndSwap(false, true) {
		return
	}
	select {
	case n.slots <- struct{}{}:
	default: // all calls are busy: this one is first in the next round
		t.calling.Store(false)
		t.next = time.Now()
		return
	}
	calls.Add(1)
	go func() {
		defer calls.Done()
		defer func() { <-n.slots; t.calling.Store(false) }()
		n.call(ctx, w.webhook, &w.record, body)
	}()
}
