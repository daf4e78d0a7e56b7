package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/internal/daemon"
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
		Use: "commission [METER]", Short: say("投运检查并出具一页记录；开关调试模式", "put a meter into service, with its record; commissioning mode"), Args: cobra.MaximumNArgs(1),
		Long: say("逐项检查一块电表：应答、地址与铭牌、示数读两次、时钟、倍率与侧别、继电器试验、相电压、通信质量；每项为合格、不合格或未做（写明原因）。\n结果为一页记录，随示数一同上传。--mode on/off 开关调试模式（现场动作继电器用，至多 2 小时，到时自动关闭）。",
			"Goes through a meter's checklist: answers, address as printed, registers twice, clock, ratio and side, relay test, voltages, line quality;\neach is ok, failed or skipped with a reason. The record is one page and travels with the readings.\n--mode on or off switches commissioning mode, for relays moved by hand; at most 2 hours, it ends by itself."),
		Example: "  agent commission 000000000101\n  agent commission l1/101 --person 'Li Wei' --printed 000000000101 \\\n      --ratio 200/5 --side secondary --relay-tested-by 'Li Wei' --yes --json\n" +
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
