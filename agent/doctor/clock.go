package doctor

import (
	"context"
	"time"

	"feikong/agent/edge"
	"feikong/agent/local"
	"feikong/agent/scan"
	"feikong/protocol/dlt645"
)

const (
	// clockBroadcast is what a broadcast may correct (DL/T 645-2007: 5 minutes, once a day); more needs a password.
	clockBroadcast = 5 * time.Minute
	// clockSome is worth a word: freezes and time-of-use rates are that much off.
	clockSome = time.Minute
	// clocksMax bounds how many meters' clocks are read on one line.
	clocksMax = 64
)

// clocks compares the meters' clocks with this machine's.
func (e *patient) clocks(ctx context.Context, alive []*target) error {
	if e.l.Protocol != scan.DLT645 {
		return nil
	}
	worst, read, sound := time.Duration(0), 0, true
	for _, t := range alive[:min(len(alive), clocksMax)] {
		if t.edition != edition2007 || t.two > 0 {
			continue
		}
		drift, ok, err := e.clock(ctx, t)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		read++
		if drift.Abs() > worst.Abs() {
			worst = drift
		}
		c, bad := clockCheck(t.address, drift)
		if !bad {
			continue
		}
		sound = false
		e.add(c)
	}
	if sound && read > 0 {
		e.add(Check{Name: CheckClock, State: OK, Finding: say("%d 块表的时钟，最大偏差 %s", "clocks of %d meters, the worst is off by %s", read, worst.Round(time.Second))})
	}
	return nil
}

// clockCheck judges one clock; bad is false when there is nothing to say about it.
func clockCheck(address string, drift time.Duration) (c Check, bad bool) {
	c = Check{Name: CheckClock, Meter: address, Fault: FaultMeterClock, State: Warn}
	switch {
	case drift == noTime:
		c.State = Fail
		c.Finding = say("电表 %s 的时钟没有有效时间", "the clock of meter %s tells no time", address)
		c.Remedy = say("时钟电池没电：换电池或换表；费率和冻结不可信", "its battery is flat: exchange battery or meter; its rates and freezes are not to be trusted")
	case drift.Abs() > clockBroadcast:
		c.State = Fail
		c.Finding = say("电表 %s 的时钟偏差 %s", "the clock of meter %s is off by %s", address, drift.Round(time.Second))
		c.Remedy = say("超过 5 分钟，广播校时无效：核对本机时区和时间，然后用密码写表时钟", "above 5 minutes a broadcast is ignored: compare this machine's zone and time, then write the meter's clock with its password")
	case drift.Abs() > clockSome:
		c.Finding = say("电表 %s 的时钟偏差 %s", "the clock of meter %s is off by %s", address, drift.Round(time.Second))
		c.Remedy = say("每天一次的广播校时可纠正（避开零点前后 5 分钟）", "the daily broadcast corrects it (not within 5 minutes of midnight)")
	default:
		return c, false
	}
	return c, true
}

// noTime is the drift of a clock that tells none.
const noTime = time.Duration(1<<63 - 1)

// clock reads one clock: at once, or date and time. ok is false when the meter has none of them, or did not answer.
func (e *patient) clock(ctx context.Context, t *target) (drift time.Duration, ok bool, err error) {
	a, err := dlt645.ParseAddress(t.address)
	if err != nil {
		return 0, false, err
	}
	item := func(d dlt645.DI) ([]byte, time.Time, error) {
		if _, err := e.w.tune(t.framing); err != nil {
			return nil, time.Time{}, err
		}
		request := dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, d))
		for range 2 {
			h, err := e.w.ask(ctx, request, 4+12+11, func(b []byte) bool { _, ok := scan.Listen(b, request).Clean(); return ok })
			if err != nil {
				return nil, time.Time{}, err
			}
			if f, ok := scan.Listen(h.capture, request).Clean(); ok {
				data, err := dlt645.ParseReadReply(f, a, d)
				if err != nil {
					return nil, time.Time{}, nil // it does not know the item
				}
				return data, h.first, nil
			}
		}
		return nil, time.Time{}, nil
	}
	data, at, err := item(dlt645.DIDateTime)
	if err != nil {
		return 0, false, err
	}
	if data != nil {
		when, err := dlt645.DateTime7(data, e.zone())
		if err != nil {
			return noTime, true, nil
		}
		return when.Sub(at), true, nil
	}
	date, _, err := item(dlt645.DIDate)
	if err != nil || date == nil {
		return 0, false, err
	}
	clock, at, err := item(dlt645.DITime)
	if err != nil || clock == nil {
		return 0, false, err
	}
	when, err := dlt645.MeterClock(date, clock, e.zone())
	if err != nil {
		return noTime, true, nil
	}
	return when.Sub(at), true, nil
}

