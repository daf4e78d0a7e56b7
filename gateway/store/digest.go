package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"feikong/gateway/account"
)

// Digest is the SHA-256 of what an event asks for: everything but its key, who sent it and when. Two events with one key
// and one digest are the same event that came twice. Engines keep it in the receipt.
func Digest(ev *account.Event) ([32]byte, error) {
	content := *ev
	content.Key, content.Now, content.Actor = "", 0, ""
	// JSON of a struct without maps has one form only: fields in their order.
	data, err := json.Marshal(&content)
	if err != nil {
		return [32]byte{}, fmt.Errorf("digest event %q: %w", ev.Key, err)
	}
	h := sha256.New()
	h.Write([]byte("feikong event 1\x00"))
	h.Write(data)
	return [32]byte(h.Sum(nil)), nil
}
