package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"feikong/agent/edge"
	"feikong/agent/local"
	"feikong/agent/scan"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

const (
	// triesFirst is how often a meter is asked before it is called silent.
	triesFirst = 2
	// triesMore is how often one is asked again that was silent while others answered, before it is looked for elsewhere: of a
	// line that loses one answer in five, five in a row are lost once in three thousand.
	triesMore = 3
	// elsewhereMax bounds for how many silent meters other framings are tried: each costs ten seconds.
	elsewhereMax = 3
	// namesMax bounds the meters that one sentence names.
	namesMax = 6
)

// others are the framings that meters are met at, besides the line's own.
var others = []scan.Framing{
	{Baud: 2400, Parity: "even"}, {Baud: 9600, Parity: "even"}, {Baud: 9600, Parity: "none"}, {Baud: 4800, Parity: "even"}, {Baud: 1200, Parity: "even"},
	{Baud: 2400, Parity: "none"}, {Baud: 4800, Parity: "none"}, {Baud: 19200, Parity: "none"}, {Baud: 19200, Parity: "even"}, {Baud: 600, Parity: "even"},
	{Baud: 2400, Parity: "odd"}, {Baud: 9600, Parity: "odd"},
}

// likely puts the framings first that meters of the protocol leave the factory with.
func likely(protocol string) []scan.Framing {
	if protocol != scan.Modbus {
		return others
	}
	out := slices.Clone(others)
	slices.SortStableFunc(out, func(a, b scan.Framing) int {
		rank := func(f scan.Framing) int { return slices.Index([]string{"none", "even", "odd"}, f.Parity) }
		return rank(a) - rank(b)
	})
	return out
}

// patient is one line under examination.
type patient struct {
	*doctor
	l       edge.Line
	w       *wire
	targets []*target
	foreign int
	echoed  bool
	noise   bool // bytes came at all that no frame was made of
	tunable bool
}

// line examines one line.
func (d *doctor) line(ctx context.Context, l edge.Line) {
	if d.running != nil && slices.ContainsFunc(d.running.Lines, func(s local.LineStatus) bool { return s.Line == l.Name }) {
		d.served(l)
		return
	}
	p := d.opened(l)
	if p == nil {
		d.add(Check{Name: CheckWire, Line: l.Name, State: Skip, Finding: say("端口不可用，线路和电表未检查", "the port cannot be used; wires and meters were not looked at")})
		return
	}
	defer p.Close()
	ts, err := targets(l)
	if err != nil {
		d.add(Check{Name: CheckWire, Line: l.Name, State: Fail, Fault: FaultConfig, Finding: err.Error()})
		return
	}
	e := &patient{doctor: d, l: l, targets: ts, tunable: true,
		w: &wire{port: p, set: l.Settings, own: scan.Framing{Baud: l.Baud, Parity: l.Parity}, window: window}}
	if strings.HasPrefix(l.Path, "tcp://") {
		e.w.window, e.tunable = windowTCP, false
	}
	if err := e.examine(ctx); err != nil && ctx.Err() == nil {
		d.add(Check{Name: CheckPort, Line: l.Name, State: Fail, Fault: FaultPort, Finding: err.Error(),
			Remedy: say("端口在检查中失效：转换器松动或掉电？查看 dmesg", "the port failed during the examination: a loose adapter? look at dmesg")})
	}
}

func (e *patient) add(c Check) {
	c.Line = e.l.Name
	e.doctor.add(c)
}

// examine goes from the wires up.
func (e *patient) examine(ctx context.Context) error {
	idle, err := e.w.listen(ctx, e.Listen)
	if err != nil {
		return err
	}
	n, what := e.foreignIn(idle)
	e.foreign += n
	if len(e.targets) == 0 {
		defer func() { e.masters(idle, what) }()
		return e.anyone(ctx)
	}
	alive, err := e.presence(ctx)
	if err != nil {
		return err
	}
	defer func() { e.masters(idle, what) }()
	if e.echoed {
		e.add(Check{Name: CheckEcho, State: Warn, Fault: FaultEcho, Finding: say("转换器回送自己发出的字节", "the adapter hears what it sends itself"),
			Remedy: say("能用，但每次交换更慢；带自动收发控制的转换器可关断接收", "it works, and slower; an adapter with direction control turns its receiver off")})
	} else {
		e.add(Check{Name: CheckEcho, State: OK, Finding: say("无回波", "no echo")})
	}
	if len(alive) == 0 {
		return e.nobody(ctx)
	}
	if alive, err = e.again(ctx, alive); err != nil {
		return err
	}
	e.add(Check{Name: CheckWire, State: OK, Finding: say("%d 块表中 %d 块应答", "%[2]d of %[1]d meters answer", len(e.targets), len(alive))})
	if err := e.missing(ctx); err != nil {
		return err
	}
	if err := e.quality(ctx, alive); err != nil {
		return err
	}
	return e.clocks(ctx, alive)
}

