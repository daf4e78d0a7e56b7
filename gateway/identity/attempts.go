package identity

import (
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of sign-in attempts. A person mistypes a few times; a program guesses for ever. By the address they come from, so
// that nobody can lock the administrator out from elsewhere, and over all addresses, so that many cannot guess together.
const (
	attemptsBurst    = 5
	attemptsEvery    = 6 * time.Second
	attemptsAll      = 5  // a second, over all addresses
	attemptsAllBurst = 30 // a shift signing in at once
	addressesMax     = 4096
)

// attempts counts sign-in attempts by address.
type attempts struct {
	mu    sync.Mutex // guards all below
	all   *rate.Limiter
	from  map[string]*rate.Limiter
	swept time.Time // at most once a second: a flood of addresses must not make each attempt dear
}

func newAttempts() *attempts {
	return &attempts{all: rate.NewLimiter(attemptsAll, attemptsAllBurst), from: map[string]*rate.Limiter{}}
}

func (a *attempts) allow(remote string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	host := hostOf(remote)
	l, ok := a.from[host]
	if !ok {
		if len(a.from) >= addressesMax && now.Sub(a.swept) >= time.Second {
			a.sweep(now)
			a.swept = now
		}
		l = rate.NewLimiter(rate.Every(attemptsEvery), attemptsBurst)
		if len(a.from) < addressesMax { // full of active guessers: the limit over all addresses still holds
			a.from[host] = l
		}
	}
	return l.AllowN(now, 1) && a.all.AllowN(now, 1)
}

// forget clears the count of an address after a success.
func (a *attempts) forget(remote string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.from, hostOf(remote))
}

// sweep drops the addresses whose count has run out.
func (a *attempts) sweep(now time.Time) {
	for host, l := range a.from {
		if l.TokensAt(now) >= attemptsBurst {
			delete(a.from, host)
		}
	}
}

func hostOf(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}
