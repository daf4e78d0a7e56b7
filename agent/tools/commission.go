package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/internal/daemon"
)

const (
	// driftMax is how far a meter's clock may be off when it is put into service: what a broadcast may correct (DL/T
	// 645-2007, 7.6).
	driftMax = 5 * time.Minute
	// signalAsked questions show how well the line carries answers, and signalLeast of them must be answered at once.
	signalAsked, signalLeast = 10, 9
)

type commission struct {
	site
	mode       string
	minutes    int
	printed    string
	serial     string
	ratio      string
	side       string
	tested     string
	untested   string
	skipSignal bool
}

// CommissionCommand is `agent commission`.
func CommissionCommand() *cobra.Command {
	var f commission
	c := &cobra.Command{
		Use: "commission [METER]", Short: say("投运检查并出具一页记录；开关调试模式", "put a meter into service, with a one-page record; commissioning mode"), Args: cobra.MaximumNArgs(1),
		Long: say("逐项检查一块电表：应答、地址与铭牌、示数读两次、时钟、倍率与侧别、继电器试验、相电压、通信质量；每项为合格、不合格或未做（写明原因）。\n结果为一页记录，随示数一同上传。--mode on/off 开关调试模式（现场动作继电器用，至多 2 小时，到时自动关闭）。",
			"Goes through a meter's checklist: answers, address as printed, registers twice, clock, ratio and side, relay test, voltages, line quality;\neach is ok, failed or skipped with a reason. The record is one page and travels with the readings.\n--mode on or off switches commissioning mode, for relays moved by hand; at most 2 hours, it ends by itself."),
		Example: "  agent commission 000000000101\n  agent commission l1/101 --person 'Li Wei' --printed 000000000101 --ratio 200/5 --side secondary --relay-tested-by 'Li Wei' --yes --json\n" +
			"  agent commission --mode on --person 'Li Wei' --minutes 30\n  agent commission --mode off --person 'Li Wei'",
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.load(c); err != nil {
				return err
			}
			if f.mode != "" {
				return f.switchMode(args)
			}
			if err := f.choose(first(args)); err != nil {
				return err
			}
			return f.run(c)
		},
	}
	f.workFlags(c, true)
	f.photoFlag(c)
	c.Flags().StringVar(&f.mode, "mode", "", say("on 开启或 off 关闭调试模式", "on or off: commissioning mode"))
	c.Flags().IntVar(&f.minutes, "minutes", 30, say("调试模式时长，1 到 120 分钟", "how long commissioning mode is on, 1 to 120 minutes"))
	c.Flags().StringVar(&f.printed, "printed", "", say("铭牌上的地址", "the address as printed on the meter"))
	c.Flags().StringVar(&f.serial, "serial", "", say("资产号", "serial or asset number"))
	c.Flags().StringVar(&f.ratio, "ratio", "", say("倍率，如 1、40、200/5", "ratio, like 1, 40 or 200/5"))
	c.Flags().StringVar(&f.side, "side", "", say("示数侧别：primary 一次或 secondary 二次", "side of the registers: primary or secondary"))
	c.Flags().StringVar(&f.tested, "relay-tested-by", "", say("继电器试验人", "who tested the relay"))
	c.Flags().StringVar(&f.untested, "relay-untested", "", say("未试验继电器的原因", "why the relay was not tested"))
	c.Flags().BoolVar(&f.skipSignal, "skip-signal", false, say("不测通信质量", "leave the line quality out"))
	return c
}

func (f *commission) switchMode(args []string) error {
	if len(args) > 0 || f.mode != "on" && f.mode != "off" {
		return errors.New(say("写 --mode on 或 --mode off，不带电表", "write --mode on or --mode off, without a meter"))
	}
	if err := f.askPerson(); err != nil {
		return err
	}
	c, err := dial(f.cfg.Data)
	if err != nil {
		return err
	}
	defer c.Close()
	m, err := c.Mode(local.ModeRequest{On: f.mode == "on", Person: f.person, Minutes: f.minutes})
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(f.out).Encode(m)
	}
	if !m.On {
		_, err = fmt.Fprintln(f.out, say("调试模式已关闭", "commissioning mode is off"))
		return err
	}
	_, err = fmt.Fprintf(f.out, say("调试模式已开启，至 %s 自动关闭；现场动作：agent relay 电表 动作\n", "commissioning mode is on and ends by itself at %s; to move a relay: agent relay METER ACTION\n"),
		time.UnixMilli(m.Until).In(f.cfg.Zone).Format("15:04:05"))
	return err
}

