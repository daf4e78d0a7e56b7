package relay

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

func TestHandAndOrderNeverMoveRelaysOfOneLineAtOnce(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- b.exec.Hand(t.Context(), ref, func(context.Context) error { close(inside); <-leave; return nil })
		}()
		<-inside
		b.offer(b.order(1, protocol.ActionTrip))
		synctest.Wait()
		if n := b.frames(dlt645.Trip); n != 0 {
			t.Errorf("%d trip frames while a hand was at the relay", n)
		}
		if err := b.exec.Hand(t.Context(), ref, func(context.Context) error { t.Error("acted"); return nil }); !errors.Is(err, ErrOpenOrder) {
			t.Errorf("while an order waits: got %v", err)
		}
		close(leave)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if o := b.outcome(1); o.State != protocol.OutcomeDone {
			t.Errorf("the order that waited came to %v: %s", o.State, o.Detail)
		}
	})
}

func TestHandNeedsAMeterOfTheAgent(t *testing.T) {
	try(t, simmeter.SwitchDirect, func(t *testing.T, b *bench) {
		other := protocol.MeterRef{Line: "l1", Address: "000000000999"}
		if err := b.exec.Hand(t.Context(), other, func(context.Context) error { t.Error("acted"); return nil }); !errors.Is(err, ErrNoMeter) {
			t.Errorf("got %v", err)
		}
	})
}
