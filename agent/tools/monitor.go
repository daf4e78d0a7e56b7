package tools

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/internal/daemon"
)

const (
	// monitorRead is how long one look at the port waits, and quietAfter how long a silence ends a frame: USB adapters
	// hand over every 16 ms, serial servers more rarely.
	monitorRead   = 20 * time.Millisecond
	quietAfter    = 80 * time.Millisecond
	quietAfterTCP = 300 * time.Millisecond
)

type monitorFlags struct {
	place
	last   time.Duration // --for
	count  int
	asJSON bool
	quiet  bool
}

// MonitorCommand is `agent monitor`.
func MonitorCommand() *cobra.Command {
	var f monitorFlags
	c := &cobra.Command{
		Use:   "monitor PORT|LINE",
		Short: say("实时看线路上的报文，逐帧解释", "watch the frames of a line, each explained"),
		Long: say("只听不发：打开端口，把听到的每一帧解释成一行；采集终端在运行时，从它那里看它的线路。结束时给出每块表的通信质量。\nCtrl-C 停止并给出统计。密码不显示。",
			"Listens and never sends: opens the port and explains each frame in one line; a line of a running agent is watched through the agent.\nAt the end it tells each meter's quality. Ctrl-C stops and tells it. Passwords are not shown."),
		Example: "  agent monitor /dev/ttyUSB0 --baud 2400\n  agent monitor l1 --config agent.yaml --for 10m\n  agent monitor tcp://192.168.1.20:4001 --protocol modbus --json --count 100",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringVar(&f.config, "config", "agent.yaml", say("配置文件（线路名时用）", "configuration file, for a line's name"))
	c.Flags().IntVar(&f.baud, "baud", 0, say("波特率（默认 DL/T 645 2400，Modbus 9600）", "baud rate (default 2400 for DL/T 645, 9600 for Modbus)"))
	c.Flags().StringVar(&f.parity, "parity", "", say("校验 none、even、odd（默认 DL/T 645 even，Modbus none）", "none, even or odd (default even for DL/T 645, none for Modbus)"))
	c.Flags().StringVar(&f.protocol, "protocol", "", say("dlt645 或 modbus（默认自动识别）", "dlt645 or modbus (default: the first frame tells)"))
	c.Flags().DurationVar(&f.last, "for", 0, say("看这么久", "stop after this time"))
	c.Flags().IntVar(&f.count, "count", 0, say("看这么多帧", "stop after so many frames"))
	c.Flags().BoolVar(&f.quiet, "quiet", false, say("只给统计", "only the summary"))
	c.Flags().BoolVar(&f.asJSON, "json", false, say("每帧一行 JSON，最后一行是统计", "one JSON object for each frame, the last is the summary"))
	return c
}

func (f *monitorFlags) run(c *cobra.Command, name string) error {
	if f.protocol != "" && f.protocol != "dlt645" && f.protocol != "modbus" {
		return fmt.Errorf(say("协议 %q 不是 dlt645 或 modbus", "protocol %q is not dlt645 or modbus"), f.protocol)
	}
	ctx, stop := daemon.Signals(c.Context())
	defer stop()
	if f.last > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.last)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	set, of, cfg, err := f.target(name)
	if err != nil {
		return err
	}
	protocol := f.protocol
	if protocol == "" && of != nil {
		protocol = of.Protocol
	}
	seen := 0
	show := f.shower(c.OutOrStdout())
	e := newEar(protocol, daemon.Lang(), set.CharTime(1), func(h heard) {
		if h.Kind != heardSilence {
			seen++
		}
		if f.count > 0 && seen > f.count {
			return
		}
		show(h)
		if f.count > 0 && seen >= f.count {
			cancel()
		}
	})
	begun := time.Now()
	if cfg != nil {
		client, dialed := local.Dial(cfg.Data)
		switch {
		case dialed == nil:
			err = f.through(ctx, c, client, set.Name, e)
		case errors.Is(dialed, local.ErrNotRunning):
			err = f.listen(ctx, c, set, e)
		default:
			return dialed
		}
	} else {
		err = f.listen(ctx, c, set, e)
	}
	if err != nil && seen == 0 {
		return err // nothing was heard because nobody listened
	}
	e.quiet(time.Now())
	if e := f.summary(c.OutOrStdout(), e, time.Since(begun)); e != nil {
		return e
	}
	return err
}

// target is the port to listen to: a device, a serial server, or a line of the configuration.
func (f *monitorFlags) target(name string) (line.Settings, *edge.Line, *edge.Config, error) {
	if strings.Contains(name, "/") {
		f.port = name
		set, _, err := f.settings(nil)
		return set, nil, nil, err
	}
	f.name = name
	cfg, err := edge.Load(f.config)
	if err != nil {
		return line.Settings{}, nil, nil, fmt.Errorf(say("%s 不是端口（如 /dev/ttyUSB0），作为线路名需要配置：%w", "%s is no port (like /dev/ttyUSB0), and as the name of a line it needs a configuration: %w"), name, err)
	}
	set, of, err := f.settings(cfg)
	return set, of, cfg, err
}

// listen hears the port itself and sends nothing.
func (f *monitorFlags) listen(ctx context.Context, c *cobra.Command, set line.Settings, e *ear) error {
	if err := free(set.Path); err != nil {
		return err
	}
	p, err := line.Open(set)
	if err != nil {
		return err
	}
	defer p.Close()
	if !f.asJSON {
		fmt.Fprintf(c.ErrOrStderr(), say("只听 %s，%d %s，Ctrl-C 停止\n", "listening to %s, %d %s, Ctrl-C stops\n"), set.Path, set.Baud, set.Parity)
	}
	quiet := quietAfter
	if strings.HasPrefix(set.Path, "tcp://") {
		quiet = quietAfterTCP
	}
	return hearPort(ctx, p, e, max(quiet, set.CharTime(12)))
}

