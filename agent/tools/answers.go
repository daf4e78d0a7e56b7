package tools

import (
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

// askRatio asks for ratio and side.
func (s *site) askRatio(ratio, side string) (r field.Ratio, err error) {
	r.Plate, err = s.ask.text(question{zh: "倍率（如 1、40、200/5）", en: "ratio (like 1, 40 or 200/5)", flag: "ratio", def: "1", check: func(a string) error { _, err := field.ParseRatio(a); return err }}, ratio)
	if err != nil {
		return r, err
	}
	if r.Multiplier, err = field.ParseRatio(r.Plate); err != nil {
		return r, err
	}
	if side, err = s.ask.text(question{zh: "示数侧别 primary 一次 / secondary 二次", en: "side of the registers, primary or secondary", flag: "side", def: "secondary", check: isSide}, side); err != nil {
		return r, err
	}
	r.Side = field.Side(side)
	return r, nil
}

// askRelay asks who tested the relay, or why nobody did.
func (s *site) askRelay(tested, untested string) (by, why string, err error) {
	if tested != "" || untested != "" {
		return tested, untested, nil
	}
	if by, err = s.ask.text(question{zh: "继电器试验人", en: "who tested the relay", flag: "relay-tested-by", empty: true, none: [2]string{"未试验", "nobody"}}, ""); err != nil || by != "" {
		return by, "", err
	}
	why, err = s.ask.text(question{zh: "未试验的原因", en: "why it was not tested", flag: "relay-untested", def: say("未要求", "not asked for")}, "")
	return "", why, err
}