// anyone asks who is there, on a line whose meters nobody has named.
func (e *patient) anyone(ctx context.Context) error {
	who, err := e.somebody(ctx, e.w.own)
	if err != nil {
		return err
	}
	if who != "" {
		e.add(Check{Name: CheckWire, State: OK, Finding: say("线路通，应答：%s", "the line works; who answers: %s", who),
			Remedy: say("agent scan --port %s 找出全部电表", "agent scan --port %s finds all meters", e.l.Path)})
		return nil
	}
	t, err := dlt645Target(dlt645.Wildcard.String(), edition2007)
	if err != nil {
		return err
	}
	e.targets = []*target{t}
	f, who, err := e.elsewhere(ctx, t, true)
	if err != nil {
		return err
	}
	e.wrong(f, who)
	return nil
}

// put asks one meter at its framing.
func (e *patient) put(ctx context.Context, t *target, patient bool) (judged, error) {
	if _, err := e.w.tune(t.framing); err != nil {
		return judged{}, err
	}
	whole := t.whole
	if patient {
		whole = nil // a second answer may come later
	}
	h, err := e.w.ask(ctx, t.request, t.reply, whole)
	if err != nil {
		return judged{}, err
	}
	j := t.take(h)
	e.foreign += j.foreign
	e.echoed = e.echoed || len(h.capture) >= len(t.request) && string(h.capture[:len(t.request)]) == string(t.request)
	e.noise = e.noise || j.outcome == damaged
	return j, nil
}

// presence asks every meter, and those that are silent as a meter of 1997.
func (e *patient) presence(ctx context.Context) (alive []*target, err error) {
	for i, t := range e.targets {
		for range triesFirst {
			j, err := e.put(ctx, t, true)
			if err != nil {
				return nil, err
			}
			if j.outcome != silent && j.outcome != damaged {
				break
			}
		}
		if t.good+t.two+t.bad == 0 && t.edition == edition2007 {
			old, err := dlt645Target(t.address, edition1997)
			if err != nil {
				return nil, err
			}
			old.framing = t.framing
			if j, err := e.put(ctx, old, true); err != nil {
				return nil, err
			} else if j.outcome == answered {
				e.targets[i], t = old, old
			}
		}
		if t.good+t.two > 0 {
			alive = append(alive, t)
		}
	}
	return alive, nil
}

// nobody says why not one meter of the configuration answers.
func (e *patient) nobody(ctx context.Context) error {
	if e.l.Protocol == scan.DLT645 {
		if clash, err := e.overlapping(ctx); err != nil || clash {
			return err
		}
		if who, err := e.somebody(ctx, e.w.own); err != nil {
			return err
		} else if who != "" {
			c := Check{Name: CheckWire, State: Fail, Fault: FaultAddress}
			c.Finding = say("线路通，但应答的不是配置中的表：%s", "the line works, but it is not the configured meters that answer: %s", who)
			c.Remedy = say("核对地址（铭牌 12 位），或用 agent scan --config 文件 --line %s 搜索", "compare the addresses (12 digits on the plate), or look with agent scan --config FILE --line %s", e.l.Name)
			e.add(c)
			return nil
		}
	}
	f, who, err := e.elsewhere(ctx, e.targets[0], len(e.targets) > 1)
	if err != nil {
		return err
	}
	e.wrong(f, who)
	return nil
}

// wrong says why nobody answers; who is a meter that does at another framing, or nobody.
func (e *patient) wrong(f scan.Framing, who string) {
	c := Check{Name: CheckWire, State: Fail}
	switch {
	case !e.tunable:
		c.Fault = FaultSilent
		c.Finding = say("串口服务器连上了，但没有电表应答", "the serial server is connected, but no meter answers")
		c.Remedy = say("在串口服务器网页上核对速率和校验（应为 %d %s），再查 A/B 线和表的电源", "compare the serial server's baud and parity on its web page (%d %s is wanted), then A and B and the meters' power", e.l.Baud, e.l.Parity)
	case who != "":
		c.Fault = FaultFraming
		c.Finding = say("电表 %s 在 %s 应答，这里是 %s", "meter %s answers at %s, and here it is %s", who, f, e.w.own)
		c.Remedy = say("把线路 %s 改为 baud: %d、parity: %s", "set line %s to baud: %d, parity: %s", e.l.Name, f.Baud, f.Parity)
	case e.noise:
		c.Fault = FaultGarbage
		c.Finding = say("只收到无法识别的字节，各种速率都不对", "only bytes that are no frames came, at every baud rate")
		c.Remedy = say("检查 A/B 线是否接反、接地和屏蔽；逐段断开线路，找出干扰的一段", "are A and B swapped? look at ground and shield; disconnect the line piece by piece to find the part that disturbs")
	default:
		c.Fault = FaultSilent
		c.Finding = say("线路无声：各种速率下都没有应答", "the line is silent: nobody answers at any baud rate")
		c.Remedy = say("A/B 线接反了吗？表有电吗？线接在这个端口上吗？线断了吗？（空闲时 A 比 B 高 0.2 V 以上）", "are A and B swapped? have the meters power? is it this port? is the wire cut? (idle, A is 0.2 V or more above B)")
	}
	e.add(c)
}

