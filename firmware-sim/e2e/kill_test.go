package e2e

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"feikong/firmware-sim/control"
	"feikong/firmware-sim/story"
)

// kills is how often a program is killed in one run: a handful for each change, FEIKONG_KILLS=1000 at night.
func kills(t *testing.T) int {
	if s := os.Getenv("FEIKONG_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("FEIKONG_KILLS: %v", err)
		}
		return n
	}
	return 16
}

// accounts of the street with the meters they rest on.
var accounts = map[string][]string{
	"1001": {"l1/000000000101"}, "1002": {"l1/000000000102"}, "1003": {"l2/3"}, "1004": {"l1/000000000103"}, "1005": {"l1/000000000104"},
	"1006": {"l1/000000000105"}, "1007": {"l1/000000000106", "l1/000000000107"}, "1008": {"l1/000000000108"}, "1009": {"l2/1"}, "1010": {"l2/2"}, "1011": {"l2/4"},
}

// TestKillsLoseNothing ends the gateway or the agent with kill -9 at random moments, while money runs out and relays are switched.
// In the end the gateway's registers are the meters' own, the books are right, no payment is missing, and no order made two frames.
func TestKillsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("real programs, real time")
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("FEIKONG_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("FEIKONG_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Duration(kills(t))*10*time.Second)
	defer cancel()
	rig := lay(t, ctx)
	if err := rig.StartAgent(); err != nil {
		t.Fatal(err)
	}
	terminals, err := story.Terminals(rig)
	if err != nil {
		t.Fatal(err)
	}
	for _, terminal := range terminals {
		defer terminal.Close()
	}

	// Three accounts run dry while programs die; each is paid again in the end.
	for _, m := range []string{"l1/000000000101", "l2/1", "l1/000000000104"} {
		load(t, ctx, rig, m, 600_000) // about four a second: below zero after the first kill or two
	}
	paid := map[string]int64{"1001": 12, "1005": 14, "1009": 13}
	for i := range kills(t) {
		wait(ctx, time.Duration(200+rng.IntN(4000))*time.Millisecond)
		if rng.IntN(2) == 0 {
			rig.Hub.Kill()
			wait(ctx, time.Duration(rng.IntN(500))*time.Millisecond)
			if err := rig.StartGateway(ctx); err != nil {
				t.Fatalf("kill %d: %v", i, err)
			}
		} else {
			rig.Agent.Kill()
			wait(ctx, time.Duration(rng.IntN(500))*time.Millisecond)
			if err := rig.StartAgent(); err != nil {
				t.Fatalf("kill %d: %v", i, err)
			}
		}
		if i == 2 { // customers pay in the middle, too little to matter
			for id := range paid {
				if _, err := rig.Gateway.Pay(ctx, id, "5.00", fmt.Sprintf("kill-%s-%d", id, i)); err == nil {
					paid[id] += 5
				} else {
					t.Fatalf("kill %d: pay %s: %v", i, id, err)
				}
			}
		}
	}
	for _, meters := range accounts {
		for _, m := range meters {
			load(t, ctx, rig, m, 0)
		}
	}
	for id := range paid {
		if _, err := rig.Gateway.Pay(ctx, id, "1000.00", "kill-last-"+id); err != nil {
			t.Fatal(err)
		}
		paid[id] += 1000
	}
	drained(t, ctx, rig)
	for id, want := range paid {
		a, err := rig.Gateway.Account(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := new(big.Rat).SetString(a.Balance.Paid); got.Cmp(big.NewRat(want, 1)) != 0 {
			t.Errorf("account %s: paid %s, want %d", id, a.Balance.Paid, want)
		}
	}
	oneFrameAnOrder(t, ctx, rig)
	verify(t, rig)
	if err := rig.Stop(); err != nil {
		t.Error(err)
	}
	verify(t, rig) // and from the file alone
}

