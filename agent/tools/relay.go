package tools

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/internal/daemon"
)

// PasswordVariable holds the meter's password for `agent relay`, so that it is in no list of processes and no history of
// a shell: two digits of level and six of password.
const PasswordVariable = "FEIKONG_METER_PASSWORD"

// RelayCommand is `agent relay`.
func RelayCommand() *cobra.Command {
	var s site
	var operator string
	c := &cobra.Command{
		Use: "relay METER ACTION", Short: say("现场动作继电器（仅调试模式）", "move a relay by hand (commissioning mode only)"), Args: cobra.ExactArgs(2),
		Long: fmt.Sprintf(say("通过运行中的采集终端动作一块电表的继电器：先读状态，至多发一帧，再读回，全程存证（密码遮蔽）。\n动作：%s。\n须先开启调试模式：agent commission --mode on --person 姓名 --minutes 30；配置 relay: off 时禁止。\n密码由提示输入，或放在环境变量 %s（级别两位加密码六位，如 02123456），不写在命令行。",
			"Moves the relay of one meter through the running agent: reads first, sends at most one frame, reads back, and keeps the evidence (password masked).\nActions: %s.\nCommissioning mode must be on: agent commission --mode on --person NAME --minutes 30. With relay: off in the configuration it is forbidden.\nThe password is asked for, or taken from the variable %s (two digits of level, six of password, like 02123456); never from the command line."),
			strings.Join(field.RelayActions, " "), PasswordVariable),
		Example: "  agent relay 000000000101 trip --person 'Li Wei'\n  read -rs " + PasswordVariable + " && export " + PasswordVariable + "\n  agent relay l1/101 close --person 'Li Wei' --yes --json",
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.load(c); err != nil {
				return err
			}
			return s.moveRelay(args[0], args[1], operator)
		},
	}
	s.workFlags(c, false)
	c.Flags().StringVar(&operator, "operator", "00000001", say("操作者代码，8 位数字", "operator code, 8 digits"))
	return c
}

func (s *site) moveRelay(name, action, operator string) error {
	if !slices.Contains(field.RelayActions, action) {
		return fmt.Errorf(say("没有动作 %s；有：%s", "there is no action %s; there are %s"), printable(action), strings.Join(field.RelayActions, ", "))
	}
	if !s.cfg.Bench {
		return errors.New(say("配置为 relay: off，本机禁止动作继电器", "the configuration says relay: off, which forbids relays by hand too"))
	}
	if err := s.choose(name); err != nil {
		return err
	}
	c, err := dial(s.cfg.Data)
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status()
	if err != nil {
		return err
	}
	if !st.Commissioning.On {
		return errors.New(say("调试模式未开启；先运行：agent commission --mode on --person 姓名 --minutes 30", "commissioning mode is off; first: agent commission --mode on --person NAME --minutes 30"))
	}
	if s.person == "" {
		s.person = st.Commissioning.Person
	}
	r := local.RelayRequest{Meter: s.ref(), Action: action, Person: s.person}
	if s.line.Protocol == "dlt645" { // Modbus relays have no password
		if r.Operator, err = wireOrder(operator); err != nil {
			return fmt.Errorf("--operator: %w", err)
		}
		if r.Password, err = s.password(); err != nil {
			return err
		}
	}
	ok, err := s.ask.yes(fmt.Sprintf("对电表 %s 执行 %s？", s.name(), field.ActionName("zh", action)), fmt.Sprintf("%s meter %s?", field.ActionName("en", action), s.name()), false, s.yes)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New(say("未确认，未动作（脚本用 --yes）", "not confirmed, nothing was done (scripts: --yes)"))
	}
	rec, err := c.Relay(r)
	var fault *local.Fault
	if err != nil && !errors.As(err, &fault) && rec.State == "" {
		return fmt.Errorf(say("结果不明（%w）：报文可能已发出，到表前看继电器，或运行 agent read %s relay；不要重复动作", "unknown (%w): a frame may have left; look at the meter, or run agent read %s relay; do not repeat it"), err, s.name())
	}
	if err != nil {
		return err
	}
	if s.asJSON {
		err = json.NewEncoder(s.out).Encode(stored{true, "agent", rec})
	} else {
		_, err = fmt.Fprint(s.out, rec.Page(daemon.Lang(), s.cfg.Zone))
	}
	if err == nil && (rec.State == "failed" || rec.State == "refused" || rec.State == "unknown") {
		err = fmt.Errorf(say("%s：%s", "%s: %s"), field.ResultName(daemon.Lang(), rec.State), field.CauseName(daemon.Lang(), rec.Cause))
	}
	return err
}

// password comes from the environment or is asked for; it is in wire order: level, then the digits from the low end.
func (s *site) password() (local.Secret, error) {
	p := os.Getenv(PasswordVariable)
	if p == "" {
		var err error
		if p, err = s.ask.secret("电表密码（级别两位加密码六位，如 02123456，不显示）", "meter password (level and six digits, like 02123456; not shown)"); err != nil {
			return "", err
		}
	}
	if len(p) == 6 {
		p = "02" + p // the level of relay orders on most meters
	}
	b, err := hex.DecodeString(p)
	if err != nil || len(b) != 4 || strings.IndexFunc(p, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return "", fmt.Errorf(say("密码应为 8 位数字：级别两位加密码六位；放在环境变量 %s 或在提示处输入", "the password is 8 digits: two of level and six of password; put it into %s or type it when asked"), PasswordVariable)
	}
	return local.Secret(hex.EncodeToString([]byte{b[0], b[3], b[2], b[1]})), nil
}

// wireOrder turns eight digits as people write them into the bytes of a frame, low end first.
func wireOrder(digits string) (string, error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 4 || strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return "", fmt.Errorf(say("%q 不是 8 位数字", "%q is not 8 digits"), digits)
	}
	slices.Reverse(b)
	return hex.EncodeToString(b), nil
}
