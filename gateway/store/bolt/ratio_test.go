package bolt

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store/storetest"
	"feikong/protocol"

	"go.etcd.io/bbolt"
)

// benchAccounts is a street or a small district: each reading is of another account until all had one.
const benchAccounts = 20_000

// round is one commit of n readings. withStates has each reading move its account's state too, as the pipeline does.
func round(e *Engine, n, i int, withStates bool) error {
	_, err := e.Settle(context.Background(), []account.Event{{Now: int64(i)}}, func(f account.Facts, _ []account.Event) account.Changes {
		ch := account.Changes{Receipts: []account.Receipt{{Status: account.Accepted}}, Readings: make([]account.ReadingRecord, n)}
		ch.Cursors = []account.Cursor{{Agent: "a", Lane: protocol.LaneReadings, Epoch: 1, Upto: uint64(i+1) * uint64(n)}}
		for j := range n {
			no := account.No(1 + (i*n+j)%benchAccounts)
			at := storetest.Now + int64(i)*900_000 + int64(j)
			ch.Readings[j] = account.ReadingRecord{No: no, Quantity: protocol.ActiveImport, Value: int64(i)*1_000_000 + int64(j), TakenAt: at, Method: protocol.MethodPoll}
			if withStates {
				st := f.State(no).Clone()
				st.Version++
				st.Points[0].Current = account.Register{At: at, Energy: 7}
				st.Points[0].Latest = st.Points[0].Current
				ch.States = append(ch.States, st)
			}
		}
		return ch
	})
	return err
}

// bare is the yardstick: bbolt alone, the same bytes in one value a commit.
type bare struct {
	db *bbolt.DB
	n  uint64
}

func (b *bare) commit(size int) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		bucket.FillPercent = 1
		b.n++
		return bucket.Put(keySeq(b.n), make([]byte, size))
	})
}

// ratio runs engine and yardstick by turns, so that both meet the same disk, and prints readings a second and
// "RATIO name median min max": the engine's time for a commit over bbolt's for the same bytes.
func ratio(b *testing.B, n int, withStates bool) {
	dir := b.TempDir()
	e, err := Open(filepath.Join(dir, "gateway.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	storetest.Import(b, e, benchAccounts)
	db, err := openBolt(filepath.Join(dir, "bare.db"), false)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	yard := &bare{db: db}
	var ours, ratios []float64
	i := 0
	for b.Loop() {
		before, start := e.stats.bytes.Load(), time.Now()
		if err := round(e, n, i, withStates); err != nil {
			b.Fatal(err)
		}
		mine := time.Since(start)
		start = time.Now()
		if err := yard.commit(int(e.stats.bytes.Load() - before)); err != nil {
			b.Fatal(err)
		}
		theirs := time.Since(start)
		ours = append(ours, mine.Seconds())
		ratios = append(ratios, mine.Seconds()/theirs.Seconds())
		i++
	}
	slices.Sort(ours)
	slices.Sort(ratios)
	mid := len(ratios) / 2
	b.ReportMetric(float64(n)/ours[mid], "readings/s")
	b.ReportMetric(float64(e.stats.bytes.Load())/float64(i*n), "B/reading")
	name := fmt.Sprintf("bolt/%d", n)
	if withStates {
		name += "+states"
	}
	fmt.Printf("RATIO %s %.2f %.2f %.2f\n", name, ratios[mid], ratios[0], ratios[len(ratios)-1])
}

func BenchmarkDurableReadings1000(b *testing.B)       { ratio(b, 1000, false) }
func BenchmarkDurableReadings8000(b *testing.B)       { ratio(b, 8000, false) }
func BenchmarkDurableReadings1000States(b *testing.B) { ratio(b, 1000, true) }
func BenchmarkDurableReadings8000States(b *testing.B) { ratio(b, 8000, true) }
