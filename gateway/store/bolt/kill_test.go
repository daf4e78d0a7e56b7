package bolt

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/gateway/store/storetest"
)

const killDir = "FEIKONG_TEST_KILL_DIR"

// pay settles one payment of an account.
func pay(e *Engine, key, id string) (account.Receipt, error) {
	ev := account.Event{Key: key, Now: storetest.Now, Account: id, Payment: &account.Payment{Amount: 10_000}}
	r, err := e.Settle(context.Background(), []account.Event{ev}, func(f account.Facts, events []account.Event) account.Changes {
		no, _ := f.ByID(id)
		st := f.State(no).Clone()
		st.Version++
		entry := ledger.NewPayment(10_000, key, storetest.Now)
		if err := st.Balances.Apply(entry); err != nil {
			panic(err)
		}
		st.Chain.Append(uint64(no), &entry)
		return account.Changes{Receipts: []account.Receipt{{Status: account.Accepted}}, States: []*account.State{st},
			Entries: []account.LedgerEntry{{No: no, Entry: entry}}, Audit: []account.AuditRecord{{Actor: "test", Object: id}}}
	})
	if err != nil {
		return account.Receipt{}, err
	}
	return r[0], nil
}

// TestKilledChild is not a test by itself: it is what the next one kills. It says each key once it is settled.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("runs as a child of TestSettledSurvivesKill")
	}
	e, err := Open(filepath.Join(dir, "gateway.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s/%d", e.Info().Path, e.head.Commit)
		if _, err := pay(e, key, fmt.Sprintf("acc-%05d", i%100)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("settled", key)
	}
}

func TestSettledSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.db")
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Import(t, e, 100)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	said := map[string]bool{}
	for range 8 {
		killAfter(t, dir, 1+random.IntN(60), said)
		e, err := Open(path, Options{NoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		checkBooks(t, e, said)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter lets a child settle, kills it after some lines, and notes every key it said.
func killAfter(t *testing.T, dir string, lines int, said map[string]bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), killDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	for n := 0; in.Scan(); {
		key, ok := strings.CutPrefix(in.Text(), "settled ")
		if !ok {
			continue
		}
		said[key] = true
		if n++; n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
}

// checkBooks: what was said is there, once; every ledger is its state's; the audit chain holds.
func checkBooks(t *testing.T, e *Engine, said map[string]bool) {
	t.Helper()
	err := e.View(t.Context(), func(v store.View) error {
		for key := range said {
			if _, ok := v.Key(key); !ok {
				t.Errorf("settled %s is lost", key)
			}
		}
		total := 0
		for _, no := range v.Accounts() {
			lines, err := v.Ledger(no)
			if err != nil {
				return err
			}
			entries := make([]ledger.Entry, len(lines))
			for i := range lines {
				entries[i] = lines[i].Entry
			}
			st := v.State(no)
			if err := st.Chain.Verify(uint64(no), entries); err != nil {
				t.Error(err)
			}
			if st.Balances.Advances != billing.Money(10_000*len(entries)) || st.Version != uint64(len(entries)) {
				t.Errorf("account %d: advances %s at version %d, %d entries", no, st.Balances.Advances, st.Version, len(entries))
			}
			total += len(entries)
		}
		audit, err := v.Audit(0, 0)
		if err != nil {
			return err
		}
		if len(audit) != total || uint64(total+1) != v.Commit() || total < len(said) {
			t.Errorf("%d entries, %d audit records, commit %d, %d said", total, len(audit), v.Commit(), len(said))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
