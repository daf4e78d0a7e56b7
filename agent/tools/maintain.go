package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/agent/meter"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// NewPasswordVariable holds the password that `agent meter METER password` sets, in the form of PasswordVariable.
const NewPasswordVariable = "FEIKONG_METER_NEW_PASSWORD"

// maintain is one run of `agent meter`.
type maintain struct {
	site
	operator string
	confirm  string
	bare     bool
	r        local.MaintainRequest
	by       string // "agent", or "outbox" where none runs
}

// MaintainCommand is `agent meter`.
func MaintainCommand() *cobra.Command {
	var f maintain
	var classes []string
	for _, e := range meter.EventClasses {
		classes = append(classes, e.Name)
	}
	c := &cobra.Command{
		Use: "meter METER ACT [WHAT [VALUE]]", Short: say("现场更改电表设置（仅调试模式）", "change a meter's settings by hand (commissioning mode only)"),
		Args: cobra.RangeArgs(2, 4),
		Long: fmt.Sprintf(say(`更改一块 DL/T 645 电表的设置：先读原值，至多发一帧，再读回，全程存证（密码遮蔽）。
采集终端运行时经由它，须先开启调试模式：agent commission --mode on --person 姓名 --minutes 30；没有运行时直接用配置中的端口。
配置 relay: off 时禁止。电表清零（1AH）不提供。

freeze [now | "hourly 15" | "daily 00:00" | "monthly 01 00:00"]：冻结，默认 now。
address 新地址：写通信地址。线路上只能接这一块表，并按下编程键。
baud 波特率：更改通信速率，在新速率下读回。
password：修改密码。新密码由提示输入两次，或放在环境变量 %[2]s。
write 数据项 值：写数据。数据项为八位标识（1997 四位）或名称，值按表中格式：200、"2026-05-01 00:00"、"00:00 1, 06:00 2"。
clear-demand：最大需量清零。须再次输入表地址。
clear-events [类别]：事件清零，默认 all。须再次输入表地址。类别：%[3]s，或以 FF 结尾的八位标识。

密码由提示输入，或放在环境变量 %[1]s（级别两位加密码六位，如 02123456），不写在命令行。密码错只试一次。`,
			`Changes a setting of one DL/T 645 meter: reads what stands there, sends at most one frame, reads back, and keeps the
evidence (passwords masked).
Goes through a running agent in commissioning mode (agent commission --mode on --person NAME --minutes 30), and over the
configuration's port where none runs.
With relay: off in the configuration it is forbidden. A meter clear (1AH) is not offered.

freeze [now | "hourly 15" | "daily 00:00" | "monthly 01 00:00"]: a copy of the registers; default now.
address NEW: a new address. This meter alone on the line, its programming button pressed.
baud N: another rate, read back at it.
password: another password. It is asked for twice, or taken from the variable %[2]s.
write WHAT VALUE: an item by eight hexadecimal digits (1997: four) or its name. The value is written as the table has
it: 200, "2026-05-01 00:00", "00:00 1, 06:00 2".
clear-demand: the maximum demands to zero. The meter's address must be typed again.
clear-events [WHICH]: event records erased, default all. The meter's address must be typed again. WHICH: %[3]s,
or eight hexadecimal digits that end in FF.

Passwords are asked for, or taken from the variable %[1]s (two digits of level, six of password, like 02123456);
never from the command line. A wrong one is tried once.`), PasswordVariable, NewPasswordVariable, strings.Join(classes, " ")),
		Example: "  agent meter 000000000101 freeze --person 'Li Wei'\n  agent meter l1/101 write 'CT ratio' 40 --person 'Li Wei'\n" +
			"  agent meter 101 address 000000000102\n  agent meter 101 baud 9600 --yes\n  agent meter 101 clear-events trip\n" +
			"  read -rs " + PasswordVariable + " && export " + PasswordVariable + "\n  agent meter 101 clear-demand --yes --confirm 000000000101 --json",
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	f.workFlags(c, false)
	c.Flags().StringVar(&f.operator, "operator", "00000001", say("操作者代码，8 位数字", "operator code, 8 digits"))
	c.Flags().StringVar(&f.confirm, "confirm", "", say("清零的第二次确认：再写一次本表地址（脚本用；只有 --yes 不够）", "second confirmation of a clearing: the meter's address once more (for scripts; --yes alone is not enough)"))
	c.Flags().BoolVar(&f.bare, "no-password", false, say("电表不要密码（1997 版，已按编程键）", "the meter asks for no password (1997, its button pressed)"))
	return c
}

// words are the arguments of an act behind its name: least and most, and where they go.
var words = map[string]struct{ least, most int }{"freeze": {0, 1}, "address": {1, 1}, "baud": {1, 1}, "password": {0, 0}, "write": {2, 2}, "clear-demand": {0, 0}, "clear-events": {0, 1}}

// understand turns the command line into a request.
func (f *maintain) understand(act string, args []string) error {
	n, ok := words[act]
	switch {
	case !ok:
		return fmt.Errorf(say("没有操作 %s；有：%s", "there is no act %s; there are %s"), printable(act), strings.Join(field.MaintainActs, ", "))
	case len(args) < n.least || len(args) > n.most:
		return fmt.Errorf(say("%s 后面要 %d 到 %d 个参数，见 agent meter --help", "%s takes %d to %d words behind it; see agent meter --help"), act, n.least, n.most)
	}
	f.r.Act = act
	switch act {
	case "address", "baud":
		f.r.Value = args[0]
	case "write":
		f.r.What, f.r.Value = args[0], args[1]
	case "freeze":
		f.r.What = first(args)
	case "clear-events":
		if f.r.What = first(args); f.r.What == "" {
			f.r.What = "all"
		}
	}
	return nil
}

func (f *maintain) run(c *cobra.Command, args []string) (err error) {
	if err = f.load(c); err != nil {
		return err
	}
	if err = f.understand(args[1], args[2:]); err != nil {
		return err
	}
	if !f.cfg.Bench {
		return errors.New(say("配置为 relay: off，本机禁止动作继电器、更改电表", "the configuration says relay: off, which forbids relays and meters to be changed by hand too"))
	}
	if err = f.choose(args[0]); err != nil {
		return err
	}
	if f.line.Protocol != "dlt645" {
		return errors.New(say("只有 DL/T 645 电表的设置能由本程序更改", "only settings of DL/T 645 meters can be changed by this program"))
	}
	ctx, stop := daemon.Signals(c.Context())
	defer stop()
	do, end, err := f.reachMeter(ctx)
	if err != nil {
		return err
	}
	defer end()
	if f.person == "" {
		if err = f.askPerson(); err != nil {
			return err
		}
	}
	f.r.Meter, f.r.Person = f.ref(), f.person
	if f.r.Operator, err = wireOrder(f.operator); err != nil {
		return fmt.Errorf("--operator: %w", err)
	}
	if err = f.lookFirst(do); err != nil {
		return err
	}
	if err = f.confirmed(); err != nil {
		return err
	}
	if err = f.passwords(); err != nil {
		return err
	}
	rec, err := do(f.r)
	var fault *local.Fault
	if err != nil && !errors.As(err, &fault) && f.by == "agent" {
		return fmt.Errorf(say("结果不明（%w）：报文可能已发出，到表前看；不要重复操作", "unknown (%w): a frame may have left; look at the meter and do not repeat it"), err)
	}
	if err != nil {
		return err
	}
	return f.told(rec)
}

// reachMeter gives a way to change the chosen meter: through the agent that runs, or over the port itself when none does.
func (f *maintain) reachMeter(ctx context.Context) (do func(local.MaintainRequest) (*field.Maintenance, error), end func(), err error) {
	c, err := local.Dial(f.cfg.Data)
	if err == nil {
		st, err := c.Status()
		if err == nil && !st.Commissioning.On {
			err = errors.New(say("调试模式未开启；先运行：agent commission --mode on --person 姓名 --minutes 30", "commissioning mode is off; first: agent commission --mode on --person NAME --minutes 30"))
		}
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		if f.by = "agent"; f.person == "" {
			f.person = st.Commissioning.Person
		}
		return c.Maintain, func() { c.Close() }, nil
	}
	if !errors.Is(err, local.ErrNotRunning) {
		return nil, nil, err
	}
	l, stop, err := open(ctx, f.line.Settings)
	if err != nil {
		return nil, nil, err
	}
	drivers, err := f.line.Drivers(l, f.cfg)
	if err != nil {
		stop()
		return nil, nil, err
	}
	f.by = "outbox"
	desk := local.Desk{Agent: f.cfg.Agent, Relay: "bench", Drivers: map[protocol.MeterRef]meter.Driver{}}
	for _, d := range drivers {
		desk.Drivers[d.Ref()] = d
	}
	return func(r local.MaintainRequest) (*field.Maintenance, error) {
		return local.Maintain(ctx, f.cfg.Data, f.cfg.Outbox, desk, &r)
	}, stop, nil
}

// lookFirst shows what stands in the meter before a person confirms to change it.
func (f *maintain) lookFirst(do func(local.MaintainRequest) (*field.Maintenance, error)) error {
	if f.r.Act != "write" && !field.Erases(f.r.Act) {
		return nil
	}
	look := f.r
	look.Look = true
	rec, err := do(look)
	if err != nil {
		return err
	}
	if field.Erases(f.r.Act) {
		fmt.Fprintln(f.err, say("以下内容将从电表中永久清除：", "this will be erased from the meter for good:"))
	} else {
		fmt.Fprintln(f.err, say("电表中现为：", "the meter has now:"))
	}
	var rows [][]string
	for _, v := range rec.Before {
		rows = append(rows, []string{"  " + v.ID, printable(say(v.NameZH, v.Name)), printable(v.Text), v.Unit})
	}
	return table(f.err, rows)
}

// confirmed asks once, and for what nobody can bring back a second time: the meter's address, typed again.
func (f *maintain) confirmed() error {
	if f.r.Act == "freeze" {
		return nil
	}
	zh, en := field.ActName("zh", f.r.Act), field.ActName("en", f.r.Act)
	if what := strings.TrimSpace(f.r.What + " " + f.r.Value); what != "" {
		zh, en = zh+" "+printable(what), en+" "+printable(what)
	}
	ok, err := f.ask.yes(fmt.Sprintf("电表 %s：%s？", f.name(), zh), fmt.Sprintf("meter %s: %s?", f.name(), en), false, f.yes)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New(say("未确认，未更改（脚本用 --yes）", "not confirmed, nothing was done (scripts: --yes)"))
	}
	if !field.Erases(f.r.Act) {
		return nil
	}
	if f.r.Confirm = f.confirm; f.confirm == "" && !f.ask.silent {
		if f.r.Confirm, err = f.ask.text(question{zh: "再次确认：输入本表地址", en: "once more: type the meter's address", flag: "confirm", empty: true, none: [2]string{"不清零", "nothing is cleared"}}, ""); err != nil {
			return err
		}
	}
	if strings.TrimLeft(f.r.Confirm, "0") != strings.TrimLeft(f.meter.Ref.Address, "0") {
		return fmt.Errorf(say("未清零：再次输入的地址不是 %s（脚本用 --yes 加 --confirm 地址，只有 --yes 不够）", "nothing was cleared: the address typed again is not %s (scripts: --yes and --confirm ADDRESS; --yes alone is not enough)"), f.meter.Ref.Address)
	}
	return nil
}

