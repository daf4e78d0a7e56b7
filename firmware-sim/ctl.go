package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/control"
)

// verb is one line of `ctl`: what it needs, what it does.
type verb struct {
	use, zh, en, example string
	args                 int
	run                  func(*cobra.Command, *control.Client, []string) (any, error)
}

// verbs is the table behind `firmware-sim ctl`. METER is LINE/ADDRESS, leading zeros may be left out, #2 is the second meter of that
// address; LINE is a name.
var verbs = []verb{
	{"meters", "列出全部电能表", "list all meters", "meters", 0, func(c *cobra.Command, k *control.Client, _ []string) (any, error) {
		return k.Meters(c.Context())
	}},
	{"lines", "列出全部线路及其故障", "list all lines and what is wrong with them", "lines", 0, func(c *cobra.Command, k *control.Client, _ []string) (any, error) {
		return k.Lines(c.Context())
	}},
	{"frames LINE [AFTER]", "列出线路上的帧（编号大于 AFTER）", "list the frames of a line, those after number AFTER", "frames l1 120", 1, frames},
	{"press METER [TIME]", "按住表上的按钮（默认 3s；须已允许合闸）", "hold the meter's button (3s when not said); it closes a relay that is permitted to", "press l1/102 3s", 1, press},
	{"set METER KWH", "改写总电量示数", "write the total register", "set l1/105 100.00", 2, meterVerb("set", func(a string) (o control.Order, err error) {
		o.KWh = &a
		return o, nil
	})},
	{"load METER W", "改变负荷（乘倍率之前，瓦）", "change the load, in W before the multiplier", "load l1/101 2400", 2, meterVerb("load", func(a string) (o control.Order, err error) {
		w, err := strconv.ParseInt(a, 10, 64)
		if err != nil {
			return o, fmt.Errorf("load %q: want a whole number of watts", a)
		}
		o.W = &w
		return o, nil
	})},
	{"power METER|LINE on|off", "停电或送电：不走字、不应答，掉电事件照记", "cut the supply of a meter or of a whole line, or give it back", "power l1/104 on", 2, power},
	{"hold METER on|off", "保电投入或解除", "power hold on or off", "hold l1/103 on", 2, meterVerb("hold", onOff("hold"))},
	{"cover METER on|off", "打开或盖上表盖（记开盖事件）", "open (on) or close (off) the meter's cover; it records the event", "cover l1/103 off", 2, meterVerb("cover", onOff("cover"))},
	{"program METER", "按编程键，4 小时内可写地址等", "press the programming button: addresses may be written for four hours", "program l1/103", 1, meterVerb("program", nil)},
	{"clock METER OFFSET", "让表钟快（或慢）", "make the clock wrong by OFFSET", "clock l1/108 -- -90s", 2, meterVerb("clock", func(a string) (o control.Order, err error) {
		o.Offset = &a
		return o, nil
	})},
	{"time METER DATE TIME", "把表钟设为某个时刻（表的时区）", "set the clock to a time of the meter's zone", "", 3, setTime},
	{"charge METER AMOUNT", "给本地费控表插卡充值", "top up a meter that keeps the money, as by card", "", 2, meterVerb("charge", func(a string) (o control.Order, err error) {
		o.Amount = &a
		return o, nil
	})},
	{"delay METER TIME", "改变应答延时（0s 为线路的）", "change the reply delay; 0s is the line's", "delay l1/101 200ms", 2, meterVerb("delay", lasting)},
	{"dying METER TIME", "让表在这段时间内越来越差直至无应答（0s 修复）", "let the meter fail more and more until it is silent after TIME; 0s heals it", "dying l1/106 0s", 2, meterVerb("dying", lasting)},
	{"framing METER BAUD PARITY", "改变这块表的波特率与校验（line 为线路的）", "set this meter to another baud and parity; the word line is the line's own", "framing l1/101 9600 none", 3, framing},
	{"address METER NEW", "改变表地址，可与别的表相同；ctl 仍用原地址", "give the meter another address, perhaps its neighbour's; ctl goes on to use the first one", "address l1/108 107", 2, meterVerb("address", func(a string) (o control.Order, err error) {
		o.To = &a
		return o, nil
	})},
	{"freezes METER [N]", "列出日冻结，最近的在前", "list the daily freezes, newest first", "freezes l1/101 3", 1, freezes},
	{"lockouts METER", "列出输错过密码的等级", "list the password levels that have seen wrong passwords", "lockouts l1/101", 1, func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		line, address, err := which(a[0])
		if err != nil {
			return nil, err
		}
		return k.Lockouts(c.Context(), line, address)
	}},
	{"unplug METER|LINE", "拔下一块表，或断开整条线路", "take a meter off its line, or cut the line", "unplug l1/101", 1, plug("unplug")},
	{"plug METER|LINE", "插回一块表，或接通线路", "put it back", "plug l1", 1, plug("plug")},
	{"noise LINE RATE", "让一部分帧受干扰（0 到 1）", "damage a share of the frames, 0 to 1", "noise l1 0.05", 2, func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		rate, err := strconv.ParseFloat(a[1], 64)
		if err != nil {
			return nil, fmt.Errorf("noise %q: want a share like 0.05", a[1])
		}
		return k.Line(c.Context(), a[0], "noise", control.Order{Rate: &rate})
	}},
	{"fault LINE NAME VALUE", "设置一种线路故障；VALUE 为 off 则恢复", "set one fault of a line; VALUE off mends it", "fault l1 late 0.1", 3, func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		return k.Line(c.Context(), a[0], "fault", control.Order{Fault: &a[1], Value: &a[2]})
	}},
	{"heal LINE", "去掉线路的全部故障", "mend all faults of a line", "heal l1", 1, func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		return k.Line(c.Context(), a[0], "heal", control.Order{})
	}},
	{"second LINE on|off", "加上或去掉第二个主站（每 2 秒抄一块表）", "put another master on the line, polling every 2s, or take it off", "second l1 off", 2, second},
	{"replay LINE", "让第二个主站立刻重放最近一条拉合闸帧（须已有过）", "let another master replay the last relay frame now; there must have been one", "", 1, func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		return k.Line(c.Context(), a[0], "replay", control.Order{})
	}},
}

