package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
)

// ErrNoToken: there is no API token of that id.
var ErrNoToken = errors.New("there is no such token")

// ErrTokens: the table of tokens is full, or the name is not acceptable.
var ErrTokens = errors.New("the token cannot be made")

// tokensMax bounds the stored tokens: a table of programs, not of customers.
const tokensMax = 500

// Token is an API token as stored: never its text.
type Token struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"` // what it is for
	User    string   `json:"user"` // whom it acts for
	Hash    [32]byte `json:"hash"` // SHA-256 of the text; the text has 160 random bits, so no salt is needed
	Created int64    `json:"created"`
	Expires int64    `json:"expires"` // unix ms, 0 never
}

// MakeToken stores a new token for p and returns its text, which is not known again. lifetime 0 is without end.
func (i *Identity) MakeToken(ctx context.Context, p Person, name string, lifetime time.Duration) (Token, string, error) {
	t, text, err := MakeToken(ctx, i.store, p.Name, p.Actor(), name, lifetime)
	return t, text, err
}

// MakeToken stores a new token that acts for user; actor is who asked for it.
func MakeToken(ctx context.Context, s store.Store, user, actor, name string, lifetime time.Duration) (Token, string, error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 100 {
		return Token{}, "", fmt.Errorf("%w: a name of 1 to 100 bytes says what it is for", ErrTokens)
	}
	var n int
	if err := s.View(ctx, func(v store.View) error { n = len(v.List(tableTokens)); return nil }); err != nil {
		return Token{}, "", fmt.Errorf("count tokens: %w", err)
	}
	if n >= tokensMax {
		return Token{}, "", fmt.Errorf("%w: there are %d already, revoke some", ErrTokens, n)
	}
	id, secret := strings.ToLower(rand.Text()[:8]), strings.ToLower(rand.Text()+rand.Text()[:6])
	text := "fk_" + id + "_" + secret
	now := time.Now()
	t := Token{ID: id, Name: name, User: user, Hash: sha256.Sum256([]byte(text)), Created: now.UnixMilli()}
	if lifetime > 0 {
		t.Expires = now.Add(lifetime).UnixMilli()
	}
	data, err := json.Marshal(t)
	if err != nil {
		return Token{}, "", fmt.Errorf("encode token %s: %w", id, err)
	}
	record := account.AuditRecord{At: now.UnixMilli(), Actor: actor, Action: "make_token", Object: "token " + id, Detail: name, Result: "done"}
	if err := s.Put(ctx, tableTokens, id, data, record); err != nil {
		return Token{}, "", fmt.Errorf("write token %s: %w", id, err)
	}
	return t, text, nil
}

// Tokens lists the stored tokens, oldest first.
func (i *Identity) Tokens(ctx context.Context) ([]Token, error) {
	var list []Token
	err := i.store.View(ctx, func(v store.View) error {
		for id, data := range v.List(tableTokens) {
			var t Token
			if err := json.Unmarshal(data, &t); err != nil {
				return fmt.Errorf("token %s: %w", id, err)
			}
			list = append(list, t)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	sort.Slice(list, func(a, b int) bool {
		if list[a].Created != list[b].Created {
			return list[a].Created < list[b].Created
		}
		return list[a].ID < list[b].ID
	})
	return list, nil
}

// RevokeToken deletes a token; the next request with it is nobody's.
func (i *Identity) RevokeToken(ctx context.Context, p Person, id string) error {
	t, ok, err := i.token(ctx, id)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNoToken
	}
	record := account.AuditRecord{At: time.Now().UnixMilli(), Actor: p.Actor(), Action: "revoke_token", Object: "token " + id, Detail: t.Name, Result: "done"}
	if err := i.store.Put(ctx, tableTokens, id, nil, record); err != nil {
		return fmt.Errorf("delete token %s: %w", id, err)
	}
	return nil
}

// Internal makes a token for a program on this machine, such as the command line of this installation. It acts for the
// administrator, is held in memory only and dies with the process.
func (i *Identity) Internal(name string) string {
	text := "fk_internal_" + strings.ToLower(rand.Text()+rand.Text())
	i.mu.Lock()
	defer i.mu.Unlock()
	i.internal[sha256.Sum256([]byte(text))] = Person{Name: Administrator, Role: RoleAdministrator, Token: name}
	return text
}

func (i *Identity) byToken(ctx context.Context, text string) (Person, error) {
	sum := sha256.Sum256([]byte(text))
	i.mu.RLock()
	p, ok := i.internal[sum]
	i.mu.RUnlock()
	if ok {
		return p, nil
	}
	part := strings.Split(text, "_")
	if len(part) != 3 || part[0] != "fk" {
		return Person{}, ErrNobody
	}
	t, ok, err := i.token(ctx, part[1])
	if err != nil {
		return Person{}, err
	}
	if !ok || subtle.ConstantTimeCompare(sum[:], t.Hash[:]) != 1 || t.Expires != 0 && time.Now().UnixMilli() >= t.Expires {
		return Person{}, ErrNobody
	}
	u, ok, err := i.user(ctx, t.User)
	if err != nil {
		return Person{}, err
	}
	if !ok {
		return Person{}, ErrNobody
	}
	return Person{Name: u.Name, Role: u.Role, Token: t.Name}, nil
}

func (i *Identity) token(ctx context.Context, id string) (t Token, ok bool, err error) {
	err = i.store.View(ctx, func(v store.View) error {
		data, found := v.Get(tableTokens, id)
		if !found {
			return nil
		}
		ok = true
		return json.Unmarshal(data, &t)
	})
	if err != nil {
		return Token{}, false, fmt.Errorf("read token %s: %w", id, err)
	}
	return t, ok, nil
}

func bearer(r *http.Request) (string, bool) {
	scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(text), true
}
