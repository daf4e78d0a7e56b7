package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"feikong/gateway/account"
	"feikong/internal/daemon"
)

// Bounds of one webhook call.
const (
	callWait = 10 * time.Second
	bodyMax  = 4 << 10 // of the answer; what it says beside its status is not read
)

// call posts the notice once. A 2xx is the evidence of delivery; everything else is tried again later.
func (n *Notifier) call(ctx context.Context, url string, r *account.NoticeRecord, body []byte) {
	status, err := n.post(ctx, url, r.Notice.ID, body)
	if err != nil {
		n.failed.Add(1)
		if ctx.Err() == nil {
			n.opt.Log.Warn("webhook failed", daemon.KeyNotice, r.Notice.ID, daemon.KeyAccount, r.Notice.Account, daemon.KeyError, err)
		}
		return
	}
	n.delivered.Add(1)
	n.opt.Log.Info("webhook answered", daemon.KeyNotice, r.Notice.ID, daemon.KeyAccount, r.Notice.Account, "status", status)
	// Without room at the door the notice stays queued, and the same id is posted again: the customer sees one notice twice.
	n.opt.Door.Offer(receipt(r.Notice.Account, r.Notice.ID, r.Number, Webhook, "HTTP "+strconv.Itoa(status)), func(account.Receipt, error) {})
}

// post sends one message as Standard Webhooks tells: the id is the notice's and stays the same in every repetition.
// BUG: it is not signed; a profile has no webhook secret yet.
func (n *Notifier) post(ctx context.Context, url, id string, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("make webhook call: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "feikong-gateway")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	resp, err := n.opt.Client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("call webhook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, bodyMax) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, fmt.Errorf("webhook answered %s", resp.Status)
	}
	return resp.StatusCode, nil
}
