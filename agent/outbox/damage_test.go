package outbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

// made is an outbox with both lanes in branches, a part acknowledged, an open hole and the records of a relay, as they are
// left by a program that ended. compact leaves out the free pages, on which damage does nothing.
func made(t *testing.T, rounds int, compact bool) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, path, Options{})
	for i := range rounds {
		if err := b.Append(round(i*50, 50)); err != nil {
			t.Fatal(err)
		}
		also := func(tx *bolt.Tx) error {
			j, err := tx.CreateBucketIfNotExists([]byte("journal"))
			if err != nil {
				return err
			}
			return j.Put(seqKey(uint64(i%7)), bytes.Repeat([]byte{byte(i)}, 200))
		}
		if err := b.AppendEvidence([]protocol.Evidence{alarm(strconv.Itoa(i)), alarm("again")}, also); err != nil {
			t.Fatal(err)
		}
	}
	if rounds > 0 {
		for _, err := range []error{b.Ack(protocol.LaneReadings, b.Epoch(), 120), b.Ack(protocol.LaneEvidence, b.Epoch(), 3), b.widen(round(0, 3), 1_800_000_000_000)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if compact {
		from, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		path += ".compact"
		to, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
		if err := errors.Join(err, bolt.Compact(to, from, 0), from.Close(), to.Close()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// damage is one way to break a file.
type damage struct {
	name string
	data func(whole []byte) []byte
}

func flip(at int, bit byte) damage {
	return damage{fmt.Sprintf("bits %02x at %d", bit, at), func(d []byte) []byte { d[at] ^= bit; return d }}
}

// damages are the same for the same seed: a failure names its number and comes again.
func damages(size int, seed uint64) (out []damage) {
	random := rand.New(rand.NewPCG(seed, 11))
	cut := func(n int) damage {
		return damage{fmt.Sprintf("cut to %d", n), func(d []byte) []byte { return d[:n] }}
	}
	out = append(out, damage{"a byte every 3,000", func(d []byte) []byte {
		for at := 12288; at < len(d); at += 3000 {
			d[at] ^= 0xFF
		}
		return d
	}})
	for _, n := range []int{0, 1, 79, 80, 2048, 4096, 4176, 8191, 8192, 12288, 16383} {
		out = append(out, cut(n))
	}
	for range 120 {
		at := random.IntN(size)
		switch random.IntN(4) {
		case 0:
			at = at/4096*4096 + random.IntN(64) // heads of pages and first elements
		case 1:
			at = random.IntN(2)*4096 + random.IntN(80) // roots
		}
		out = append(out, flip(at, 1<<random.IntN(8)))
	}
	for range 12 {
		out = append(out, cut(random.IntN(size)))
		at := random.IntN(size) / 512 * 512
		out = append(out, damage{fmt.Sprintf("sector at %d zeroed", at), func(d []byte) []byte { clear(d[at:min(len(d), at+512)]); return d }})
		from, to := random.IntN(size/4096)*4096, random.IntN(size/4096)*4096
		out = append(out, damage{fmt.Sprintf("page at %d written at %d", from, to), func(d []byte) []byte { copy(d[to:to+4096], bytes.Clone(d[from:from+4096])); return d }})
		n, list := 1+random.IntN(20), []int{}
		for range n {
			list = append(list, random.IntN(size))
		}
		out = append(out, damage{fmt.Sprintf("%d bytes turned over", n), func(d []byte) []byte {
			for _, at := range list {
				d[at] ^= 0xFF
			}
			return d
		}})
	}
	return out
}

// told is everything a box gives back.
func told(b *Box) (string, error) {
	r, err := b.Readings(1, 1<<20, 1<<30)
	e, err2 := b.Evidence(1, 1<<20, 1<<30)
	text, err3 := json.Marshal([]any{r, e, b.Lanes(), b.hole.from, b.hole.polls})
	return string(text), errors.Join(err, err2, err3)
}

// verdict opens data and says "found", "harmless", or what is wrong.
func verdict(path string, data []byte, want string) string {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err.Error()
	}
	b, err := Open(path, Options{})
	if err != nil {
		after, readErr := os.ReadFile(path)
		switch {
		case readErr != nil || !bytes.Equal(after, data):
			return "the file was changed"
		case !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat):
			return "another error: " + err.Error()
		case !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "aside"):
			return "no file or no remedy in: " + err.Error()
		}
		return "found"
	}
	defer func() { b.Close() }() // again, where all went well
	got, err := told(b)
	if err != nil || got != want {
		return fmt.Sprintf("opens with other data, and without a word (%v)", err)
	}
	// It must go on working, too: a page both free and in use shows only now.
	for i := range 3 {
		if err := b.Append(round(i*50, 50)); err != nil {
			return "append: " + err.Error()
		}
	}
	if err := b.Close(); err != nil {
		return "close: " + err.Error()
	}
	if b, err = Open(path, Options{}); err != nil {
		return "opens once only: " + err.Error()
	}
	after, err := told(b)
	if err = errors.Join(err, b.Close()); err != nil {
		return err.Error()
	}
	if entries := strings.Index(want, "],["); entries > 0 && !strings.HasPrefix(after, want[:entries]) {
		return "what was stored before has changed"
	}
	return "harmless"
}

// TestDamageIsFoundOrHarmless opens each damaged file in a child process: a panic in a goroutine of bbolt's cannot be
// caught, and must be seen here as a failure of its own and not end the test.
func TestDamageIsFoundOrHarmless(t *testing.T) {
	if spec := os.Getenv("OUTBOX_DAMAGES"); spec != "" {
		child(t, spec)
		return
	}
	for name, row := range map[string]struct {
		whole []byte
		seeds []uint64
	}{
		"new":       {made(t, 0, false), []uint64{1}},
		"used":      {made(t, 60, false), []uint64{2, 3}},
		"compacted": {made(t, 60, true), []uint64{4, 5, 6}},
	} {
		file := filepath.Join(t.TempDir(), "whole")
		if err := os.WriteFile(file, row.whole, 0o600); err != nil {
			t.Fatal(err)
		}
		found, harmless := 0, 0
		for _, seed := range row.seeds {
			all := damages(len(row.whole), seed)
			for next := 0; next < len(all); {
				verdicts, stderr := run(t, fmt.Sprintf("%d %d %s", seed, next, file))
				for _, v := range verdicts {
					switch v {
					case "found":
						found++
					case "harmless":
						harmless++
					default:
						t.Errorf("%s, seed %d, %s: %s", name, seed, all[next].name, v)
					}
					next++
				}
				told := len(verdicts) > 0 && !good(verdicts[len(verdicts)-1])
				if next < len(all) && !told {
					t.Errorf("%s, seed %d, %s: the process died:\n%.600s", name, seed, all[next].name, stderr)
					next++
				}
			}
		}
		t.Logf("%s: %d of %d damages found, the others harmless", name, found, found+harmless)
		if found < 50 || harmless < 5 {
			t.Errorf("%s: the harness is not alive", name)
		}
	}
}

func good(verdict string) bool { return verdict == "found" || verdict == "harmless" }

// run starts a child and returns its verdicts, as far as it came.
func run(t *testing.T, spec string) (verdicts []string, stderr string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // one takes two seconds
	defer stop()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDamageIsFoundOrHarmless$")
	c.Env = append(os.Environ(), "OUTBOX_DAMAGES="+spec)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run() // that it died is seen by what it did not say
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "verdict: "); ok {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, errs.String()
}

func child(t *testing.T, spec string) {
	var seed uint64
	var next int
	var file string
	if _, err := fmt.Sscan(spec, &seed, &next, &file); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "outbox.db")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path, Options{})
	want, err := told(b)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	for _, d := range damages(len(whole), seed)[next:] {
		v := verdict(path, d.data(bytes.Clone(whole)), want)
		fmt.Println("verdict: " + strings.ReplaceAll(v, "\n", " "))
		if !good(v) {
			os.Exit(1) // what it left open must not spoil the others
		}
	}
}

