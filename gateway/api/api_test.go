package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"feikong/gateway/api/apitest"
	"feikong/gateway/api/wire"
	"feikong/gateway/client"
)

func TestTheSamePaymentKeyPostsOnce(t *testing.T) {
	s := apitest.New(t)
	c, ctx := s.Client(), t.Context()
	first, err := c.Pay(ctx, "1001", "till-7/1", "50.00", "cash")
	apitest.Must(t, err)
	again, err := c.Pay(ctx, "1001", "till-7/1", "50", "cash")
	apitest.Must(t, err)
	if first.Replay || !again.Replay || again.Ref != first.Ref || again.Commit != first.Commit {
		t.Errorf("got %+v then %+v, want the same receipt, replayed", first, again)
	}
	if _, err = c.Pay(ctx, "1001", "till-7/1", "51.00", "cash"); !client.Is(err, "payment-conflict") {
		t.Errorf("another amount: got %v, want payment-conflict", err)
	}
	if _, err = c.Pay(ctx, "1002", "till-7/1", "50.00", "cash"); !client.Is(err, "payment-conflict") {
		t.Errorf("another account: got %v, want payment-conflict", err)
	}
	ledger, err := c.Ledger(ctx, "1001")
	apitest.Must(t, err)
	a, err := c.Account(ctx, "1001")
	apitest.Must(t, err)
	if len(ledger) != 1 || ledger[0].Amount != "50.00" || a.Balance.Advances != "50.00" || a.Balance.Available != "50.00" {
		t.Errorf("got ledger %+v, balance %+v, want 50.00 once", ledger, a.Balance)
	}
}

