package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/scan"
	"feikong/internal/daemon"
	"feikong/protocol/modbusmap"
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
			"32 块表的 2400 线路约需 3 至 20 分钟；Ctrl-C 停止并给出已找到的表。",
			"Finds the meters of an RS-485 line: DL/T 645-2007 and 1997 (wildcard addresses, collisions taken apart level by level) and Modbus RTU\n"+
				"1 to 247. It only reads. A 2400 baud line with 32 meters takes 3 to 20 minutes; Ctrl-C stops and gives what was found."),
		Example: "  agent scan --port /dev/ttyUSB0\n  agent scan --port /dev/ttyUSB0 --protocol dlt645 --write agent.yaml\n" +
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
			return &sentence{say("端口在用：采集终端正在运行，线路上可能有未完的指令；先停止 agent run 再扫描", "port is in use: the agent is running, and orders may be under way on this line; stop agent run, then scan"), ErrBusy}
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
