package story

import (
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"time"

	"feikong/firmware-sim/control"
)

// sharedTiers: two meters, one counter; a reading crosses the annual border and the fee is right to the fen, by the story's own arithmetic.
func (p *play) sharedTiers(id string) error {
	for _, m := range []string{"l1/000000000106", "l1/000000000107"} {
		if err := p.load(m, 20_000); err != nil {
			return err
		}
	}
	var a Account
	err := p.await(chapterMax, "the second tier", func() (bool, error) {
		var err error
		a, err = p.rig.Gateway.Account(p.ctx, id)
		return err == nil && a.Period.Tier >= 2, nil
	})
	if err != nil {
		return err
	}
	// 鲁发改价格〔2019〕509号: to 2,520 kWh a year 0.5469, to 4,800 kWh 0.5969.
	room := new(big.Rat).Sub(big.NewRat(2520, 1), rat(a.Period.CycleBefore))
	rest := new(big.Rat).Sub(rat(a.Period.Energy), room)
	want := new(big.Rat).Add(fen(room, "0.5469"), fen(rest, "0.5969"))
	p.tell.Claim(want.Cmp(rat(a.Balance.Estimate)) == 0, id, "两块表共用阶梯，跨过年度 2520 kWh 的分界，电费分毫不差",
		"two meters share the tiers; a reading crossed the border of 2520 kWh a year, the fee is exact",
		fmt.Sprintf("%s kWh: %s × 0.5469 + %s × 0.5969 = %s", a.Period.Energy, room.FloatString(2), rest.FloatString(2), a.Balance.Estimate))
	for _, m := range []string{"l1/000000000106", "l1/000000000107"} {
		if err := p.load(m, 1200); err != nil {
			return err
		}
	}
	return nil
}

// backwards: a register that runs back is stored, not billed, and no ground for a trip, until a later reading is accepted.
func (p *play) backwards(id string) error {
	const meter = "l1/000000000105"
	line, address := split(meter)
	set := func(kwh string) error {
		_, err := p.rig.Street.Meter(p.ctx, line, address, "set", control.Order{KWh: &kwh})
		return err
	}
	a, err := p.rig.Gateway.Account(p.ctx, id)
	if err != nil || a.Points[0].Reading == nil {
		return fmt.Errorf("no reading to go back from: %w", err)
	}
	fee, energy := a.Balance.Estimate, a.Period.Energy
	back := new(big.Rat).Sub(rat(a.Points[0].Reading.KWh), big.NewRat(300, 1))
	if err := set(back.FloatString(2)); err != nil {
		return err
	}
	if err := p.await(chapterMax, "the held reading", func() (bool, error) {
		a, err = p.rig.Gateway.Account(p.ctx, id)
		return err == nil && a.Points[0].Held == "A01", nil
	}); err != nil {
		return err
	}
	p.tell.Claim(a.Balance.Estimate == fee && a.Period.Energy == energy, id, "示数倒走：存下、挂起、不计费", "the register ran backwards: stored, held, not billed", "A01, "+a.Balance.Estimate)
	out, _ := p.command("gateway", "verify", "--data", filepath.Join(p.rig.Dir, "gateway"))
	p.tell.Claim(strings.Contains(out, id), id, "核对报告把它列为挂起", "gateway verify lists it as held", "")
	// The debt grows by a forward jump that is taken back at once: the newest reading is held again while the balance is below zero.
	ahead := new(big.Rat).Add(back, big.NewRat(380, 1))
	if err := set(ahead.FloatString(2)); err != nil {
		return err
	}
	if err := p.await(chapterMax, "the debt", func() (bool, error) {
		a, err = p.rig.Gateway.Account(p.ctx, id)
		return err == nil && a.Points[0].Held == "" && rat(a.Balance.Available).Sign() < 0, nil
	}); err != nil {
		return err
	}
	p.tell.Claim(true, id, "后来的读数被接受，挂起解除", "a later reading was accepted, the hold is over", a.Balance.Available)
	if err := set(back.FloatString(2)); err != nil {
		return err
	}
	if err := p.await(chapterMax, "the interlock", func() (bool, error) {
		a, err = p.rig.Gateway.Account(p.ctx, id)
		return err == nil && a.Stage == "trip_pending" && blocked(a, "audit-passed"), nil
	}); err != nil {
		return err
	}
	m, err := p.meter(meter)
	if err != nil {
		return err
	}
	p.tell.Claim(m.TripFrames == 0, id, "挂起的读数挡住停电", "the held reading blocks the trip", "audit-passed")
	return nil
}

// bill: paid 100, billed 80; 20 before and after; a second run issues nothing.
func (p *play) bill(id string) error {
	const meter = "l1/000000000108"
	a, err := p.rig.Gateway.Account(p.ctx, id)
	if err != nil || a.Points[0].Reading == nil {
		return fmt.Errorf("no reading: %w", err)
	}
	// 80 kWh at 1.00 are 80.00; the meter stands still before and after, so that the figures can be read off.
	kwh := new(big.Rat).Add(rat(a.Points[0].Reading.KWh), big.NewRat(80, 1)).FloatString(2)
	line, address := split(meter)
	if _, err := p.rig.Street.Meter(p.ctx, line, address, "set", control.Order{KWh: &kwh}); err != nil {
		return err
	}
	if err := p.await(chapterMax, "the estimate of 80.00", func() (bool, error) {
		a, err = p.rig.Gateway.Account(p.ctx, id)
		return err == nil && rat(a.Balance.Estimate).Cmp(big.NewRat(80, 1)) == 0, nil
	}); err != nil {
		return fmt.Errorf("%w (estimate %s)", err, a.Balance.Estimate)
	}
	before := a.Balance.Available
	data := filepath.Join(p.rig.Dir, "gateway")
	var out string
	if err := p.await(20*time.Second, "the bill", func() (bool, error) {
		var code int
		out, code = p.command("gateway", "bill", "issue", id, "--data", data)
		return code == 0, nil
	}); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if a, err = p.rig.Gateway.Account(p.ctx, id); err != nil {
		return err
	}
	p.tell.Claim(rat(a.Balance.Billed).Cmp(big.NewRat(80, 1)) == 0 && rat(before).Cmp(big.NewRat(20, 1)) == 0 && rat(a.Balance.Available).Cmp(big.NewRat(20, 1)) == 0, id,
		"缴 100、出账 80：出账前后可用余额都是 20", "paid 100, billed 80: 20 available before and after", fmt.Sprintf("%s, %s", before, a.Balance.Available))
	out, code := p.command("gateway", "bill", "issue", id, "--data", data)
	again, err := p.rig.Gateway.Account(p.ctx, id)
	p.tell.Claim(err == nil && code == 0 && again.Balance.Billed == a.Balance.Billed, id, "再出一次账：什么也没有发生", "a second run issues nothing", firstLine(out))
	return nil
}
