package tools

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"feikong/agent/edge"
	"feikong/agent/scan"
)

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