// passwords are asked for where the act needs them.
func (f *maintain) passwords() (err error) {
	if slices.Contains([]string{"freeze", "address", "baud"}, f.r.Act) || f.bare {
		return nil
	}
	if f.r.Password, err = f.password(); err != nil || f.r.Act != "password" {
		return err
	}
	p := os.Getenv(NewPasswordVariable)
	if p == "" {
		if p, err = f.ask.secret("新密码（级别两位加密码六位，不显示）", "new password (level and six digits; not shown)"); err != nil {
			return err
		}
		again, err := f.ask.secret("再输入一次新密码", "the new password once more")
		if err != nil {
			return err
		}
		if again != p {
			return errors.New(say("两次输入的新密码不同，未更改", "the new password was typed in two ways; nothing was done"))
		}
	}
	if len(p) != 8 {
		p = "" // a level that is guessed would change another one's password
	}
	digits, err := wireOrder(p)
	if err != nil {
		return fmt.Errorf(say("新密码应为 8 位数字：级别两位加密码六位；放在环境变量 %s 或在提示处输入", "the new password is 8 digits: two of level and six of password; put it into %s or type it when asked"), NewPasswordVariable)
	}
	f.r.NewPassword = local.Secret(digits[6:] + digits[:6])
	return nil
}

// told shows the record, and what must be done now.
func (f *maintain) told(rec *field.Maintenance) (err error) {
	lang := daemon.Lang()
	if f.asJSON {
		err = json.NewEncoder(f.out).Encode(stored{true, f.by, rec})
	} else {
		_, err = fmt.Fprint(f.out, rec.Page(lang, f.cfg.Zone))
	}
	if err != nil {
		return err
	}
	switch done := rec.State == "done"; {
	case done && rec.Act == "address":
		return f.tell(fmt.Sprintf(say("配置 %s 中的地址仍是 %s：改为 %s 并重启采集终端", "%s still has the address %s: change it to %s and start the agent anew"), f.config, f.meter.Ref.Address, rec.After[0].Text))
	case done && rec.Act == "baud" && !rec.Passes && rec.Cause == "":
		return f.tell(fmt.Sprintf(say("在配置 %s 中给这块表写上 baud: %s；有的表静默几分钟后会恢复原速率", "write baud: %[2]s beside this meter in %[1]s; some meters go back to their rate after minutes of silence"), f.config, f.r.Value))
	case rec.State == "failed" || rec.State == "refused" || rec.State == "unknown":
		return errors.New(rec.Result(lang))
	}
	return nil
}
