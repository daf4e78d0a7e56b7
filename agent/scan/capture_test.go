package scan

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

// strongest is a line on which the strongest of the meters that answer is heard alone, and cleanly: on long cables the near
// meter drowns the far one.
type strongest struct {
	meters []dlt645.Address // the strongest first
	asked  int
}

func (s *strongest) Settings() line.Settings {
	return line.Settings{Name: "l1", Baud: 2400, Parity: "even", StopBits: 1}
}

func (s *strongest) Do(ctx context.Context, x *line.Exchange) error {
	s.asked++
	x.SentAt = time.Now()
	frames, err := dlt645.Decode(x.Request)
	if err != nil || len(frames) != 1 {
		return fmt.Errorf("request % X: %w", x.Request, err)
	}
	f := frames[0]
	for _, a := range s.meters {
		if f.Control == 0x11 && f.Addr.Match(a) {
			d, _, _ := dlt645.ParseReadRequest(f)
			x.RepliedAt = time.Now()
			x.Take(dlt645.AppendFrame(nil, dlt645.ReadReply(a, d, []byte{a[0], a[1], 0, 0})))
			x.Take(nil)
			return nil
		}
	}
	return line.ErrSilent
}

func address(t *testing.T, s string) dlt645.Address {
	t.Helper()
	a, err := dlt645.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Meters of three deliveries: what stands in the second pair of digits of some stands there in others too.
func TestMeterDrownedByAStrongerOneIsFoundByItsNeighbours(t *testing.T) {
	var want []string
	bus := &strongest{}
	for _, hundred := range []int{23, 24, 57} {
		for last := range 10 {
			a := fmt.Sprintf("20230615%02d%02d", hundred, last+3)
			want = append(want, a)
			bus.meters = append(bus.meters, address(t, a))
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(bus.meters), func(i, j int) { bus.meters[i], bus.meters[j] = bus.meters[j], bus.meters[i] })
	bus.meters = append(bus.meters, address(t, "202306152399")) // without a namesake
	want = append(want, "202306152399")
	// Only one of the three that share their last digits is heard at the first level.
	r, err := Run(t.Context(), bus, Options{DLT645: []Framing{{}}, Thorough: true}, Watcher{})
	slices.Sort(want)
	if got := found(r); err != nil || !slices.Equal(got, want) {
		t.Errorf("thorough: got %v, %v", got, err)
	}
	r, err = Run(t.Context(), &strongest{meters: bus.meters}, Options{DLT645: []Framing{{}}, Expect: []string{"202306152303", "202306152403", "202306155703"}}, Watcher{})
	if got := found(r); err != nil || !slices.Equal(got, want) {
		t.Errorf("with one of each delivery known: got %d of %d, %v", len(got), len(want), err)
	}
	if !slices.Contains(codes(r), NoteTwoMeters) {
		t.Errorf("notes %v", codes(r))
	}
}
