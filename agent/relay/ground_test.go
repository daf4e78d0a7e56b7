package relay

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// odd is a meter one of whose answers cannot be used.
type odd struct {
	meter.Driver
	clock, energy, frame error
	first                error // of the first read of the registers alone
	asked                *int
}

func (o odd) Clock(ctx context.Context, c meter.Call) (time.Duration, time.Time, error) {
	if o.clock != nil {
		return 0, time.Now(), o.clock
	}
	return o.Driver.Clock(ctx, c)
}

func (o odd) Energy(ctx context.Context, c meter.Call) ([]protocol.Reading, error) {
	if o.energy != nil {
		return nil, o.energy
	}
	if o.asked != nil {
		if *o.asked++; *o.asked == 1 {
			return nil, o.first
		}
	}
	return o.Driver.Energy(ctx, c)
}

func (o odd) Switch(ctx context.Context, c meter.Call, cmd meter.Command) (bool, error) {
	if o.frame != nil {
		return false, o.frame
	}
	return o.Driver.Switch(ctx, c, cmd)
}

func TestTripWithoutFirmGroundIsRefusedByName(t *testing.T) {
	for rule, meterOf := range map[string]odd{
		"clock":       {clock: fmt.Errorf("read clock: %w", meter.ErrClock)},
		"disagree":    {energy: fmt.Errorf("read energy: %w", meter.ErrDisagree)},
		"key-service": {frame: fmt.Errorf("trip: %w", meter.ErrNoKeyService)},
		"two-answers": {first: fmt.Errorf("read energy: %w", meter.ErrTwo), asked: new(int)}, // the other one keeps still the next time
		"capability":  {frame: fmt.Errorf("trip: edition 1997: %w", meter.ErrUnsupported)},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, simmeter.SwitchDirect)
			b.wrap = func(d meter.Driver) meter.Driver { meterOf.Driver = d; return meterOf }
			b.start(Hooks{})
			if err := b.exec.Floors(nil); err != nil {
				t.Fatal(err)
			}
			b.offer(b.order(1, protocol.ActionTrip))
			got := b.outcome(1)
			if got.State != protocol.OutcomeRefused || got.Rule != rule || b.frames(dlt645.Trip) != 0 {
				t.Errorf("%s: got state %d, rule %q: %s", rule, got.State, got.Rule, got.Detail)
			}
			if b.exec.Busy("l1") {
				t.Errorf("%s: the line is busy with an order that is over", rule)
			}
		})
	}
}

func TestRegistersBeforeATripAreReadTwice(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		o := b.order(1, protocol.ActionTrip)
		b.offer(o)
		if got := b.outcome(1); got.State != protocol.OutcomeDone {
			t.Fatalf("got %+v", got)
		}
		rs, err := b.box.Readings(1, 100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		twice := 0
		for _, e := range rs {
			if e.Reading.Method == protocol.MethodTrip && e.Reading.Quality&protocol.QualityTwice != 0 {
				twice++
			}
		}
		if twice != 5 {
			t.Errorf("%d registers were read twice, want total and four rates", twice)
		}
	})
}
