package scan

import (
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// Site is what a configuration needs besides the meters.
type Site struct {
	Agent string // name of the agent
	Line  string // name of the line
	Port  string
	TCP   bool   // Modbus TCP
	Lang  string // of the comments: "zh" or "en"
}

// ErrNothing says that there is no meter to write down.
var ErrNothing = errors.New("no meter was found; there is nothing to write")

// group is the meters that one entry of lines can hold: one protocol.
type group struct {
	protocol string
	framing  Framing
	meters   []Found
}

// Config writes a configuration of the meters found, with a comment for each: what was seen, and what a person must look
// at. `agent config check` accepts it as it is. A port has one protocol; when both were found, the meters of the smaller
// part are written as comments. Relative ports must be relative to the folder the file goes to.
func Config(r Report, at Site) ([]byte, error) {
	g, left := groups(r)
	if len(g.meters) == 0 {
		return nil, ErrNothing
	}
	say := func(zh, en string) string {
		if at.Lang == "zh" {
			return zh
		}
		return en
	}
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# %s\n", say("由 agent scan 生成；全部选项见 agent config example。检查：agent config check --config 本文件",
		"Written by agent scan; agent config example explains every key. Check it: agent config check --config THIS-FILE"))
	if !r.Complete {
		p("# %s\n", say("注意：扫描中途停止，可能还有未找到的表。", "Careful: the scan was stopped early; there may be more meters."))
	}
	p("agent: %s\n", quote(at.Agent))
	p("data: agent-data\nrelay: off\nbroker:\n  url: tcp://127.0.0.1:1883   # %s\n  user: %s\n", say("改成主站的地址", "the gateway's address goes here"), quote(at.Agent))
	p("lines:\n  - name: %s\n    port: %s\n    protocol: %s\n", quote(at.Line), quote(at.Port), g.protocol)
	if at.TCP {
		p("    framing: tcp\n")
	}
	if !strings.HasPrefix(at.Port, "tcp://") { // behind a serial server the far end is set
		p("    baud: %d\n    parity: %s\n    stop_bits: 1\n", g.framing.Baud, g.framing.Parity)
	}
	p("    meters:\n")
	for _, f := range g.meters {
		skip := ""
		switch {
		case f.Clash:
			skip = say("两块表用同一地址，先改其中一块的地址", "two meters have this address; change one of them first")
		case f.Protocol == Modbus && f.Model == "":
			skip = say("型号未识别：补上 model 后去掉行首的 #", "model not recognised: add model and take the # away")
		case f.Framing != g.framing && g.protocol == Modbus:
			skip = fmt.Sprintf(say("此表是 %s，与本线路不同：改表的速率，或另接一条线路", "this meter talks %s, unlike the line: change it there, or give it a line of its own"), f.Framing)
		}
		if skip != "" {
			p("      # - address: %s   # %s\n", quote(f.Address), skip)
			continue
		}
		p("      - address: %s   # %s\n", quote(f.Address), f.words(say))
		if f.Model != "" {
			p("        model: %s\n", f.Model)
		}
		if f.Edition == "1997" {
			p("        edition: \"1997\"\n")
		}
		if f.Framing != g.framing {
			p("        baud: %d\n        parity: %s\n", f.Baud, f.Parity)
		}
	}
	if len(left) > 0 {
		p("# %s\n", say("同一端口上还有另一种协议的表，一个端口只能用一种协议，请接到另一端口：",
			"On the same port there are meters of the other protocol. A port has one protocol: give them a port of their own:"))
		for _, f := range left {
			p("#   %s %s, %s   # %s\n", f.Protocol, f.Address, f.Framing, f.words(say))
		}
	}
	return []byte(b.String()), nil
}

// groups takes the protocol of most meters, and of these the framing of most as the line's.
func groups(r Report) (g group, left []Found) {
	count := map[string]int{}
	for _, f := range r.Found {
		if !f.Clash && !(f.Protocol == Modbus && f.Model == "") {
			count[f.Protocol]++
		}
	}
	g.protocol = DLT645
	if count[Modbus] > count[DLT645] {
		g.protocol = Modbus
	}
	if count[g.protocol] == 0 {
		return group{}, r.Found
	}
	framings := map[Framing]int{}
	for _, f := range r.Found {
		if f.Protocol != g.protocol {
			left = append(left, f)
			continue
		}
		g.meters = append(g.meters, f)
		framings[f.Framing]++
		if n := framings[f.Framing]; n > framings[g.framing] {
			g.framing = f.Framing
		}
	}
	sort.Slice(g.meters, func(i, j int) bool {
		a, b := g.meters[i].Address, g.meters[j].Address
		return len(a) < len(b) || len(a) == len(b) && a < b
	})
	return g, left
}

// words are what a comment says about a meter.
func (f Found) words(say func(zh, en string) string) string {
	var w []string
	add := func(s string, args ...any) { w = append(w, fmt.Sprintf(s, args...)) }
	if f.Edition != "" {
		add("DL/T 645-%s", f.Edition)
	}
	if f.Energy != "" {
		add("%s kWh", f.Energy)
	}
	if f.Probable {
		add("%s", say("型号是按寄存器数值推测的，请与铭牌核对", "the model is a guess by its values: compare with the plate"))
	}
	if len(f.Like) > 0 {
		add("%s %s", say("也可能是", "or"), strings.Join(f.Like, ", "))
	}
	if f.Voltage != "" {
		add("%s V", f.Voltage)
	}
	add("%s %d ms", say("应答延时", "answers after"), f.DelayMs)
	return strings.Join(w, "; ")
}

// quote writes a YAML string that is nothing else.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// PortFor is how a port is written in a configuration: absolute, because relative ones are taken from the file's folder
// and not from where the scan ran.
func PortFor(port string) string {
	if strings.HasPrefix(port, "tcp://") || filepath.IsAbs(port) {
		return port
	}
	abs, err := filepath.Abs(port)
	if err != nil {
		return port
	}
	return abs
}
