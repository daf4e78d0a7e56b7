// Package ratio holds no code: its tests print how fast a part is beside the limit of what it stands on, both sides in turn in one
// run, so that the machine, the disk and the hour cancel out. `make bench` runs them; nothing here fails because a machine is slow.
package ratio

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"feikong/billing"
	"feikong/billing/audit"
	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/gateway/intake"
	"feikong/gateway/pipeline"
	"feikong/gateway/settle"
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
	fmt.Printf("RATIO %-30s %.3f %.3f %.3f\n", name, ratios[rounds/2], ratios[0], ratios[rounds-1])
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

// TestRatioDurable: readings from the packets of agents through the intake, the door, the six stages and the commit to the
// acknowledgement, beside bare bbolt commits of as many bytes, as often. Each agent has one batch in flight, as on the wire.
func TestRatioDurable(t *testing.T) {
	enabled(t)
	for _, c := range []struct{ agents, batch int }{{1, 1000}, {8, 1000}, {8, 100}} {
		durable(t, c.agents, c.batch)
	}
}

// metersEach is what one agent reads: a concentrator of eight lines.
const metersEach = 2000

func durable(t *testing.T, agents, batch int) {
	empty := heap()
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "gateway.db"), bolt.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if _, err := engine.Settle(t.Context(), []account.Event{{Key: "archive", Now: 1, Archive: book(agents)}}, pipeline.Think); err != nil {
		t.Fatal(err)
	}
	acks := make(map[string]chan uint64)
	for i := range agents {
		acks[agent(i)] = make(chan uint64, 4)
	}
	door := settle.NewDoor(engine, pipeline.Think, settle.Options{})
	in := intake.New(intake.Options{Tenant: "d", Door: door, Store: engine, Fleet: intake.NewFleet(), Log: slog.New(slog.DiscardHandler),
		Publish: func(topic string, payload []byte) error {
			if ack, err := protocol.DecodeAck(payload); err == nil {
				acks[ack.Agent] <- ack.Upto
			}
			return nil
		}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { door.Run(ctx) })
	running.Go(func() { in.Run(ctx) })
	defer func() { cancel(); running.Wait() }()

	bare, err := bbolt.Open(filepath.Join(t.TempDir(), "bare.db"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()

	const batches = 16 // of each agent in a round
	loads := make([]*load, agents)
	for i := range loads {
		loads[i] = &load{agent: i, batch: batch, seq: 1, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}
	}
	var bytes, commits int64
	var took time.Duration
	var cpu syscall.Rusage
	readings, used := 0, time.Duration(0)
	part := func() time.Duration {
		wires := make([][][]byte, agents)
		for i := range wires {
			for range batches {
				wires[i] = append(wires[i], loads[i].next(t))
			}
		}
		before := engine.Stats()
		busy := cpuTime(&cpu)
		start := time.Now()
		var all sync.WaitGroup
		for i := range agents {
			all.Go(func() {
				id := agent(i)
				for _, wire := range wires[i] {
					in.Packet(id, "readings", protocol.Up("d", id, "readings"), wire)
					<-acks[id]
				}
			})
		}
		all.Wait()
		d := time.Since(start)
		after := engine.Stats()
		bytes, commits = after["value_bytes"]-before["value_bytes"], after["commits"]-before["commits"]
		took += d
		used += cpuTime(&cpu) - busy
		readings += agents * batches * batch
		return d
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
				for left := bytes / commits; left > 0; left -= int64(len(value)) {
					key++
					if err := b.Put(fmt.Appendf(nil, "%016x", key), value[:min(left, int64(len(value)))]); err != nil {
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
	name := fmt.Sprintf("intake-to-ack/bolt:%dx%d", agents, batch)
	print(t, name, part, limit)
	resident := heap() - empty
	fmt.Printf("COST  %-30s %.2f us CPU a reading, %d B written a reading, %d B of memory a meter, %.0f readings/s, %.0f readings a commit\n", name,
		float64(used.Microseconds())/float64(readings), bytes/int64(agents*batches*batch), resident/int64(agents*metersEach), float64(readings)/took.Seconds(), float64(agents*batches*batch)/float64(commits))
}

// heap is what this process holds, in bytes, after what nobody needs is gone.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// cpuTime is what this process has used so far.
func cpuTime(u *syscall.Rusage) time.Duration {
	if syscall.Getrusage(syscall.RUSAGE_SELF, u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func agent(i int) string { return fmt.Sprintf("a%d", i) }

// load makes the batches of one agent: it sweeps its meters, each reading newer and higher than the one before.
type load struct {
	agent, batch int
	seq          uint64
	at           int64
	position     int
	kwh          int64 // hundredths
}

func (l *load) next(t *testing.T) []byte {
	b := &protocol.ReadingBatch{Agent: agent(l.agent), Epoch: 7, First: l.seq, SentAt: l.at}
	for range l.batch {
		if l.position == 0 {
			l.at += 15 * 60 * 1000
			l.kwh += 25
		}
		b.Entries = append(b.Entries, protocol.Entry{Reading: protocol.Reading{Meter: meter(l.position), Quantity: protocol.ActiveImport,
			Value: l.kwh, Exp: -2, TakenAt: l.at, Method: protocol.MethodPoll, Side: protocol.SidePrimary}})
		l.position = (l.position + 1) % metersEach
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

func book(agents int) *account.Archive {
	a := &account.Archive{}
	for n := range agents {
		for i := range metersEach {
			id := fmt.Sprintf("%d-%05d", n, i)
			a.Profiles = append(a.Profiles, account.Profile{ID: id, Currency: "CNY", TariffID: "t", PolicyID: "p",
				Points: []account.PointProfile{{ID: id + "-1", Agent: agent(n), Meter: meter(i), Multiplier: 1, Digits: 6}}})
		}
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
