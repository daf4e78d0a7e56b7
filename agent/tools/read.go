package tools

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/meter"
	"feikong/agent/scan"
	"feikong/internal/daemon"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// readNames are the words that mean the same for every meter, and what its driver calls them.
var readNames = []struct {
	name, zh       string
	dlt645, modbus []string
}{
	{"energy", "电能", []string{"energy"}, []string{"active_import", "active_export", "reactive_import", "reactive_export"}},
	{"voltage", "电压", []string{"voltage"}, []string{"voltage"}},
	{"current", "电流", []string{"current"}, []string{"current"}},
	{"power", "功率", []string{"power"}, []string{"active_power"}},
	{"reactive", "无功功率", []string{"reactive"}, []string{"reactive_power"}},
	{"factor", "功率因数", []string{"factor"}, []string{"power_factor"}},
	{"frequency", "频率", []string{"frequency"}, []string{"frequency"}},
	{"clock", "时钟", []string{"clock"}, []string{"clock"}},
	{"relay", "继电器", []string{"relay"}, []string{"relay"}},
	{"status", "状态字", []string{"status"}, []string{"relay"}},
	{"demand", "需量", []string{"demand"}, []string{"demand"}},
	{"money", "金额", []string{"money", "overdraft"}, []string{"remaining_money", "remaining_energy"}},
	{"freeze", "日冻结", []string{"05060001", "05060101"}, nil}, // newest daily freeze: its time, forward active (DL/T 645-2007, annex A.6)
	{"ratio", "变比", nil, []string{"ratio"}},
}

// readAll is what "all" asks for, in this order; what a meter does not know is left out.
var readAll = []string{"energy", "voltage", "current", "power", "reactive", "factor", "frequency", "clock", "status", "relay", "demand", "money", "freeze"}

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
			"  agent read 000000000101 all --port /dev/ttyUSB0 --baud 2400\n  agent read 3 all --port /dev/ttyUSB1 --protocol modbus --model eastron-sdm230 --json",
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

// one reads what a word means for this meter.
func (f *readFlags) one(read reads, what string) (rows []readRow, err error) {
	words := []string{what}
	for _, n := range readNames {
		if what != n.name && what != n.zh {
			continue
		}
		if words = n.dlt645; f.line.Protocol == scan.Modbus {
			words = n.modbus
		}
	}
	if len(words) == 0 {
		return nil, fmt.Errorf(say("这块表没有 %s", "this meter has no %s"), what)
	}
	for _, w := range words {
		r, e := f.ask(read, w)
		if e != nil {
			err = e
			continue
		}
		for _, it := range r.Items {
			it.Text = statusBits(it)
			rows = append(rows, readRow{Item: it, What: what})
		}
	}
	if len(rows) > 0 {
		return rows, nil
	}
	return nil, err
}

// statusBits puts the set bits of a status word behind it, in words.
func statusBits(it local.Item) string {
	id, err := strconv.ParseUint(it.ID, 16, 32)
	word, ok := strings.CutPrefix(it.Text, "0x")
	if err != nil || !ok || id>>8 != 0x040005 || len(it.ID) != 8 || len(word) != 4 {
		return it.Text
	}
	v, err := strconv.ParseUint(word, 16, 16)
	if err != nil {
		return it.Text
	}
	wire := dlt645.AppendFrame(nil, dlt645.ReadReply(dlt645.Address{}, dlt645.DI(id), []byte{byte(v), byte(v >> 8)}))
	parts := dlt645.Explain(daemon.Lang(), wire)
	if len(parts) < 4 {
		return it.Text
	}
	text := parts[len(parts)-3].Text // before checksum and end
	if at := strings.Index(text, it.Text); at >= 0 {
		return text[at:]
	}
	return it.Text
}

// ask reads an item as such: the words "energy", "relay" and "clock" of the control socket mean a reading, a state and a drift.
func (f *readFlags) ask(read reads, word string) (*local.ReadReply, error) {
	r, err := read(word)
	if err != nil {
		return nil, err
	}
	add := func(id, name, zh, text, unit string, at int64) {
		r.Items = append(r.Items, local.Item{ID: id, Name: name, NameZH: zh, Text: text, Unit: unit, At: at})
	}
	for _, g := range r.Registers {
		name, zh := fmt.Sprintf("forward active energy, rate %d", g.Register), fmt.Sprintf("正向有功费率 %d", g.Register)
		if g.Register == 0 {
			name, zh = "forward active energy", "正向有功总"
		}
		add(fmt.Sprint(g.Register), name, zh, g.KWh.String(), "kWh", g.At)
	}
	if s := r.Relay; s != nil {
		state := say("合", "closed")
		if s.Open {
			state = say("分", "open")
		}
		add("", "relay", "继电器", state, "", r.At)
		if f.line.Protocol == scan.Modbus {
			return r, nil // one state is all that it has
		}
		add("", "last command", "最近命令", map[bool]string{true: say("分", "open"), false: say("合", "closed")}[s.CommandOpen], "", r.At)
		add("", "power hold", "保电", map[bool]string{true: say("是", "on"), false: say("否", "off")}[s.Hold], "", r.At)
	}
	if d := r.DriftMS; d != nil {
		at := time.UnixMilli(r.At).Add(time.Duration(*d) * time.Millisecond)
		if f.cfg != nil && f.cfg.Zone != nil {
			at = at.In(f.cfg.Zone)
		}
		add("", "clock", "时钟", at.Format(time.DateTime), "", r.At)
		add("", "clock error", "时钟偏差", fmt.Sprintf("%+.1f", float64(*d)/1000), "s", r.At)
	}
	return r, nil
}