func TestTheSamePaymentAtOnceFromManyPostsOnce(t *testing.T) {
	s := apitest.New(t)
	c := s.Client()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := c.Pay(t.Context(), "1001", "storm", "10.00", "cash"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	a, err := c.Account(t.Context(), "1001")
	apitest.Must(t, err)
	if a.Balance.Advances != "10.00" {
		t.Errorf("got %s, want 10.00", a.Balance.Advances)
	}
}

func TestABadPaymentNamesItsField(t *testing.T) {
	s := apitest.New(t)
	for _, row := range []struct{ name, key, amount, field string }{
		{"negative", "k", "-5.00", "body.amount"},
		{"zero", "k", "0.00", "body.amount"},
		{"three decimals", "k", "1.005", "body.amount"},
		{"five decimals", "k", "1.00005", "body.amount"},
		{"not a number", "k", "fifty", "body.amount"},
		{"exponent", "k", "1e3", "body.amount"},
		{"overflow", "k", "99999999999999999999", "body.amount"},
		{"no key", "", "5.00", "header.Idempotency-Key"},
		{"blank in key", "a b", "5.00", "header.Idempotency-Key"},
	} {
		_, err := s.Client().Pay(t.Context(), "1001", row.key, row.amount, "cash")
		var e *client.Error
		if !errors.As(err, &e) || e.Status != 422 || e.Type != "/problems/validation" || e.Remedy == "" || len(e.Errors) != 1 || !strings.EqualFold(e.Errors[0].Field, row.field) {
			t.Errorf("%s: got %+v, want 422 naming %s", row.name, err, row.field)
		}
	}
	a, err := s.Client().Account(t.Context(), "1001")
	apitest.Must(t, err)
	if a.Balance.Advances != "0.00" {
		t.Errorf("got %s, want nothing posted", a.Balance.Advances)
	}
}

func TestProblemsSpeakTheLanguageAsked(t *testing.T) {
	s := apitest.New(t)
	_, en := s.Client().Account(t.Context(), "nobody")
	_, zh := s.Client().In("zh").Account(t.Context(), "nobody")
	if !client.Is(en, "not-found") || !client.Is(zh, "not-found") || !strings.Contains(en.Error(), "there is no account") || !strings.Contains(zh.Error(), "没有户号") {
		t.Errorf("got %v and %v", en, zh)
	}
}

func TestAnOrderForAMeterWithoutASwitchIsAProblem(t *testing.T) {
	s := apitest.New(t)
	_, err := s.Client().Trip(t.Context(), "1003", "to see")
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 409 || e.Type != "/problems/no-switch" || e.Rule != "no-switch" {
		t.Errorf("got %v, want 409 no-switch", err)
	}
}

func TestDecisionsShowInTheAccount(t *testing.T) {
	s := apitest.New(t)
	c, ctx := s.Client(), t.Context()
	_, err := c.Protect(ctx, "1004", "hospital bed at home")
	apitest.Must(t, err)
	tag, err := c.AddTag(ctx, "1004", "", "no_close", "work on pole 7")
	apitest.Must(t, err)
	hold, err := c.AddHold(ctx, "1004", "", "bill is disputed")
	apitest.Must(t, err)
	a, err := c.Account(ctx, "1004")
	apitest.Must(t, err)
	if a.Protected == nil || a.Protected.By != "token tester" || len(a.Tags) != 1 || a.Tags[0].ID != tag.Ref || len(a.Holds) != 1 || a.Holds[0].ID != hold.Ref {
		t.Fatalf("got %+v", a)
	}
	other := client.New(s.URL, s.Identity.Internal("somebody else"))
	if _, err := other.LiftTag(ctx, "1004", tag.Ref, "done"); !client.Is(err, "refused") {
		t.Errorf("another lifts the tag: got %v, want refused", err)
	}
	if _, err := other.LiftTagForHolder(ctx, "1004", tag.Ref, "done"); !client.Is(err, "validation") {
		t.Errorf("in the holder's place without a reason worth the name: got %v, want validation", err)
	}
	_, err = c.LiftTag(ctx, "1004", tag.Ref, "work is done")
	apitest.Must(t, err)
	_, err = c.ReleaseHold(ctx, "1004", hold.Ref, "settled")
	apitest.Must(t, err)
	_, err = c.Unprotect(ctx, "1004", "moved out")
	apitest.Must(t, err)
	a, err = c.Account(ctx, "1004")
	apitest.Must(t, err)
	if a.Protected != nil || len(a.Tags)+len(a.Holds) != 0 {
		t.Errorf("got %+v, want no guard left", a)
	}
	if _, err := c.ReleaseHold(ctx, "1004", "nope", "x"); !client.Is(err, "not-found") {
		t.Errorf("got %v, want not-found", err)
	}
	if _, err := c.Protect(ctx, "1004", "  "); !client.Is(err, "validation") {
		t.Errorf("no reason: got %v, want validation", err)
	}
	audit, err := c.Audit(ctx, 0, 100)
	apitest.Must(t, err)
	found := false
	for _, e := range audit {
		found = found || e.Actor == "token tester" && e.Action == "protect" && e.Object == "1004"
	}
	if !found {
		t.Errorf("got %+v, want the protection with its actor", audit)
	}
}

func TestABillIsIssuedOnceAndTheBalanceDoesNotMove(t *testing.T) {
	s := apitest.New(t)
	c, ctx, now := s.Client(), t.Context(), time.Now()
	s.Read("l1", "000000000108", "100.00", now.Add(-2*time.Hour))
	_, err := c.Pay(ctx, "1008", "p1", "100", "cash")
	apitest.Must(t, err)
	s.Read("l1", "000000000108", "110.00", now)
	before, err := c.Account(ctx, "1008")
	apitest.Must(t, err)
	if before.Balance.Estimate == "0.00" || before.Points[0].Reading == nil || before.Points[0].Reading.KWh != "110" || before.Points[0].Relay.State != "closed" {
		t.Fatalf("got %+v %+v", before.Balance, before.Points)
	}
	first, err := c.IssueBill(ctx, "1008", "2026-11")
	apitest.Must(t, err)
	again, err := c.IssueBill(ctx, "1008", "2026-11")
	apitest.Must(t, err)
	after, err := c.Account(ctx, "1008")
	apitest.Must(t, err)
	bills, err := c.Bills(ctx, "1008")
	apitest.Must(t, err)
	if len(bills) != 1 || bills[0].ID != first.Ref || again.Ref != first.Ref || !again.Replay || bills[0].Amount != before.Balance.Estimate || after.Balance.Available != before.Balance.Available {
		t.Errorf("got bills %+v, receipts %+v %+v, balance %+v then %+v", bills, first, again, before.Balance, after.Balance)
	}
	bill, err := c.Bill(ctx, "1008", first.Ref)
	apitest.Must(t, err)
	readings, err := c.Readings(ctx, "1008", client.Query{From: now.Add(-3 * time.Hour)})
	apitest.Must(t, err)
	if len(bill.Explain) == 0 || len(readings) != 2 || readings[1].Value != "110" {
		t.Errorf("got %+v, readings %+v", bill, readings)
	}
	v, err := c.Verify(ctx)
	apitest.Must(t, err)
	if !v.OK || len(v.Checks) == 0 {
		t.Errorf("got %+v, want all right", v)
	}
}

func TestAHeldReadingIsListedAndAccepted(t *testing.T) {
	s := apitest.New(t)
	c, ctx, now := s.Client(), t.Context(), time.Now()
	s.Read("l1", "000000000105", "500.00", now.Add(-time.Hour))
	s.Read("l1", "000000000105", "100.00", now)
	a, err := c.Account(ctx, "1006")
	apitest.Must(t, err)
	if a.Points[0].Held != "A01" || a.Points[0].HeldText == "" || len(a.Findings) == 0 || a.Points[0].Latest == nil || a.Points[0].Latest.KWh != "100" {
		t.Fatalf("got %+v, want A01 held", a)
	}
	_, err = c.AcceptReading(ctx, "1006", "", "the meter was changed")
	apitest.Must(t, err)
	a, err = c.Account(ctx, "1006")
	apitest.Must(t, err)
	if a.Points[0].Held != "" || a.Points[0].Reading.KWh != "100" {
		t.Errorf("got %+v, want accepted", a.Points[0])
	}
}

func TestAccountsOfTheStreet(t *testing.T) {
	s := apitest.New(t)
	all, err := s.Client().Accounts(t.Context())
	apitest.Must(t, err)
	if len(all) != 11 || all[0].ID != "1001" || all[10].ID != "1011" {
		t.Fatalf("got %d accounts", len(all))
	}
	var page struct {
		Items []wire.Account
		Next  string
	}
	get(t, s.URL+"/api/v1/accounts?limit=4&after=1003", s.Identity.Internal("pager"), &page)
	if len(page.Items) != 4 || page.Items[0].ID != "1004" || page.Next != "1007" {
		t.Errorf("got %d from %s, next %q", len(page.Items), page.Items[0].ID, page.Next)
	}
	for _, list := range []string{"quarantine", "gaps", "alarms", "field-work", "agents", "tokens", "accounts/1001/orders", "accounts/1001/notices", "accounts/1001/findings"} {
		var body struct{ Items *[]any }
		get(t, s.URL+"/api/v1/"+list, s.Identity.Internal("lister"), &body)
		if body.Items == nil {
			t.Errorf("%s: got no list", list)
		}
	}
}

func get(t *testing.T, url, token string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	apitest.Must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	apitest.Must(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	apitest.Must(t, err)
	if res.StatusCode != 200 {
		t.Fatalf("%s: %s %s", url, res.Status, data)
	}
	apitest.Must(t, json.Unmarshal(data, out))
}

func TestTokensOpenAndCloseTheDoor(t *testing.T) {
	s := apitest.New(t)
	c, ctx := s.Client(), t.Context()
	made, err := c.MakeToken(ctx, "billing job", 30)
	apitest.Must(t, err)
	job := client.New(s.URL, made.Secret)
	me, err := job.Me(ctx)
	apitest.Must(t, err)
	if me.Name != "admin" || me.Token != "billing job" {
		t.Errorf("got %+v", me)
	}
	list, err := c.Tokens(ctx)
	apitest.Must(t, err)
	if len(list) != 1 || list[0].ID != made.ID || list[0].Expires.IsZero() {
		t.Errorf("got %+v, want the one token", list)
	}
	apitest.Must(t, c.RevokeToken(ctx, made.ID))
	if _, err := job.Me(ctx); !client.Is(err, "not-signed-in") {
		t.Errorf("revoked: got %v, want not-signed-in", err)
	}
	for _, bad := range []string{"", "fk_", "fk_a_b", strings.Repeat("x", 5000)} {
		if _, err := client.New(s.URL, bad).Me(ctx); !client.Is(err, "not-signed-in") {
			t.Errorf("token %.10q: got %v, want not-signed-in", bad, err)
		}
	}
}

func TestCommitsReachTheEventStream(t *testing.T) {
	s := apitest.New(t)
	c := s.Client()
	done := errors.New("seen")
	ready := make(chan struct{})
	var once sync.Once
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		select {
		case <-ready:
		case <-ctx.Done():
			return
		}
		if _, err := c.Pay(ctx, "1005", "sse", "1.00", "cash"); err != nil {
			t.Error(err)
			cancel()
		}
	}()
	err := c.Watch(ctx, func(e wire.Commit) error {
		once.Do(func() { close(ready) })
		if len(e.Accounts) == 1 && e.Accounts[0] == "1005" && e.Commit > 0 {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Errorf("got %v", err)
	}
}

func TestTheDocumentDescribesEveryRoute(t *testing.T) {
	s := apitest.New(t)
	res, err := http.Get(s.URL + "/openapi.json")
	apitest.Must(t, err)
	defer res.Body.Close()
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	apitest.Must(t, json.NewDecoder(res.Body).Decode(&doc))
	n := 0
	for _, ops := range doc.Paths {
		n += len(ops)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || n < 30 || doc.Components.Schemas["Problem"] == nil || doc.Components.Schemas["ErrorModel"] != nil {
		t.Errorf("got OpenAPI %s with %d operations", doc.OpenAPI, n)
	}
	page, err := http.Get(s.URL + "/docs")
	apitest.Must(t, err)
	defer page.Body.Close()
	body, err := io.ReadAll(page.Body)
	apitest.Must(t, err)
	if !strings.Contains(string(body), "/api/v1/accounts/{account}/payments") || strings.Contains(string(body), "http://") || strings.Contains(string(body), "https://") {
		t.Error("the page lacks a route, or loads from elsewhere")
	}
}

func TestBadRequestsAreProblems(t *testing.T) {
	s := apitest.New(t)
	token := s.Identity.Internal("rude")
	for _, row := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"not JSON", "POST", "/api/v1/accounts/1001/payments", "{", 400},
		{"number for amount", "POST", "/api/v1/accounts/1001/payments", `{"amount":5}`, 422},
		{"unknown field", "POST", "/api/v1/accounts/1001/payments", `{"amount":"5","amout":"6"}`, 422},
		{"too large", "POST", "/api/v1/accounts/1001/payments", `{"amount":"5","note":"` + strings.Repeat("x", 20<<10) + `"}`, 413},
		{"no such route", "GET", "/api/v1/nothing", "", 404},
		{"unknown tag kind", "POST", "/api/v1/accounts/1001/tags", `{"kind":"no_way","note":"x"}`, 422},
		{"limit", "GET", "/api/v1/audit?limit=100000", "", 422},
	} {
		req, err := http.NewRequestWithContext(t.Context(), row.method, s.URL+row.path, strings.NewReader(row.body))
		apitest.Must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Idempotency-Key", "k")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		apitest.Must(t, err)
		var p wire.Problem
		err = json.NewDecoder(res.Body).Decode(&p)
		res.Body.Close()
		if err != nil || res.StatusCode != row.status || p.Status != row.status || !strings.HasPrefix(p.Type, "/problems/") || p.Remedy == "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: got %d %+v %v, want %d as a problem", row.name, res.StatusCode, p, err, row.status)
		}
	}
}

