package identity

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/gateway/store/bolt"
)

func open(t *testing.T, path string) store.Store {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{Config: func([]account.Document) (*account.Config, error) { return &account.Config{}, nil }})
	must(t, err)
	return s
}

func newIdentity(t *testing.T) (*Identity, string) {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "f.db"))
	t.Cleanup(func() { must(t, s.Close()) })
	password, created, err := Bootstrap(t.Context(), s)
	must(t, err)
	if !created {
		t.Fatal("the first start made no user")
	}
	return New(Options{Store: s}), password
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheAdministratorIsMadeOnceAndSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.db")
	s := open(t, path)
	password, created, err := Bootstrap(t.Context(), s)
	must(t, err)
	if !created || len(password) != 19 {
		t.Fatalf("got %q, %v", password, created)
	}
	must(t, s.Close())
	s = open(t, path)
	defer s.Close()
	again, created, err := Bootstrap(t.Context(), s)
	if err != nil || created || again != "" {
		t.Errorf("second start: got %q, %v, %v, want nothing made", again, created, err)
	}
	p, err := New(Options{Store: s}).Check(t.Context(), "1.2.3.4:5", "admin", password)
	if err != nil || !p.MustChange || p.Role != RoleAdministrator {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestNeitherPasswordNorTokenIsStored(t *testing.T) {
	i, password := newIdentity(t)
	_, text, err := i.MakeToken(t.Context(), Person{Name: "admin"}, "job", 0)
	must(t, err)
	must(t, i.store.View(t.Context(), func(v store.View) error {
		for _, table := range []string{tableUsers, tableTokens} {
			for _, data := range v.List(table) {
				if strings.Contains(string(data), password) || strings.Contains(string(data), text) || strings.Contains(string(data), text[len(text)-32:]) {
					t.Errorf("table %s holds a secret", table)
				}
			}
		}
		return nil
	}))
}

func TestAChangedPasswordReplacesTheOneTimeOne(t *testing.T) {
	i, old := newIdentity(t)
	ctx := t.Context()
	for _, weak := range []string{"short", strings.Repeat("x", 129), old} {
		if err := i.ChangePassword(ctx, "r", "admin", old, weak); !errors.Is(err, ErrWeak) {
			t.Errorf("%.12q: got %v, want ErrWeak", weak, err)
		}
	}
	must(t, i.ChangePassword(ctx, "r", "admin", old, "五月的雨水下在山上了"))
	if _, err := i.Check(ctx, "r", "admin", old); !errors.Is(err, ErrWrong) {
		t.Errorf("old password: got %v, want ErrWrong", err)
	}
	p, err := i.Check(ctx, "r", "admin", "五月的雨水下在山上了")
	if err != nil || p.MustChange {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestGuessingIsLimitedByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts()
		for n := range attemptsBurst {
			if !a.allow("10.0.0.1:1", time.Now()) {
				t.Fatalf("attempt %d refused", n)
			}
		}
		if a.allow("10.0.0.1:2", time.Now()) {
			t.Error("another port of the same address got in")
		}
		if !a.allow("10.0.0.2:1", time.Now()) {
			t.Error("another address was kept out")
		}
		time.Sleep(attemptsEvery) // virtual time
		if !a.allow("10.0.0.1:3", time.Now()) {
			t.Error("after a while the address is still kept out")
		}
	})
}

func TestGuessingFromManyAddressesIsLimitedAndBounded(t *testing.T) {
	a, now, in := newAttempts(), time.Unix(0, 0), 0
	for n := range 3 * addressesMax {
		if a.allow(strings.Repeat("x", n%7)+string(rune(n)), now) {
			in++
		}
	}
	if in > attemptsAllBurst || len(a.from) > addressesMax {
		t.Errorf("got %d attempts and %d addresses", in, len(a.from))
	}
}

func TestALimitedSignInDoesNotHash(t *testing.T) {
	i, password := newIdentity(t)
	for range attemptsBurst {
		if _, err := i.Check(t.Context(), "h", "admin", "wrong wrong"); !errors.Is(err, ErrWrong) {
			t.Fatalf("got %v, want ErrWrong", err)
		}
	}
	if _, err := i.Check(t.Context(), "h", "admin", password); !errors.Is(err, ErrLimited) {
		t.Errorf("got %v, want ErrLimited", err)
	}
	if _, err := i.Check(t.Context(), "other", "nobody", password); !errors.Is(err, ErrWrong) {
		t.Errorf("unknown name: got %v, want ErrWrong", err)
	}
}

func TestAnExpiredTokenIsNobodys(t *testing.T) {
	i, _ := newIdentity(t)
	tok, text, err := i.MakeToken(t.Context(), Person{Name: "admin"}, "job", time.Nanosecond)
	must(t, err)
	if tok.Expires == 0 {
		t.Fatal("the token never ends")
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	if _, err := i.Authenticate(r); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v, want ErrNobody", err)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	m := &memory{sessions: map[string]held{}}
	for n := range 3 * sessionsMax {
		must(t, m.Commit(string(rune(n+1)), nil, time.Now().Add(time.Hour+time.Duration(n))))
	}
	if len(m.sessions) != sessionsMax {
		t.Errorf("got %d sessions, want %d", len(m.sessions), sessionsMax)
	}
	must(t, m.Commit("late", nil, time.Now().Add(-time.Second)))
	if _, ok, _ := m.Find("late"); ok {
		t.Error("an ended session was found")
	}
}

func FuzzStoredHash(f *testing.F) {
	f.Add(nobodyHash)
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		salt, key, err := decodeHash(text)
		if err == nil && (len(salt) != argonSalt || len(key) != argonKey) {
			t.Errorf("took %q", text)
		}
	})
}
