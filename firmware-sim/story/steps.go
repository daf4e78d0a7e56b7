package story

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"feikong/firmware-sim/control"
	"feikong/protocol/dlt645"
)

func (p *play) await(most time.Duration, what string, look func() (bool, error)) error {
	return Await(p.ctx, most, what, look)
}

// untilStage waits until an account reaches one of the stages, and gives the account. A gateway that is being restarted is waited for.
func (p *play) untilStage(id string, most time.Duration, stages ...string) (a Account, err error) {
	err = p.await(most, fmt.Sprintf("account %s to be %s", id, strings.Join(stages, " or ")), func() (bool, error) {
		now, err := p.rig.Gateway.Account(p.ctx, id)
		if err != nil {
			return false, nil
		}
		a = now
		for _, s := range stages {
			if a.Stage == s {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		err = fmt.Errorf("%w (stage %s, available %s, blocks %v, task %q)", err, a.Stage, a.Balance.Available, a.Blocks, a.Task)
	}
	return a, err
}

// pay tops up, through a restart of the gateway if need be: the key makes it happen once.
func (p *play) pay(id, amount, key string) (r Receipt, err error) {
	err = p.await(10*time.Second, "the payment of "+id, func() (bool, error) {
		got, err := p.rig.Gateway.Pay(p.ctx, id, amount, key)
		if _, refused := err.(*Refusal); refused {
			return true, err
		}
		r = got
		return err == nil, nil
	})
	return r, err
}

func split(meter string) (line, address string) {
	line, address, _ = strings.Cut(meter, "/")
	return line, address
}

// load changes what a meter draws, in W before its multiplier.
func (p *play) load(meter string, w int64) error {
	line, address := split(meter)
	_, err := p.rig.Street.Meter(p.ctx, line, address, "load", control.Order{W: &w})
	return err
}

// meter is what the simulated meter itself shows: the truth the gateway's word is held against.
func (p *play) meter(name string) (control.Meter, error) {
	meters, err := p.rig.Street.Meters(p.ctx)
	if err != nil {
		return control.Meter{}, err
	}
	for _, m := range meters {
		if m.Line+"/"+m.Address == name {
			return m, nil
		}
	}
	return control.Meter{}, fmt.Errorf("the street has no meter %s", name)
}

// newest is the newest order of an account with this action.
func (p *play) newest(id, action string) (o Order, ok bool) {
	orders, err := p.rig.Gateway.Orders(p.ctx, id)
	if err != nil {
		return o, false
	}
	for i := len(orders) - 1; i >= 0; i-- {
		if orders[i].Action == action {
			return orders[i], true
		}
	}
	return o, false
}

// evidence prints the trip frame, its answer and the read-back of an order, every byte explained. The frames before them (the relay, the
// registers, the clock) are on the page.
func (p *play) evidence(who string, o Order) {
	if o.Outcome == nil {
		return
	}
	switched := false
	for _, f := range o.Outcome.Frames {
		wire := unhex(f.Hex)
		if switched = switched || relayFrame(wire); !switched {
			continue
		}
		var parts []string
		for _, part := range dlt645.Explain(p.tell.Lang, wire) {
			parts = append(parts, part.String())
		}
		arrow := "←"
		if f.Sent {
			arrow = "→"
		}
		p.tell.Frame(who, arrow+" "+f.Note, f.Hex, parts)
	}
}

// relayFrame says whether a DL/T 645 frame is a relay command (control code 1CH).
func relayFrame(wire []byte) bool { return len(wire) > 8 && wire[8] == 0x1C }

func unhex(s string) []byte {
	var out []byte
	for _, f := range strings.Fields(s) {
		var b byte
		if _, err := fmt.Sscanf(f, "%02X", &b); err != nil {
			return out
		}
		out = append(out, b)
	}
	return out
}

// rat reads decimal text exactly.
func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(strings.TrimSpace(s))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// fen is kWh times price, rounded half away from zero to two decimals: the story's own arithmetic, apart from the gateway's.
func fen(kwh *big.Rat, price string) *big.Rat {
	x := new(big.Rat).Mul(kwh, rat(price))
	x.Mul(x, big.NewRat(100, 1))
	num, den := new(big.Int).Set(x.Num()), x.Denom()
	num.Mul(num, big.NewInt(2)).Add(num, den)
	num.Quo(num, new(big.Int).Mul(den, big.NewInt(2)))
	return new(big.Rat).SetFrac(num, big.NewInt(100))
}
