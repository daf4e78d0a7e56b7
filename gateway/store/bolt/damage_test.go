package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/gateway/store/storetest"
	"feikong/protocol"

	"go.etcd.io/bbolt"
)

// sample makes a store with something in every bucket and returns its bytes.
func sample(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.db")
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Import(t, e, 120)
	for i := range 12 {
		_, err := e.Settle(context.Background(), []account.Event{{Key: fmt.Sprint("k", i), Now: storetest.Now}}, func(f account.Facts, _ []account.Event) account.Changes {
			return everything(f, i)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Put(context.Background(), "users", "admin", []byte("secret"), account.AuditRecord{Actor: "admin"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	// Without the free pages, on which damage does nothing.
	from, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := bbolt.Open(path+".compact", 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bbolt.Compact(to, from, 0), from.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path + ".compact")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func everything(f account.Facts, i int) account.Changes {
	ch := account.Changes{Receipts: []account.Receipt{{Status: account.Accepted}}}
	for j := range 30 {
		st := f.State(account.No(1 + (i*30+j)%120)).Clone()
		st.Version++
		st.Points[0].Current = account.Register{At: int64(i), Energy: 5}
		if j == 0 {
			e := ledger.NewPayment(100, fmt.Sprint("k", i), int64(i))
			st.Chain.Append(uint64(st.No), &e)
			ch.Entries = append(ch.Entries, account.LedgerEntry{No: st.No, Entry: e})
		}
		ch.States = append(ch.States, st)
		ch.Readings = append(ch.Readings, account.ReadingRecord{No: st.No, Quantity: protocol.ActiveImport, Value: int64(j), TakenAt: int64(i)})
	}
	ch.Cursors = []account.Cursor{{Agent: "a", Lane: 1, Epoch: 1, Upto: uint64(i + 1)}}
	ch.Findings = []account.Finding{{No: 1, Code: "A01", At: int64(i)}}
	ch.Orders = []account.OrderRecord{{No: 1, Number: uint64(i + 1), State: account.OrderQueued, Order: protocol.Order{Action: protocol.ActionTrip}}}
	ch.Notices = []account.NoticeRecord{{No: 1, Number: uint64(i + 1), State: account.NoticeQueued}}
	ch.Bills = []account.Bill{{No: 1, Period: uint32(i + 1)}}
	ch.Quarantine = []account.Quarantined{{Data: []byte("raw")}}
	ch.FieldWork = []account.FieldWork{{Agent: "a"}}
	ch.Gaps, ch.Alarms = []account.GapRecord{{Agent: "a"}}, []account.AlarmRecord{{Agent: "a"}}
	ch.Audit = []account.AuditRecord{{Actor: "timer"}}
	return ch
}

// everythingOf reads all a view has, as text.
func everythingOf(s store.Store) (string, error) {
	var out []any
	err := s.View(context.Background(), func(v store.View) error {
		out = append(out, v.Commit(), v.Documents(), v.Cursors(), v.List("users"), v.Due(1<<60, 0), v.Config())
		put := func(x any, err error) error { out = append(out, x); return err }
		errs := []error{}
		for _, no := range v.Accounts() {
			out = append(out, v.Profile(no), v.State(no))
			l, err := v.Ledger(no)
			errs = append(errs, put(l, err))
			r, err := v.Readings(no, 0, protocol.ActiveImport, 0, 0, 1<<60, 0)
			errs = append(errs, put(r, err))
		}
		o, err := v.Orders(1)
		errs = append(errs, put(o, err))
		oo, err := v.OpenOrders("")
		errs = append(errs, put(oo, err))
		n, err := v.OpenNotices()
		errs = append(errs, put(n, err))
		b, err := v.Bills(1)
		errs = append(errs, put(b, err))
		f, err := v.Findings(1)
		errs = append(errs, put(f, err))
		q, err := v.Quarantine(0)
		errs = append(errs, put(q, err))
		g, err := v.Gaps(0)
		errs = append(errs, put(g, err))
		a, err := v.Alarms(0)
		errs = append(errs, put(a, err))
		au, err := v.Audit(0, 0)
		errs = append(errs, put(au, err))
		for i := range 12 {
			r, _ := v.Key(fmt.Sprint("k", i))
			out = append(out, r)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(out)
	return string(text), err
}

// openDamaged opens data and reads all of it. It returns what was read, or the error of the first step that failed.
func openDamaged(t *testing.T, path string, data []byte) (string, error) {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := Open(path, Options{})
	if err != nil {
		return "", err
	}
	defer e.Close()
	text, err := everythingOf(e)
	if err != nil {
		return "", err
	}
	// It must go on working, too.
	_, err = e.Settle(t.Context(), []account.Event{{Key: "after"}}, func(account.Facts, []account.Event) account.Changes {
		return account.Changes{Receipts: []account.Receipt{{Status: account.Accepted}}}
	})
	return text, err
}

func TestDamageIsFoundOrHarmless(t *testing.T) {
	data := sample(t)
	path := filepath.Join(t.TempDir(), "gateway.db")
	want, err := openDamaged(t, path, data)
	if err != nil {
		t.Fatal(err)
	}
	found, harmless := 0, 0
	check := func(what string, broken []byte) {
		t.Helper()
		got, err := openDamaged(t, path, broken)
		if err != nil {
			found++
		} else {
			harmless++
		}
		switch {
		case err == nil && got != want:
			t.Errorf("%s: opens with other data, and without an error", what)
		case err != nil && !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrFormat):
			t.Errorf("%s: error %v", what, err)
		}
	}
	// Fixed seed: a failure names the offset and comes again.
	random := rand.New(rand.NewPCG(2, 7))
	const flips = 300 // half a second a hundred; 1,500 and every bit of the roots were run once
	for range flips {
		at, bit := random.IntN(len(data)), byte(1)<<random.IntN(8)
		if random.IntN(4) == 0 {
			at = random.IntN(len(data)/4096)*4096 + random.IntN(64) // heads of pages
		}
		broken := append([]byte(nil), data...)
		broken[at] ^= bit
		check(fmt.Sprintf("bit %02x at %d flipped", bit, at), broken)
	}
	for at := range 16 + 64 { // both roots
		for _, page := range []int{0, 4096} {
			broken := append([]byte(nil), data...)
			broken[page+at] ^= 1 << (at % 8)
			check(fmt.Sprintf("bit %d at %d flipped", at%8, page+at), broken)
		}
	}
	for _, size := range []int{1, 79, 80, 2048, 4096, 4725, 8191, 8192, 12288, 16383} {
		check(fmt.Sprintf("cut to %d", size), data[:size])
	}
	for range flips / 10 {
		check("truncated", data[:random.IntN(len(data))])
		at, broken := random.IntN(len(data)), append([]byte(nil), data...)
		clear(broken[at:min(len(broken), at+512)])
		check(fmt.Sprintf("sector at %d zeroed", at), broken)
	}
	t.Logf("%d of %d damages found, the others harmless", found, found+harmless)
	if found < 100 || harmless < 10 {
		t.Error("the harness is not alive")
	}
}

func TestStrangeFilesAreNotOurs(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is a letter, and long enough to be looked at as a root page of a file, which it is not at all, not even nearly"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	db, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("songs")); return err }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{text: store.ErrFormat, other: store.ErrFormat, dir: store.ErrFormat, empty: store.ErrDamaged} {
		if _, err := Open(path, Options{}); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", path, err, want)
		}
	}
	if _, err := Open(filepath.Join(dir, "none"), Options{NoCreate: true}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.head.Format = formatVersion + 1
	if err := e.Put(t.Context(), "a", "b", nil, account.AuditRecord{}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, store.ErrFormat) {
		t.Errorf("error %v, want ErrFormat", err)
	}
}

func TestSecondOpenIsLockedOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, opt := range []Options{{}, {ReadOnly: true}} {
		if _, err := Open(path, opt); !errors.Is(err, store.ErrLocked) {
			t.Errorf("error %v, want ErrLocked", err)
		}
	}
}

// In a file beyond ScrubMax damage to an old reading is found by who reads it; all else at start-up.
func TestLargeFileChecksReadingsWhenTheyAreRead(t *testing.T) {
	data := sample(t)
	path := filepath.Join(t.TempDir(), "gateway.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := openBolt(path, false)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketNames[bucketReadings]))
		k, v := b.Cursor().First()
		v = append([]byte(nil), v...)
		v[len(v)-1] ^= 1
		return b.Put(append([]byte(nil), k...), v)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("small file: error %v, want ErrDamaged", err)
	}
	e, err := Open(path, Options{ScrubMax: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := everythingOf(e); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("reading it: error %v, want ErrDamaged", err)
	}
}

func TestReadOnlyChangesNothing(t *testing.T) {
	data := sample(t)
	path := filepath.Join(t.TempDir(), "gateway.db")
	if err := os.WriteFile(path, data, 0o400); err != nil {
		t.Fatal(err)
	}
	e, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("two readers: %v", err)
	}
	defer other.Close()
	if _, err := everythingOf(e); err != nil {
		t.Error(err)
	}
	if err := e.Put(t.Context(), "a", "b", nil, account.AuditRecord{}); !errors.Is(err, errReadOnly) {
		t.Errorf("put: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(data) {
		t.Errorf("the file has changed: %v", err)
	}
}
