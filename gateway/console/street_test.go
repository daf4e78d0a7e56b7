package console_test

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

// street is a gateway without agents: the simulated street's archive over the embedded engine, the real door and pipeline.
type street struct {
	t        *testing.T
	store    store.Store
	door     *settle.Door
	identity *identity.Identity
	api      *api.Server
	url      string
	password string // one-time, of admin
	seq      uint64
}

func newStreet(t *testing.T) *street {
	t.Helper()
	regions, err := cache.New(cache.Options{})
	must(t, err)
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "feikong.db"), bolt.Options{Config: cache.Loader(regions)})
	must(t, err)
	s := &street{t: t, store: engine}
	s.password, _, err = identity.Bootstrap(t.Context(), engine)
	must(t, err)
	s.identity = identity.New(identity.Options{Store: engine})
	var server *api.Server
	s.door = settle.NewDoor(engine, pipeline.Think, settle.Options{After: []func(account.Changes, []account.Receipt){
		func(c account.Changes, r []account.Receipt) { server.After(c, r) }}})
	server, err = api.New(api.Options{Store: engine, Door: s.door, Identity: s.identity, Verify: verify.Run})
	must(t, err)
	s.api = server
	pages, err := console.New(console.Options{API: server, Identity: s.identity})
	must(t, err)
	mux := http.NewServeMux()
	server.Mount(mux)
	mux.Handle("/", pages)
	web := httptest.NewUnstartedServer(nil)
	web.Config = server.HTTPServer(mux)
	web.Start()
	s.url = web.URL
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.door.Run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		web.Close()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		must(t, engine.Close())
	})
	s.archive()
	return s
}

// archive loads the street's profiles and rule documents.
func (s *street) archive() {
	s.t.Helper()
	file := func(name string) []byte {
		data, err := configs.Street.ReadFile("street/" + name)
		must(s.t, err)
		return data
	}
	book, err := archive.Parse("archive.yaml", file("archive.yaml"))
	must(s.t, err)
	a := &account.Archive{Profiles: book.Profiles}
	for _, d := range [][2]string{{"tariff", "tariff-flat.yaml"}, {"tariff", "tariff-shandong-household.yaml"}, {"policy", "policies.yaml"}, {"audit", "audit.yaml"}, {"parameter", "parameters.yaml"}} {
		a.Documents = append(a.Documents, account.Document{Region: d[0], Name: d[1], Body: file(d[1])})
	}
	s.submit(account.Event{Key: "archive/1", Actor: "test", Archive: a})
}

func (s *street) submit(ev account.Event) account.Receipt {
	s.t.Helper()
	r, err := s.door.Submit(s.t.Context(), ev)
	must(s.t, err)
	return r
}

// read delivers a register and a closed relay of a meter, as an agent would.
func (s *street) read(line, address, kwh string, at time.Time) {
	s.t.Helper()
	value, exp := decimal(s.t, kwh)
	m := protocol.MeterRef{Line: line, Address: address}
	s.submit(account.Event{Actor: "agent street-1", Readings: &protocol.ReadingBatch{Agent: "street-1", Epoch: 7, First: s.seq + 1, SentAt: at.UnixMilli(), Entries: []protocol.Entry{
		{Reading: protocol.Reading{Meter: m, Quantity: protocol.ActiveImport, Value: value, Exp: exp, TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}},
		{Reading: protocol.Reading{Meter: m, Quantity: protocol.RelayState, TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary}},
	}}})
	s.seq += 2
}

// client speaks to the API with a token of this process.
func (s *street) client() *client.Client { return client.New(s.url, s.identity.Internal("tester")) }

// browser keeps cookies and does not follow redirects.
func (s *street) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
