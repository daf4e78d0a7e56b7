package tools

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/field"
	"feikong/internal/daemon"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

type exchange struct {
	site
	d       exchangeDraft
	restart bool

	reason, oldSerial, oldWhy, noPhoto string
	address, serial, newWhy            string
	ratio, side, tested, untested      string
	oldRegisters, newRegisters         []string
}

// ExchangeCommand is `agent exchange`.
func ExchangeCommand() *cobra.Command {
	var f exchange
	c := &cobra.Command{
		Use: "exchange METER", Short: say("引导换表，断网可用", "the guided swap of a meter, offline too"), Args: cobra.MaximumNArgs(1),
		Long: say("一步步记录换表：旧表止码（总线读或目抄）与照片，新表资产号、地址、起码、倍率、侧别、继电器试验。\n每答一步存一次草稿；中断后再运行同一命令可继续。记录与示数一同上传，之后修改配置中的地址并在网关登记。",
			"Records a swap step by step: last registers of the old meter (over the line or by eye) and a photo; serial, address and first registers\nof the new one, ratio, side, relay test. Each answer is kept in a draft: after an interruption the same command goes on. The record travels\nwith the readings; afterwards change the address in the configuration and tell the gateway."),
		Example: "  agent exchange 000000000101\n  agent exchange l1/101 --person 'Li Wei' --reason 'display dead' \\\n      --old-register 0=1234.56 --photo old.jpg \\\n" +
			"      --new-address 000000000202 --new-serial 3130000202 \\\n      --new-register 0=0.00 --ratio 1 --relay-untested 'no load' --yes --json",
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.load(c); err != nil {
				return err
			}
			if err := f.choose(first(args)); err != nil {
				return err
			}
			err := f.run(c)
			if errors.Is(err, errStopped) {
				return errors.New(say("已停止，已答的存在草稿里；再运行同一命令可继续", "stopped; what was answered is in a draft, the same command goes on with it"))
			}
			return err
		},
	}
	f.workFlags(c, true)
	f.photoFlag(c)
	c.Flags().BoolVar(&f.restart, "restart", false, say("丢弃草稿，重新开始", "drop a draft and begin anew"))
	c.Flags().StringVar(&f.reason, "reason", "", say("换表原因", "why the meter is exchanged"))
	c.Flags().StringVar(&f.oldSerial, "old-serial", "", say("旧表资产号", "serial of the old meter"))
	c.Flags().StringArrayVar(&f.oldRegisters, "old-register", nil, say("旧表止码，如 `0=1234.56`（不写则从总线读）", "a last register of the old meter, like `0=1234.56` (none: read over the line)"))
	c.Flags().StringVar(&f.oldWhy, "old-why", "", say("止码不合理的原因", "why an implausible last register is right"))
	c.Flags().StringVar(&f.noPhoto, "no-photo", "", say("没有照片的原因", "why there is no photo"))
	c.Flags().StringVar(&f.address, "new-address", "", say("新表地址（默认与旧表相同）", "address of the new meter (default: the old one's)"))
	c.Flags().StringVar(&f.serial, "new-serial", "", say("新表资产号", "serial of the new meter"))
	c.Flags().StringArrayVar(&f.newRegisters, "new-register", nil, say("新表起码，如 `0=0.00`", "a first register of the new meter, like `0=0.00`"))
	c.Flags().StringVar(&f.newWhy, "new-why", "", say("起码不合理的原因", "why an implausible first register is right"))
	c.Flags().StringVar(&f.ratio, "ratio", "", say("倍率，如 1、40、200/5", "ratio, like 1, 40 or 200/5"))
	c.Flags().StringVar(&f.side, "side", "", say("示数侧别：primary 一次或 secondary 二次", "side of the registers: primary or secondary"))
	c.Flags().StringVar(&f.tested, "relay-tested-by", "", say("新表继电器试验人", "who tested the new meter's relay"))
	c.Flags().StringVar(&f.untested, "relay-untested", "", say("未试验继电器的原因", "why the relay was not tested"))
	return c
}

func (f *exchange) run(c *cobra.Command) error {
	release, err := field.LockDraft(f.cfg.Data, field.KindExchange, f.ref())
	if err != nil {
		return f.disk(err)
	}
	defer release()
	if err := f.resume(); err != nil {
		return err
	}
	for _, step := range []func(*cobra.Command) error{f.who, f.last, f.picture, f.meterThatCame, f.firstRegisters, f.rest} {
		if err := step(c); err != nil {
			return err
		}
		if err := f.save(); err != nil {
			return err
		}
	}
	rec, err := f.record()
	if err != nil {
		return err
	}
	kept, err := f.keep(rec)
	if err != nil || !kept {
		return err
	}
	if err := field.DropDraft(f.cfg.Data, field.KindExchange, f.ref()); err != nil {
		return err
	}
	if f.d.Address != f.meter.Ref.Address {
		return f.tell(fmt.Sprintf(say("接下来：把 %s 中电表 %s 的地址改为 %s，重启采集终端，并在网关登记换表", "next: change the address of meter %[2]s in %[1]s to %[3]s, restart the agent, and record the exchange at the gateway"), f.config, f.name(), f.d.Address))
	}
	return f.tell(say("接下来：在网关登记换表", "next: record the exchange at the gateway"))
}