// reader is a way to read the meter, and hears the frames of it.
func (f *readFlags) reader(ctx context.Context, tell func(heard)) (reads, func(), error) {
	set := f.line.Settings
	e := newEar(f.line.Protocol, daemon.Lang(), set.CharTime(1), tell)
	if f.at.port == "" {
		client, err := local.Dial(f.cfg.Data)
		switch {
		case err == nil:
			watch := func() {}
			if f.raw {
				watch = f.watch(set.Name, e)
			}
			return func(what string) (*local.ReadReply, error) { return client.Read(f.ref(), what) }, func() { watch(); client.Close() }, nil
		case !errors.Is(err, local.ErrNotRunning):
			return nil, nil, err
		}
	}
	l, stop, err := open(ctx, set)
	if err != nil {
		return nil, nil, err
	}
	events := make(chan local.TraceEvent, 4096) // one command's frames; what finds no place is not shown
	untrace := l.Trace(func(ev line.TraceEvent) {
		select {
		case events <- local.TraceEvent{At: ev.At.UnixMicro(), Kind: ev.Kind, Hex: hex.EncodeToString(ev.Bytes)}:
		default:
		}
	})
	one := f.line
	one.Meters = []edge.Meter{f.meter}
	drivers, err := one.Drivers(l, f.cfg)
	if err != nil {
		untrace()
		stop()
		return nil, nil, err
	}
	drain := func() {
		for {
			select {
			case ev := <-events:
				if ev.Kind == line.TraceSent || ev.Kind == line.TraceReceived || ev.Kind == line.TraceEnd {
					e.event(ev)
				}
			default:
				return
			}
		}
	}
	read := func(what string) (*local.ReadReply, error) {
		r, err := local.Read(ctx, drivers[0], what)
		drain()
		return r, err
	}
	return read, func() { untrace(); stop() }, nil
}

// watchAfter is how long the frames of the last answer may take to arrive here.
const watchAfter = 200 * time.Millisecond

// watch shows the frames of the running agent's line until the function it gives is called; those of other meters, which
// the agent polls meanwhile, are left out.
func (f *readFlags) watch(name string, e *ear) (end func()) {
	c, err := local.Dial(f.cfg.Data)
	if err != nil {
		return func() {}
	}
	tell := e.tell
	e.tell = func(h heard) {
		if h.Meter == f.meter.Ref.Address {
			tell(h)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Trace(name, func(ev local.TraceEvent) bool { e.event(ev); return true }) // it ends when the connection does
	}()
	return func() {
		time.Sleep(watchAfter)
		c.Close()
		<-done
	}
}

// byHand is a meter that no configuration has.
func (f *readFlags) byHand(name string) error {
	f.at.config = ""
	if f.at.protocol == "" {
		f.at.protocol = scan.DLT645
	}
	set, _, err := f.at.settings(nil)
	if err != nil {
		return err
	}
	f.cfg = &edge.Config{Zone: time.Local}
	f.cfg.Poll.Timeout = f.timeout
	f.line = edge.Line{Settings: set, Protocol: f.at.protocol}
	f.meter = edge.Meter{Ref: protocol.MeterRef{Line: set.Name, Address: name}}
	switch f.at.protocol {
	case scan.DLT645:
		a, err := dlt645.ParseAddress(name)
		if err != nil {
			return err
		}
		f.meter.Ref.Address = a.String()
	case scan.Modbus:
		var ok bool
		if f.meter.Model, ok = modbusmap.Find(f.model); !ok {
			if !strings.HasSuffix(f.model, ".yaml") && !strings.HasSuffix(f.model, ".yml") {
				return fmt.Errorf(say("--model %q 未知；写型号文件 xxx.yaml，或：%s", "--model %q is not known; name a file of your own, or one of %s"), f.model, strings.Join(modbusmap.Catalogue{}.Names(), ", "))
			}
			if f.meter.Model, err = modelFile(f.model); err != nil {
				return err
			}
		}
		if f.line.Framing, err = modbus.ParseFraming(f.framing); err != nil {
			return err
		}
	default:
		return fmt.Errorf(say("协议 %q 不是 dlt645 或 modbus", "protocol %q is not dlt645 or modbus"), f.at.protocol)
	}
	return nil
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
		switch {
		case r.Error != "":
			name, text = r.What, say("读不到：", "not read: ")+r.Error
		case r.Null:
			text, unit = say("不测量", "not measured"), ""
		}
		cells = append(cells, []string{r.ID, printable(name), printable(text), unit})
	}
	return table(out, cells)
}

var _ meter.Reader = (*meter.DLT645)(nil) // what local.Read asks for