// examples that need what the street does not have, for the help alone.
var examples = map[string]string{"time": `time l1/108 2026-07-01 12:00:00`, "charge": "charge office/20070004 50.00   # configs/scenarios/commercial-1997.yaml", "replay": "replay l1"}

func ctlCommand(say words) *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:     "ctl --dir DIR VERB",
		Short:   say("操作正在运行的仿真：按按钮、改示数、拔表、加干扰", "reach into a running street: press a button, set a register, unplug a meter, add noise"),
		Long:    faultsHelp(say),
		Example: "  firmware-sim ctl --dir /tmp/street meters\n  firmware-sim ctl --dir /tmp/street unplug l1/102\n  firmware-sim ctl --dir /tmp/street fault l1 bit_errors 0.001",
	}
	c.PersistentFlags().StringVar(&dir, "dir", "", say("serve 所用的目录", "the folder given to serve"))
	c.PersistentFlags().BoolVar(&asJSON, "json", false, say("以 JSON 输出", "print JSON"))
	c.MarkPersistentFlagRequired("dir")
	for _, v := range verbs {
		args := cobra.ExactArgs(v.args)
		if strings.Contains(v.use, "[") {
			args = cobra.RangeArgs(v.args, v.args+1)
		}
		example := v.example
		if example == "" {
			example = examples[strings.Fields(v.use)[0]]
		}
		c.AddCommand(&cobra.Command{
			Use: v.use, Short: say(v.zh, v.en), Args: args,
			Example: "  firmware-sim ctl --dir /tmp/street " + example,
			RunE: func(c *cobra.Command, args []string) error {
				k, _, err := control.Find(dir)
				if err != nil {
					return err
				}
				out, err := v.run(c, k, args)
				if err != nil {
					return err
				}
				return show(c.OutOrStdout(), out, asJSON)
			},
		})
	}
	return c
}

