package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/doctor"
	"feikong/agent/edge"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// ErrSick says that a check of `agent doctor` failed.
var ErrSick = errors.New("something failed")

type doctorFlags struct {
	place
	meters []string
	listen time.Duration
	reads  int
	asJSON bool
}

// DoctorCommand is `agent doctor`.
func DoctorCommand() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor [--config FILE] [--line NAME]",
		Short: say("逐层检查：哪一层坏了，该做什么", "look at each layer: which one failed, and what to do"),
		Long: say("从配置、端口、线路、电表查到磁盘、消息服务和网关，每项给出 正常/注意/故障/未查 和处理办法。只抄表，不改变任何表。\n有故障时退出码为 1。采集终端在运行时不占用它的端口。",
			"Goes from configuration, port, wire and meters to disk, broker and gateway; each check is ok, warn, fail or skip, with the remedy.\nIt only reads meters. The exit status is 1 when something failed. Ports of a running agent are left to it."),
		Example: "  agent doctor --config agent.yaml\n  agent doctor --config agent.yaml --line l1 --json\n  agent doctor --port /dev/ttyUSB0\n  agent doctor --port /dev/ttyUSB0 --meter 000000000101",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.flags(c, true)
	c.Flags().StringVar(&f.protocol, "protocol", "dlt645", say("配合 --port：dlt645 或 modbus", "with --port: dlt645 or modbus"))
	c.Flags().StringSliceVar(&f.meters, "meter", nil, say("配合 --port：电表地址，可多个", "with --port: addresses of its meters"))
	c.Flags().DurationVar(&f.listen, "listen", 3*time.Second, say("先静听多久", "how long to listen first"))
	c.Flags().IntVar(&f.reads, "reads", 0, say("每块表询问几次（默认 4 至 20）", "how often each meter is asked (default 4 to 20)"))
	c.Flags().BoolVar(&f.asJSON, "json", false, say("每项一行 JSON", "one JSON object a line"))
	return c
}

func (f *doctorFlags) run(c *cobra.Command) error {
	o := doctor.Options{Path: f.config, Line: f.name, Listen: f.listen, Reads: f.reads}
	if f.config == "" && f.port == "" {
		o.Path = "agent.yaml"
	}
	if o.Path != "" {
		if o.Config, o.Err = edge.Load(o.Path); o.Err == nil && f.name != "" {
			if _, err := f.find(o.Config); err != nil {
				return err
			}
		}
	}
	if f.port != "" {
		l, err := f.byHand(o.Config)
		if err != nil {
			return err
		}
		o.Only = []edge.Line{l}
	}
	ctx, stop := daemon.Signals(c.Context())
	defer stop()
	out, bar := c.OutOrStdout(), newScreen(c.ErrOrStderr())
	enc := json.NewEncoder(out)
	if !f.asJSON && bar.tty {
		bar.show(say("检查中，Ctrl-C 停止…", "examining, Ctrl-C stops …"))
	}
	checks := doctor.Run(ctx, o, func(k doctor.Check) {
		bar.clear()
		if f.asJSON {
			_ = enc.Encode(k) // a reader that went away is told below
			return
		}
		showCheck(out, k)
	})
	count := map[doctor.State]int{}
	for _, k := range checks {
		count[k.State]++
	}
	if !f.asJSON {
		if _, err := fmt.Fprintf(out, say("共 %d 项：%d 正常，%d 注意，%d 故障，%d 未查\n", "%d checks: %d ok, %d warn, %d fail, %d skip\n"),
			len(checks), count[doctor.OK], count[doctor.Warn], count[doctor.Fail], count[doctor.Skip]); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.New(say("检查被停止", "the examination was stopped"))
	}
	if doctor.Failed(checks) {
		return fmt.Errorf(say("%w：%d 项故障，见上", "%w: %d checks, see above"), ErrSick, count[doctor.Fail])
	}
	return nil
}

// byHand is a line that no configuration has; with one, its meters are taken from the line on that port.
func (f *doctorFlags) byHand(cfg *edge.Config) (edge.Line, error) {
	if cfg != nil {
		for _, l := range cfg.Lines {
			if l.Path == f.port {
				return l, nil
			}
		}
	}
	set, _, err := f.settings(nil)
	if err != nil {
		return edge.Line{}, err
	}
	if !slices.Contains([]string{"dlt645", "modbus"}, f.protocol) {
		return edge.Line{}, fmt.Errorf(say("协议 %q 不是 dlt645 或 modbus", "protocol %q is not dlt645 or modbus"), f.protocol)
	}
	l := edge.Line{Settings: set, Protocol: f.protocol}
	for _, a := range f.meters {
		l.Meters = append(l.Meters, edge.Meter{Ref: protocol.MeterRef{Line: set.Name, Address: a}})
	}
	if len(l.Meters) == 0 && f.protocol == "modbus" {
		return l, errors.New(say("Modbus 需要 --meter 地址（可多个），不知道地址时先 agent scan", "Modbus needs --meter UNIT (several are good); agent scan finds them"))
	}
	return l, nil
}

var stateWords = map[doctor.State][2]string{
	doctor.OK: {"[正常]", "[ ok ]"}, doctor.Warn: {"[注意]", "[warn]"}, doctor.Fail: {"[故障]", "[FAIL]"}, doctor.Skip: {"[未查]", "[skip]"},
}

var checkWords = map[string][2]string{
	doctor.CheckConfig: {"配置", "configuration"}, doctor.CheckPort: {"端口", "port"}, doctor.CheckPermission: {"权限", "permission"}, doctor.CheckBusy: {"占用", "busy"},
	doctor.CheckAdapter: {"转换器", "adapter"}, doctor.CheckMasters: {"主站", "masters"}, doctor.CheckEcho: {"回波", "echo"}, doctor.CheckWire: {"线路", "wire"},
	doctor.CheckMeter: {"电表", "meter"}, doctor.CheckQuality: {"质量", "quality"}, doctor.CheckClock: {"时钟", "clock"}, doctor.CheckDisk: {"磁盘", "disk"},
	doctor.CheckOutbox: {"暂存", "outbox"}, doctor.CheckBroker: {"消息服务", "broker"}, doctor.CheckCredentials: {"账号", "credentials"}, doctor.CheckGateway: {"网关", "gateway"},
}

// showCheck is one check in one line, and its remedy below.
func showCheck(out io.Writer, k doctor.Check) {
	w, n := stateWords[k.State], checkWords[k.Name]
	at := say(n[0], n[1])
	if k.Line != "" {
		at = k.Line + " " + at
	}
	fmt.Fprintf(out, "%s %s: %s\n", say(w[0], w[1]), at, printable(k.Finding))
	if k.Remedy != "" {
		fmt.Fprintf(out, "       → %s\n", k.Remedy)
	}
}
