package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/internal/daemon"
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

// some is a list that fits on two lines.
func some(all []string) string {
	const most = 8
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

// reads is a way to ask the meter.
type reads func(what string) (*local.ReadReply, error)

// reach gives a way to read the chosen meter: through the agent that runs, or over the port itself when none does.
func (s *site) reach(ctx context.Context) (read reads, end func(), err error) {
	c, err := local.Dial(s.cfg.Data)
	if err == nil {
		return func(what string) (*local.ReadReply, error) { return c.Read(s.ref(), what) }, func() { c.Close() }, nil
	}
	if !errors.Is(err, local.ErrNotRunning) {
		return nil, nil, err
	}
	l, stop, err := open(ctx, s.line.Settings)
	if err != nil {
		return nil, nil, err
	}
	one := s.line
	one.Meters = []edge.Meter{s.meter}
	drivers, err := one.Drivers(l, s.cfg)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return func(what string) (*local.ReadReply, error) {
		if what == "known" {
			return nil, errors.ErrUnsupported
		}
		return local.Read(ctx, drivers[0], what)
	}, stop, nil
}

// known is what the outbox has of the chosen meter; without an outbox, nothing.
func (s *site) known() map[uint8]field.Known {
	k, err := local.Known(s.cfg.Data, s.cfg.Outbox, s.meter.Ref)
	if err != nil {
		fmt.Fprintf(s.err, say("查不到以往示数：%v\n", "earlier registers are not known: %v\n"), err)
	}
	return k
}

// askPerson asks who works.
func (s *site) askPerson() (err error) {
	s.person, err = s.ask.text(question{zh: "人员姓名", en: "name of the person", flag: "person"}, s.person)
	return err
}

// stored is what a command tells with --json.
type stored struct {
	Stored bool         `json:"stored"`
	By     string       `json:"by"` // "agent": the running one; "outbox": by the command itself
	Record field.Record `json:"record"`
}

// keep shows the page, asks, stores, and tells. A record that the person does not want is no error.
func (s *site) keep(rec field.Record) (bool, error) {
	if err := rec.Check(); err != nil {
		return false, err
	}
	zone := s.cfg.Zone
	if !s.asJSON {
		fmt.Fprint(s.out, rec.Page(daemon.Lang(), zone))
	}
	ok, err := s.ask.yes("保存这份记录", "keep this record", true, s.yes)
	if err != nil || !ok {
		return false, errors.Join(err, s.tell(say("未保存", "not kept")))
	}
	running, err := local.Keep(s.cfg.Data, s.cfg.Outbox, rec)
	if err != nil {
		return false, err
	}
	if s.asJSON {
		by := "outbox"
		if running {
			by = "agent"
		}
		return true, json.NewEncoder(s.out).Encode(stored{true, by, rec})
	}
	if running {
		return true, s.tell(fmt.Sprintf(say("已保存，记录号 %s，由运行中的采集终端上传", "kept as %s; the running agent sends it"), rec.Top().ID))
	}
	return true, s.tell(fmt.Sprintf(say("已保存，记录号 %s，采集终端下次运行时上传", "kept as %s; the agent sends it when it runs next"), rec.Top().ID))
}

func (s *site) tell(text string) error {
	_, err := fmt.Fprintln(s.err, text)
	return err
}

// registers turns "0=1234.56" from flags into registers read by eye at an instant.
func parseRegisters(limits field.Limits, given []string, at time.Time) (out []field.Register, err error) {
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		n := uint64(0)
		if !ok {
			value = name
		} else if n, err = strconv.ParseUint(strings.TrimSpace(name), 10, 6); err != nil {
			return nil, fmt.Errorf(say("寄存器 %q：应写作 0=1234.56（0 总，1 起为费率）", "register %q: write 0=1234.56 (0 is the total, 1 and up the rates)"), g)
		}
		kwh, err := field.ParseNumber(strings.TrimSpace(value))
		if err != nil {
			return nil, err
		}
		if err := limits.JudgeDigits(uint8(n), kwh); err != nil {
			return nil, err
		}
		out = append(out, field.Register{Register: uint8(n), KWh: kwh, By: field.ByEye, At: at.UnixMilli()})
	}
	slices.SortStableFunc(out, func(a, b field.Register) int { return int(a.Register) - int(b.Register) })
	return out, nil
}

// askRegisters asks for the total and then for rates until there are no more.
func (s *site) askRegisters(zh, en, flag string, given []string, at time.Time, known map[uint8]field.Known) ([]field.Register, error) {
	limits := field.LimitsOf(s.line.Protocol)
	if len(given) > 0 {
		return parseRegisters(limits, given, at)
	}
	var out []field.Register
	for n := range 64 {
		q := question{zh: zh + "，总 kWh", en: en + ", total in kWh", flag: flag, check: func(a string) error { _, err := parseRegisters(limits, []string{a}, at); return err }}
		if n > 0 {
			if s.ask.silent {
				break
			}
			q.zh, q.en, q.empty, q.none = fmt.Sprintf("%s，费率 %d", zh, n), fmt.Sprintf("%s, rate %d", en, n), true, [2]string{"没有了", "no more"}
		}
		if k, ok := known[uint8(n)]; ok && !s.ask.silent {
			q.zh += fmt.Sprintf("（已知 %s）", k.KWh)
			q.en += fmt.Sprintf(" (known: %s)", k.KWh)
		}
		answer, err := s.ask.text(q, "")
		if err != nil {
			return nil, err
		}
		if answer == "" {
			break
		}
		rs, err := parseRegisters(limits, []string{fmt.Sprintf("%d=%s", n, answer)}, at)
		if err != nil {
			return nil, err
		}
		out = append(out, rs...)
	}
	return out, nil
}

// reason asks why something implausible is right; with no answer there is no record.
func (s *site) reason(flag, given string, doubts ...error) (string, error) {
	var texts []string
	for _, d := range doubts {
		if d != nil {
			texts = append(texts, d.Error())
		}
	}
	if len(texts) == 0 {
		return given, nil
	}
	all := strings.Join(texts, "; ")
	if given == "" && s.ask.silent {
		return "", fmt.Errorf(say("%w：%s；确实如此就用 --%s 写明原因", "%w: %s; if it is so, say why with --%s"), field.ErrImplausible, all, flag)
	}
	if given == "" {
		fmt.Fprintf(s.err, "  ! %s\n", all)
	}
	return s.ask.text(question{zh: "确实如此？写明原因", en: "is it so? say why", flag: flag}, given)
}

// keepPhoto asks for the photo's file and copies it.
func (s *site) keepPhoto(zh, en string, empty bool) (*field.Photo, error) {
	var p *field.Photo
	_, err := s.ask.text(question{zh: zh, en: en, flag: "photo", empty: empty, none: [2]string{"没有", "none"}, check: func(file string) (err error) { p, err = field.KeepPhoto(s.cfg.Data, file); return err }}, s.photo)
	return p, err
}