func meterVerb(name string, order func(string) (control.Order, error)) func(*cobra.Command, *control.Client, []string) (any, error) {
	return func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		line, address, err := which(a[0])
		if err != nil {
			return nil, err
		}
		var o control.Order
		if order != nil {
			if o, err = order(a[1]); err != nil {
				return nil, err
			}
		}
		return k.Meter(c.Context(), line, address, name, o)
	}
}

// which takes LINE/ADDRESS apart.
func which(meter string) (line, address string, err error) {
	line, address, ok := strings.Cut(meter, "/")
	if !ok {
		return "", "", fmt.Errorf("meter %q: want LINE/ADDRESS, like l1/101", meter)
	}
	return line, address, nil
}

func onOff(verb string) func(string) (control.Order, error) {
	return func(a string) (o control.Order, err error) {
		on := a == "on"
		if !on && a != "off" {
			return o, fmt.Errorf("%s %q: want on or off", verb, a)
		}
		o.On = &on
		return o, nil
	}
}

func lasting(a string) (o control.Order, err error) {
	o.For = &a
	return o, nil
}

// framing reads BAUD and PARITY; either may be the line's.
func framing(c *cobra.Command, k *control.Client, a []string) (any, error) {
	return meterVerb("framing", func(string) (o control.Order, err error) {
		baud, parity := 0, a[2]
		if a[1] != "line" {
			if baud, err = strconv.Atoi(a[1]); err != nil {
				return o, fmt.Errorf("framing %q: want a baud rate like 9600, or line", a[1])
			}
		}
		if parity == "line" {
			parity = ""
		}
		o.Baud, o.Parity = &baud, &parity
		return o, nil
	})(c, k, a)
}

func press(c *cobra.Command, k *control.Client, a []string) (any, error) {
	if len(a) > 1 {
		return meterVerb("press", lasting)(c, k, a)
	}
	return meterVerb("press", nil)(c, k, a)
}

func setTime(c *cobra.Command, k *control.Client, a []string) (any, error) {
	return meterVerb("time", func(string) (o control.Order, err error) {
		t := a[1] + " " + a[2]
		o.Time = &t
		return o, nil
	})(c, k, a)
}

// power works on a meter, or on all of a line when there is no address.
func power(c *cobra.Command, k *control.Client, a []string) (any, error) {
	if strings.Contains(a[0], "/") {
		return meterVerb("power", onOff("power"))(c, k, a)
	}
	o, err := onOff("power")(a[1])
	if err != nil {
		return nil, err
	}
	return k.Line(c.Context(), a[0], "power", o)
}

// secondEvery is how often the other master of `ctl second` talks; `ctl fault LINE second_master TIME` takes any interval.
const secondEvery = "2s"

func second(c *cobra.Command, k *control.Client, a []string) (any, error) {
	name, value := "second_master", secondEvery
	switch a[1] {
	case "on":
	case "off":
		value = "off"
	default:
		return nil, fmt.Errorf("second %q: want on or off", a[1])
	}
	return k.Line(c.Context(), a[0], "fault", control.Order{Fault: &name, Value: &value})
}

func freezes(c *cobra.Command, k *control.Client, a []string) (any, error) {
	line, address, err := which(a[0])
	if err != nil {
		return nil, err
	}
	n := 10
	if len(a) > 1 {
		if n, err = strconv.Atoi(a[1]); err != nil {
			return nil, fmt.Errorf("freezes %q: want a number of days", a[1])
		}
	}
	return k.Freezes(c.Context(), line, address, n)
}

