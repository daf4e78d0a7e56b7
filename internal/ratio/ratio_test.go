// Package ratio holds no code: its tests print how fast a part is beside the limit of what it stands on, both sides in turn in one
// run, so that the machine, the disk and the hour cancel out. `make bench` runs them; nothing here fails because a machine is slow.
package ratio

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"feikong/billing"
	"feikong/billing/audit"
	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/gateway/pipeline"
	"feikong/gateway/store/bolt"
	"feikong/protocol"
	"feikong/protocol/dlt645/decodebench"
)

// rounds of each ratio: the median of eleven hides one bad second of a shared disk, and the spread is printed.
const rounds = 11

// print measures both sides in turn and prints limit/part for each round: 1.00 is as fast as what it stands on.
func print(t *testing.T, name string, part, limit func() time.Duration) {
	t.Helper()
	part() // both sides once without being counted: page cache, code, maps
	limit()
	ratios := make([]float64, 0, rounds)
	for range rounds {
		p, l := part(), limit()
		ratios = append(ratios, float64(l)/float64(p))
	}
	slices.Sort(ratios)
	fmt.Printf("RATIO %-34s %.3f %.3f %.3f\n", name, ratios[rounds/2], ratios[0], ratios[rounds-1])
}

func enabled(t *testing.T) {
	t.Helper()
	if os.Getenv("FEIKONG_BENCH") == "" {
		t.Skip("set FEIKONG_BENCH=1, or run make bench: a ratio takes seconds and proves nothing in a test run")
	}
}

// TestRatioDecode: a block reply found, checked and decoded, beside one bare pass over its bytes.
func TestRatioDecode(t *testing.T) {
	enabled(t)
	const n = 200_000
	print(t, "block-decode/bare-pass", func() time.Duration {
		start := time.Now()
		if _, err := decodebench.Decode(n); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}, func() time.Duration {
		start := time.Now()
		if decodebench.Pass(n) == 0 {
			t.Fatal("nothing was added up")
		}
		return time.Since(start)
	})
}

// TestRatioDurable: readings from the bytes of a batch through decoding, the six stages and the commit, beside a bare bbolt commit
// of the bytes that this commit wrote. One commit for each batch, as a lightly loaded gateway does.
func TestRatioDurable(t *testing.T) {
	enabled(t)
	for _, c := range []struct{ accounts, batch, commit int }{{10_000, 1000, 1}, {10_000, 1000, 8}, {10_000, 100, 1}} {
		durable(t, c.accounts, c.batch, c.commit)
	}
}

