package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/scan"
	"feikong/internal/daemon"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// Framings that a scan tries when none is named, the likely ones first. DL/T 645 is 8E1 by its text; 8N1 and 8O1 are tried
// when nobody answered, because some makers' bench meters use them.
var (
	scanBauds     = []int{2400, 9600, 4800, 1200, 19200, 600}
	modbusFraming = []scan.Framing{{Baud: 9600, Parity: "none"}, {Baud: 9600, Parity: "even"}, {Baud: 2400, Parity: "none"}, {Baud: 4800, Parity: "none"}, {Baud: 19200, Parity: "none"}}
	parityNames   = []string{"even", "none", "odd"}
)

type scanFlags struct {
	place
	bauds    []int
	parities []string
	ids      string
	window   time.Duration
	count    int
	tries    int
	thorough bool
	asJSON   bool
	write    string
	force    bool
	agent    string
	framing  string
}

// ScanCommand is `agent scan`.
func ScanCommand() *cobra.Command {
	var f scanFlags
	c := &cobra.Command{
		Use:   "scan --port PORT",
		Short: say("搜索线路上的电表", "find the meters of a line"),
		Long: say("搜索一条 RS-485 线路上的电表：DL/T 645-2007 和 1997（缩位寻址，逐层展开冲突），Modbus RTU 1 至 247。只读，不改变任何表。\n"+
			"32 块表的 2400 线路约需 3 至 15 分钟；Ctrl-C 停止并给出已找到的表。",
			"Finds the meters of an RS-485 line: DL/T 645-2007 and 1997 (wildcard addresses, collisions taken apart level by level) and Modbus RTU\n"+
				"1 to 247. It only reads. A 2400 baud line with 32 meters takes 3 to 15 minutes; Ctrl-C stops and gives what was found."),
		Example: "  agent scan --port /dev/ttyUSB0\n  agent scan --port /dev/ttyUSB0 --protocol dlt645 --baud 2400 --write agent.yaml\n" +
			"  agent scan --config agent.yaml --line l1\n  agent scan --port tcp://192.168.1.20:4001 --protocol modbus --ids 1-32 --json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.flags(c, false)
	c.Flags().StringVar(&f.protocol, "protocol", "auto", say("auto（DL/T 645，没有再试 Modbus）、dlt645、modbus 或 all", "auto (DL/T 645, and Modbus when nobody answers), dlt645, modbus or all"))
	c.Flags().IntSliceVar(&f.bauds, "baud", nil, say("只试这些波特率，如 2400,9600", "try only these baud rates, like 2400,9600"))
	c.Flags().StringSliceVar(&f.parities, "parity", nil, say("只试这些校验：even、none、odd", "try only these: even, none, odd"))
	c.Flags().StringVar(&f.framing, "framing", "", say("配合 tcp:// 和 modbus：rtu（默认）或 tcp（Modbus TCP）", "with tcp:// and modbus: rtu (default) or tcp (Modbus TCP)"))
	c.Flags().StringVar(&f.ids, "ids", "1-247", say("Modbus 地址范围", "Modbus unit ids"))
	c.Flags().DurationVar(&f.window, "window", 0, say("等待应答的时间（默认 500ms，TCP 1s；Modbus 300ms，TCP 1s）", "how long a meter may take (default 500ms, TCP 1s; Modbus 300ms, TCP 1s)"))
	c.Flags().IntVar(&f.count, "count", 0, say("找到这么多块就停止", "stop when so many are found"))
	c.Flags().IntVar(&f.tries, "tries", 2, say("无应答的节点问几次，1 至 5；线路有干扰时自动增加", "how often a silent node is asked, 1 to 5; more by itself on a disturbed line"))
	c.Flags().BoolVar(&f.thorough, "thorough", false, say("彻底搜索：应答干净的节点也向下展开（慢数倍）", "look below clean answers too, for meters that a stronger one hides (several times slower)"))
	c.Flags().BoolVar(&f.asJSON, "json", false, say("结束时输出一个 JSON 对象", "print one JSON object at the end"))
	c.Flags().StringVar(&f.write, "write", "", say("写出可直接使用的配置文件", "write a configuration ready to use"))
	c.Flags().BoolVar(&f.force, "force", false, say("覆盖已有的配置文件", "overwrite the file of --write"))
	c.Flags().StringVar(&f.agent, "agent", "site-1", say("写入配置的终端名", "name of the agent in the written configuration"))
	return c
}

func (f *scanFlags) run(c *cobra.Command) error {
	if f.write != "" && !f.force {
		if _, err := os.Stat(f.write); err == nil {
			return fmt.Errorf(say("%s 已存在；用 --force 覆盖，或换一个文件名", "%s exists already; --force overwrites it, or name another file"), f.write)
		}
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	set, of, err := f.settings(cfg)
	if err != nil {
		return err
	}
	models := modbusmap.Models()
	if cfg != nil {
		models = cfg.Models.All()
	}
	steps, err := f.steps(set, of, models)
	if err != nil {
		return err
	}
	if cfg != nil {
		if client, err := local.Dial(cfg.Data); err == nil {
			client.Close()
			return fmt.Errorf(say("%w：采集终端正在运行，线路上可能有未完的指令；先停止 agent run 再扫描", "%w: the agent is running, and orders may be under way on this line; stop agent run, then scan"), ErrBusy)
		}
	}
	ctx, stopSignals := daemon.Signals(c.Context())
	defer stopSignals()
	l, stop, err := open(ctx, set)
	if err != nil {
		return err
	}
	defer stop()
	out, bar := c.OutOrStdout(), newScreen(c.ErrOrStderr())
	w := scan.Watcher{
		Progress: func(p scan.Progress) { bar.show(progress(p)) },
		Found: func(x scan.Found) {
			if !f.asJSON {
				bar.clear()
				fmt.Fprintln(out, foundLine(x))
			}
		},
	}
	if !f.asJSON {
		fmt.Fprintf(c.ErrOrStderr(), say("搜索 %s；Ctrl-C 停止并给出已找到的表\n", "scanning %s; Ctrl-C stops and gives what was found\n"), set.Path)
	}
	var report scan.Report
	for _, o := range steps {
		var r scan.Report
		r, err = scan.Run(ctx, l, o, w)
		r.Probes, r.Elapsed, r.Notes = r.Probes+report.Probes, r.Elapsed+report.Elapsed, append(report.Notes, r.Notes...)
		if report = r; err != nil || len(r.Found) > 0 {
			break // the next step is for lines where this one found nobody
		}
	}
	bar.clear()
	if err != nil && !errors.Is(err, scan.ErrStopped) {
		fmt.Fprintln(c.ErrOrStderr(), say("扫描中断：", "scan broken off: ")+err.Error())
	}
	if f.asJSON {
		if e := json.NewEncoder(out).Encode(report); e != nil {
			return fmt.Errorf("print report: %w", e)
		}
	} else {
		summary(out, report, of)
	}
	if f.write != "" {
		if e := f.save(report, set, steps[0].TCP); e != nil {
			return e
		}
		fmt.Fprintf(c.ErrOrStderr(), say("已写入 %s；检查：agent config check --config %s\n", "written: %s; check it: agent config check --config %s\n"), f.write, f.write)
	}
	switch {
	case errors.Is(err, scan.ErrStopped):
		return nil // asked for
	case errors.Is(err, scan.ErrMasters):
		return fmt.Errorf(say("%w：扫描已停止；先停掉另一台采集器、手持机或电脑，再扫描", "%w, the scan was ended; stop the other concentrator, hand-held or computer, then scan again"), err)
	case err != nil:
		return err
	case len(report.Found) == 0:
		return errors.New(say("没有找到电表：检查 A/B 线是否接反、表是否有电、端口是否正确；agent doctor 可逐层检查", "no meter was found: are A and B swapped, have the meters power, is it the right port? agent doctor looks at each layer"))
	}
	return nil
}

// steps are what to try, and what to try when that finds nobody.
func (f *scanFlags) steps(set line.Settings, of *edge.Line, models []modbusmap.Model) ([]scan.Options, error) {
	o, err := f.options(set, of)
	if err != nil {
		return nil, err
	}
	tcp := strings.HasPrefix(set.Path, "tcp://")
	o.Models = models
	dlt, mod := f.protocol != scan.Modbus && !o.TCP, f.protocol != scan.DLT645
	var steps []scan.Options
	if dlt {
		one := o
		one.Modbus = nil
		if one.DLT645 = []scan.Framing{{}}; !tcp { // behind a serial server the far end decides
			bauds, parities := f.bauds, f.parities
			if len(bauds) == 0 {
				bauds = scanBauds
			}
			if len(parities) == 0 {
				parities = parityNames[:1]
			}
			one.DLT645 = framings(bauds, parities)
			if of != nil && len(f.bauds)+len(f.parities) == 0 { // what the configuration says comes first
				own := scan.Framing{Baud: set.Baud, Parity: set.Parity}
				one.DLT645 = append([]scan.Framing{own}, slices.DeleteFunc(one.DLT645, func(x scan.Framing) bool { return x == own })...)
			}
			if steps = append(steps, one); len(f.parities) == 0 {
				one.DLT645 = framings(bauds, parityNames[1:2])
				steps = append(steps, one)
			}
		} else {
			steps = append(steps, one)
		}
	}
	if mod {
		o.Modbus, o.OneFraming = []scan.Framing{{}}, f.protocol == "auto"
		switch {
		case tcp:
		case len(f.bauds) == 0 && len(f.parities) == 0:
			o.Modbus = factory(models)
			if of != nil && of.Protocol == scan.Modbus {
				own := scan.Framing{Baud: set.Baud, Parity: set.Parity}
				o.Modbus = append([]scan.Framing{own}, slices.DeleteFunc(o.Modbus, func(x scan.Framing) bool { return x == own })...)
			}
		default:
			bauds, parities := f.bauds, f.parities
			if len(bauds) == 0 {
				bauds = []int{9600, 2400, 4800, 19200}
			}
			if len(parities) == 0 {
				parities = []string{"none", "even"}
			}
			o.Modbus = framings(bauds, parities)
		}
		if f.protocol == "all" && dlt {
			steps[0].Modbus = o.Modbus // both, whatever the first finds
			for i := 1; i < len(steps); i++ {
				steps[i].Modbus = nil
			}
		} else {
			steps = append(steps, o)
		}
	}
	return steps, nil
}

// options are what all steps have in common.
func (f *scanFlags) options(set line.Settings, of *edge.Line) (o scan.Options, err error) {
	tcp := strings.HasPrefix(set.Path, "tcp://")
	o = scan.Options{Count: f.count, Tries: f.tries, Thorough: f.thorough, Window: f.window, ModbusWindow: f.window}
	if tcp && f.window == 0 {
		o.Window, o.ModbusWindow = time.Second, time.Second // the network's own time comes on top
	}
	for _, p := range f.parities {
		if !slices.Contains(parityNames, p) {
			return o, fmt.Errorf(say("校验 %q 不是 even、none、odd", "parity %q is not even, none or odd"), p)
		}
	}
	for _, b := range f.bauds {
		if b < 300 || b > 1_000_000 {
			return o, fmt.Errorf(say("波特率 %d 不在 300 与 1,000,000 之间", "baud %d is not between 300 and 1,000,000"), b)
		}
	}
	switch f.protocol {
	case "auto", "all", scan.DLT645, scan.Modbus:
	default:
		return o, fmt.Errorf(say("协议 %q 不是 auto、dlt645、modbus、all", "protocol %q is not auto, dlt645, modbus or all"), f.protocol)
	}
	framing, err := modbus.ParseFraming(f.framing)
	if err != nil {
		return o, err
	}
	if of != nil && of.Protocol == scan.Modbus {
		framing = of.Framing
	}
	if o.TCP = framing == modbus.TCP; o.TCP && (!tcp || f.protocol == scan.DLT645) {
		return o, errors.New(say("--framing tcp 只用于 tcp:// 端口上的 modbus", "--framing tcp is for modbus on a tcp:// port"))
	}
	first, last, ok := strings.Cut(f.ids, "-")
	if !ok {
		last = first
	}
	if o.First, err = strconv.Atoi(first); err == nil {
		o.Last, err = strconv.Atoi(last)
	}
	low, high := framing.Units()
	if err != nil || o.First < low || o.Last > high || o.Last < o.First {
		return o, fmt.Errorf(say("--ids %q 应为 %d-%d 之内的范围，如 1-32", "--ids %q is not a range within %d-%d, like 1-32"), f.ids, low, high)
	}
	if of != nil && of.Protocol == scan.DLT645 {
		for _, m := range of.Meters {
			o.Expect = append(o.Expect, m.Ref.Address)
		}
	}
	return o, nil
}

// factory is the framings that the models leave the factory with, the commonest first, and behind them those that people
// change meters to.
func factory(models []modbusmap.Model) (out []scan.Framing) {
	count := map[scan.Framing]int{}
	for _, m := range models {
		f := scan.Framing{Baud: m.Baud, Parity: m.Parity}
		if count[f]++; count[f] == 1 {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b scan.Framing) int { return count[b] - count[a] })
	for _, f := range modbusFraming {
		if count[f] == 0 {
			out = append(out, f)
		}
	}
	return out
}

func framings(bauds []int, parities []string) (out []scan.Framing) {
	for _, p := range parities {
		for _, b := range bauds {
			out = append(out, scan.Framing{Baud: b, Parity: p})
		}
	}
	return out
}

// save writes the configuration beside its final place first: a half-written file is worse than none.
func (f *scanFlags) save(r scan.Report, set line.Settings, tcp bool) error {
	name := set.Name
	if f.name == "" {
		name = "l1"
	}
	text, err := scan.Config(r, scan.Site{Agent: f.agent, Line: name, Port: scan.PortFor(set.Path), TCP: tcp, Lang: daemon.Lang()})
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.write)
	tmp, err := os.CreateTemp(dir, ".agent-*.yaml")
	if err != nil {
		return fmt.Errorf("write %s: %w", f.write, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Chmod(0o600) // a broker's password will be written into it
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		_, err = edge.Load(tmp.Name())
	}
	if err == nil {
		err = os.Rename(tmp.Name(), f.write)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.write, err)
	}
	return nil
}

func progress(p scan.Progress) string {
	return fmt.Sprintf(say("%s %s  找到 %d 块  还需约 %s", "%s %s  %d found  %s left"), bar(p.Done, p.Total), p.Stage, p.Found, span(p.Left))
}

// foundLine is one meter in one line.
func foundLine(x scan.Found) string {
	what, framing := "DL/T 645-"+x.Edition, x.Framing.String()
	switch {
	case x.Protocol == scan.Modbus && x.Baud == 0:
		what, framing = "Modbus TCP", ""
	case x.Protocol == scan.Modbus:
		what = "Modbus RTU"
	}
	row := []string{pad(x.Address, 12), pad(what, 14), pad(framing, 10), fmt.Sprintf("%4d ms", x.DelayMs)}
	if x.Energy != "" {
		row = append(row, x.Energy+" kWh")
	}
	if x.Voltage != "" {
		row = append(row, x.Voltage+" V")
	}
	if x.Model != "" {
		row = append(row, fmt.Sprintf(say("可能是 %s", "probably %s"), strings.Join(append([]string{x.Model}, x.Like...), say("、", " or "))))
	}
	if x.Clash {
		row = append(row, say("地址冲突：两块表用同一地址", "address clash: two meters have this address"))
	}
	return strings.Join(row, "  ")
}

// summary is what stays on the screen.
func summary(out io.Writer, r scan.Report, of *edge.Line) {
	state := say("完成", "complete")
	if !r.Complete {
		state = say("未扫完", "stopped early")
	}
	fmt.Fprintf(out, say("找到 %d 块表，%s，用时 %s，%d 次询问\n", "%d meters found, %s, %s, %d probes\n"), len(r.Found), state, span(r.Elapsed), r.Probes)
	for _, n := range r.Notes {
		if text := noteText(n); text != "" {
			fmt.Fprintln(out, say("注意：", "note: ")+text)
		}
	}
	if of == nil {
		return
	}
	for _, m := range of.Meters {
		if !slices.ContainsFunc(r.Found, func(x scan.Found) bool { return x.Address == m.Ref.Address }) {
			fmt.Fprintf(out, say("配置中的 %s 没有应答\n", "%s of the configuration did not answer\n"), m.Ref.Address)
		}
	}
	for _, x := range r.Found {
		if !slices.ContainsFunc(of.Meters, func(m edge.Meter) bool { return m.Ref.Address == x.Address }) {
			fmt.Fprintf(out, say("%s 不在配置中\n", "%s is not in the configuration\n"), x.Address)
		}
	}
}

func noteText(n scan.Note) string {
	switch n.Code {
	case scan.NoteClash:
		return fmt.Sprintf(say("两块表用同一地址 %s（%s）：断开一块后再扫描", "two meters answer to %s (%s): take one off and scan again"), n.Detail, n.Framing)
	case scan.NoteForeign:
		return say("线路上还有另一个主站在发请求：停掉它，或把它移走", "another master sends requests on this line: stop it or move it")
	case scan.NoteGarbage:
		return fmt.Sprintf(say("地址 %s 处有无法识别的字节（%s）", "unit %s: bytes that are no frame (%s)"), n.Detail, n.Framing)
	case scan.NoteNoRetune:
		return fmt.Sprintf(say("此端口不能改变速率，%s 未试", "this port cannot change its framing, %s was not tried"), n.Detail)
	case scan.NoteTwoMeters:
		return fmt.Sprintf(say("节点 %s 之下有被遮住的表", "below node %s a meter was hidden by another"), n.Detail)
	case scan.NoteNoise:
		return fmt.Sprintf(say("有帧受损，重问后正常（%s）：检查接线、屏蔽和终端电阻", "frames were damaged and came whole when asked again (%s): look at wiring, shield and termination"), n.Framing)
	}
	return ""
}
