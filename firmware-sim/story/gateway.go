package story

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Gateway speaks to the running gateway's REST interface as any integrator would: from the outside, with a token.
type Gateway struct {
	Lang string // of the words in its answers; machine words are the same in all

	dir  string // the gateway's data folder, where cli.json is
	http http.Client
}

// access is what the gateway leaves for programs of the same user.
type access struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// Account is the part of an account the story looks at.
type Account struct {
	ID     string `json:"id"`
	Stage  string `json:"stage"`
	Blocks []struct {
		Code   string `json:"code"`
		Reason string `json:"reason"`
	} `json:"blocks"`
	Task    string `json:"task"`
	Balance struct {
		Advances, Receivables, Estimate, Available, Paid, Billed string
	} `json:"balance"`
	Period struct {
		Energy      string `json:"energy"`
		Tier        uint8  `json:"tier"`
		CycleBefore string `json:"cycle_before"`
	} `json:"period"`
	Points []struct {
		ID    string `json:"id"`
		Meter struct {
			Line    string `json:"line"`
			Address string `json:"address"`
		} `json:"meter"`
		Reading *struct {
			At  time.Time `json:"at"`
			KWh string    `json:"kwh"`
		} `json:"reading"`
		Held  string `json:"held"`
		Relay struct {
			State string `json:"state"`
			Ours  bool   `json:"ours"`
		} `json:"relay"`
	} `json:"points"`
}

// Order is the part of an order the story looks at.
type Order struct {
	Number uint64 `json:"number"`
	Action string `json:"action"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Case   []struct {
		Rule string `json:"rule"`
		OK   bool   `json:"ok"`
	} `json:"case"`
	Outcome *struct {
		State     string `json:"state"`
		Rule      string `json:"rule"`
		Detail    string `json:"detail"`
		Recovered bool   `json:"recovered"`
		Frames    []struct {
			Sent bool   `json:"sent"`
			Hex  string `json:"hex"`
			Note string `json:"note"`
		} `json:"frames"`
	} `json:"outcome"`
}

// Receipt is the answer to a write.
type Receipt struct {
	Key    string `json:"key"`
	Status string `json:"status"`
	Ref    string `json:"ref"`
	Detail string `json:"detail"`
	Commit uint64 `json:"commit"`
}

// Refusal is an RFC 9457 problem.
type Refusal struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Rule   string `json:"rule"`
}

// Error is the problem on one line.
func (r *Refusal) Error() string {
	s := fmt.Sprintf("%d %s: %s", r.Status, r.Title, r.Detail)
	if r.Rule != "" {
		s += " (" + r.Rule + ")"
	}
	return s
}

// access reads the newest address and token: both change when the gateway starts again.
func (g *Gateway) access() (access, error) {
	var a access
	data, err := os.ReadFile(filepath.Join(g.dir, "cli.json"))
	if err != nil {
		return a, fmt.Errorf("find the gateway: %w", err)
	}
	return a, json.Unmarshal(data, &a)
}

// Call does one request. A refusal is a *Refusal.
func (g *Gateway) Call(ctx context.Context, method, path, key string, in, out any) error {
	a, err := g.access()
	if err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.URL, "/")+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	req.Header.Set("Content-Type", "application/json")
	if g.Lang != "" {
		req.Header.Set("Accept-Language", g.Lang)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return fmt.Errorf("call the gateway: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("call the gateway: %w", err)
	}
	if resp.StatusCode >= 300 {
		refusal := &Refusal{Status: resp.StatusCode}
		_ = json.Unmarshal(data, refusal) // what is no problem document is still a refusal with its status
		return refusal
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return nil
}

// Account reads one account.
func (g *Gateway) Account(ctx context.Context, id string) (Account, error) {
	var a Account
	return a, g.Call(ctx, http.MethodGet, "/accounts/"+id, "", nil, &a)
}

// Orders reads an account's orders, oldest first.
func (g *Gateway) Orders(ctx context.Context, id string) ([]Order, error) {
	return list[Order](ctx, g, "/accounts/"+id+"/orders")
}

// list reads a list whether the interface answers it bare or in an object with one field.
func list[T any](ctx context.Context, g *Gateway, path string) ([]T, error) {
	var raw json.RawMessage
	if err := g.Call(ctx, http.MethodGet, path, "", nil, &raw); err != nil {
		return nil, err
	}
	var rows []T
	if err := json.Unmarshal(raw, &rows); err == nil {
		return rows, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("read the list %s: %w", path, err)
	}
	for _, key := range []string{"items", "orders", "notices", "bills", "entries", "findings"} {
		if field, ok := object[key]; ok {
			return rows, json.Unmarshal(field, &rows)
		}
	}
	return nil, fmt.Errorf("read the list %s: no known field", path)
}

// Pay tops an account up.
func (g *Gateway) Pay(ctx context.Context, id, amount, key string) (Receipt, error) {
	var r Receipt
	return r, g.Call(ctx, http.MethodPost, "/accounts/"+id+"/payments", key, map[string]string{"amount": amount, "method": "cash"}, &r)
}

// Decide posts a decision: path is what follows the account.
func (g *Gateway) Decide(ctx context.Context, method, id, path string, in any) (Receipt, error) {
	var r Receipt
	return r, g.Call(ctx, method, "/accounts/"+id+path, "", in, &r)
}