// A file of the format before this one opens, and is of this one afterwards.
func TestFileWithoutSealsIsReadAndRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o")
	b := open(t, path, Options{})
	if err := errors.Join(b.Append(round(0, 10)), b.Ack(protocol.LaneReadings, b.Epoch(), 4)); err != nil {
		t.Fatal(err)
	}
	epoch := b.Epoch()
	err := b.db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		return errors.Join(b.putCursors(tx), meta.Put(keyFormat, []byte{0, 0, 0, 1}), meta.Put(keyEpoch, seqKey(epoch)), meta.Put(keyAcked(protocol.LaneReadings), seqKey(4)))
	})
	b.dirty = false
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b = open(t, path, Options{})
		if b.Epoch() != epoch || b.Lanes()[0].Acked != 4 {
			t.Errorf("got %+v", b.Lanes())
		}
		version, err := uint32(0), error(nil)
		if err := b.db.View(func(tx *bolt.Tx) error { version, err = b.scan(tx); return err }); err != nil || version != format {
			t.Errorf("version %d, %v", version, err)
		}
		b.Close()
	}
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte("epoch"), seqKey(7), 1, uint32(1))
	f.Add([]byte("hole"), []byte{}, 2, uint32(2))
	f.Fuzz(func(t *testing.T, key, v []byte, n int, version uint32) {
		if out, err := decodeMeta(key, v, 1+n&1, version); err == nil && len(out) != 1+n&1 {
			t.Errorf("got %d numbers", len(out))
		}
	})
}
