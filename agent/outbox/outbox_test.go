package outbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

func open(t *testing.T, path string, o Options) *Box {
	t.Helper()
	b, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// reading number i of the test's one meter.
func reading(i int) protocol.Entry {
	return protocol.Entry{Reading: protocol.Reading{Meter: protocol.MeterRef{Line: "l1", Address: "000000000101"}, Quantity: protocol.ActiveImport,
		Value: int64(i), Exp: -2, TakenAt: 1_700_000_000_000 + int64(i), Method: protocol.MethodPoll, Side: protocol.SideSecondary}}
}

func round(from, n int) (out []protocol.Entry) {
	for i := range n {
		out = append(out, reading(from+i))
	}
	return out
}

func alarm(code string) protocol.Evidence {
	return protocol.Evidence{Alarm: &protocol.Alarm{Code: code, Detail: "d", At: 1}}
}

func TestOutboxKeepsOrderAcrossRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, path, Options{})
	if !b.Fresh {
		t.Error("a new file is not fresh")
	}
	for i := range 3 {
		if err := b.Append(round(10*i, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.AppendEvidence([]protocol.Evidence{alarm("a")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Ack(protocol.LaneReadings, b.Epoch(), 12); err != nil {
		t.Fatal(err)
	}
	epoch := b.Epoch()
	b.Close()
	b = open(t, path, Options{})
	if err := b.Append(round(30, 1)); err != nil {
		t.Fatal(err)
	}
	want := []protocol.LaneState{
		{Lane: protocol.LaneReadings, Epoch: epoch, Tail: 1, Next: 32, Acked: 12},
		{Lane: protocol.LaneEvidence, Epoch: epoch, Tail: 1, Next: 2},
	}
	if d := cmp.Diff(want, b.Lanes()); d != "" || b.Fresh {
		t.Errorf("lanes (-want +got), fresh %t:\n%s", b.Fresh, d)
	}
	if got := b.Sent(protocol.LaneReadings); got != 12 {
		t.Errorf("sent %d after a restart, want 12", got)
	}
	for _, row := range []struct{ from, count, first, n int }{{1, 100, 0, 31}, {13, 5, 12, 5}, {31, 5, 30, 1}, {32, 5, 0, 0}} {
		got, err := b.Readings(uint64(row.from), row.count, 1<<20)
		if err != nil || len(got) != row.n || row.n > 0 && got[0].Reading.Value != int64(row.first) {
			t.Errorf("from %d: got %d entries, %v", row.from, len(got), err)
		}
	}
}

func TestAcknowledgementsThatDoNotFitMoveNothing(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "o"), Options{})
	if err := b.Append(round(0, 10)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name        string
		epoch, upto uint64
		want        error
	}{{"other epoch", b.Epoch() + 1, 3, ErrOtherEpoch}, {"ahead", b.Epoch(), 11, ErrAhead}, {"fits", b.Epoch(), 7, nil}, {"rewind", b.Epoch(), 2, nil}} {
		if err := b.Ack(protocol.LaneReadings, row.epoch, row.upto); !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.want)
		}
	}
	for _, lane := range []protocol.Lane{0, 3, 255} { // a word that names no lane must not let readings go
		if err := b.Ack(lane, b.Epoch(), 10); !errors.Is(err, ErrOtherLane) {
			t.Errorf("lane %d: %v", lane, err)
		}
	}
	if l := b.Lanes()[0]; l.Acked != 2 || b.Sent(protocol.LaneReadings) != 2 {
		t.Errorf("got %+v, sent %d; want both at 2", l, b.Sent(protocol.LaneReadings))
	}
}

func TestFullOutboxNamesOneHoleAndKeepsRoomForEvidence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o")
	o := Options{MaxBytes: MinBytes}
	b := open(t, path, o)
	n, lost := 0, 0
	for ; lost < 5; n++ {
		switch err := b.Append(round(n*100, 100)); {
		case errors.Is(err, ErrFull):
			lost++
		case err != nil:
			t.Fatal(err)
		}
	}
	if err := b.AppendEvidence([]protocol.Evidence{alarm("still")}, nil); err != nil {
		t.Errorf("no room for evidence: %v", err)
	}
	b.Close()
	b = open(t, path, o) // the hole survives
	stored := b.Lanes()[0].Next - 1
	if err := b.Append(round(0, 100)); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v, want ErrFull: nothing is acknowledged", err)
	}
	if err := b.Ack(protocol.LaneReadings, b.Epoch(), stored); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(round(0, 100)); err != nil {
		t.Fatal(err)
	}
	got, err := b.Readings(stored+1, 10, 1<<20)
	if err != nil || len(got) != 10 || got[0].Gap == nil || got[1].Gap != nil {
		t.Fatalf("got %d entries, %v; want the gap in front", len(got), err)
	}
	if g := got[0].Gap; g.Reason != "outbox full" || g.From == 0 || g.To < g.From || g.Count != 6 {
		t.Errorf("got %+v", g)
	}
	if err := b.Append(round(0, 1)); err != nil {
		t.Fatal(err)
	}
	if l := b.Lanes()[0]; l.Next != stored+1+100+1+1 || l.Tail == 1 {
		t.Errorf("got %+v", l)
	}
}

