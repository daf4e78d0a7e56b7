// Package client is a Go client of the gateway's REST API: what the command line and end-to-end tests use.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"feikong/gateway/api/wire"
)

// answerMax bounds one answer: a page of 1,000 accounts is far below it.
const answerMax = 64 << 20

// Client speaks to one gateway. Safe for concurrent use.
type Client struct {
	base, token string
	lang        string
	http        *http.Client
}

// New makes a client for a base URL ("http://127.0.0.1:8080") and an API token.
func New(base, token string) *Client {
	return &Client{base: strings.TrimRight(base, "/"), token: token, lang: "en", http: &http.Client{Timeout: time.Minute}}
}

// In gives a client whose answers are in a language, "zh" or "en".
func (c *Client) In(lang string) *Client {
	d := *c
	d.lang = lang
	return &d
}

// Error is a problem the gateway answered. Type is stable; test it with Is.
type Error struct{ wire.Problem }

// Error is a sentence with the remedy.
func (e *Error) Error() string {
	text := e.Title
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Remedy != "" {
		text += " (" + e.Remedy + ")"
	}
	return text
}

// Is reports whether err is a problem of a kind, such as "payment-conflict".
func Is(err error, kind string) bool {
	var e *Error
	return errors.As(err, &e) && e.Type == "/problems/"+kind
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// Accounts are all accounts, by ID.
func (c *Client) Accounts(ctx context.Context) ([]wire.Account, error) {
	var all []wire.Account
	after := ""
	for {
		var p page[wire.Account]
		if err := c.do(ctx, http.MethodGet, "/api/v1/accounts?limit=1000&after="+url.QueryEscape(after), "", nil, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if p.Next == "" || p.Next <= after { // a gateway that does not move on must not hold us
			return all, nil
		}
		after = p.Next
	}
}

// Account is one account.
func (c *Client) Account(ctx context.Context, id string) (wire.Account, error) {
	return get[wire.Account](ctx, c, of(id, ""))
}

// Ledger is the account's ledger, oldest first.
func (c *Client) Ledger(ctx context.Context, id string) ([]wire.LedgerEntry, error) {
	return items[wire.LedgerEntry](ctx, c, of(id, "/ledger"))
}

// Query names stored readings. Zero values are the API's defaults: first point, energy, total, the last day, 500.
type Query struct {
	Point, Quantity string
	Register        uint8
	From, To        time.Time
	Limit           int
}

// Readings are stored readings, oldest first.
func (c *Client) Readings(ctx context.Context, id string, q Query) ([]wire.StoredReading, error) {
	v := url.Values{}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("point", q.Point)
	set("quantity", q.Quantity)
	if q.Register != 0 {
		set("register", strconv.Itoa(int(q.Register)))
	}
	if q.Limit != 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	if !q.From.IsZero() {
		set("from", q.From.UTC().Format(time.RFC3339Nano))
	}
	if !q.To.IsZero() {
		set("to", q.To.UTC().Format(time.RFC3339Nano))
	}
	return items[wire.StoredReading](ctx, c, of(id, "/readings?"+v.Encode()))
}

// Bills are the account's bills, oldest first.
func (c *Client) Bills(ctx context.Context, id string) ([]wire.Bill, error) {
	return items[wire.Bill](ctx, c, of(id, "/bills"))
}

// Bill is one bill.
func (c *Client) Bill(ctx context.Context, id, bill string) (wire.Bill, error) {
	return get[wire.Bill](ctx, c, of(id, "/bills/"+url.PathEscape(bill)))
}

// Orders are the account's orders with safety case and frames, oldest first.
func (c *Client) Orders(ctx context.Context, id string) ([]wire.Order, error) {
	return items[wire.Order](ctx, c, of(id, "/orders"))
}

// Notices are the account's notices, oldest first.
func (c *Client) Notices(ctx context.Context, id string) ([]wire.Notice, error) {
	return items[wire.Notice](ctx, c, of(id, "/notices"))
}

// Findings are what audit found, oldest first.
func (c *Client) Findings(ctx context.Context, id string) ([]wire.Finding, error) {
	return items[wire.Finding](ctx, c, of(id, "/findings"))
}

// Quarantine is what could not be attributed, newest first. limit 0 is the API's default, here and below.
func (c *Client) Quarantine(ctx context.Context, limit int) ([]wire.Quarantined, error) {
	return items[wire.Quarantined](ctx, c, limited("/api/v1/quarantine", limit))
}

// Gaps are named holes.
func (c *Client) Gaps(ctx context.Context, limit int) ([]wire.Gap, error) {
	return items[wire.Gap](ctx, c, limited("/api/v1/gaps", limit))
}

// Alarms are the agents' alarms.
func (c *Client) Alarms(ctx context.Context, limit int) ([]wire.Alarm, error) {
	return items[wire.Alarm](ctx, c, limited("/api/v1/alarms", limit))
}

// FieldWork is what people did at meters.
func (c *Client) FieldWork(ctx context.Context, limit int) ([]wire.FieldWork, error) {
	return items[wire.FieldWork](ctx, c, limited("/api/v1/field-work", limit))
}

// Audit is who did what after a sequence number, oldest first.
func (c *Client) Audit(ctx context.Context, after uint64, limit int) ([]wire.AuditEntry, error) {
	path := limited("/api/v1/audit", limit)
	if after > 0 {
		path += "&after=" + strconv.FormatUint(after, 10)
	}
	return items[wire.AuditEntry](ctx, c, path)
}

// Agents are the agents that are known.
func (c *Client) Agents(ctx context.Context) ([]wire.Agent, error) {
	return items[wire.Agent](ctx, c, "/api/v1/agents")
}

// Verify asks the gateway to prove that its books are right.
func (c *Client) Verify(ctx context.Context) (wire.Verification, error) {
	return get[wire.Verification](ctx, c, "/api/v1/verify")
}

// Me is whom the token stands for.
func (c *Client) Me(ctx context.Context) (wire.Me, error) {
	return get[wire.Me](ctx, c, "/api/v1/me")
}

// Tokens are the API tokens, without their text.
func (c *Client) Tokens(ctx context.Context) ([]wire.Token, error) {
	return items[wire.Token](ctx, c, "/api/v1/tokens")
}

// MakeToken makes a token; days 0 is without end.
func (c *Client) MakeToken(ctx context.Context, name string, days int) (wire.MadeToken, error) {
	var t wire.MadeToken
	err := c.do(ctx, http.MethodPost, "/api/v1/tokens", "", wire.NewToken{Name: name, Days: days}, &t)
	return t, err
}

// RevokeToken revokes a token by its id.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(id), "", nil, nil)
}

func of(account, rest string) string { return "/api/v1/accounts/" + url.PathEscape(account) + rest }

func limited(path string, limit int) string {
	if limit <= 0 {
		limit = 200
	}
	return path + "?limit=" + strconv.Itoa(limit)
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	var v T
	err := c.do(ctx, http.MethodGet, path, "", nil, &v)
	return v, err
}

func items[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	p, err := get[page[T]](ctx, c, path)
	return p.Items, err
}

// do sends one request and reads its answer into out. An answer that is not 2xx is an *Error.
func (c *Client) do(ctx context.Context, method, path, key string, in, out any) error {
	_, err := c.send(ctx, method, path, key, in, out)
	return err
}

func (c *Client) send(ctx context.Context, method, path, key string, in, out any) (http.Header, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Language", c.lang)
	req.Header.Set("Authorization", "Bearer "+c.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		e := &Error{}
		if json.Unmarshal(data, &e.Problem) != nil || e.Title == "" {
			e.Problem = wire.Problem{Type: "about:blank", Title: res.Status, Detail: strings.TrimSpace(string(data[:min(len(data), 200)]))}
		}
		e.Status = res.StatusCode
		return res.Header, e
	}
	if out == nil || len(data) == 0 {
		return res.Header, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return res.Header, fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return res.Header, nil
}
