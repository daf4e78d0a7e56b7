package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/local"
)

// StatusCommand is `agent status`.
func StatusCommand() *cobra.Command {
	var s site
	c := &cobra.Command{
		Use: "status", Short: say("显示运行中采集终端的状态", "what the running agent says of itself"), Args: cobra.NoArgs,
		Example: "  agent status --config agent.yaml\n  agent status --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.load(c); err != nil {
				return err
			}
			cl, err := dial(s.cfg.Data)
			if err != nil {
				return err
			}
			defer cl.Close()
			st, err := cl.Status()
			if err != nil {
				return err
			}
			if s.asJSON {
				return json.NewEncoder(s.out).Encode(st)
			}
			return s.showStatus(st)
		},
	}
	s.flags(c)
	return c
}

// dial reaches the running agent, or says how to start it.
func dial(data string) (*local.Client, error) {
	c, err := local.Dial(data)
	if errors.Is(err, local.ErrNotRunning) {
		return nil, &sentence{fmt.Sprintf(say("数据目录 %s 上没有运行中的采集终端；先启动：agent run --config 配置文件", "no agent runs on the data directory %s; start it: agent run --config FILE"), data), local.ErrNotRunning}
	}
	return c, err
}

func (s *site) showStatus(st *local.Status) error {
	clock := say("时钟未经核对", "clock not compared yet")
	if st.ClockTrusted {
		clock = fmt.Sprintf(say("时钟可信（偏差 %+d ms）", "clock trusted (%+d ms off)"), st.ClockOffsetMS)
	}
	fmt.Fprintf(s.out, say("采集终端 %s  版本 %s  进程 %d  已运行 %s\n继电器模式 %s  %s\n", "agent %s  version %s  pid %d  up %s\nrelay mode %s  %s\n"),
		st.Agent, st.Version, st.PID, span(time.Duration(st.UpMS)*time.Millisecond), st.RelayMode, clock)
	fmt.Fprintf(s.out, say("暂存 %s / %s  待上传：示数 %d，证据 %d  因满未存 %d\n", "outbox %s of %s  waiting: %d readings, %d evidence\nnot stored for lack of room: %d\n"),
		mebibytes(st.Outbox.Bytes), mebibytes(st.Outbox.Limit), st.Outbox.Readings, st.Outbox.Evidence, st.Outbox.Dropped)
	if m := st.Commissioning; m.On {
		fmt.Fprintf(s.out, say("调试模式开启：%s，至 %s\n", "commissioning mode is on: %s, until %s\n"), printable(m.Person), time.UnixMilli(m.Until).In(s.cfg.Zone).Format("15:04:05"))
	}
	rows := [][]string{{say("线路", "LINE"), say("状态", "STATE"), say("问答", "EXCHANGES"), say("无应答", "TIMEOUTS"), say("错误", "FAULTS"), say("外来帧", "FOREIGN"), ""}}
	for _, l := range st.Lines {
		state := say("通", "up")
		if !l.Up {
			state = say("断", "DOWN")
		}
		rows = append(rows, []string{l.Line, state, fmt.Sprint(l.Exchanges), fmt.Sprint(l.Timeouts), fmt.Sprint(l.Faults), fmt.Sprint(l.Foreign), printable(l.Error)})
	}
	if err := table(s.out, rows); err != nil {
		return err
	}
	rows = [][]string{{say("电表", "METER"), say("应答", "REPLIES"), say("无应答", "SILENT"), say("错误", "FAULTS"), say("延时", "DELAY"), say("最近应答", "LAST REPLY"), ""}}
	for _, m := range st.Meters {
		last, note := say("从未", "never"), ""
		if m.LastReply != 0 {
			last = fmt.Sprintf(say("%s 前", "%s ago"), span(time.Duration(st.At-m.LastReply)*time.Millisecond))
		}
		if m.BackoffUntil > st.At {
			note = fmt.Sprintf(say("静默，%s 后再试", "silent, next try in %s"), span(time.Duration(m.BackoffUntil-st.At)*time.Millisecond))
		}
		rows = append(rows, []string{meterName(m.Meter.Meter()), fmt.Sprint(m.Replies), fmt.Sprint(m.Silent), fmt.Sprint(m.Faults), fmt.Sprintf("%d ms", m.DelayMS), last, note})
	}
	return table(s.out, rows)
}

func mebibytes(n int64) string {
	tenths := n * 10 >> 20
	return fmt.Sprintf("%d.%d MiB", tenths/10, tenths%10)
}
