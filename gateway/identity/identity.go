// Package identity knows who may use the gateway: people with passwords and sessions, programs with API tokens. Users and
// tokens live in the store's side tables; sessions live in memory and end with the process.
package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"feikong/gateway/account"
	"feikong/gateway/store"
)

// Errors of signing in and of changing what is known of a user; test with errors.Is.
var (
	// ErrNobody: the request carries no valid session and no valid token.
	ErrNobody = errors.New("nobody is signed in")
	// ErrWrong: the name or the password is wrong; which one is not told.
	ErrWrong = errors.New("the name or the password is wrong")
	// ErrLimited: too many attempts; try again later.
	ErrLimited = errors.New("too many sign-in attempts")
	// ErrWeak: the new password is too short, too long, or the old one again.
	ErrWeak = errors.New("the new password is not acceptable")
)

// Side tables of the store.
const (
	tableUsers  = "users"
	tableTokens = "tokens"
)

// Administrator is the name of the user made at the first start.
const Administrator = "admin"

// RoleAdministrator may do everything. Finer roles have their own table when they come.
const RoleAdministrator = "administrator"

// Person is who stands behind a request.
type Person struct {
	Name       string
	Role       string
	Token      string // name of the API token; empty for a session
	MustChange bool   // the one-time password was not changed yet: nothing else is allowed
}

// Actor is the name an audit record carries.
func (p Person) Actor() string {
	if p.Token != "" {
		return "token " + p.Token
	}
	return p.Name
}

// user is the stored record of a person.
type user struct {
	Name       string `json:"name"`
	Role       string `json:"role"`
	Hash       string `json:"hash"` // argon2id, PHC text
	MustChange bool   `json:"must_change"`
	Changed    int64  `json:"changed"` // of the password, unix ms; sessions from before it are over
}

// Options of New.
type Options struct {
	Store  store.Store
	Secure bool // the console is reached over TLS: cookies are marked so
	Log    *slog.Logger
}

// Identity answers who a request comes from. Safe for concurrent use.
type Identity struct {
	store    store.Store
	sessions *scs.SessionManager
	attempts *attempts
	log      *slog.Logger

	mu       sync.RWMutex
	internal map[[32]byte]Person // guarded by mu; tokens of this process only, never stored
}

// sessionLifetime is a shift at a control-centre desk.
const sessionLifetime = 12 * time.Hour

// New makes an Identity over the side tables of opt.Store.
func New(opt Options) *Identity {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Identity{store: opt.Store, sessions: newSessions(opt.Secure, opt.Log), attempts: newAttempts(), log: opt.Log,
		internal: map[[32]byte]Person{}}
}

// Bootstrap makes the user "admin" with a one-time password when there is no user yet. The password is returned once and
// stored only as its hash; it must be changed at the first sign-in.
func Bootstrap(ctx context.Context, s store.Store) (password string, created bool, err error) {
	var users int
	if err := s.View(ctx, func(v store.View) error { users = len(v.List(tableUsers)); return nil }); err != nil {
		return "", false, fmt.Errorf("look for users: %w", err)
	}
	if users > 0 {
		return "", false, nil
	}
	password, err = OneTime(ctx, s, Administrator, "gateway")
	return password, err == nil, err
}

// OneTime gives a user a new one-time password, making the user when there is none of that name. Sessions of the user end.
func OneTime(ctx context.Context, s store.Store, name, actor string) (string, error) {
	password := oneTimePassword()
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	u := user{Name: name, Role: RoleAdministrator, Hash: hash, MustChange: true, Changed: time.Now().UnixMilli()}
	if err := putUser(ctx, s, u, actor, "one_time_password"); err != nil {
		return "", err
	}
	return password, nil
}

// Check compares a password and counts the attempt against remote (host:port or host). It does not sign in.
func (i *Identity) Check(ctx context.Context, remote, name, password string) (Person, error) {
	if !i.attempts.allow(remote, time.Now()) {
		i.log.Warn("sign-in limited", "remote", remote)
		return Person{}, ErrLimited
	}
	u, known, err := i.user(ctx, name)
	if err != nil {
		return Person{}, err
	}
	hash := u.Hash
	if !known {
		hash = nobodyHash // an unknown name takes as long as a wrong password
	}
	same, err := samePassword(ctx, hash, password)
	if err != nil {
		return Person{}, fmt.Errorf("check the password of %q: %w", name, err)
	}
	if !known || !same {
		i.log.Warn("sign-in refused", "remote", remote)
		return Person{}, ErrWrong
	}
	i.attempts.forget(remote)
	return Person{Name: u.Name, Role: u.Role, MustChange: u.MustChange}, nil
}

// ChangePassword replaces a password after checking the old one. Every session of the user from before is over.
func (i *Identity) ChangePassword(ctx context.Context, remote, name, old, next string) error {
	if _, err := i.Check(ctx, remote, name, old); err != nil {
		return err
	}
	if n := len([]rune(next)); n < PasswordMin || n > PasswordMax || next == old {
		return ErrWeak
	}
	u, _, err := i.user(ctx, name)
	if err != nil {
		return err
	}
	if u.Hash, err = hashPassword(ctx, next); err != nil {
		return err
	}
	u.MustChange, u.Changed = false, max(time.Now().UnixMilli(), u.Changed+1)
	return putUser(ctx, i.store, u, name, "change_password")
}

// Authenticate says who a request comes from: a bearer token first, else the session. The error is ErrNobody or the store's.
func (i *Identity) Authenticate(r *http.Request) (Person, error) {
	if text, ok := bearer(r); ok {
		return i.byToken(r.Context(), text)
	}
	return i.bySession(r.Context())
}

func (i *Identity) user(ctx context.Context, name string) (u user, ok bool, err error) {
	err = i.store.View(ctx, func(v store.View) error {
		data, found := v.Get(tableUsers, name)
		if !found {
			return nil
		}
		ok = true
		return json.Unmarshal(data, &u)
	})
	if err != nil {
		return user{}, false, fmt.Errorf("read user %q: %w", name, err)
	}
	return u, ok, nil
}

func putUser(ctx context.Context, s store.Store, u user, actor, action string) error {
	data, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode user %q: %w", u.Name, err)
	}
	record := account.AuditRecord{At: time.Now().UnixMilli(), Actor: actor, Action: action, Object: "user " + u.Name, Result: "done"}
	if err := s.Put(ctx, tableUsers, u.Name, data, record); err != nil {
		return fmt.Errorf("write user %q: %w", u.Name, err)
	}
	return nil
}
