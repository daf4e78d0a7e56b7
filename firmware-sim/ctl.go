package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"feikong/firmware-sim/control"
)

// verb is one line of `ctl`: what it needs, what it does.
type verb struct {
	use, zh, en, example string
	args                 int
	run                  func(*cobra.Command, *control.Client, []string) (any, error)
}

// verbs is the table behind `firmware-sim ctl`. METER is LINE/ADDRESS, leading zeros may be left out; LINE is a name.
var verbs = []verb{
	{"meters", "列出全部电能表", "list all meters", "meters", 0, func(c *cobra.Command, k *control.Client, _ []string) (any, error) {
		return k.Meters(c.Context())
	}},
	{"lines", "列出全部线路", "list all lines", "lines", 0, func(c *cobra.Command, k *control.Client, _ []string) (any, error) {
		return k.Lines(c.Context())
	}},
	{"frames LINE [AFTER]", "列出线路上的帧（编号大于 AFTER）", "list the frames of a line, those after number AFTER", "frames l1 120", 1, frames},
	{"press METER", "按住表上的按钮", "hold the meter's button", "press l1/102", 1, meterVerb("press", nil)},
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
	{"hold METER on|off", "保电投入或解除", "power hold on or off", "hold l1/103 on", 2, meterVerb("hold", func(a string) (o control.Order, err error) {
		on := a == "on"
		if !on && a != "off" {
			return o, fmt.Errorf("hold %q: want on or off", a)
		}
		o.On = &on
		return o, nil
	})},
	{"clock METER OFFSET", "让表钟快（或慢）", "make the clock wrong by OFFSET", "clock l1/108 -- -90s", 2, meterVerb("clock", func(a string) (o control.Order, err error) {
		o.Offset = &a
		return o, nil
	})},
	{"unplug METER|LINE", "拔下一块表，或断开整条线路", "take a meter off its line, or cut the line", "unplug l1/101", 1, plug("unplug")},
	{"plug METER|LINE", "插回一块表，或接通线路", "put it back", "plug l1", 1, plug("plug")},
	{"noise LINE RATE", "让一部分帧受干扰（0 到 1）", "damage a share of the frames, 0 to 1", "noise l1 0.05", 2, func(c *cobra.Command, k *control.Client, a []string) (any, error) {
		rate, err := strconv.ParseFloat(a[1], 64)
		if err != nil {
			return nil, fmt.Errorf("noise %q: want a share like 0.05", a[1])
		}
		return k.Line(c.Context(), a[0], "noise", control.Order{Rate: &rate})
	}},
}

func ctlCommand(say words) *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:     "ctl --dir DIR VERB",
		Short:   say("操作正在运行的仿真：按按钮、改示数、拔表、加干扰", "reach into a running street: press a button, set a register, unplug a meter, add noise"),
		Example: "  firmware-sim ctl --dir /tmp/street meters\n  firmware-sim ctl --dir /tmp/street press l1/102",
	}
	c.PersistentFlags().StringVar(&dir, "dir", "", say("serve 所用的目录", "the folder given to serve"))
	c.PersistentFlags().BoolVar(&asJSON, "json", false, say("以 JSON 输出", "print JSON"))
	c.MarkPersistentFlagRequired("dir")
	for _, v := range verbs {
		args := cobra.ExactArgs(v.args)
		if strings.Contains(v.use, "[") {
			args = cobra.RangeArgs(v.args, v.args+1)
		}
		c.AddCommand(&cobra.Command{
			Use: v.use, Short: say(v.zh, v.en), Args: args,
			Example: "  firmware-sim ctl --dir /tmp/street " + v.example,
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
		line, address, ok := strings.Cut(a[0], "/")
		if !ok {
			return nil, fmt.Errorf("meter %q: want LINE/ADDRESS, like l1/101", a[0])
		}
		var o control.Order
		if order != nil {
			var err error
			if o, err = order(a[1]); err != nil {
				return nil, err
			}
		}
		return k.Meter(c.Context(), line, address, name, o)
	}
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
		fmt.Fprintln(t, "METER\tKWH\tW\tRELAY\tHOLD\tPLUGGED\tTRIPS\tCLOSES\tCLOCK")
		for _, m := range rows {
			relay := "closed"
			if m.RelayOpen {
				relay = "open"
			}
			if m.Permitted {
				relay = "open, button closes"
			}
			fmt.Fprintf(t, "%s/%s\t%s\t%d\t%s\t%t\t%t\t%d\t%d\t%s\n", m.Line, m.Address, m.KWh, m.LoadW, relay, m.Hold, m.Plugged,
				m.TripFrames, m.CloseFrames, m.Clock.Format(time.DateTime))
		}
	case []control.Line:
		fmt.Fprintln(t, "LINE\tPORT\tNOISE\tPLUGGED\tFRAMES")
		for _, l := range rows {
			fmt.Fprintf(t, "%s\t%s\t%g\t%t\t%d\n", l.Name, l.Port, l.Noise, l.Plugged, l.Frames)
		}
	case []control.Frame:
		for _, f := range rows {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", f.N, f.At.Format("15:04:05.000"), f.From, f.Hex)
		}
	}
	return t.Flush()
}
