package meter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// Why a sealed relay frame is not sent.
var (
	ErrNoKeyService = errors.New("this meter takes sealed relay frames only (security: sealed) and no key service is configured: " +
		"configure one, or set security: plain for a meter that takes passwords")
	ErrKeyService = errors.New("the key service did not seal the order")
	ErrSpent      = errors.New("the key service gave bytes that were used before")
)

// Sealer is an external key service (加密机): it alone holds the keys of a utility's meters. It gets to know exactly
// what is to be sealed, and its bytes go into one frame whose function, meter, identifier and length are fixed before
// it is asked.
type Sealer interface {
	// Identity gives what the meter needs to accept the head-end (身份认证), for one order.
	Identity(ctx context.Context, r SealRequest) (dlt645.Identity, error)
	// Seal gives C0..C3, the cipher and the MAC of the one relay frame of an order.
	Seal(ctx context.Context, r SealRequest) ([]byte, error)
}

// SealRequest is what a key service must know of an order.
type SealRequest struct {
	Meter    protocol.MeterRef
	Order    protocol.OrderID
	Action   protocol.Action
	Operator [4]byte
	Deadline time.Time         // in the meter's clock
	Plain    [8]byte           // N1..N8: what the cipher must hold
	Answer   dlt645.Identified // the meter's random number and the serial of its security module; zero for Identity
}

// WithSealer names the key service for meters with security: sealed.
func WithSealer(s Sealer) Option {
	return func(o *options) error { o.sealer = s; return nil }
}

// spent remembers what was sealed and sent: sealed bytes serve once.
type spent struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]bool
}

// spentMax bounds what is remembered of one meter: two frames an order, at most some orders a day.
const spentMax = 256

// once refuses bytes it has seen.
func (s *spent) once(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(b)
	if s.seen[sum] {
		return ErrSpent
	}
	if s.seen == nil || len(s.seen) >= spentMax {
		s.seen = map[[sha256.Size]byte]bool{}
	}
	s.seen[sum] = true
	return nil
}

// sealedFrame authenticates with the meter (C = 03H) and has the order's one relay frame sealed (C = 1CH). Nothing that
// moves a relay has left when it returns.
func (m *DLT645) sealedFrame(ctx context.Context, c Call, w way, cmd Command, n1 dlt645.RelayCommand, deadline time.Time) (f dlt645.Frame, err error) {
	if m.sealer == nil {
		return f, ErrNoKeyService
	}
	plain, err := dlt645.RelayRequest(m.addr, dlt645.Password{}, cmd.Operator, n1, deadline)
	if err != nil {
		return f, err
	}
	r := SealRequest{Meter: m.ref, Order: cmd.Order, Action: cmd.Action, Operator: cmd.Operator, Deadline: deadline, Plain: [8]byte(plain.Data[8:])}
	id, err := m.sealer.Identity(ctx, r)
	if err != nil {
		return f, fmt.Errorf("%w: identity: %w", ErrKeyService, err)
	}
	if f, err = dlt645.IdentityRequest(m.addr, id); err != nil {
		return f, fmt.Errorf("%w: identity: %w", ErrKeyService, err)
	}
	if err = m.spent.once(f.Data); err != nil {
		return f, err
	}
	ask := c
	ask.Note = "identity"
	err = m.exchange(ctx, ask, w, f, &line.Exchange{}, replyData, func(reply dlt645.Frame) (err error) {
		r.Answer, err = dlt645.ParseIdentityReply(reply, m.addr)
		return err
	})
	if err != nil {
		return f, fmt.Errorf("identity authentication: %w", err)
	}
	sealed, err := m.sealer.Seal(ctx, r)
	if err != nil {
		return f, fmt.Errorf("%w: %w", ErrKeyService, err)
	}
	if f, err = dlt645.SealedFrame(m.addr, relayControl, 0, sealed); err != nil {
		return f, fmt.Errorf("%w: %w", ErrKeyService, err)
	}
	return f, m.spent.once(sealed)
}