// A tag whose holder is gone must not stand for ever, and whoever takes it off must be on record with the reason.
func TestTheAdministratorLiftsATagInTheHoldersPlace(t *testing.T) {
	s := apitest.New(t)
	c, ctx := s.Client(), t.Context()
	tag, err := c.AddTag(ctx, "1004", "", "no_close", "work on pole 7")
	apitest.Must(t, err)
	const why = "the crew's phone is lost; the foreman was on site and saw nobody on the pole"
	_, err = client.New(s.URL, s.Identity.Internal("desk")).LiftTagForHolder(ctx, "1004", tag.Ref, why)
	apitest.Must(t, err)
	a, err := c.Account(ctx, "1004")
	apitest.Must(t, err)
	if len(a.Tags) != 0 {
		t.Errorf("got tags %+v, want none", a.Tags)
	}
	all, err := c.Audit(ctx, 0, 1000)
	apitest.Must(t, err)
	if last := all[len(all)-1]; last.Actor != "token desk" || last.Action != "untag_for" || !strings.Contains(last.Detail, why) {
		t.Errorf("the record says %+v", last)
	}
}

func TestAnotherSiteCannotWrite(t *testing.T) {
	s := apitest.New(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v1/accounts/1001/protect", strings.NewReader(`{"note":"x"}`))
	apitest.Must(t, err)
	req.Header.Set("Origin", "https://elsewhere.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	apitest.Must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("got %s, want 403", res.Status)
	}
}