// somebody asks AA×6 and gives the address that answers.
func (e *patient) somebody(ctx context.Context, f scan.Framing) (string, error) {
	for _, edition := range []string{edition2007, edition1997} {
		t, err := dlt645Target(dlt645.Wildcard.String(), edition)
		if err != nil {
			return "", err
		}
		t.framing = f
		if _, err := e.w.tune(f); err != nil {
			return "", err
		}
		h, err := e.w.ask(ctx, t.request, 2*t.reply, nil)
		if err != nil {
			return "", err
		}
		if r := scan.Listen(h.capture, t.request); len(r.Replies) > 0 {
			return r.Replies[0].Addr.String(), nil
		} else if r.Stray > 4*glitch && f == e.w.own {
			return say("几块表同时应答", "several at once"), nil
		}
	}
	return "", nil
}

// elsewhere looks for a meter at other framings; anybody: whoever answers there will do.
func (e *patient) elsewhere(ctx context.Context, t *target, anybody bool) (scan.Framing, string, error) {
	if !e.tunable {
		return scan.Framing{}, "", nil
	}
	defer e.w.tune(e.w.own) // the next question goes out at the line's framing in any case
	for _, f := range likely(e.l.Protocol) {
		if f == e.w.own {
			continue
		}
		if ok, err := e.w.tune(f); err != nil || !ok {
			return f, "", err
		}
		h, err := e.w.ask(ctx, t.request, t.reply, t.whole)
		if err != nil {
			return f, "", err
		}
		if t.judge(h.capture).outcome == answered {
			return f, t.address, nil
		}
		if e.l.Protocol == scan.DLT645 && anybody {
			if who, err := e.somebody(ctx, f); err != nil || who != "" {
				return f, who, err
			}
		}
	}
	return scan.Framing{}, "", nil
}

// foreignIn counts the requests in what was heard while nobody of us asked.
func (e *patient) foreignIn(idle []byte) (n int, what string) {
	frames, _ := dlt645.Decode(idle)
	for _, f := range frames {
		if !f.FromMeter() {
			n++
			what = fmt.Sprintf("%02XH → %s", f.Control, f.Addr)
		}
	}
	if e.l.Protocol == scan.Modbus && e.l.Framing == modbus.RTU {
		var p modbus.Parser
		p.Write(idle)
		for a, ok := p.Next(); ok; a, ok = p.Next() {
			n++
			what = fmt.Sprintf("%02XH → %d", a.Func, a.Unit)
		}
	}
	return n, what
}

// masters says whether somebody else sends requests, from what was heard while idle and between.
func (e *patient) masters(idle []byte, what string) {
	switch {
	case e.foreign > 0:
		if what != "" {
			what = say("（如 %s）", " (such as %s)", what)
		}
		e.add(Check{Name: CheckMasters, State: Fail, Fault: FaultMaster,
			Finding: say("听到 %d 条不是本机发出的请求%s：线路上有另一个主站", "%d requests were heard that are not ours%s: another master is on the line", e.foreign, what),
			Remedy:  say("一条线路只能有一个主站：找到另一台采集器、手持机或电脑，断开它", "a line has one master: find the other concentrator, hand-held or computer and take it off")})
	case len(idle) > glitch:
		e.add(Check{Name: CheckMasters, State: Warn, Fault: FaultIdleNoise,
			Finding: say("无人提问时收到 %d 个字节", "%d bytes came while nobody asked", len(idle)),
			Remedy:  say("干扰，或另一个速率上的主站：检查屏蔽、终端和偏置电阻", "disturbance, or a master at another baud rate: look at shield, termination and bias")})
	default:
		e.add(Check{Name: CheckMasters, State: OK, Finding: say("%v 内无人说话", "nobody talked for %v", e.Listen)})
	}
}
