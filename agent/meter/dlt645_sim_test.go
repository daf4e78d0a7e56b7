package meter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// direct asks a simulated meter without a line between.
type direct struct{ sim *simmeter.Meter }

func (d direct) Settings() line.Settings {
	return line.Settings{Name: "l1", Baud: 2400, Parity: "even", StopBits: 1}
}

func (d direct) Do(_ context.Context, x *line.Exchange) error {
	if x.Before != nil {
		if err := x.Before(); err != nil {
			return err
		}
	}
	x.Wrote, x.SentAt = true, time.Now()
	time.Sleep(d.Settings().CharTime(len(x.Request)))
	frames, err := dlt645.Decode(x.Request)
	if err != nil {
		return err
	}
	reply, ok := d.sim.AnswerDLT645(frames[0], time.Now())
	if x.Broadcast {
		return nil
	}
	if !ok || x.Baud != 0 {
		return fmt.Errorf("direct: %w", line.ErrSilent)
	}
	b := dlt645.AppendFrame(nil, reply)
	x.RepliedAt, x.Received = time.Now(), len(b)
	if !x.Take(b) {
		return line.ErrSilent
	}
	return nil
}

// each gives a simulated meter of each edition and its driver, in fake time.
func each(t *testing.T, f func(t *testing.T, edition string, sim *simmeter.Meter, d *meter.DLT645)) {
	for _, e := range []simmeter.Edition{simmeter.Edition2007, simmeter.Edition1997} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(100 * 24 * time.Hour) // fake time begins in 2000, and meters tell two digits of the year
			a, err := dlt645.ParseAddress("101")
			if err != nil {
				t.Fatal(err)
			}
			sim := simmeter.New(simmeter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000, LoadW: 1000, Phases: 3, Location: time.UTC, Edition: e, Offset: 90 * time.Second,
				History: 10 * 24 * time.Hour, Password: dlt645.Password{Level: 2, Digits: [3]byte{1, 2, 3}}, Money: &simmeter.Money{}}, time.Now())
			d, err := meter.NewDLT645(protocol.MeterRef{Line: "l1", Address: a.String()}, direct{sim}, time.Second, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Energy(t.Context(), meter.Call{}); err != nil {
				_, err = d.Energy(t.Context(), meter.Call{}) // the other edition
				if err != nil {
					t.Fatal(err)
				}
			}
			f(t, string(e), sim, d)
		})
	}
}

func TestEveryNameOfAnItemIsUnderstoodByTheMeterAndByUs(t *testing.T) {
	each(t, func(t *testing.T, edition string, _ *simmeter.Meter, d *meter.DLT645) {
		for _, name := range meter.ItemNames() {
			got, err := d.Item(t.Context(), meter.Call{}, name)
			switch {
			case errors.Is(err, meter.ErrUnsupported) && edition == "1997":
			case err != nil:
				t.Errorf("%s: %v", edition, err)
			case len(got) == 0 || got[0].Name == "bytes" || got[0].NameZH == "":
				t.Errorf("%s: %s is %+v", edition, name, got)
			}
		}
	})
}

func TestClockIsSetWithAPassword(t *testing.T) {
	each(t, func(t *testing.T, edition string, _ *simmeter.Meter, d *meter.DLT645) {
		if drift, _, err := d.Clock(t.Context(), meter.Call{}); err != nil || (drift-90*time.Second).Abs() > 2*time.Second {
			t.Fatalf("%s: drift %v, %v", edition, drift, err)
		}
		err := d.WriteTime(t.Context(), meter.Call{}, [4]byte{2, 9, 9, 9}, [4]byte{1}, time.Now())
		if edition == "1997" {
			if !errors.Is(err, meter.ErrUnsupported) {
				t.Errorf("1997: %v", err)
			}
			return
		}
		if !errors.Is(err, meter.ErrPassword) {
			t.Errorf("wrong password: %v", err)
		}
		if err := d.WriteTime(t.Context(), meter.Call{}, [4]byte{2, 1, 2, 3}, [4]byte{1}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if drift, _, err := d.Clock(t.Context(), meter.Call{}); err != nil || drift.Abs() > 2*time.Second {
			t.Errorf("drift %v, %v after it was set", drift, err)
		}
	})
}

func TestWhatTheMeterKeptIsWhatItShowedThen(t *testing.T) {
	each(t, func(t *testing.T, edition string, sim *simmeter.Meter, d *meter.DLT645) {
		if edition == "1997" {
			if _, _, err := d.Frozen(t.Context(), meter.Call{}, dlt645.FreezeDailyKind, 1); !errors.Is(err, meter.ErrNoRecord) {
				t.Errorf("1997: %v", err)
			}
			return
		}
		var last int64
		for nth := 10; nth >= 1; nth-- {
			rs, at, err := d.Frozen(t.Context(), meter.Call{Twice: true}, dlt645.FreezeDailyKind, nth)
			if err != nil {
				t.Fatal(err)
			}
			if at.Hour() != 0 || at.Minute() != 0 || rs[0].Value < last || len(rs) != 5 || rs[0].Value != rs[1].Value+rs[2].Value+rs[3].Value+rs[4].Value && rs[0].Value-rs[1].Value-rs[2].Value-rs[3].Value-rs[4].Value > 3 {
				t.Errorf("freeze %d at %v: %+v", nth, at, rs)
			}
			last = rs[0].Value
		}
		hourly, stamp, err := d.Frozen(t.Context(), meter.Call{}, dlt645.FreezeHourlyKind, 5)
		if err != nil {
			t.Fatal(err)
		}
		profile, err := d.Profile(t.Context(), meter.Call{}, stamp, 1)
		if err != nil || profile[0].MeterTime != hourly[0].MeterTime || profile[0].Value != hourly[0].Value {
			t.Errorf("hourly freeze %+v, load profile %+v, %v", hourly[0], profile, err)
		}
	})
}