func durable(t *testing.T, accounts, batch, perCommit int) {
	dir := t.TempDir()
	engine, err := bolt.Open(filepath.Join(dir, "gateway.db"), bolt.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if _, err := engine.Settle(t.Context(), []account.Event{{Key: "archive", Now: 1, Archive: book(accounts)}}, pipeline.Think); err != nil {
		t.Fatal(err)
	}
	bare, err := bbolt.Open(filepath.Join(dir, "bare.db"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()

	const commits = 8
	load := &load{accounts: accounts, batch: batch, seq: 1, at: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}
	var bytes int64
	var cpu time.Duration
	readings := 0
	part := func() time.Duration {
		wires := make([][][]byte, commits)
		for i := range wires {
			for range perCommit {
				wires[i] = append(wires[i], load.next(t))
			}
		}
		before := engine.Stats()["value_bytes"]
		start := time.Now()
		for _, group := range wires {
			events := make([]account.Event, 0, perCommit)
			for _, wire := range group {
				b, err := protocol.DecodeReadingBatch(wire)
				if err != nil {
					t.Fatal(err)
				}
				events = append(events, account.Event{Now: load.at + 1000, Actor: "agent a", Readings: b})
			}
			receipts, err := engine.Settle(t.Context(), events, pipeline.Think)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range receipts {
				if r.Status != account.Accepted {
					t.Fatalf("batch was not accepted: %+v", r)
				}
			}
		}
		took := time.Since(start)
		bytes = (engine.Stats()["value_bytes"] - before) / commits
		cpu += took
		readings += commits * perCommit * batch
		return took
	}
	key := uint64(0)
	limit := func() time.Duration {
		value := make([]byte, 16<<10) // the engine's own chunk: larger values cost bbolt more
		start := time.Now()
		for range commits {
			if err := bare.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists([]byte("j"))
				if err != nil {
					return err
				}
				b.FillPercent = 0.95
				for left := bytes; left > 0; left -= int64(len(value)) {
					key++
					if err := b.Put([]byte(fmt.Sprintf("%016x", key)), value[:min(left, int64(len(value)))]); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(start)
	}
	name := fmt.Sprintf("durable-readings/bolt %d*%d", perCommit, batch)
	print(t, name, part, limit)
	fmt.Printf("COST  %-34s %.2f us a reading, %d B written a reading, %.0f readings/s\n", name,
		float64(cpu.Microseconds())/float64(readings), bytes/int64(perCommit*batch), float64(readings)/cpu.Seconds())
}

// load makes batches that sweep the accounts, each reading newer and higher than the one before.
type load struct {
	accounts, batch int
	seq             uint64
	at              int64
	position        int
	kwh             int64 // hundredths
}

func (l *load) next(t *testing.T) []byte {
	b := &protocol.ReadingBatch{Agent: "a", Epoch: 7, First: l.seq, SentAt: l.at}
	for range l.batch {
		if l.position == 0 {
			l.at += 15 * 60 * 1000
			l.kwh += 25
		}
		b.Entries = append(b.Entries, protocol.Entry{Reading: protocol.Reading{Meter: meter(l.position), Quantity: protocol.ActiveImport,
			Value: l.kwh, Exp: -2, TakenAt: l.at, Method: protocol.MethodPoll, Side: protocol.SidePrimary}})
		l.position = (l.position + 1) % l.accounts
	}
	l.seq += uint64(l.batch)
	wire, err := protocol.AppendReadingBatch(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func meter(i int) protocol.MeterRef {
	return protocol.MeterRef{Line: fmt.Sprintf("l%d", i/256), Address: fmt.Sprintf("%012d", i)}
}

func book(accounts int) *account.Archive {
	a := &account.Archive{}
	for i := range accounts {
		a.Profiles = append(a.Profiles, account.Profile{ID: fmt.Sprintf("%07d", i), Currency: "CNY", TariffID: "t", PolicyID: "p",
			Points: []account.PointProfile{{ID: fmt.Sprintf("%07d-1", i), Agent: "a", Meter: meter(i), Multiplier: 1, Digits: 6}}})
	}
	return a
}

// config is what a gateway parses from its documents: annual tiers, so that the estimate does its real work.
func config([]account.Document) (*account.Config, error) {
	v := tariff.Version{ID: "t", Number: 1, ValidFrom: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), Currency: "CNY", Decimals: 2, Kind: tariff.Tiered,
		Notation: tariff.Banded, Cycle: tariff.Cycle{Month: 1, Day: 1, Months: 12}, Tiers: []tariff.Tier{
			{UpTo: 2520 * billing.KWh, Price: 54_690_000}, {UpTo: 4800 * billing.KWh, Price: 59_690_000, Adder: 5_000_000}, {Price: 84_690_000, Adder: 30_000_000}}}
	p := policy.Policy{ID: "p", Version: 1, WarnBelow: -1 << 50, TripBelow: -1 << 51, NoticeGrace: time.Hour, MaxReadingAge: time.Hour, OrderTTL: time.Minute}
	return &account.Config{Tariffs: map[string][]tariff.Version{"t": {v}}, Policies: map[string]policy.Policy{"p": p}, Audit: audit.DefaultRules(), Timezone: "Asia/Shanghai"}, nil
}
