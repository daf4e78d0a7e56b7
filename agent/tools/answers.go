package tools

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"feikong/agent/field"
)

// parseRegisters turns "0=1234.56" from flags into registers read by eye at an instant.
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
		if slices.ContainsFunc(out, func(r field.Register) bool { return r.Register == uint8(n) }) {
			return nil, fmt.Errorf(say("寄存器 %d 写了两次", "register %d is given twice"), n)
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

// errAgain says that the person would rather give the registers again.
var errAgain = errors.New("again")

// reason asks why something implausible is right; with no answer there is no record. again: the person may say that it is
// not, and type the registers once more (errAgain).
func (s *site) reason(flag, given string, again bool, doubts ...error) (string, error) {
	var texts []string
	for _, d := range doubts {
		if d != nil {
			texts = append(texts, d.Error())
		}
	}
	if len(texts) == 0 {
		return given, nil
	}
	all := strings.Join(texts, say("；", "; "))
	if given == "" && s.ask.silent {
		return "", &sentence{fmt.Sprintf(say("示数不合理：%s；确实如此就用 --%s 写明原因", "implausible: %s; if it is so, say why with --%s"), all, flag), field.ErrImplausible}
	}
	if given == "" {
		fmt.Fprintf(s.err, "  ! %s\n", strings.Join(texts, "\n  ! "))
	}
	q := question{zh: "确实如此？写明原因", en: "is it so? say why", flag: flag, check: func(a string) error { return field.CheckText("why", a) }}
	if again {
		q.empty, q.none = true, [2]string{"重新输入示数", "type it again"}
	}
	why, err := s.ask.text(q, given)
	if err == nil && why == "" {
		err = errAgain
	}
	return why, err
}

// registers asks for registers by eye until they are plausible or the person says why they are right; given ones are judged
// once.
func (s *site) registers(zh, en, flag, whyFlag, why string, given []string, at time.Time, known map[uint8]field.Known, judge func([]field.Register) []error) ([]field.Register, string, error) {
	for range askTries {
		rs, err := s.askRegisters(zh, en, flag, given, at, known)
		if err != nil {
			return nil, "", err
		}
		because, err := s.reason(whyFlag, why, len(given) == 0, judge(rs)...)
		if !errors.Is(err, errAgain) {
			return rs, because, err
		}
	}
	return nil, "", errStopped
}

// keepPhoto asks for the photo's file and copies it.
func (s *site) keepPhoto(zh, en string, empty bool) (*field.Photo, error) {
	var p *field.Photo
	_, err := s.ask.text(question{zh: zh, en: en, flag: "photo", empty: empty, none: [2]string{"没有", "none"}, check: func(file string) (err error) { p, err = field.KeepPhoto(s.cfg.Data, file); return err }}, s.photo)
	return p, err
}

// askRatio asks for ratio and side; ratio and energy are money, so there is no default for the ratio. Where may is set it may
// stay unknown (nil). wire is the side that registers read over the line have, if any were.
func (s *site) askRatio(ratio, side string, may bool, wire field.Side) (*field.Ratio, error) {
	q := question{zh: "倍率（直接接入为 1；如 40、200/5）", en: "ratio (1 without transformers; like 40 or 200/5)", flag: "ratio", empty: may, check: func(a string) error { _, err := field.ParseRatio(a); return err }}
	if may {
		q.none = [2]string{"不知道", "not known"}
	}
	plate, err := s.ask.text(q, ratio)
	if err != nil || plate == "" {
		return nil, err
	}
	r := field.Ratio{Plate: plate}
	if r.Multiplier, err = field.ParseRatio(plate); err != nil {
		return nil, err
	}
	def := field.Secondary
	if wire != "" {
		def = wire
	}
	side, err = s.ask.text(question{zh: "示数侧别 primary 一次 / secondary 二次", en: "side of the registers, primary or secondary", flag: "side", def: string(def), check: isSide}, side)
	r.Side = field.Side(side)
	return &r, err
}

// otherSide says that a person's side contradicts that of the registers as the agent reads them; with a ratio of 1 it is the
// same energy.
func otherSide(r *field.Ratio, wire field.Side) string {
	if one := (field.Number{Value: 1}); r == nil || wire == "" || r.Side == wire || r.Multiplier == one {
		return ""
	}
	if wire == field.Primary {
		return say("总线示数已含倍率（一次侧）：查型号与倍率设置", "over the line it counts on the primary side, ratio included: look at model and ratio")
	}
	return say("总线示数按二次侧上传：查型号与倍率设置", "over the line it counts on the secondary side: look at model and ratio")
}

// askRelay asks who tested the relay, or why nobody did.
func (s *site) askRelay(tested, untested string) (by, why string, err error) {
	if tested != "" || untested != "" {
		return tested, untested, errors.Join(field.CheckName("relay_by", tested), field.CheckWhy("relay_why", untested))
	}
	named := func(a string) error { return field.CheckName("relay_by", a) }
	if by, err = s.ask.text(question{zh: "继电器试验人", en: "who tested the relay", flag: "relay-tested-by", empty: true, none: [2]string{"未试验", "nobody"}, check: named}, ""); err != nil || by != "" {
		return by, "", err
	}
	why, err = s.ask.text(question{zh: "未试验的原因", en: "why it was not tested", flag: "relay-untested", def: say("未要求", "not asked for"), check: func(a string) error { return field.CheckWhy("relay_why", a) }}, "")
	return "", why, err
}
