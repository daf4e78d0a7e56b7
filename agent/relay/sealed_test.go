package relay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// utility is a key service that holds the simulated meters' key.
type utility struct {
	key  simmeter.Key
	asks []meter.SealRequest
	same *[]byte // what it gives again and again
}

func (u *utility) Identity(_ context.Context, r meter.SealRequest) (dlt645.Identity, error) {
	u.asks = append(u.asks, r)
	id := dlt645.Identity{Operator: r.Operator, Random: [8]byte{byte(len(u.asks)), 2, 3}, Dispersion: [8]byte{9}}
	id.Cipher = u.key.IdentityCipher(id.Random, id.Dispersion)
	return id, nil
}

func (u *utility) Seal(_ context.Context, r meter.SealRequest) ([]byte, error) {
	u.asks = append(u.asks, r)
	a, err := dlt645.ParseAddress(r.Meter.Address)
	if err != nil {
		return nil, err
	}
	b := u.key.SealRelay(a, r.Answer.Random, r.Operator, r.Plain)
	if u.same != nil {
		return *u.same, nil
	}
	return b[:], nil
}

func addressOf(t *testing.T) dlt645.Address {
	a, err := dlt645.ParseAddress(ref.Address)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A State Grid meter obeys sealed trips only. The whole way: order, identity, sealed frame, read back; and nothing else
// that the key service could smuggle in.
func TestSealedOrderTripsTheMeterThatWantsIt(t *testing.T) {
	key := simmeter.Key{1, 2, 3}
	sealed := func(c *simmeter.Config) { c.Sealed, c.Key, c.Words2014 = true, key, true }
	run := func(f func(*testing.T, *bench), opts ...meter.Option) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, simmeter.SwitchDirect, sealed)
			b.opts = opts
			b.start(Hooks{})
			if err := b.exec.Floors(nil); err != nil {
				t.Fatal(err)
			}
			f(t, b)
		})
	}
	u := &utility{key: key}
	run(func(t *testing.T, b *bench) {
		b.offer(b.order(7, protocol.ActionTrip))
		if got := b.outcome(1); got.State != protocol.OutcomeDone || !got.After.Open {
			t.Errorf("got %+v", got)
		}
		if len(u.asks) != 2 || u.asks[1].Order.Number != 7 || u.asks[1].Action != protocol.ActionTrip || u.asks[1].Meter != ref || u.asks[1].Plain[0] != byte(dlt645.Trip) {
			t.Errorf("the key service was asked %+v", u.asks)
		}
	}, meter.Security("sealed"), meter.WithSealer(u))
	run(func(t *testing.T, b *bench) {
		b.offer(b.order(1, protocol.ActionTrip))
		if got := b.outcome(1); got.State != protocol.OutcomeRefused || got.Rule != "key-service" {
			t.Errorf("without a key service: %+v", got)
		}
		trip, _ := dlt645.RelayRequest(addressOf(t), dlt645.Password{}, [4]byte{}, dlt645.Trip, time.Now().Add(time.Minute))
		id := dlt645.Identity{Cipher: key.IdentityCipher([8]byte{}, [8]byte{})}
		ask, _ := dlt645.IdentityRequest(addressOf(t), id)
		reply, _ := b.sim.AnswerDLT645(ask, time.Now())
		known, err := dlt645.ParseIdentityReply(reply, addressOf(t))
		if err != nil {
			t.Fatal(err)
		}
		sealed := key.SealRelay(addressOf(t), known.Random, [4]byte{}, [8]byte(trip.Data[8:]))
		f, _ := dlt645.SealedFrame(addressOf(t), 0x1C, 0, sealed[:])
		b.sim.AnswerDLT645(f, time.Now())
		if !b.sim.View(time.Now()).Open {
			t.Fatal("not tripped by the utility itself")
		}
		b.offer(b.order(2, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.After.Open {
			t.Errorf("a close without a key service: %+v", got)
		}
	}, meter.Security("sealed"))
	run(func(t *testing.T, b *bench) { // the wrong key: the meter refuses the identity, and no relay frame follows
		b.offer(b.order(1, protocol.ActionTrip))
		got := b.outcome(1)
		if got.State != protocol.OutcomeRefused || got.After.Open {
			t.Errorf("with a wrong key: %+v", got)
		}
		for _, f := range got.Frames {
			if f.Sent && f.Bytes[8] == 0x1C {
				t.Error("a relay frame was sent")
			}
		}
	}, meter.Security("sealed"), meter.WithSealer(&utility{key: simmeter.Key{9}}))
	again := make([]byte, 24)
	run(func(t *testing.T, b *bench) {
		b.offer(b.order(1, protocol.ActionTrip))
		if got := b.outcome(1); got.State != protocol.OutcomeFailed {
			t.Errorf("bytes of another order: %+v", got)
		}
		b.offer(b.order(2, protocol.ActionTrip))
		if got := b.outcome(2); got.State != protocol.OutcomeRefused || got.Rule != "key-service" {
			t.Errorf("the same bytes once more: %+v", got)
		}
	}, meter.Security("sealed"), meter.WithSealer(&utility{key: key, same: &again}))
}
