package tools

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/field"
	"feikong/protocol"
)

// site is where a technician works: a configuration, and one of its meters.
type site struct {
	config string // --config
	person string
	note   string
	photo  string
	yes    bool
	asJSON bool

	cfg   *edge.Config
	line  edge.Line
	meter edge.Meter
	ask   *asker
	out   io.Writer // records
	err   io.Writer // what is going on
}

func (s *site) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.config, "config", "agent.yaml", say("配置文件", "configuration file"))
	c.Flags().BoolVar(&s.asJSON, "json", false, say("输出 JSON", "print JSON"))
}

// workFlags are those of commands that make a record; note: the person may add one.
func (s *site) workFlags(c *cobra.Command, note bool) {
	s.flags(c)
	c.Flags().StringVar(&s.person, "person", "", say("人员姓名", "name of the person"))
	if note {
		c.Flags().StringVar(&s.note, "note", "", say("备注", "a note"))
	}
	c.Flags().BoolVar(&s.yes, "yes", false, say("不提问，确认一律为是", "ask nothing, every confirmation is yes"))
}

func (s *site) photoFlag(c *cobra.Command) {
	c.Flags().StringVar(&s.photo, "photo", "", say("照片文件（JPEG、PNG、WebP、HEIC，至多 20 MiB）", "photo file (JPEG, PNG, WebP, HEIC, at most 20 MiB)"))
}

// load reads the configuration and sets the terminal up.
func (s *site) load(c *cobra.Command) (err error) {
	s.out, s.err, s.ask = c.OutOrStdout(), c.ErrOrStderr(), newAsker(c, s.yes)
	s.cfg, err = edge.Load(s.config)
	return err
}

// choose finds the meter that a person named: ADDRESS, LINE/ADDRESS or LINE/ADDRESS/CHANNEL. Zeros in front may be left
// out. With no name, the only meter there is, or a question.
func (s *site) choose(name string) error {
	var all []string
	for _, l := range s.cfg.Lines {
		for _, m := range l.Meters {
			all = append(all, meterName(m.Ref))
		}
	}
	if name == "" {
		def := ""
		if len(all) == 1 {
			def = all[0]
		} else if !s.ask.silent {
			fmt.Fprintf(s.err, say("电表：%s\n", "meters: %s\n"), some(all))
		}
		var err error
		if name, err = s.ask.text(question{zh: "哪块电表（地址）", en: "which meter (address)", flag: "METER", def: def}, ""); err != nil {
			return err
		}
	}
	found := 0
	for _, l := range s.cfg.Lines {
		for _, m := range l.Meters {
			if fits(name, m.Ref) {
				s.line, s.meter = l, m
				found++
			}
		}
	}
	switch {
	case found == 1:
		return nil
	case found > 1:
		return fmt.Errorf(say("有 %d 块电表叫 %s；写全：线路/地址/通道", "%d meters are called %s; write LINE/ADDRESS/CHANNEL"), found, printable(name))
	}
	return fmt.Errorf(say("配置 %s 中没有电表 %s；%s", "there is no meter %[2]s in %[1]s; %[3]s"), s.config, printable(name), nearest(name, all))
}

func meterName(m protocol.MeterRef) string {
	if m.Channel != 0 {
		return fmt.Sprintf("%s/%s/%d", m.Line, m.Address, m.Channel)
	}
	return m.Line + "/" + m.Address
}

func fits(name string, m protocol.MeterRef) bool {
	parts := strings.Split(name, "/")
	address := parts[0]
	if len(parts) > 1 {
		if parts[0] != m.Line {
			return false
		}
		address = parts[1]
	}
	if len(parts) == 3 && parts[2] != strconv.Itoa(int(m.Channel)) {
		return false
	}
	return len(parts) <= 3 && address != "" && strings.TrimLeft(address, "0") == strings.TrimLeft(m.Address, "0")
}

// nearest names the meters whose names take the fewest changes of digits.
func nearest(name string, all []string) string {
	type near struct {
		name string
		far  int
	}
	var ns []near
	for _, a := range all {
		_, address, _ := strings.Cut(a, "/")
		far := min(changes(name, a), changes(strings.TrimLeft(name, "0"), strings.TrimLeft(address, "0")))
		ns = append(ns, near{a, far})
	}
	slices.SortStableFunc(ns, func(a, b near) int { return a.far - b.far })
	if len(ns) > 0 && ns[0].far <= 3 {
		return fmt.Sprintf(say("最接近的是 %s", "nearest is %s"), ns[0].name)
	}
	return fmt.Sprintf(say("有：%s", "there are %s"), some(all))
}

// some is a list that fits on one line of a terminal, or two.
func some(all []string) string {
	const most = 4
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf(say("%s 等 %d 块", "%s and others, %d in all"), strings.Join(all[:most], ", "), len(all))
}

// changes counts the letters to insert, remove or replace to make b of a.
func changes(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var last [longest + 1]int
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := last[0]
		last[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal, last[j] = last[j], min(cost, last[j]+1, last[j-1]+1)
		}
	}
	return last[len(b)]
}

func (s *site) ref() field.Ref { return field.RefOf(s.meter.Ref) }

func (s *site) name() string { return meterName(s.meter.Ref) }
