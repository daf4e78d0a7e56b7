package tools

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/field"
)

// handBack is how old a reading by eye may be when it is entered: a walk through the district and the way back.
const handBack = 31 * 24 * time.Hour

// ReadingCommand is `agent reading`, with enter below it.
func ReadingCommand() *cobra.Command {
	c := &cobra.Command{Use: "reading", Short: say("手工抄表", "readings by eye"), Example: "  agent reading enter 000000000101"}
	c.AddCommand(enterCommand())
	return c
}

func enterCommand() *cobra.Command {
	var s site
	var registers []string
	var at, side, why string
	c := &cobra.Command{
		Use: "enter METER", Short: say("录入目抄的示数", "enter registers that were read by eye"), Args: cobra.MaximumNArgs(1),
		Long: say("录入从电表显示屏读到的示数，连同人员与照片。与轮询的示数一样进入暂存，断网也可以。\n不合理的示数（倒走、跳变、超过位数）会被拒绝；确实如此要写明原因。",
			"Enters registers as they stand on the meter's display, with the person and a photo. They are queued like readings, offline too.\nWhat is implausible (falling, jumping, too many digits) is refused; where it is so all the same, say why."),
		Example: "  agent reading enter 000000000101\n  agent reading enter 101 --person 'Li Wei' --register 0=1234.56 \\\n      --register 1=800.00 --photo IMG_0001.jpg --yes\n" +
			"  agent reading enter l1/101 --person 'Li Wei' --register 1234.56 \\\n      --at '2026-03-01 08:30' --yes --json",
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.load(c); err != nil {
				return err
			}
			if err := s.choose(first(args)); err != nil {
				return err
			}
			if err := s.askPerson(); err != nil {
				return err
			}
			when, err := s.when(at)
			if err != nil {
				return err
			}
			known := s.known()
			rs, why, err := s.registers("示数", "register", "register", "why", why, registers, when, known, func(rs []field.Register) []error { return doubts(rs, known) })
			if err != nil {
				return err
			}
			photo, err := s.keepPhoto("照片文件", "photo file", true)
			if err != nil {
				return err
			}
			if side, err = s.ask.text(question{zh: "示数在互感器哪一侧 primary/secondary", en: "side of the transformers: primary or secondary", flag: "side", def: "secondary", check: isSide}, side); err != nil {
				return err
			}
			rec, err := field.NewHandReading(field.Work{Person: s.person, At: when, Agent: s.cfg.Agent, Note: s.note, Photo: photo}, s.ref(), field.Side(side), rs, why)
			if err != nil {
				return err
			}
			_, err = s.keep(rec)
			return err
		},
	}
	s.workFlags(c, true)
	s.photoFlag(c)
	c.Flags().StringArrayVar(&registers, "register", nil, say("示数，如 `0=1234.56`（0 总，1 起为费率；可多次）", "a register, like `0=1234.56` (0 is the total, 1 and up the rates; may be repeated)"))
	c.Flags().StringVar(&at, "at", "", say("抄表时间，如 '2026-03-01 08:30'（默认现在）", "when it was read, like '2026-03-01 08:30' (default now)"))
	c.Flags().StringVar(&side, "side", "", say("primary 一次侧或 secondary 二次侧（默认）", "primary or secondary (default)"))
	c.Flags().StringVar(&why, "why", "", say("不合理示数的原因", "why an implausible register is right"))
	return c
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func isSide(s string) error {
	if s != string(field.Primary) && s != string(field.Secondary) {
		return errors.New(say("回答 primary（一次侧）或 secondary（二次侧）", "answer primary or secondary"))
	}
	return nil
}

// when reads a time of the meters' zone, not in the future and not too old.
func (s *site) when(at string) (time.Time, error) {
	now := time.Now()
	if at == "" {
		return now, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00"} {
		t, err := time.ParseInLocation(layout, at, s.cfg.Zone)
		switch {
		case err != nil:
		case t.After(now.Add(time.Minute)):
			return t, fmt.Errorf(say("--at %s 在将来", "--at %s is in the future"), at)
		case now.Sub(t) > handBack:
			return t, fmt.Errorf(say("--at %s 早于 %d 天", "--at %s is more than %d days ago"), at, int(handBack.Hours()/24))
		default:
			return t, nil
		}
	}
	return now, fmt.Errorf(say("--at %q 不是时间，如 '2026-03-01 08:30'", "--at %q is not a time such as '2026-03-01 08:30'"), at)
}

// doubts compares registers with what is known of their meter.
func doubts(rs []field.Register, known map[uint8]field.Known) (out []error) {
	for _, r := range rs {
		if k, ok := known[r.Register]; ok {
			out = append(out, field.Judge(r, k))
		}
	}
	return append(out, field.JudgeSum(rs))
}
