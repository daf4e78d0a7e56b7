package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

// shelf is one account with its notices.
type shelf struct {
	store.View
	mu      sync.Mutex
	profile account.Profile
	notices []account.NoticeRecord

	failures []account.NoticeFailure
}

type viewer struct{ s *shelf }

func (v viewer) View(_ context.Context, f func(store.View) error) error {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return f(v.s)
}

func (s *shelf) Profile(account.No) *account.Profile { return &s.profile }
func (s *shelf) ByID(id string) (account.No, bool)   { return 1, id == s.profile.ID }
func (s *shelf) Notices(account.No) ([]account.NoticeRecord, error) {
	return s.notices, nil
}

func (s *shelf) OpenNotices() (open []account.NoticeRecord, err error) {
	for _, n := range s.notices {
		if n.State == account.NoticeQueued || n.State == account.NoticeFailed {
			open = append(open, n)
		}
	}
	return open, nil
}

// Offer is the door: the first receipt of a notice makes it delivered.
func (s *shelf) Offer(ev account.Event, done func(account.Receipt, error)) bool {
	s.mu.Lock()
	for i := range s.notices {
		if ev.Failure != nil && s.notices[i].Number == ev.Failure.Notice && s.notices[i].State == account.NoticeQueued {
			s.notices[i].State = account.NoticeFailed
			s.failures = append(s.failures, *ev.Failure)
		}
		if ev.Receipt != nil && s.notices[i].Number == ev.Receipt.Notice {
			s.notices[i].State = account.NoticeDelivered
			s.notices[i].Receipts = append(s.notices[i].Receipts, *ev.Receipt)
		}
	}
	s.mu.Unlock()
	done(account.Receipt{Key: ev.Key, Status: account.Accepted}, nil)
	return true
}

func (s *shelf) receipts() []account.NoticeReceipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notices[0].Receipts
}

type call struct {
	id   string
	body string
	at   time.Duration
}

// web stands in for the customer's server inside a synctest bubble, where no socket may be waited for.
type web struct {
	mu     sync.Mutex
	start  time.Time
	answer func(n int) int // status of call n, from 1; 0 is a lost connection
	calls  []call
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.calls = append(w.calls, call{r.Header.Get("webhook-id"), string(body), time.Since(w.start)})
	status := w.answer(len(w.calls))
	if status == 0 {
		return nil, errors.New("connection lost")
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader("ok")), Header: http.Header{}, Request: r}, nil
}

func queued() []account.NoticeRecord {
	return []account.NoticeRecord{{No: 1, Number: 1, State: account.NoticeQueued, Created: time.Now().UnixMilli(), Notice: protocol.Notice{
		ID: "1001-n1", Account: "1001", Kind: protocol.NoticeReminder, Available: "-1.00", Currency: "CNY", TextZH: "请交费", TextEN: "Please pay"}}}
}

func launch(t *testing.T, n *Notifier) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("notifier ended with %v", err)
		}
	})
}

func silent(string, []byte) error { return nil }

func TestWebhookIsRepeatedWithBackOffUntilItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{profile: account.Profile{ID: "1001", Webhook: "http://customer.example/hook"}, notices: queued()}
		w := &web{start: time.Now(), answer: func(n int) int { return []int{0, 500, 302, 204}[n-1] }}
		n := New(Options{Tenant: "default", Store: viewer{s}, Door: s, Publish: silent, Log: slog.New(slog.DiscardHandler)})
		n.opt.Client.Transport = w
		launch(t, n)
		time.Sleep(time.Hour)
		synctest.Wait()
		want := []time.Duration{0, 2 * time.Second, 6 * time.Second, 14 * time.Second}
		var got []time.Duration
		for _, c := range w.calls {
			got = append(got, c.at)
			var body protocol.Notice
			if err := json.Unmarshal([]byte(c.body), &body); err != nil || c.id != "1001-n1" || body.TextZH != "请交费" {
				t.Errorf("got %+v, %v", c, err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]account.NoticeReceipt{{Notice: 1, Channel: "webhook", Detail: "HTTP 204"}}, s.receipts()); diff != "" {
			t.Error(diff)
		}
		if _, delivered, failed := n.Stats(); delivered != 1 || failed != 3 {
			t.Errorf("got %d delivered and %d failed, want 1 and 3", delivered, failed)
		}
	})
}

func TestBackOffStaysBelowFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{profile: account.Profile{ID: "1001", Webhook: "http://customer.example/hook"}, notices: queued()}
		w := &web{start: time.Now(), answer: func(int) int { return 503 }}
		n := New(Options{Tenant: "default", Store: viewer{s}, Door: s, Publish: silent, Log: slog.New(slog.DiscardHandler)})
		n.opt.Client.Transport = w
		launch(t, n)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if calls := len(w.calls); calls < 28 || calls > 34 {
			t.Errorf("called %d times in two hours, want about once in five minutes", calls)
		}
	})
}

func TestTerminalIsToldUntilItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{profile: account.Profile{ID: "1001", Terminal: "secret"}, notices: queued()}
		var topics []string
		n := New(Options{Tenant: "default", Store: viewer{s}, Door: s, Log: slog.New(slog.DiscardHandler),
			Publish: func(topic string, _ []byte) error { topics = append(topics, topic); return nil }})
		launch(t, n)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		ev, err := n.Answer(t.Context(), "1001", []byte(`{"id":"1001-n1","at":"2026-07-01T08:00:00+08:00"}`))
		if err != nil {
			t.Fatal(err)
		}
		if ev.Key != "receipt/1001-n1/terminal" || ev.Account != "1001" || ev.Receipt.Notice != 1 {
			t.Errorf("got %+v", ev)
		}
		s.Offer(ev, func(account.Receipt, error) {})
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(topics) != 2 || topics[0] != protocol.NoticeTopic("default", "1001") {
			t.Errorf("got %v, want it told at 0 and 2 s and not after the answer", topics)
		}
	})
}

func TestWrongReceiptsAreNoEvidence(t *testing.T) {
	s := &shelf{profile: account.Profile{ID: "1001"}, notices: queued()}
	n := New(Options{Store: viewer{s}, Door: s, Log: slog.New(slog.DiscardHandler)})
	for _, c := range []struct{ account, payload, want string }{
		{"1001", `{`, "read receipt"},
		{"1001", `{"id":"1001-n2"}`, "not found"},
		{"1001", `{"id":""}`, "not found"},
		{"1002", `{"id":"1001-n1"}`, "not found"},
		{"1001", `{"id":"` + strings.Repeat("x", receiptMax) + `"}`, "at most"},
	} {
		if _, err := n.Answer(t.Context(), c.account, []byte(c.payload)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.30s: got %v, want %q", c.account, c.payload, err, c.want)
		}
	}
}

func TestWebhookOverARealConnection(t *testing.T) {
	got := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	s := &shelf{profile: account.Profile{ID: "1001", Webhook: server.URL + "/notices"}, notices: queued()}
	n := New(Options{Tenant: "default", Store: viewer{s}, Door: s, Publish: silent, Log: slog.New(slog.DiscardHandler)})
	launch(t, n)
	select {
	case r := <-got:
		if r.Method != http.MethodPost || r.Header.Get("webhook-id") != "1001-n1" || r.Header.Get("webhook-timestamp") == "" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %v", r.Method, r.Header)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the webhook was not called")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"1001-n1","at":"x"}`))
	s := &shelf{profile: account.Profile{ID: "1001"}, notices: queued()}
	n := New(Options{Store: viewer{s}, Door: s, Log: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if ev, err := n.Answer(t.Context(), "1001", payload); err == nil && ev.Receipt.Notice != 1 {
			t.Errorf("got %+v", ev)
		}
	})
}

// After ten attempts without a word people are told, once; the notice goes on being tried, and a late answer still counts.
func TestNoticeThatNobodyConfirmsIsToldToPeopleAndTriedFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{profile: account.Profile{No: 1, ID: "1001", Webhook: "http://customer.example/hook"}, notices: queued()}
		up := false
		w := &web{start: time.Now(), answer: func(int) int {
			if up {
				return 200
			}
			return 0
		}}
		launch(t, New(Options{Tenant: "default", Store: viewer{s}, Door: s, Publish: silent, Client: &http.Client{Transport: w}, Log: slog.New(slog.DiscardHandler)}))
		time.Sleep(time.Hour)
		synctest.Wait()
		s.mu.Lock()
		if diff := cmp.Diff([]account.NoticeFailure{{Notice: 1, Attempts: failedFrom, Detail: "no receipt"}}, s.failures); diff != "" {
			t.Error(diff)
		}
		s.mu.Unlock()
		w.mu.Lock()
		if up = true; len(w.calls) < failedFrom+5 {
			t.Errorf("%d calls in an hour: it was given up", len(w.calls))
		}
		w.mu.Unlock()
		time.Sleep(longPause + time.Second)
		synctest.Wait()
		if len(s.receipts()) != 1 {
			t.Error("the late delivery did not count")
		}
	})
}

func TestNoticeWithoutAWayToItsCustomerFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{profile: account.Profile{No: 1, ID: "1001"}, notices: queued()}
		launch(t, New(Options{Tenant: "default", Store: viewer{s}, Door: s, Publish: silent, Log: slog.New(slog.DiscardHandler)}))
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.failures) != 1 || s.failures[0].Detail != "neither terminal nor webhook" {
			t.Errorf("failures %+v", s.failures)
		}
	})
}
