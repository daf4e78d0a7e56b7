package client

import (
	"context"
	"net/http"
	"net/url"

	"feikong/gateway/api/wire"
)

// Pay posts a payment under a key of the caller's: the same key posts once, however often it is sent. amount is decimal text.
func (c *Client) Pay(ctx context.Context, account, key, amount, method string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/payments"), key, wire.Payment{Amount: amount, Method: method})
}

// IssueBill closes the open period under a label; empty is the running month. A label that was issued before gives the first
// receipt with Replay set, and issues nothing.
func (c *Client) IssueBill(ctx context.Context, account, label string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/bills"), "", wire.IssueBill{Label: label})
}

// Protect protects the supply 保电.
func (c *Client) Protect(ctx context.Context, account, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/protect"), "", wire.Reason{Note: note})
}

// Unprotect ends the protection.
func (c *Client) Unprotect(ctx context.Context, account, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/unprotect"), "", wire.Reason{Note: note})
}

// AddTag hangs a tag, kind "no_trip" or "no_close". The receipt's Ref is its id, made when id is empty.
func (c *Client) AddTag(ctx context.Context, account, id, kind, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/tags"), "", wire.NewTag{ID: id, Kind: kind, Note: note})
}

// LiftTag lifts a tag that the caller holds.
func (c *Client) LiftTag(ctx context.Context, account, id, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/tags/"+url.PathEscape(id)+"/lift"), "", wire.Lift{Note: note})
}

// LiftTagForHolder lifts a tag in the place of a holder who cannot; the note says why and who looked.
func (c *Client) LiftTagForHolder(ctx context.Context, account, id, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/tags/"+url.PathEscape(id)+"/lift"), "", wire.Lift{Note: note, ForHolder: true})
}

// AddHold stops trips while something is open. The receipt's Ref is its id, made when id is empty.
func (c *Client) AddHold(ctx context.Context, account, id, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/holds"), "", wire.NewHold{ID: id, Note: note})
}

// ReleaseHold releases a hold.
func (c *Client) ReleaseHold(ctx context.Context, account, id, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/holds/"+url.PathEscape(id)+"/release"), "", wire.Reason{Note: note})
}

// AcceptReading accepts the held register of a point; with one point only, point may be empty.
func (c *Client) AcceptReading(ctx context.Context, account, point, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/accept-reading"), "", wire.PointDecision{Point: point, Note: note})
}

// Trip asks for a trip by a person.
func (c *Client) Trip(ctx context.Context, account, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/trip"), "", wire.Reason{Note: note})
}

// Close asks for a restore by a person.
func (c *Client) Close(ctx context.Context, account, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/close"), "", wire.Reason{Note: note})
}

// TaskDone reports a field task as done.
func (c *Client) TaskDone(ctx context.Context, account, note string) (wire.Receipt, error) {
	return c.act(ctx, of(account, "/task-done"), "", wire.Reason{Note: note})
}

func (c *Client) act(ctx context.Context, path, key string, in any) (wire.Receipt, error) {
	var r wire.Receipt
	header, err := c.send(ctx, http.MethodPost, path, key, in, &r)
	if header != nil {
		r.Replay = header.Get("Idempotent-Replay") == "true"
	}
	return r, err
}
