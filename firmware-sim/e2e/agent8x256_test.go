package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"feikong/firmware-sim/story"
)

const (
	bigLines, bigMeters = 8, 256
	bigMemory           = 25 << 20 // resident at most
	bigCPU              = 0.01     // of one core, at a poll every bigInterval
	bigInterval         = 15 * time.Minute
	bigCycle            = 3 * time.Minute // the interval that is measured
)

// TestAgentOf8LinesAnd2048Meters runs the real agent on pseudo-terminals of 9600 baud, first without a gateway and then with one,
// and reads its memory and its processor time from /proc. A round costs what it costs at any interval; what the agent
// takes between two rounds is measured apart. FEIKONG_AGENT8X256=1 go test ./firmware-sim/e2e -run 2048 -v
func TestAgentOf8LinesAnd2048Meters(t *testing.T) {
	if os.Getenv("FEIKONG_AGENT8X256") == "" {
		t.Skip("a quarter of an hour; set FEIKONG_AGENT8X256=1")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	rig, err := story.Lay(t.TempDir(), programs, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rig.Stop(); err != nil {
			t.Error(err)
		}
	})
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(rig.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sim.yaml", fmt.Sprintf("seed: 7\nlines:\n  - name: l\n    count: %d\n    protocol: dlt645\n    baud: 9600\n    reply_delay: 20ms\n    meters:\n"+
		"      - {first: \"000000010001\", count: %d, kwh: \"100.00\", load_w: 900}\n", bigLines, bigMeters))
	write("agent.yaml", bigConfig(rig.MQTT))
	if err := rig.StartSim(ctx); err != nil {
		t.Fatal(err)
	}
	if err := rig.StartAgent(); err != nil {
		t.Fatal(err)
	}

	a := outside{t: t, ctx: ctx, dir: rig.Dir}
	a.await("every meter to be read once", 6*time.Minute, func(s bigStatus) bool {
		for _, m := range s.Meters {
			if m.Replies == 0 {
				return false
			}
		}
		return len(s.Meters) == bigLines*bigMeters
	})
	alone := a.measure("no gateway")
	if err := rig.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	a.await("the gateway to have all readings", 3*time.Minute, func(s bigStatus) bool { return s.Outbox.Waiting == 0 && s.Outbox.Stored > 5*bigLines*bigMeters })
	with := a.measure("with a gateway")
	for name, m := range map[string]bigMeasure{"without a gateway": alone, "with a gateway": with} {
		if m.peak > bigMemory {
			t.Errorf("%s: at most %.1f MB resident, want %d", name, mega(m.peak), bigMemory>>20)
		}
		if m.share > bigCPU {
			t.Errorf("%s: %.2f %% of a core at a poll each %v, want %.0f %%", name, 100*m.share, bigInterval, 100*bigCPU)
		}
	}
}

// bigConfig reads energy and relay each bigCycle.
func bigConfig(broker string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "agent: street-1\ndata: agent\nrelay: off\nbroker: {url: tcp://%s, user: street-1, password: street}\npoll: {interval: %v, relay_interval: %v}\nlines:\n", broker, bigCycle, bigCycle)
	for i := range bigLines {
		fmt.Fprintf(&b, "  - name: l%d\n    port: sim/l%d\n    protocol: dlt645\n    baud: 9600\n    meters:\n", i+1, i+1)
		for k := range bigMeters {
			fmt.Fprintf(&b, "      - {address: \"%012d\"}\n", 10001+i*bigMeters+k)
		}
	}
	return b.String()
}

// bigStatus is what `agent status --json` tells, as far as it is needed here.
type bigStatus struct {
	PID    int `json:"pid"`
	Outbox struct {
		Stored  uint64 `json:"stored"`
		Waiting uint64 `json:"readings_waiting"`
	} `json:"outbox"`
	Lines []struct {
		Exchanges uint64 `json:"exchanges"`
	} `json:"lines"`
	Meters []struct {
		Replies uint64 `json:"replies"`
	} `json:"meters"`
}

