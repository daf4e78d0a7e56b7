// Package apitest is a gateway for tests of what stands at its surface: the simulated street's archive over the embedded engine, the
// real door, pipeline, interface and pages, without agents.
package apitest

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/configs"
	"feikong/gateway/account"
	"feikong/gateway/api"
	"feikong/gateway/archive"
	"feikong/gateway/cache"
	"feikong/gateway/client"
	"feikong/gateway/console"
	"feikong/gateway/identity"
	"feikong/gateway/pipeline"
	"feikong/gateway/settle"
	"feikong/gateway/store"
	"feikong/gateway/store/bolt"
	"feikong/gateway/verify"
	"feikong/protocol"
)

// Street is one such gateway. It ends with its test.
type Street struct {
	T        *testing.T
	Store    store.Store
	Door     *settle.Door
	Identity *identity.Identity
	API      *api.Server
	URL      string
	Password string // one-time, of admin

	seq uint64 // of the last entry delivered
}

// New starts a street whose archive is in force.
func New(t *testing.T) *Street {
	t.Helper()
	return NewWith(t, func(_ string, body []byte) []byte { return body })
}

// NewWith is New with the street's documents as edit leaves them; edit is called with each document's file name.
func NewWith(t *testing.T, edit func(name string, body []byte) []byte) *Street {
	t.Helper()
	regions, err := cache.New(cache.Options{})
	Must(t, err)
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "feikong.db"), bolt.Options{Config: cache.Loader(regions)})
	Must(t, err)
	s := &Street{T: t, Store: engine}
	s.Password, _, err = identity.Bootstrap(t.Context(), engine)
	Must(t, err)
	s.Identity = identity.New(identity.Options{Store: engine})
	var server *api.Server
	s.Door = settle.NewDoor(engine, pipeline.Think, settle.Options{After: []func(account.Changes, []account.Receipt){
		func(c account.Changes, r []account.Receipt) { server.After(c, r) }}})
	server, err = api.New(api.Options{Store: engine, Door: s.Door, Identity: s.Identity, Verify: verify.Run})
	Must(t, err)
	s.API = server
	pages, err := console.New(console.Options{API: server, Identity: s.Identity})
	Must(t, err)
	mux := http.NewServeMux()
	server.Mount(mux)
	mux.Handle("/", pages)
	web := httptest.NewUnstartedServer(nil)
	web.Config = server.HTTPServer(mux)
	web.Start()
	s.URL = web.URL
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Door.Run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		web.Close()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		Must(t, engine.Close())
	})
	s.archive(edit)
	return s
}

// archive loads the street's profiles and rule documents.
func (s *Street) archive(edit func(string, []byte) []byte) {
	s.T.Helper()
	file := func(name string) []byte {
		data, err := configs.Street.ReadFile("street/" + name)
		Must(s.T, err)
		return edit(name, data)
	}
	book, err := archive.Parse("archive.yaml", file("archive.yaml"))
	Must(s.T, err)
	a := &account.Archive{Profiles: book.Profiles}
	for _, d := range [][2]string{{"tariff", "tariff-flat.yaml"}, {"tariff", "tariff-shandong-household.yaml"}, {"policy", "policies.yaml"}, {"audit", "audit.yaml"}, {"parameter", "parameters.yaml"}} {
		a.Documents = append(a.Documents, account.Document{Region: d[0], Name: d[1], Body: file(d[1])})
	}
	s.Submit(account.Event{Key: "archive/1", Actor: "test", Archive: a})
}

// Submit passes an event through the door.
func (s *Street) Submit(ev account.Event) account.Receipt {
	s.T.Helper()
	r, err := s.Door.Submit(s.T.Context(), ev)
	Must(s.T, err)
	return r
}

// Read delivers a register and a closed relay of a meter, as an agent would.
func (s *Street) Read(line, address, kwh string, at time.Time) {
	s.T.Helper()
	value, exp := decimal(s.T, kwh)
	m := protocol.MeterRef{Line: line, Address: address}
	s.Submit(account.Event{Actor: "agent street-1", Readings: &protocol.ReadingBatch{Agent: "street-1", Epoch: 7, First: s.seq + 1, SentAt: at.UnixMilli(), Entries: []protocol.Entry{
		{Reading: protocol.Reading{Meter: m, Quantity: protocol.ActiveImport, Value: value, Exp: exp, TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}},
		{Reading: protocol.Reading{Meter: m, Quantity: protocol.RelayState, TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}},
	}}})
	s.seq += 2
}

// Client speaks to the API with a token of this process.
func (s *Street) Client() *client.Client { return client.New(s.URL, s.Identity.Internal("tester")) }

// Browser keeps cookies and does not follow redirects.
func (s *Street) Browser() *http.Client {
	jar, err := cookiejar.New(nil)
	Must(s.T, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// decimal reads a register: digits and a power of ten.
func decimal(t *testing.T, text string) (value int64, exp int8) {
	t.Helper()
	digits := strings.Replace(text, ".", "", 1)
	if i := strings.IndexByte(text, '.'); i >= 0 {
		exp = -int8(len(text) - i - 1)
	}
	for _, c := range digits {
		value = value*10 + int64(c-'0')
	}
	return value, exp
}

// Must ends the test when err is one.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
