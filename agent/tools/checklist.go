package tools

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

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
	wire := field.WireSide(rec.Registers)
	if rec.Ratio, err = f.askRatio(f.ratio, f.side, true, wire); err != nil {
		return err
	}
	switch why := otherSide(rec.Ratio, wire); {
	case rec.Ratio == nil:
		rec.Mark(field.ItemRatio, field.Skipped, say("没有写明", "not told"))
	case why != "":
		rec.Mark(field.ItemRatio, field.Failed, why)
	default:
		rec.Mark(field.ItemRatio, field.OK, "")
	}
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