// faultsHelp explains the faults of a line.
func faultsHelp(say words) string {
	var b strings.Builder
	b.WriteString(say("METER 写作 线路/地址，前导零可省；同址的第二块表加 #2。\n线路故障（fault LINE NAME VALUE，off 恢复）：\n",
		"METER is LINE/ADDRESS, leading zeros may be left out; #2 is the second meter of that address.\nFaults of a line (fault LINE NAME VALUE; off mends it):\n"))
	for _, f := range bus.FaultTable() {
		fmt.Fprintf(&b, "  %-14s %-7s %s\n", f.Name, f.Value, say(f.ZH, f.EN))
	}
	return b.String()
}

// plug works on a meter, or on a line when there is no address.
func plug(name string) func(*cobra.Command, *control.Client, []string) (any, error) {
	return func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		if strings.Contains(a[0], "/") {
			return meterVerb(name, nil)(c, k, a)
		}
		return k.Line(c.Context(), a[0], name, control.Order{})
	}
}

func frames(c *cobra.Command, k *control.Client, a []string) (any, error) {
	after := uint64(0)
	if len(a) > 1 {
		var err error
		if after, err = strconv.ParseUint(a[1], 10, 64); err != nil {
			return nil, fmt.Errorf("frames after %q: want the number of a frame", a[1])
		}
	}
	return k.Frames(c.Context(), a[0], after)
}

// show prints a table for people or JSON for programs.
func show(w io.Writer, out any, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(out)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	switch rows := out.(type) {
	case control.Meter:
		return show(w, []control.Meter{rows}, false)
	case control.Line:
		return show(w, []control.Line{rows}, false)
	case []control.Meter:
		fmt.Fprintln(t, "METER\tKWH\tW\tRELAY\tHOLD\tSTATE\tTRIPS\tCLOSES\tCLOCK\tMONEY")
		for _, m := range rows {
			fmt.Fprintf(t, "%s/%s\t%s\t%d\t%s\t%t\t%s\t%d\t%d\t%s\t%s\n", m.Line, m.Address, m.KWh, m.LoadW, relayWord(m), m.Hold, stateWord(m),
				m.TripFrames, m.CloseFrames, m.Clock.Format(time.DateTime), m.Money)
		}
	case []control.Line:
		fmt.Fprintln(t, "LINE\tKIND\tPORT\tFRAMES\tFAULTS")
		for _, l := range rows {
			var faults []string
			for name, value := range l.Faults {
				faults = append(faults, name+"="+value)
			}
			slices.Sort(faults)
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", l.Name, l.Kind, l.Port, l.Frames, strings.Join(faults, " "))
		}
	case []control.Frame:
		for _, f := range rows {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", f.N, f.At.Format("15:04:05.000"), f.From, f.Hex, f.Note)
		}
	case []control.Freeze:
		fmt.Fprintln(t, "NTH\tAT\tKWH")
		for _, f := range rows {
			fmt.Fprintf(t, "%d\t%s\t%s\n", f.Nth, f.At, f.KWh)
		}
	case []control.Lockout:
		fmt.Fprintln(t, "LEVEL\tWRONG\tLOCKED SINCE")
		for _, l := range rows {
			since := ""
			if !l.Locked.IsZero() {
				since = l.Locked.Format(time.DateTime)
			}
			fmt.Fprintf(t, "%02d\t%d\t%s\n", l.Level, l.Wrong, since)
		}
	}
	return t.Flush()
}

func relayWord(m control.Meter) string {
	switch {
	case m.Permitted:
		return "open, button closes"
	case m.RelayOpen:
		return "open"
	case m.TripPending:
		return "closed, trip waits"
	}
	return "closed"
}

// stateWord is what is unusual about a meter.
func stateWord(m control.Meter) string {
	var words []string
	for _, w := range []struct {
		on   bool
		text string
	}{{!m.Plugged, "unplugged"}, {!m.Powered, "no power"}, {m.Programming, "programming"}, {m.Baud != 0, strconv.Itoa(m.Baud) + " baud"}, {m.Parity != "", "parity " + m.Parity},
		{m.Wire != "", "answers as " + m.Wire}} {
		if w.on {
			words = append(words, w.text)
		}
	}
	if len(words) == 0 {
		return "ok"
	}
	return strings.Join(words, ", ")
}
