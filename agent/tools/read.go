package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/meter"
	"feikong/agent/scan"
	"feikong/internal/daemon"
)

type readFlags struct {
	site
	at      place
	model   string
	framing string
	timeout time.Duration
	raw     bool
}

// ReadCommand is `agent read`.
func ReadCommand() *cobra.Command {
	var f readFlags
	var names []string
	for _, n := range readNames {
		names = append(names, n.name)
	}
	c := &cobra.Command{
		Use:   "read METER [WHAT...]",
		Short: say("读一块表的数据", "read a meter"),
		Long: fmt.Sprintf(say("读一块表。WHAT：%s，all，或数据标识（八位十六进制，1997 四位），或 Modbus 点名（voltage.1）。默认 energy。\n采集终端在运行时通过它读，不需要停止它。",
			"Reads a meter. WHAT: %s, all, a data identifier (eight hexadecimal digits, four for 1997), or a point of Modbus (voltage.1).\nDefault: energy. A running agent is asked to do it; there is no need to stop it."), strings.Join(names, " ")),
		Example: "  agent read 000000000101 --config agent.yaml\n  agent read 101 voltage current 02010100 --config agent.yaml --raw\n" +
			"  agent read 000000000101 all --port /dev/ttyUSB0 --baud 2400\n  agent read 3 all --port /dev/ttyUSB1 --protocol modbus \\\n      --model eastron-sdm230 --json",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0], args[1:]) },
	}
	f.site.flags(c)
	c.Flags().StringVar(&f.at.port, "port", "", say("不用配置，直接用此端口（设备或 tcp://主机:端口）", "without a configuration: this port (a device or tcp://host:port)"))
	c.Flags().IntVar(&f.at.baud, "baud", 0, say("配合 --port：波特率（默认 DL/T 645 2400，Modbus 9600）", "with --port: baud rate (default 2400 for DL/T 645, 9600 for Modbus)"))
	c.Flags().StringVar(&f.at.parity, "parity", "", say("配合 --port：none、even、odd", "with --port: none, even or odd"))
	c.Flags().StringVar(&f.at.protocol, "protocol", "", say("配合 --port：dlt645（默认）或 modbus", "with --port: dlt645 (default) or modbus"))
	c.Flags().StringVar(&f.model, "model", "", say("配合 --port：Modbus 型号（见 agent model list）或型号文件", "with --port: model of a Modbus meter (see agent model list), or its file"))
	c.Flags().StringVar(&f.framing, "framing", "", say("配合 tcp:// 和 modbus：rtu（默认）或 tcp（Modbus TCP）", "with tcp:// and modbus: rtu (default) or tcp (Modbus TCP)"))
	c.Flags().DurationVar(&f.timeout, "timeout", 800*time.Millisecond, say("配合 --port：等待应答的时间", "with --port: how long the meter may take"))
	c.Flags().BoolVar(&f.raw, "raw", false, say("显示收发的报文（密码隐去）", "show the frames, passwords masked"))
	return c
}

// readRow is one value, or why there is none.
type readRow struct {
	local.Item
	What  string `json:"what"`
	Error string `json:"error,omitempty"`
}

func (f *readFlags) run(c *cobra.Command, name string, whats []string) error {
	if f.at.port != "" {
		if err := f.byHand(name); err != nil {
			return err
		}
		f.out, f.err = c.OutOrStdout(), c.ErrOrStderr()
	} else {
		if err := f.load(c); err != nil {
			return fmt.Errorf(say("%w；没有配置时用 --port 端口", "%w; without a configuration name a --port"), err)
		}
		if err := f.choose(name); err != nil {
			return err
		}
	}
	ctx, stop := daemon.Signals(c.Context())
	defer stop()
	var frames []heard
	read, end, err := f.reader(ctx, func(h heard) {
		if f.raw && !f.asJSON {
			fmt.Fprintln(f.out, h.line())
		}
		frames = append(frames, h)
	})
	if err != nil {
		return err
	}
	end = sync.OnceFunc(end)
	defer end()
	if len(whats) == 0 {
		whats = []string{"energy"}
	}
	rows, good := []readRow(nil), 0
	var last error
	for _, what := range whats {
		asked := []string{what}
		if what == "all" {
			if asked = readAll; f.line.Protocol == scan.Modbus {
				asked = []string{"all", "relay", "clock", "ratio"}
			}
		}
		for _, w := range asked {
			got, err := f.one(read, w)
			good += len(got)
			if err != nil {
				last = err
				if ctx.Err() != nil || noAnswer(err) && good == 0 {
					return err // it will not answer the next one either
				}
				if what == "all" {
					continue
				}
				got = append(got, readRow{What: w, Error: err.Error()})
			}
			rows = append(rows, got...)
		}
	}
	end() // nobody tells frames any more
	if good == 0 && last != nil {
		return last
	}
	if f.asJSON {
		return json.NewEncoder(f.out).Encode(struct {
			Meter  string    `json:"meter"`
			Line   string    `json:"line"`
			Values []readRow `json:"values"`
			Frames []heard   `json:"frames,omitempty"`
		}{f.meter.Ref.Address, f.meter.Ref.Line, rows, f.kept(frames)})
	}
	return showRows(f.out, rows)
}

func (f *readFlags) kept(frames []heard) []heard {
	if !f.raw {
		return nil
	}
	return frames
}

// noAnswer says that a meter was silent, so that the rest of a list is not waited for.
func noAnswer(err error) bool {
	var fault *local.Fault
	return errors.As(err, &fault) && fault.Code == local.CodeNoAnswer || errors.Is(err, line.ErrSilent) || errors.Is(err, line.ErrDown)
}

// showRows is a table of values.
func showRows(out io.Writer, rows []readRow) error {
	var cells [][]string
	for _, r := range rows {
		name := r.Name
		if daemon.Lang() == "zh" && r.NameZH != "" {
			name = r.NameZH
		}
		text, unit := r.Text, r.Unit
		if daemon.Lang() == "zh" && r.TextZH != "" {
			text = r.TextZH
		}
		switch {
		case r.Error != "":
			name, text = r.What, say("读不到：", "not read: ")+r.Error
		case r.Never:
			text, unit = say("从未发生", "never"), ""
		case r.Null:
			text, unit = say("不测量", "not measured"), ""
		}
		cells = append(cells, []string{r.ID, printable(name), printable(text), unit})
	}
	return table(out, cells)
}

var _ meter.Reader = (*meter.DLT645)(nil) // what local.Read asks for