func (f *exchange) who(*cobra.Command) (err error) {
	if f.person == "" {
		f.person = f.d.Person
	}
	if err = f.askPerson(); err != nil {
		return err
	}
	f.d.Person = f.person
	if err := f.save(); err != nil {
		return err
	}
	if err := f.answer(&f.d.Reason, question{zh: "换表原因", en: "reason of the exchange", flag: "reason", check: func(a string) error { return field.CheckText("reason", a) }}, f.reason); err != nil {
		return err
	}
	if f.d.OldSerial == nil || f.oldSerial != "" {
		serial, err := f.ask.text(question{zh: "旧表资产号", en: "serial of the old meter", flag: "old-serial", empty: true, check: func(a string) error { return field.CheckName("old serial", a) }}, f.oldSerial)
		if err != nil {
			return err
		}
		f.d.OldSerial = &serial
	}
	return nil
}

// last takes the last registers of the old meter: over the line when it still answers, else by eye.
func (f *exchange) last(c *cobra.Command) (err error) {
	if len(f.d.Old) > 0 && len(f.oldRegisters) == 0 {
		return nil
	}
	known := f.known()
	var rs []field.Register
	if len(f.oldRegisters) == 0 {
		rs, err = f.byWire(c, say("从总线读旧表止码", "read the old meter's last registers over the line"))
		if err != nil && f.ask.silent {
			return fmt.Errorf(say("旧表读不到：%w；看着表写 --old-register 0=示数", "the old meter cannot be read: %w; read it by eye and give --old-register 0=VALUE"), err)
		}
	}
	why := ""
	if len(rs) == 0 {
		rs, why, err = f.registers("旧表止码", "last register of the old meter", "old-register", "old-why", f.oldWhy, f.oldRegisters, time.Now(), known,
			func(rs []field.Register) []error { return doubts(rs, known) })
	} else {
		why, err = f.site.reason("old-why", f.oldWhy, false, doubts(rs, known)...)
	}
	if err != nil {
		return err
	}
	f.d.Old, f.d.OldWhy = rs, why
	return nil
}

// byWire reads the meter at the configured address; nothing when the person would rather read by eye.
func (f *exchange) byWire(c *cobra.Command, question string) ([]field.Register, error) {
	ok, err := f.ask.yes(question, question, true, f.yes)
	if err != nil || !ok {
		return nil, err
	}
	ctx, stop := daemon.Signals(c.Context())
	defer stop()
	read, end, err := f.reach(ctx)
	if err == nil {
		defer end()
		got, rerr := read("energy")
		if rerr == nil && len(got.Registers) > 0 {
			for _, r := range got.Registers[:min(len(got.Registers), 5)] {
				fmt.Fprintf(f.err, "  %d = %s kWh\n", r.Register, r.KWh)
			}
			return got.Registers, nil
		}
		err = rerr
	}
	if err == nil {
		err = errors.New(say("电表没有给出正向有功示数", "the meter gave no active import register"))
	}
	if ctx.Err() != nil {
		return nil, errStopped
	}
	if !f.ask.silent {
		fmt.Fprintf(f.err, "  ! %v\n", err)
	}
	return nil, err
}

// picture is needed: last registers are what a customer disputes, and the meter is gone.
func (f *exchange) picture(*cobra.Command) (err error) {
	if f.photo == "" && (f.d.Photo != nil || f.d.NoPhoto != "") {
		return nil
	}
	if f.photo == "" && f.noPhoto != "" {
		f.d.NoPhoto = f.noPhoto
		return field.CheckText("note", f.allNote())
	}
	if f.photo == "" && f.ask.silent {
		return errors.New(say("缺少旧表照片：用 --photo 指定文件，或用 --no-photo 写明原因", "the photo of the old meter is missing: name its file with --photo, or say why there is none with --no-photo"))
	}
	if f.d.Photo, err = f.keepPhoto("旧表照片文件", "photo of the old meter", true); err != nil {
		return err
	}
	f.d.NoPhoto = ""
	if f.d.Photo == nil {
		f.d.NoPhoto, err = f.ask.text(question{zh: "没有照片的原因", en: "why there is no photo", flag: "no-photo", check: func(a string) error { f.d.NoPhoto = a; return field.CheckText("note", f.allNote()) }}, "")
	}
	return err
}

func (f *exchange) meterThatCame(*cobra.Command) (err error) {
	notTheOld := func(s string) error {
		if s == *f.d.OldSerial {
			return fmt.Errorf(say("%s 是旧表的资产号", "%s is the old meter's serial"), printable(s))
		}
		return field.CheckName("new serial", s)
	}
	if err := f.answer(&f.d.Serial, question{zh: "新表资产号", en: "serial of the new meter", flag: "new-serial", check: notTheOld}, f.serial); err != nil {
		return err
	}
	if f.d.Address != "" && f.address == "" {
		return nil
	}
	a, err := f.ask.text(question{zh: "新表地址", en: "address of the new meter", flag: "new-address", def: f.meter.Ref.Address, check: func(a string) error { _, err := f.addressOf(a); return err }}, f.address)
	if err == nil {
		f.d.Address, err = f.addressOf(a)
	}
	return err
}