// hearPort reads until ctx ends. Read gives nothing for a while, then bytes: as go.bug.st/serial does.
func hearPort(ctx context.Context, p line.Port, e *ear, quiet time.Duration) error {
	if err := p.SetReadTimeout(monitorRead); err != nil {
		return err
	}
	var buf [512]byte
	last := time.Now()
	for ctx.Err() == nil {
		n, err := p.Read(buf[:])
		now := time.Now()
		if err != nil {
			return fmt.Errorf(say("端口失效：%w", "the port failed: %w"), err)
		}
		if n == 0 {
			if now.Sub(last) > quiet {
				e.quiet(now)
			}
			continue
		}
		last = now
		e.hear(buf[:n], now)
	}
	return nil
}

// through watches a line of the running agent.
func (f *monitorFlags) through(ctx context.Context, c *cobra.Command, client *local.Client, name string, e *ear) error {
	defer context.AfterFunc(ctx, func() { client.Close() })()
	if !f.asJSON {
		fmt.Fprintf(c.ErrOrStderr(), say("通过运行中的采集终端看线路 %s，Ctrl-C 停止\n", "watching line %s through the running agent, Ctrl-C stops\n"), name)
	}
	err := client.Trace(name, func(ev local.TraceEvent) bool {
		e.event(ev)
		if ev.Dropped > 0 && !f.asJSON {
			fmt.Fprintf(c.ErrOrStderr(), say("终端跟不上，漏看 %d 个事件\n", "the terminal is too slow, %d events were not shown\n"), ev.Dropped)
		}
		return ctx.Err() == nil
	})
	if ctx.Err() != nil {
		return nil // asked for
	}
	return err
}

// event takes one event of a traced line.
func (e *ear) event(ev local.TraceEvent) {
	at := time.UnixMicro(ev.At)
	b, err := hex.DecodeString(ev.Hex)
	if err != nil {
		return
	}
	switch ev.Kind {
	case line.TraceSent:
		e.sent(b, at)
	case line.TraceReceived:
		e.hear(b, at)
	case line.TraceEnd:
		e.quiet(at)
	case line.TraceUp, line.TraceDown:
		e.quiet(at)
		text := e.say("端口已打开", "the port is open")
		if ev.Kind == line.TraceDown {
			text = e.say("端口不可用：%s", "the port is gone: %s", printable(ev.Error))
		}
		e.tell(heard{At: at, Kind: ev.Kind, Text: text})
	}
}

// shower writes what was heard.
func (f *monitorFlags) shower(out io.Writer) func(heard) {
	if f.quiet {
		return func(heard) {}
	}
	enc := json.NewEncoder(out)
	return func(h heard) {
		if f.asJSON {
			_ = enc.Encode(struct {
				heard
				DelayMS *int64 `json:"delay_ms,omitempty"`
			}{h, delayOf(h)})
			return
		}
		fmt.Fprintln(out, h.line())
	}
}

func delayOf(h heard) *int64 {
	if h.Kind != heardReply || h.Delay == 0 {
		return nil
	}
	ms := h.Delay.Milliseconds()
	return &ms
}

// line is what was heard in one line.
func (h heard) line() string {
	arrow, tail := "·", ""
	switch h.Kind {
	case heardRequest:
		arrow = "→"
	case heardReply:
		arrow = "←"
		if h.Delay > 0 {
			tail = fmt.Sprintf("  [%d ms]", h.Delay.Milliseconds())
		}
	case heardGarbage:
		arrow = "?"
		hex := h.Hex
		if len(hex) > 96 {
			hex = hex[:96] + " …"
		}
		tail = fmt.Sprintf("  [%d] %s", h.Count, hex)
	case heardSilence:
		arrow = "✗"
	}
	return fmt.Sprintf("%s %s %s %s%s", h.At.Format("15:04:05.000"), arrow, pad(h.Meter, 12), h.Text, tail)
}

// summary tells each meter's quality.
func (f *monitorFlags) summary(out io.Writer, e *ear, took time.Duration) error {
	meters := e.summary()
	if f.asJSON {
		return json.NewEncoder(out).Encode(struct {
			Kind   string         `json:"kind"`
			TookMS int64          `json:"took_ms"`
			Meters []meterQuality `json:"meters"`
		}{"summary", took.Milliseconds(), append([]meterQuality{}, meters...)}) // none is [], not null
	}
	if len(meters) == 0 {
		_, err := fmt.Fprintf(out, say("%s 内没有听到报文：线路上没有主站在抄表，或速率、A/B 线不对\n", "no frame in %s: no master is polling, or baud rate or A and B are wrong\n"), span(took))
		return err
	}
	rows := [][]string{strings.Fields(say("电表 询问 应答 重发 无声 受损 拒绝 延时(最小/平均/最大)", "meter asked replies retries silent damaged refused delay(min/mean/max)"))}
	for _, q := range meters {
		row := []string{q.Meter}
		for _, n := range []int{q.Asked, q.Replies, q.Retries, q.Silent, q.Damaged, q.Refused} {
			row = append(row, fmt.Sprint(n))
		}
		delay := "-"
		if q.Replies > 0 {
			delay = fmt.Sprintf("%d/%d/%d ms", q.DelayMin, q.DelayMean, q.DelayMax)
		}
		rows = append(rows, append(row, delay))
	}
	return table(out, rows)
}