// run goes through the checklist. What a person must say is asked first, so that nobody waits for the wire twice.
func (f *commission) run(c *cobra.Command) error {
	if err := f.askPerson(); err != nil {
		return err
	}
	rec := field.NewCommission(field.Work{Person: f.person, At: time.Now(), Agent: f.cfg.Agent, Note: f.note}, f.ref())
	rec.Protocol, rec.Model, rec.Serial = f.line.Protocol, f.meter.Model.Name, f.serial
	for _, item := range field.Items { // in their order
		rec.Mark(item, field.Skipped, "-")
	}
	ctx, stop := daemon.Signals(c.Context())
	defer stop()
	read, end, err := f.reach(ctx)
	if err != nil {
		return err
	}
	defer end()
	bar := newScreen(f.err)
	answers := f.wire(rec, read, bar)
	bar.clear()
	if ctx.Err() != nil {
		return errStopped
	}
	f.show(rec)
	if err := f.people(rec, answers); err != nil {
		return err
	}
	if rec.Photo, err = f.keepPhoto("照片文件", "photo file", true); err != nil {
		return err
	}
	rec.At = time.Now().UnixMilli()
	_, err = f.keep(rec)
	return err
}

// show tells what the wire said before a person is asked for the rest.
func (f *commission) show(rec *field.Commission) {
	if f.ask.silent {
		return
	}
	for _, it := range rec.Items {
		if it.Why == "-" {
			continue
		}
		fmt.Fprintf(f.err, "  %s  %s %s\n", pad(field.ItemName(daemon.Lang(), it.Item), 18), field.StateName(daemon.Lang(), it.State), it.Why)
	}
}

// wire does what needs no person; false: the meter does not answer.
func (f *commission) wire(rec *field.Commission, read reads, bar *screen) bool {
	step := func(item string) {
		bar.last = time.Time{} // each item is shown
		bar.show(say("检查：", "checking: ") + field.ItemName(daemon.Lang(), item))
	}
	step(field.ItemAnswers)
	energy, err := read("energy")
	if err != nil {
		rec.Mark(field.ItemAnswers, field.Failed, short(err))
		for _, item := range []string{field.ItemRegisters, field.ItemClock, field.ItemVoltage, field.ItemSignal} {
			rec.Mark(item, field.Skipped, say("电表没有应答", "the meter does not answer"))
		}
		return false
	}
	rec.Mark(field.ItemAnswers, field.OK, "")
	step(field.ItemRegisters)
	f.registers(rec, read, energy)
	step(field.ItemClock)
	f.clock(rec, read)
	step(field.ItemVoltage)
	f.voltages(rec, read)
	if f.skipSignal {
		rec.Mark(field.ItemSignal, field.Skipped, say("要求不测", "asked to leave it out"))
		return true
	}
	step(field.ItemSignal)
	f.signal(rec, read, bar)
	return true
}

// registers are read a second time by the driver itself where it can, and here where it cannot.
func (f *commission) registers(rec *field.Commission, read reads, got *local.ReadReply) {
	if len(got.Registers) == 0 {
		rec.Mark(field.ItemRegisters, field.Failed, say("没有正向有功示数", "it has no active import register"))
		return
	}
	rec.Registers = got.Registers
	if !got.Registers[0].Twice {
		again, err := read("energy")
		if err != nil {
			rec.Mark(field.ItemRegisters, field.Failed, short(err))
			return
		}
		if why := differ(got.Registers, again.Registers); why != "" {
			rec.Mark(field.ItemRegisters, field.Failed, why)
			return
		}
		for i := range again.Registers {
			again.Registers[i].Twice = true
		}
		rec.Registers = again.Registers
	}
	rec.Mark(field.ItemRegisters, field.OK, "")
}

