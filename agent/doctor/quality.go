package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// readsAll is how many questions the quality of a line may cost: about two minutes at 2400 baud.
	readsAll           = 320
	readsMin, readsMax = 4, 20
	// lossBad of a hundred lost frames make a meter or a line ill; below lossSome it is left alone. One in ten is a retry each
	// round with sixteen meters.
	lossBad, lossSome = 15, 4
	// slowBy is what a meter may take longer than its neighbours.
	slowBy = 250 * time.Millisecond
)

// quality asks the meters that answer again and again, and separates the wire, which all share, from the meter.
func (e *patient) quality(ctx context.Context, alive []*target) error {
	reads := e.Reads
	if reads <= 0 {
		reads = max(readsMin, min(readsMax, readsAll/len(alive)))
	}
	ts := slices.Clone(alive)
	for _, t := range e.targets {
		if t.bad > 0 && !slices.Contains(ts, t) {
			ts = append(ts, t) // never whole: a clash, perhaps
		}
	}
	near := map[*target]int{}
	for i := range reads { // one of each a round: what comes and goes hits all
		for _, t := range ts {
			j, err := e.put(ctx, t, i == 0)
			if err != nil {
				return err
			}
			if j.outcome == damaged && j.near {
				near[t]++
			}
		}
	}
	if e.foreign > 0 {
		e.add(Check{Name: CheckQuality, State: Skip, Finding: say("另一个主站在说话，质量无法判断：先断开它", "another master talks, so quality cannot be judged: take it off first")})
		return nil
	}
	total, lost := 0, 0
	for _, t := range ts {
		total += t.asked()
		lost += t.mute + t.bad
	}
	healthy := true
	for _, t := range ts {
		c := Check{Name: CheckMeter, Meter: t.address, State: OK}
		own := percent(t.mute+t.bad, t.asked())
		rest := percent(lost-t.mute-t.bad, total-t.asked())
		figures := t.figures()
		switch {
		case t.two > 0, t.bad*2 > t.asked() && t.mute*5 <= t.asked() && rest < lossBad:
			c = clash(t)
		case own >= lossBad && (rest < lossSome || len(ts) == 1), own > 3*rest && own >= 2*lossBad:
			c.State, c.Fault = Fail, FaultDying
			c.Finding = say("电表 %s 时应时不应（%s）", "meter %s answers now and then (%s)", t.address, figures)
			c.Remedy = say("其余表正常：查它的表尾接线；接线好则通信口将坏，安排换表", "the others are well: look at its own wiring; when that is sound its port is dying, plan an exchange")
			if len(ts) == 1 {
				c.Remedy = say("只有一块表，分不清线和表：换一段线再查", "with a single meter wire and meter cannot be told apart: examine it on another piece of wire")
			}
		case grows(t.delays):
			c.State, c.Fault = Warn, FaultDying
			c.Finding = say("电表 %s 应答越来越慢（%s）", "meter %s answers later and later (%s)", t.address, figures)
			c.Remedy = say("记下它；再查一次，仍如此则安排换表", "note it; examine it again, and plan an exchange when it stays so")
		case len(ts) > 2 && mean(t.delays) > slowBy+median(ts):
			c.State, c.Fault = Warn, FaultSlow
			c.Finding = say("电表 %s 比其他表慢（%s）", "meter %s is slower than the others (%s)", t.address, figures)
			c.Remedy = say("能用；poll.timeout 要大于它的延时", "it works; poll.timeout must be above its delay")
		}
		if c.State != OK {
			healthy = false
			e.add(c)
		}
	}
	share := percent(lost, total)
	switch {
	case share >= lossSome && healthy || share >= lossSome && ill(ts) > 1:
		c := Check{Name: CheckQuality, State: Warn, Fault: FaultNoise,
			Finding: say("%d 次询问中 %d 次受损或无声（%d%%），多块表都有", "%[2]d of %[1]d questions were lost or damaged (%[3]d %%), with several meters", total, lost, share),
			Remedy:  say("是线不是表：查屏蔽单端接地、两端 120 Ω 终端、偏置电阻，远离动力线", "it is the wire, not a meter: shield grounded at one end, 120 Ω at both ends, bias resistors, distance from power lines")}
		if share >= lossBad {
			c.State = Fail
		}
		e.add(c)
	default:
		var all []time.Duration
		for _, t := range ts {
			all = append(all, t.delays...)
		}
		e.add(Check{Name: CheckQuality, State: OK, Finding: say("%d 次询问，%d 次受损或无声，应答延时 %s", "%d questions, %d lost or damaged, reply delay %s", total, lost, spread(all))})
	}
	return nil
}

// figures are what a meter's questions came to.
func (t *target) figures() string {
	return say("%d 次询问：%d 应答、%d 无声、%d 受损，延时 %s", "asked %d times: %d answers, %d silences, %d damaged, delay %s", t.asked(), t.good+t.two, t.mute, t.bad, spread(t.delays))
}

// clash says that two meters have one address.
func clash(t *target) Check {
	return Check{Name: CheckMeter, Meter: t.address, State: Fail, Fault: FaultClash,
		Finding: say("电表 %s：两个应答重叠或先后到达（%s）", "meter %s: two answers overlap or follow each other (%s)", t.address, t.figures()),
		Remedy:  say("两块表用同一地址：断开其中一块，用 agent read 核对表号，再改地址", "two meters have one address: take one off, compare its plate with agent read, then change an address")}
}

// ill is how many meters lost something.
func ill(ts []*target) (n int) {
	for _, t := range ts {
		if t.mute+t.bad > 0 {
			n++
		}
	}
	return n
}

func percent(part, of int) int {
	if of <= 0 {
		return 0
	}
	return 100 * part / of
}

// spread is least, mean and most.
func spread(d []time.Duration) string {
	if len(d) == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d/%d ms", slices.Min(d).Milliseconds(), mean(d).Milliseconds(), slices.Max(d).Milliseconds())
}

// median of the meters' mean delays.
func median(ts []*target) time.Duration {
	var m []time.Duration
	for _, t := range ts {
		if len(t.delays) > 0 {
			m = append(m, mean(t.delays))
		}
	}
	if len(m) == 0 {
		return 0
	}
	slices.Sort(m)
	return m[len(m)/2]
}

// grows says that the second half of the answers came clearly later than the first.
func grows(d []time.Duration) bool {
	n := len(d) / 2
	if n < 3 {
		return false
	}
	early, late := mean(d[:n]), mean(d[len(d)-n:])
	return late > early+early/2+50*time.Millisecond
}