// addressOf is an address as the configuration would have it. That of another meter of the line is refused.
func (f *exchange) addressOf(s string) (string, error) {
	if f.line.Protocol == "dlt645" {
		a, err := dlt645.ParseAddress(s)
		if err != nil {
			return "", err
		}
		if !a.Exact() {
			return "", fmt.Errorf(say("地址 %s 不止指一块表", "address %s names more than one meter"), a)
		}
		s = a.String()
	} else {
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil || n < 1 || n > 247 {
			return "", fmt.Errorf(say("%q 不是 Modbus 地址（1 到 247）", "%q is not a Modbus unit id, 1 to 247"), s)
		}
		s = strconv.Itoa(int(n))
	}
	for _, m := range f.line.Meters {
		if m.Ref != f.meter.Ref && m.Ref.Address == s && m.Ref.Channel == f.meter.Ref.Channel {
			return "", fmt.Errorf(say("线路 %s 上已有地址 %s 的电表", "line %s has a meter with address %s already"), f.line.Name, s)
		}
	}
	return s, nil
}

// firstRegisters are read over the line where the new meter has the old one's address, else by eye.
func (f *exchange) firstRegisters(c *cobra.Command) (err error) {
	if len(f.d.New) > 0 && len(f.newRegisters) == 0 {
		return nil
	}
	var rs []field.Register
	if len(f.newRegisters) == 0 && f.d.Address == f.meter.Ref.Address {
		if rs, err = f.byWire(c, say("新表已接好，从总线读起码", "the new meter is connected: read its first registers over the line")); err != nil && f.ask.silent {
			return fmt.Errorf(say("新表读不到：%w；看着表写 --new-register 0=示数", "the new meter cannot be read: %w; read it by eye and give --new-register 0=VALUE"), err)
		}
	}
	judge := func(rs []field.Register) (odd []error) {
		for _, r := range rs {
			odd = append(odd, field.JudgeStart(r))
		}
		return append(odd, field.JudgeSum(rs))
	}
	why := ""
	if len(rs) == 0 {
		rs, why, err = f.registers("新表起码", "first register of the new meter", "new-register", "new-why", f.newWhy, f.newRegisters, time.Now(), nil, judge)
	} else {
		why, err = f.site.reason("new-why", f.newWhy, false, judge(rs)...)
	}
	if err != nil {
		return err
	}
	f.d.New, f.d.NewWhy = rs, why
	return nil
}

func (f *exchange) rest(*cobra.Command) error {
	if f.d.Ratio == nil || f.ratio != "" || f.side != "" {
		wire := field.WireSide(append(slices.Clone(f.d.New), f.d.Old...))
		r, err := f.askRatio(f.ratio, f.side, false, wire)
		if err != nil {
			return err
		}
		if why := otherSide(r, wire); why != "" {
			if err := f.tell("  ! " + why); err != nil {
				return err
			}
		}
		f.d.Ratio = r
		if err := f.save(); err != nil {
			return err
		}
	}
	if f.d.RelayBy == "" && f.d.RelayWhy == "" || f.tested != "" || f.untested != "" {
		var err error
		if f.d.RelayBy, f.d.RelayWhy, err = f.askRelay(f.tested, f.untested); err != nil {
			return err
		}
	}
	return nil
}

// allNote is the note, with why there is no photo.
func (f *exchange) allNote() string {
	note := f.note
	if f.d.NoPhoto != "" {
		if note != "" {
			note += "; "
		}
		note += say("无照片：", "no photo: ") + f.d.NoPhoto
	}
	return note
}

// record makes the record out of the draft; its time is that of the first registers, when the new meter took over.
func (f *exchange) record() (*field.Exchange, error) {
	now := field.RefOf(protocol.MeterRef{Line: f.meter.Ref.Line, Address: f.d.Address, Channel: f.meter.Ref.Channel})
	w := field.Work{ID: f.d.ID, Person: f.d.Person, At: time.UnixMilli(f.d.New[0].At), Agent: f.cfg.Agent, Note: f.allNote(), Photo: f.d.Photo}
	serial := ""
	if f.d.OldSerial != nil {
		serial = *f.d.OldSerial
	}
	return field.NewExchange(w, f.d.Reason, field.OldMeter{Meter: f.ref(), Serial: serial, Registers: f.d.Old, Why: f.d.OldWhy}, now,
		field.NewMeter{Serial: f.d.Serial, Protocol: f.line.Protocol, Model: f.meter.Model.Name, Registers: f.d.New, Ratio: *f.d.Ratio, RelayBy: f.d.RelayBy, RelayWhy: f.d.RelayWhy, Why: f.d.NewWhy})
}
