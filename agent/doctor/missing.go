package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"feikong/agent/scan"
)

// again asks once more who was silent while others answered, and gives all that do.
func (e *patient) again(ctx context.Context, alive []*target) ([]*target, error) {
	for _, t := range e.targets {
		for range triesMore {
			if t.good+t.two+t.bad > 0 {
				break
			}
			if _, err := e.put(ctx, t, true); err != nil {
				return alive, err
			}
		}
		if t.good+t.two > 0 && !slices.Contains(alive, t) {
			alive = append(alive, t)
		}
	}
	return alive, nil
}

// clashTries questions of which all but one bring damage are two meters that speak at once, when nobody speaks to another
// address: noise would leave some whole, and another master would be heard there as well.
const clashTries = 6

// overlapping names a meter whose address is never answered whole and never silent, on a line where nobody else answers.
func (e *patient) overlapping(ctx context.Context) (bool, error) {
	for _, t := range e.targets {
		if t.bad < triesFirst || t.mute > 0 {
			continue
		}
		for range clashTries {
			if _, err := e.put(ctx, t, true); err != nil {
				return false, err
			}
		}
		if t.good > 0 || t.mute > 1 {
			continue
		}
		other := "999999999990"
		for i := 1; slices.ContainsFunc(e.targets, func(x *target) bool { return x.address == other }) && i < 9; i++ {
			other = "99999999999" + string(rune('0'+i))
		}
		none, err := dlt645Target(other, edition2007)
		if err != nil {
			return false, err
		}
		none.framing = t.framing
		for range clashTries / 2 {
			if _, err := e.put(ctx, none, true); err != nil {
				return false, err
			}
		}
		if none.mute < none.asked() {
			continue
		}
		e.add(clash(t))
		return true, nil
	}
	return false, nil
}

// missing names the meters that do not answer while others do.
func (e *patient) missing(ctx context.Context) error {
	var gone []string
	for _, t := range e.targets {
		if t.good+t.two > 0 || t.bad > 0 { // damage is the quality's subject
			continue
		}
		if e.tunable && len(gone) < elsewhereMax {
			f, edition, err := e.otherwise(ctx, t)
			if err != nil {
				return err
			}
			if f != (scan.Framing{}) {
				e.add(e.framed(t, f, edition))
				continue
			}
		}
		gone = append(gone, t.address)
	}
	if len(gone) == 0 {
		return nil
	}
	names := strings.Join(gone[:min(len(gone), namesMax)], " ")
	if len(gone) > namesMax {
		names += " …"
	}
	c := Check{Name: CheckMeter, State: Fail, Fault: FaultMeterSilent,
		Finding: say("%d 块表不应答，其余正常：%s", "%d meters do not answer while others do: %s", len(gone), names),
		Remedy:  say("线路是好的：查这些表的电源、地址和表尾 A/B 接线", "the line is good: look at these meters' power, address and own A and B")}
	if len(gone) == 1 {
		c.Meter = gone[0]
	}
	e.add(c)
	return nil
}

// found are the rates at which an agent looks for a silent meter by itself, all with even parity, and those of them at which
// it asks as one of 1997, besides the line's own.
var found = []int{1200, 2400, 9600}

// otherwise looks for one meter at other framings, and as one of 1997 where those are met; the zero Framing: nowhere.
func (e *patient) otherwise(ctx context.Context, t *target) (scan.Framing, string, error) {
	if f, who, err := e.elsewhere(ctx, t, false); err != nil || who == t.address {
		return f, t.edition, err
	}
	if e.l.Protocol != scan.DLT645 || !t.auto {
		return scan.Framing{}, "", nil
	}
	old, err := dlt645Target(t.address, edition1997)
	if err != nil {
		return scan.Framing{}, "", err
	}
	defer e.w.tune(e.w.own)
	for _, baud := range found {
		f := scan.Framing{Baud: baud, Parity: "even"}
		if f == e.w.own {
			continue // asked already
		}
		old.framing = f
		if j, err := e.put(ctx, old, false); err != nil || j.outcome == answered {
			return f, edition1997, err
		}
	}
	return scan.Framing{}, "", nil
}

// framed says how a meter talks that does not talk like its line. Where the agent finds that out by itself it is no fault,
// and the configuration may still say so: that spares the search.
func (e *patient) framed(t *target, f scan.Framing, edition string) Check {
	c := Check{Name: CheckMeter, Meter: t.address, State: Fail, Fault: FaultFraming}
	says, keys := "", fmt.Sprintf("baud: %d, parity: %s", f.Baud, f.Parity)
	if edition == edition1997 {
		says = say("（1997 版）", " (edition 1997)")
		keys += `, edition: "1997"`
	}
	c.Finding = say("电表 %s 在 %s%s 应答，线路是 %s", "meter %s answers at %s%s, the line is %s", t.address, f, says, e.w.own)
	c.Remedy = say("在配置中给这块表写上 %s", "give this meter %s in the configuration", keys)
	if t.auto && f.Parity == "even" && slices.Contains(found, f.Baud) {
		c.State = Warn
		c.Remedy += say("；不写时终端自己会找到", "; without it the agent finds it by itself")
	}
	return c
}