// differ says how a second reading contradicts the first; between the two a meter may count some watt-hours on.
func differ(a, b []field.Register) string {
	if len(a) != len(b) {
		return fmt.Sprintf(say("两次读到的寄存器数不同：%d 与 %d", "two reads gave %d and %d registers"), len(a), len(b))
	}
	for i := range a {
		was, _ := a[i].KWh.MilliwattHours()
		now, _ := b[i].KWh.MilliwattHours()
		if a[i].Register != b[i].Register || now < was || now-was > 1_000_000 {
			return fmt.Sprintf(say("寄存器 %d 两次不一致：%s 与 %s", "register %d was read as %s and %s"), a[i].Register, a[i].KWh, b[i].KWh)
		}
	}
	return ""
}

func (f *commission) clock(rec *field.Commission, read reads) {
	got, err := read("clock")
	var fault *local.Fault
	switch {
	case errors.As(err, &fault) && fault.Code == local.CodeUnsupported:
		rec.Mark(field.ItemClock, field.Skipped, say("此型号没有时钟", "this model has no clock"))
	case err != nil:
		rec.Mark(field.ItemClock, field.Failed, short(err))
	default:
		rec.DriftMS = got.DriftMS
		if d := time.Duration(*got.DriftMS) * time.Millisecond; d.Abs() > driftMax {
			rec.Mark(field.ItemClock, field.Failed, fmt.Sprintf(say("偏差超过 %v，须先校时", "more than %v off, set the clock first"), driftMax))
			return
		}
		rec.Mark(field.ItemClock, field.OK, "")
	}
}

// nominal voltages of phases in units of 0.1 V: by transformer, and direct. A phase within a fifth of one of them is plausible.
var nominal = []int64{577, 1000, 2200, 2300}

func (f *commission) voltages(rec *field.Commission, read reads) {
	got, err := read("voltage")
	var fault *local.Fault
	switch {
	case errors.As(err, &fault) && fault.Code == local.CodeUnsupported:
		rec.Mark(field.ItemVoltage, field.Skipped, say("此型号不给出电压", "this model does not tell its voltages"))
		return
	case err != nil:
		rec.Mark(field.ItemVoltage, field.Failed, short(err))
		return
	}
	odd := ""
	for _, it := range got.Items {
		if it.Null || len(rec.Voltages) == field.VoltagesMax {
			continue
		}
		name := printable(say(it.NameZH, it.Name))
		if len(name) > 24 || name == "" {
			name = it.ID
		}
		rec.Voltages = append(rec.Voltages, field.Value{Name: clip(printable(name), 24), Value: clip(printable(it.Text), 24), Unit: clip(printable(it.Unit), 24)})
		if n, err := field.ParseNumber(it.Text); err != nil || !plausible(n) {
			odd = it.Text + " " + it.Unit
		}
	}
	switch {
	case len(rec.Voltages) == 0:
		rec.Mark(field.ItemVoltage, field.Skipped, say("电表没有测电压", "the meter measures none"))
	case odd != "":
		rec.Mark(field.ItemVoltage, field.Failed, fmt.Sprintf(say("%s 不合理：查缺相、错相或接线", "%s is not plausible: look for a missing or swapped phase"), printable(odd)))
	default:
		rec.Mark(field.ItemVoltage, field.OK, "")
	}
}

func plausible(n field.Number) bool {
	v := n.Value
	for e := n.Exp; e < -1; e++ {
		v /= 10
	}
	if n.Exp == 0 {
		v *= 10
	}
	for _, u := range nominal {
		if v >= u*8/10 && v <= u*12/10 {
			return true
		}
	}
	return false
}