// zone is that of the meters' wall clocks.
func (d *doctor) zone() *time.Location {
	if d.Config != nil && d.Config.Zone != nil {
		return d.Config.Zone
	}
	return time.Local
}

// served speaks of a line that the running agent has: what it counted.
func (d *doctor) served(l edge.Line) {
	for _, s := range d.running.Lines {
		if s.Line != l.Name {
			continue
		}
		c := Check{Name: CheckPort, Line: l.Name, State: OK, Finding: say("采集终端（%d）正用 %s，%d 次交换，%d 次超时，%d 次受损", "the agent (pid %d) has %s: %d exchanges, %d timeouts, %d damaged", d.running.PID, l.Path, s.Exchanges, s.Timeouts, s.Faults)}
		if !s.Up {
			c.State, c.Fault = Fail, FaultPort
			c.Finding = say("采集终端打不开 %s：%s", "the agent cannot open %s: %s", l.Path, printable(s.Error))
			c.Remedy = say("查转换器和线；agent 会自己重新打开", "look at adapter and cable; the agent opens it again by itself")
		}
		d.add(c)
	}
	silent := 0
	for _, m := range d.running.Meters {
		if m.Meter.Line != l.Name {
			continue
		}
		asked := int(m.Replies + m.Silent + m.Faults)
		share := percent(int(m.Silent+m.Faults), asked)
		c := Check{Name: CheckMeter, Line: l.Name, Meter: m.Meter.Address, State: Fail}
		figures := say("%d 应答、%d 无声、%d 受损", "%d answers, %d silences, %d damaged", m.Replies, m.Silent, m.Faults)
		switch {
		case asked == 0:
			continue
		case m.Replies == 0:
			c.Fault = FaultMeterSilent
			c.Finding = say("电表 %s 自启动以来没有应答（%s）", "meter %s has not answered since the start (%s)", m.Meter.Address, figures)
			c.Remedy = say("查电源、地址和接线；停下采集终端后再查可逐层区分", "look at power, address and wiring; examined with the agent stopped, the layers are told apart")
		case asked >= readsMin && share >= lossBad:
			c.Fault = FaultDying
			c.Finding = say("电表 %s 时应时不应（%s）", "meter %s answers now and then (%s)", m.Meter.Address, figures)
			c.Remedy = say("停下采集终端后再查，可分清线和表", "examined with the agent stopped, wire and meter are told apart")
		default:
			continue
		}
		silent++
		d.add(c)
	}
	if silent == 0 {
		d.add(Check{Name: CheckMeter, Line: l.Name, State: OK, Finding: say("采集终端的计数中没有异常的表", "no meter stands out in what the agent counted")})
	}
	d.servedClocks(l)
	d.add(Check{Name: CheckWire, Line: l.Name, State: Skip, Finding: say("采集终端在使用线路，未逐层检查；要查：先停止 agent run", "the agent is using the line, so its layers were not examined; to do that, stop agent run first")})
}

// servedClocksMax bounds the clocks read through the agent: each read waits for its turn on the line.
const servedClocksMax = 8

// servedClocks reads clocks through the running agent, of the first meters of the line that answer.
func (d *doctor) servedClocks(l edge.Line) {
	if l.Protocol != scan.DLT645 {
		return
	}
	c, err := local.Dial(d.Config.Data)
	if err != nil {
		return
	}
	defer c.Close()
	worst, read, sound := time.Duration(0), 0, true
	for _, m := range d.running.Meters {
		if m.Meter.Line != l.Name || m.Replies == 0 || read == servedClocksMax {
			continue
		}
		r, err := c.Read(m.Meter, "clock")
		if err != nil || r.DriftMS == nil {
			continue
		}
		read++
		drift := time.Duration(*r.DriftMS) * time.Millisecond
		if drift.Abs() > worst.Abs() {
			worst = drift
		}
		if k, bad := clockCheck(m.Meter.Address, drift); bad {
			sound, k.Line = false, l.Name
			d.add(k)
		}
	}
	if sound && read > 0 {
		d.add(Check{Name: CheckClock, Line: l.Name, State: OK, Finding: say("%d 块表的时钟，最大偏差 %s", "clocks of %d meters, the worst is off by %s", read, worst.Round(time.Second))})
	}
}
