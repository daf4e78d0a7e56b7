package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"feikong/firmware-sim/control"
	"feikong/protocol/dlt645"
)

// childKey makes the test program behave as firmware-sim itself, so that its memory and CPU are a process's own.
const childKey = "FEIKONG_SIM_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childKey) != "" {
		ctx, stop := context.WithCancel(context.Background())
		go func() { // ends with its parent
			_, _ = bufio.NewReader(os.Stdin).ReadByte()
			stop()
		}()
		if err := root("en").ExecuteContext(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child serves in a process of its own.
func child(t *testing.T, args ...string) (*exec.Cmd, control.Endpoint) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, append([]string{"serve"}, args...)...)
	c.Env = append(os.Environ(), childKey+"=1")
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("firmware-sim: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var e control.Endpoint
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	return c, e
}

// A hundred masters poll ten thousand meters without a pause: one process, below 1 GB and one core. `FEIKONG_FLEET=1 go test
// ./firmware-sim -run Fleet -v` is the whole; otherwise a tenth of it runs, with a tenth of the budget.
func TestFleetFitsOneProcess(t *testing.T) {
	lines, perLine, span := 10, 100, 3*time.Second
	if os.Getenv("FEIKONG_FLEET") != "" {
		lines, span = 100, 30*time.Second
	} else if testing.Short() {
		t.Skip("-short")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "fleet.yaml")
	text := fmt.Sprintf("seed: 1\nlines:\n  - name: l\n    count: %d\n    protocol: dlt645\n    baud: 9600\n    reply_delay: 30ms\n    meters:\n      - {first: \"000000010001\", count: %d, kwh: \"1000.00\", load_w: 900}\n", lines, perLine)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, e := child(t, "--scenario", file, "--dir", filepath.Join(dir, "d"), "--tcp", "127.0.0.1:0")
	if len(e.Lines) != lines {
		t.Fatalf("got %d lines", len(e.Lines))
	}
	before := usage(t, c.Process.Pid)
	var polls, misses atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var wg sync.WaitGroup
	for n := range lines {
		at := e.Lines[fmt.Sprintf("l%0*d", len(strconv.Itoa(lines)), n+1)]
		wg.Go(func() { poll(ctx, at.Address, 10001+n*perLine, perLine, &polls, &misses) })
	}
	wg.Wait()
	after := usage(t, c.Process.Pid)
	cores := float64(after.cpu-before.cpu) / float64(span)
	t.Logf("%d meters on %d lines at 9600 baud, every line busy for %s: %d polls, %d without an answer; resident %d MB (at most %d MB), CPU %.2f of a core",
		lines*perLine, lines, span, polls.Load(), misses.Load(), after.resident>>20, after.peak>>20, cores)
	if got, least := polls.Load(), int64(float64(lines)*span.Seconds()*4); got < least {
		t.Errorf("%d polls, want at least %d", got, least)
	}
	if misses.Load()*100 > polls.Load() {
		t.Errorf("%d of %d polls had no answer", misses.Load(), polls.Load())
	}
	if after.peak > 1<<30 {
		t.Errorf("%d MB, want less than 1 GB", after.peak>>20)
	}
	if limit := 1.0; cores > limit {
		t.Errorf("%.2f cores, want less than %.2f", cores, limit)
	}
}

// poll reads one meter after the other; it is the simplest master that uses the wire without a pause.
func poll(ctx context.Context, address string, first, count int, polls, misses *atomic.Int64) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		misses.Add(1 << 20)
		return
	}
	defer c.Close()
	var buf [256]byte
	var parser dlt645.Parser
	for n := 0; ctx.Err() == nil; n++ {
		a, err := dlt645.ParseAddress(fmt.Sprintf("%012d", first+n%count))
		if err != nil {
			misses.Add(1 << 20)
			return
		}
		if _, err := c.Write(dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, 0x0001FF00))); err != nil {
			misses.Add(1 << 20)
			return
		}
		polls.Add(1)
		parser.Reset()
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		for {
			k, err := c.Read(buf[:])
			parser.Write(buf[:k])
			if f, ok := parser.Next(); ok && f.Addr == a {
				break
			}
			if err != nil {
				misses.Add(1)
				break
			}
		}
	}
}

type used struct {
	cpu            time.Duration
	resident, peak int64 // bytes
}

// usage reads what Linux counts of a process.
func usage(t *testing.T, pid int) (u used) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skip("no /proc on this system")
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, s := range f[11:13] { // utime, stime in ticks of 10 ms
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		for key, to := range map[string]*int64{"VmRSS:": &u.resident, "VmHWM:": &u.peak} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				*to = n << 10
			}
		}
	}
	return u
}