func (f *commission) signal(rec *field.Commission, read reads, bar *screen) {
	what := "relay"
	if _, err := read(what); err != nil { // a model without one
		what = "energy"
	}
	s := field.Signal{Asked: signalAsked}
	for i := range signalAsked {
		bar.show(fmt.Sprintf("%s %d/%d", field.ItemName(daemon.Lang(), field.ItemSignal), i+1, signalAsked))
		got, err := read(what)
		if err != nil {
			continue
		}
		s.Answered++
		s.DelayMS = max(s.DelayMS, got.DelayMS)
	}
	rec.Signal = &s
	if s.Answered < signalLeast {
		rec.Mark(field.ItemSignal, field.Failed, fmt.Sprintf(say("%d 问仅 %d 答：查接线、终端电阻、接地", "%[2]d of %[1]d answered: look at wiring, termination and ground"), s.Asked, s.Answered))
		return
	}
	rec.Mark(field.ItemSignal, field.OK, "")
}

// people asks for what only a person can see.
func (f *commission) people(rec *field.Commission, answers bool) (err error) {
	digits := func(s string) error {
		if strings.Trim(s, "0123456789") != "" || len(s) > 20 {
			return errors.New(say("地址只有数字", "an address is digits"))
		}
		return nil
	}
	if rec.Printed, err = f.ask.text(question{zh: "铭牌上的地址", en: "address as printed on the meter", flag: "printed", empty: true, none: [2]string{"看不到", "cannot be seen"}, check: digits}, f.printed); err != nil {
		return err
	}
	switch {
	case rec.Printed == "":
		rec.Mark(field.ItemAddress, field.Skipped, say("没有核对", "not compared"))
	case strings.TrimLeft(rec.Printed, "0") != strings.TrimLeft(rec.Meter.Address, "0"):
		rec.Mark(field.ItemAddress, field.Failed, fmt.Sprintf(say("铭牌与配置的 %s 不同：表装错了，或配置写错了", "it is not the %s of the configuration: another meter hangs here, or the configuration is wrong"), rec.Meter.Address))
	case !answers:
		rec.Mark(field.ItemAddress, field.Skipped, say("电表没有应答", "the meter does not answer"))
	default:
		rec.Mark(field.ItemAddress, field.OK, "")
	}
	r, err := f.askRatio(f.ratio, f.side)
	if err != nil {
		return err
	}
	rec.Ratio = &r
	rec.Mark(field.ItemRatio, field.OK, "")
	by, why, err := f.askRelay(f.tested, f.untested)
	if err != nil {
		return err
	}
	if rec.RelayBy = by; by != "" {
		rec.Mark(field.ItemRelay, field.OK, "")
	} else {
		rec.Mark(field.ItemRelay, field.Skipped, why)
	}
	return nil
}

// askRatio asks for ratio and side.
func (s *site) askRatio(ratio, side string) (r field.Ratio, err error) {
	r.Plate, err = s.ask.text(question{zh: "倍率（如 1、40、200/5）", en: "ratio (like 1, 40 or 200/5)", flag: "ratio", def: "1", check: func(a string) error { _, err := field.ParseRatio(a); return err }}, ratio)
	if err != nil {
		return r, err
	}
	if r.Multiplier, err = field.ParseRatio(r.Plate); err != nil {
		return r, err
	}
	if side, err = s.ask.text(question{zh: "示数侧别 primary 一次 / secondary 二次", en: "side of the registers, primary or secondary", flag: "side", def: "secondary", check: isSide}, side); err != nil {
		return r, err
	}
	r.Side = field.Side(side)
	return r, nil
}

// askRelay asks who tested the relay, or why nobody did.
func (s *site) askRelay(tested, untested string) (by, why string, err error) {
	if tested != "" || untested != "" {
		return tested, untested, nil
	}
	if by, err = s.ask.text(question{zh: "继电器试验人", en: "who tested the relay", flag: "relay-tested-by", empty: true, none: [2]string{"未试验", "nobody"}}, ""); err != nil || by != "" {
		return by, "", err
	}
	why, err = s.ask.text(question{zh: "未试验的原因", en: "why it was not tested", flag: "relay-untested", def: say("未要求", "not asked for")}, "")
	return "", why, err
}

// short is an error as one printable line that fits beside an item.
func short(err error) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, err.Error())
	if len(s) > field.WhyMax {
		n := field.WhyMax - len("…")
		for !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…"
	}
	return s
}
