package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

// Channels a receipt can come over, as it is stored.
const (
	Terminal = "terminal"
	Webhook  = "webhook"
)

// Bounds of a receipt.
const (
	receiptMax = 1024 // bytes of a terminal's answer: an id and a time
	detailMax  = 120  // of what is kept for good: a time or an HTTP status
)

// Answer makes the event of what an account's terminal published: the evidence that a notice arrived. A receipt for a notice that the
// account does not have, or of another account, is an error.
func (n *Notifier) Answer(ctx context.Context, accountID string, payload []byte) (account.Event, error) {
	if len(payload) > receiptMax {
		return account.Event{}, fmt.Errorf("receipt of %d bytes, at most %d", len(payload), receiptMax)
	}
	var r protocol.Receipt
	if err := json.Unmarshal(payload, &r); err != nil {
		return account.Event{}, fmt.Errorf("read receipt: %w", err)
	}
	var number uint64
	err := n.opt.Store.View(ctx, func(v store.View) error {
		no, ok := v.ByID(accountID)
		if !ok {
			return fmt.Errorf("account %s of the receipt: %w", accountID, store.ErrNotFound)
		}
		notices, err := v.Notices(no)
		if err != nil {
			return fmt.Errorf("notices of account %s: %w", accountID, err)
		}
		for i := len(notices) - 1; i >= 0; i-- { // the one answered is nearly always the newest
			if notices[i].Notice.ID == r.ID {
				number = notices[i].Number
				return nil
			}
		}
		return fmt.Errorf("notice %.40q of the receipt: %w", r.ID, store.ErrNotFound)
	})
	if err != nil {
		return account.Event{}, err
	}
	return receipt(accountID, r.ID, number, Terminal, r.At), nil
}

// receipt is the event of a notice that arrived over a channel. Its key makes it evidence once, however often it comes.
func receipt(accountID, notice string, number uint64, channel, detail string) account.Event {
	return account.Event{
		Key: "receipt/" + notice + "/" + channel, Account: accountID, Actor: channel + " " + accountID,
		Receipt: &account.NoticeReceipt{Notice: number, Channel: channel, Detail: strings.ToValidUTF8(detail[:min(len(detail), detailMax)], "")},
	}
}