func TestAcknowledgedEntriesStayUntilTheirTime(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "o"), Options{Keep: time.Nanosecond})
	for i := range 3 {
		if err := b.Append(round(10*i, 10)); err != nil {
			t.Fatal(err)
		}
		if err := b.Ack(protocol.LaneReadings, b.Epoch(), uint64(10*i+5)); err != nil {
			t.Fatal(err)
		}
		nextMillisecond() // the file stamps milliseconds
	}
	if l := b.Lanes()[0]; l.Tail != 11 {
		t.Errorf("tail %d, want 11: only whole acknowledged chunks go", l.Tail)
	}
	if err := b.Ack(protocol.LaneReadings, b.Epoch(), 3); !errors.Is(err, ErrBehind) {
		t.Errorf("got %v, want ErrBehind", err)
	}
	epoch := b.Epoch()
	if err := b.NewEpoch(); err != nil {
		t.Fatal(err)
	}
	if l := b.Lanes()[0]; l.Epoch == epoch || l.Acked != 10 || l.Next != 31 {
		t.Errorf("got %+v after a new epoch", l)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o")
	open(t, path, Options{})
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
}

func TestHalfMadeFileOfAFirstStartIsNoObstacle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o")
	if err := os.WriteFile(path+".new", []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{})
}

func TestDamagedFileIsToldAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	made := filepath.Join(dir, "made")
	b := open(t, made, Options{})
	for i := range 20 {
		if err := b.Append(round(1000*i, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	whole, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, []byte("000000000101"))
	for name, damage := range map[string]func([]byte) []byte{
		"one bit of a value": func(d []byte) []byte { d[at] ^= 1; return d },
		"cut in half":        func(d []byte) []byte { return d[:len(d)/2] },
		"not a database":     func([]byte) []byte { return bytes.Repeat([]byte("x"), 9000) },
		"both meta pages":    func(d []byte) []byte { clear(d[:8192]); return d },
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		data := damage(bytes.Clone(whole))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "aside") {
			t.Errorf("%s: got %v, want ErrDamaged and a remedy", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestUnknownFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o")
	b := open(t, path, Options{})
	if err := b.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyFormat, []byte{0, 0, 0, 9}) }); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := Open(path, Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
}

// TestNothingStoredIsLostByKill runs this binary again as a writer that tells each round after Append returned, kills
// it in the middle, and opens what is left.
func TestNothingStoredIsLostByKill(t *testing.T) {
	if path := os.Getenv("OUTBOX_WRITER"); path != "" {
		write(path)
	}
	path := filepath.Join(t.TempDir(), "o")
	told := 0
	for kill := range 5 {
		c := exec.Command(os.Args[0], "-test.run=^TestNothingStoredIsLostByKill$")
		c.Env = append(os.Environ(), "OUTBOX_WRITER="+path)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; i < 3+2*kill && lines.Scan(); i++ {
			if n, err := fmt.Sscan(lines.Text(), &told); n != 1 {
				t.Fatalf("writer: %q, %v", lines.Text(), err)
			}
		}
		c.Process.Kill()
		c.Wait()
		b, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Readings(1, 1<<20, 1<<30)
		if err != nil || len(got) < told {
			t.Errorf("kill %d: %d entries left of %d told, %v", kill, len(got), told, err)
		}
		for i, e := range got {
			if e.Reading.Value != int64(i) {
				t.Fatalf("kill %d: entry %d holds %d", kill, i, e.Reading.Value)
			}
		}
		b.Close()
	}
}

func write(path string) {
	b, err := Open(path, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		n := int(b.Lanes()[0].Next) - 1
		if err := b.Append(round(n, 7)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n + 7)
	}
}

func FuzzChunk(f *testing.F) {
	k, v := chunk{first: 7, storedAt: 1, entries: [][]byte{{1, 2}, {}, {3}}}.encode()
	f.Add(k, v)
	f.Add([]byte{1}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		c, err := decodeChunk(key, value)
		if err != nil {
			return
		}
		if k2, v2 := c.encode(); !bytes.Equal(k2, key) || len(v2) > len(value) {
			t.Errorf("decoded % x to %+v", value, c)
		}
	})
}

// nextMillisecond waits for the wall clock itself.
func nextMillisecond() {
	for start := time.Now().UnixMilli(); time.Now().UnixMilli() <= start+1; {
		runtime.Gosched()
	}
}