func (s bigStatus) exchanges() (n uint64) {
	for _, l := range s.Lines {
		n += l.Exchanges
	}
	return n
}

// outside is the agent as seen from outside.
type outside struct {
	t   *testing.T
	ctx context.Context
	dir string
}

func (a outside) status() (s bigStatus, err error) {
	cmd := exec.CommandContext(a.ctx, filepath.Join(programs, "agent"), "status", "--json")
	cmd.Dir = a.dir
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	return s, err
}

func (a outside) await(what string, most time.Duration, is func(bigStatus) bool) {
	a.t.Helper()
	for end := time.Now().Add(most); ; wait(a.ctx, 5*time.Second) {
		s, err := a.status()
		if err == nil && is(s) {
			return
		}
		if time.Now().After(end) || a.ctx.Err() != nil {
			a.t.Fatalf("waited for %s in vain: %v", what, err)
		}
	}
}

// bigMeasure is one cycle. Memory is the highest of the process so far.
type bigMeasure struct {
	peak  int64   // bytes
	share float64 // of a core, at bigInterval
}

// measure looks at two whole cycles: their processor time is that of their exchanges and of the time itself. A round takes less than
// half a cycle, so a quarter of the way up from the quietest ten seconds is what time costs (status, timers, the broker); the rest
// is the exchanges', and those of bigInterval are counted by the clock.
func (a outside) measure(name string) (m bigMeasure) {
	a.t.Helper()
	const step = 10 * time.Second
	before, err := a.status()
	if err != nil {
		a.t.Fatal(err)
	}
	start, began := a.usage(before.PID), time.Now()
	var steps []time.Duration
	for last := start; time.Since(began) < 2*bigCycle && a.ctx.Err() == nil; {
		wait(a.ctx, step)
		now := a.usage(before.PID)
		steps, last = append(steps, now.cpu-last.cpu), now
	}
	end, took := a.usage(before.PID), time.Since(began)
	after, err := a.status()
	if err != nil {
		a.t.Fatal(err)
	}
	n := after.exchanges() - before.exchanges()
	slices.Sort(steps)
	quiet := float64(steps[len(steps)/4]) / float64(step)
	each := max(0, (end.cpu-start.cpu).Seconds()-quiet*took.Seconds()) / float64(max(n, 1))
	perSecond := float64(2*bigLines*bigMeters) / bigInterval.Seconds() // energy and relay
	m = bigMeasure{peak: end.peak, share: quiet + each*perSecond}
	fmt.Printf("COST  %-30s %d lines x %d meters: resident %.1f MB, at most %.1f MB (%.1f MB of it the agent's own, %.1f MB pages of files: its program and the outbox); CPU %.2f s in %v, %d exchanges of %.0f us and %.2f %% of a core between rounds; energy and relay each %v: %.2f exchanges/s = %.2f %% of a core\n",
		"agent/"+strings.ReplaceAll(name, " ", "-"), bigLines, bigMeters, mega(end.resident), mega(end.peak), mega(end.anon), mega(end.file), (end.cpu - start.cpu).Seconds(), took.Round(time.Second), n, 1e6*each, 100*quiet, bigInterval, perSecond, 100*m.share)
	return m
}

type bigUsage struct {
	cpu                        time.Duration
	resident, peak, anon, file int64 // bytes
}

// usage is what Linux counts of the agent.
func (a outside) usage(pid int) (u bigUsage) {
	a.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		a.t.Fatal(err)
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, s := range f[11:13] { // utime, stime in ticks of 10 ms
		n, _ := strconv.ParseInt(s, 10, 64)
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		a.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		for key, to := range map[string]*int64{"VmRSS:": &u.resident, "VmHWM:": &u.peak, "RssAnon:": &u.anon, "RssFile:": &u.file} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				*to = n << 10
			}
		}
	}
	if u.resident == 0 {
		a.t.Fatal("no memory told in /proc")
	}
	return u
}

func mega(n int64) float64 { return float64(n) / (1 << 20) }