// lay starts a street of its own on free ports, at 9600 baud so that a round takes a second.
func lay(t *testing.T, ctx context.Context) *story.Rig {
	t.Helper()
	rig, err := story.Lay(t.TempDir(), programs, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"sim.yaml", "agent.yaml"} {
		if err := rig.Patch(file, "baud: 2400", "baud: 9600"); err != nil {
			t.Fatal(err)
		}
	}
	for old, now := range map[string]string{"interval: 4s ": "interval: 1s ", "relay_interval: 6s": "relay_interval: 2s"} {
		if err := rig.Patch("agent.yaml", old, now); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		rig.Stop()
		if t.Failed() {
			for _, name := range []string{"gateway", "agent", "firmware-sim"} {
				t.Logf("%s.log ends:\n%s", name, story.Tail(filepath.Join(rig.Dir, "logs", name+".log"), 3000))
			}
		}
	})
	if err := rig.StartSim(ctx); err != nil {
		t.Fatal(err)
	}
	if err := rig.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	if err := rig.FirstCredit(ctx); err != nil {
		t.Fatal(err)
	}
	return rig
}

func load(t *testing.T, ctx context.Context, rig *story.Rig, meter string, w int64) {
	t.Helper()
	line, address := filepath.Split(meter)
	if _, err := rig.Street.Meter(ctx, filepath.Clean(line), address, "load", control.Order{W: &w}); err != nil {
		t.Fatal(err)
	}
}

// wait lets real time pass: the moment of a kill is the thing tested.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// drained waits until the gateway knows every meter's register to the last digit it shows: nothing is lost, nothing is under way.
func drained(t *testing.T, ctx context.Context, rig *story.Rig) {
	t.Helper()
	err := story.Await(ctx, 90*time.Second, "the gateway's registers to be the meters' own", func() (bool, error) {
		meters, err := rig.Street.Meters(ctx)
		if err != nil {
			return false, err
		}
		shown := map[string]string{}
		for _, m := range meters {
			shown[m.Line+"/"+m.Address] = m.KWh
		}
		for id := range accounts {
			a, err := rig.Gateway.Account(ctx, id)
			if err != nil {
				return false, nil
			}
			for _, p := range a.Points {
				if p.Reading == nil || hundredths(p.Reading.KWh) != hundredths(shown[p.Meter.Line+"/"+p.Meter.Address]) {
					return false, fmt.Errorf("account %s: the gateway has %+v, the meter shows %s", id, p.Reading, shown[p.Meter.Line+"/"+p.Meter.Address])
				}
			}
			if a.Stage == "tripping" || a.Stage == "restoring" {
				return false, fmt.Errorf("account %s is %s", id, a.Stage)
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hundredths is what a register of two decimals shows of a decimal text.
func hundredths(s string) string {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return "?" + s
	}
	r.Mul(r, big.NewRat(100, 1))
	return new(big.Int).Quo(r.Num(), r.Denom()).String()
}

// oneFrameAnOrder: the line itself counts trip frames; there may be no more than orders that may have sent one.
func oneFrameAnOrder(t *testing.T, ctx context.Context, rig *story.Rig) {
	t.Helper()
	meters, err := rig.Street.Meters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	frames := map[string]uint64{}
	for _, m := range meters {
		frames[m.Line+"/"+m.Address] = m.TripFrames
	}
	tripped := 0
	for id, points := range accounts {
		orders, err := rig.Gateway.Orders(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		trips := uint64(0)
		for _, o := range orders {
			if o.Action == "trip" {
				trips++
			}
		}
		seen := uint64(0)
		for _, m := range points {
			seen += frames[m]
		}
		tripped += int(seen)
		if seen > trips {
			t.Errorf("account %s: %d trip frames for %d trip orders", id, seen, trips)
		}
	}
	if tripped == 0 {
		t.Error("no relay was tripped: the test proved nothing about frames")
	}
}

func verify(t *testing.T, rig *story.Rig) {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, "gateway"), "verify", "--data", filepath.Join(rig.Dir, "gateway"))
	cmd.Dir = rig.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("gateway verify: %v\n%s", err, out)
	}
}
