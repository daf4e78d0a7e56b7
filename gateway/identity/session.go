package identity

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Keys inside a session.
const (
	sessionUser    = "user"
	sessionChanged = "changed" // of the password it was opened with
)

// sessionsMax bounds the sessions in memory: far above the people of one site; the one that ends first makes room.
const sessionsMax = 1000

// newSessions fills the manager by hand: scs.New would start a cleaner goroutine for a store that is not used.
func newSessions(secure bool, log *slog.Logger) *scs.SessionManager {
	return &scs.SessionManager{
		Store:            &memory{sessions: map[string]held{}},
		Codec:            scs.GobCodec{},
		Lifetime:         sessionLifetime,
		HashTokenInStore: true,
		Cookie:           scs.SessionCookie{Name: "feikong_session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, err error) {
			log.Error("session failed", "error", err)
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		},
	}
}

// Sessions loads the session of each request and writes its cookie. Everything that signs in or out, or that people reach
// with a browser, stands behind it.
func (i *Identity) Sessions(next http.Handler) http.Handler { return i.sessions.LoadAndSave(next) }

// SignIn checks a password and opens a session for the request's context, which must have come through Sessions.
func (i *Identity) SignIn(ctx context.Context, remote, name, password string) (Person, error) {
	p, err := i.Check(ctx, remote, name, password)
	if err != nil {
		return Person{}, err
	}
	return p, i.open(ctx, name)
}

// SignOut ends the session of the request.
func (i *Identity) SignOut(ctx context.Context) error {
	if err := i.sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// Renew opens the session again after the person changed the password.
func (i *Identity) Renew(ctx context.Context, name string) error { return i.open(ctx, name) }

func (i *Identity) open(ctx context.Context, name string) error {
	u, ok, err := i.user(ctx, name)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNobody
	}
	// A new id: one planted before the sign-in is worth nothing.
	if err := i.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	i.sessions.Put(ctx, sessionUser, name)
	i.sessions.Put(ctx, sessionChanged, u.Changed)
	return nil
}

func (i *Identity) bySession(ctx context.Context) (Person, error) {
	name := i.sessions.GetString(ctx, sessionUser)
	if name == "" {
		return Person{}, ErrNobody
	}
	u, ok, err := i.user(ctx, name)
	if err != nil {
		return Person{}, err
	}
	if !ok || u.Changed != i.sessions.GetInt64(ctx, sessionChanged) {
		return Person{}, ErrNobody
	}
	return Person{Name: u.Name, Role: u.Role, MustChange: u.MustChange}, nil
}

// memory keeps sessions in this process: signing in again after a restart costs a person ten seconds, writing each session
// to the store would cost a commit.
type memory struct {
	mu       sync.Mutex // guards sessions
	sessions map[string]held
}

type held struct {
	data []byte
	ends time.Time
}

// Find gives the data of a session that has not ended.
func (m *memory) Find(token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.sessions[token]
	if !ok || !time.Now().Before(h.ends) {
		return nil, false, nil
	}
	return h.data, true, nil
}

// Commit stores a session, making room when the memory is full.
func (m *memory) Commit(token string, data []byte, ends time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.sessions[token]; !ok && len(m.sessions) >= sessionsMax {
		m.sweep(time.Now())
	}
	m.sessions[token] = held{data, ends}
	return nil
}

// Delete forgets a session.
func (m *memory) Delete(token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, token)
	return nil
}

// sweep drops ended sessions, or the one that ends first when none has.
func (m *memory) sweep(now time.Time) {
	var first string
	for token, h := range m.sessions {
		if !now.Before(h.ends) {
			delete(m.sessions, token)
		} else if first == "" || h.ends.Before(m.sessions[first].ends) {
			first = token
		}
	}
	if len(m.sessions) >= sessionsMax {
		delete(m.sessions, first)
	}
}
