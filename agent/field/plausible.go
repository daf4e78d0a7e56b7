package field

import (
	"errors"
	"fmt"
	"time"

	"feikong/internal/daemon"
	"feikong/protocol"
)

// ErrImplausible is wrapped when a register is not what its meter can show or should show. With Doubt a reason of the
// person makes it right; without, nothing does.
var ErrImplausible = errors.New("implausible register")

// Doubt is an implausible register that may be right all the same, if the person says why: a meter that was set back, a
// house that stood empty, a used meter.
type Doubt struct{ Text string }

// Error is the sentence.
func (d *Doubt) Error() string { return d.Text }

// Unwrap makes it an ErrImplausible.
func (d *Doubt) Unwrap() error { return ErrImplausible }

func doubt(zh, en string, args ...any) error {
	return &Doubt{fmt.Sprintf(daemon.Say(daemon.Lang(), zh, en), args...)}
}

// Limits is what registers of a kind of meter can show.
type Limits struct {
	Whole, Fraction int // digits
}

// LimitsOf is by protocol: DL/T 645-2007 sends XXXXXX.XX, and displays of newer meters four digits behind the point;
// Modbus meters have up to nine and four.
func LimitsOf(kind string) Limits {
	if kind == "dlt645" {
		return Limits{6, 4}
	}
	return Limits{9, 4}
}

const (
	// kilowattMax is more than a meter on one connection carries (three phases of 230 V and 100 A are 69 kW), secondary side.
	kilowattMax = 100
	// startMax is what a new meter has counted in its factory's test, in kWh.
	startMax = 100
)

// Known is the newest register that is known of a meter.
type Known struct {
	KWh Number
	At  int64 // unix ms
}

// JudgeDigits refuses what the display cannot show; no reason makes it right.
func (l Limits) JudgeDigits(register uint8, n Number) error {
	whole, fraction := n.Digits()
	if whole > l.Whole || fraction > l.Fraction {
		return tell(ErrImplausible, "寄存器 %d 不可能是 %s：小数点前至多 %d 位、后至多 %d 位", "register %d cannot read %s: it has at most %d digits before the point and %d behind it", register, n, l.Whole, l.Fraction)
	}
	return nil
}

// Judge compares a register with the newest known one of the same meter. The error is a *Doubt.
func Judge(r Register, known Known) error {
	now, ok := r.KWh.MilliwattHours()
	was, ok2 := known.KWh.MilliwattHours()
	if !ok || !ok2 {
		return nil
	}
	after := time.Duration(r.At-known.At) * time.Millisecond
	const kWh = 1_000_000
	switch most := kilowattMax*kWh/int64(time.Hour/time.Second)*int64(max(after, 0)/time.Second) + 10*kWh; {
	case after < 0 && now > was:
		return doubt("寄存器 %d 示数 %s，比 %[4]v 之后的 %[3]s 还大", "register %d reads %s, more than the %s of %v later", r.Register, r.KWh, known.KWh, -after.Round(time.Second))
	case after >= 0 && now+unseen(r.KWh, known.KWh) <= was && now != was:
		return doubt("寄存器 %d 倒走：示数 %s，而 %[4]v 前为 %[3]s", "register %d falls: it reads %s, and %s was known %v before", r.Register, r.KWh, known.KWh, after.Round(time.Second))
	case after >= 0 && now-was > most:
		return doubt("寄存器 %d 在 %[3]v 内涨了 %[2]s：原为 %[4]s，现为 %[5]s", "register %d rises by %s in %v: %s was known, now %s", r.Register, kwh(now-was), after.Round(time.Second), known.KWh, r.KWh)
	}
	return nil
}

// unseen is what a display with fewer digits behind the point than the known number may hide: 1200.9 stands for anything
// below 1201. In mWh; 0 where nothing is hidden.
func unseen(shown, known Number) int64 {
	if shown.Exp <= known.Exp {
		return 0
	}
	return lastDigit(shown)
}

// lastDigit is one unit of a number's last digit, in mWh; at least 0.01 kWh, which is what meters count themselves.
func lastDigit(n Number) int64 {
	unit, _ := Number{1, n.Exp}.MilliwattHours()
	return max(unit, 10_000)
}

// JudgeStart judges the first register of a new meter. The error is a *Doubt.
func JudgeStart(r Register) error {
	if v, ok := r.KWh.MilliwattHours(); ok && v > startMax*1_000_000 {
		return doubt("新表寄存器 %d 的起码为 %s，超过 %d kWh", "register %d of a new meter begins at %s, above %d kWh", r.Register, r.KWh, startMax)
	}
	return nil
}

// JudgeSum finds a total read by eye that is far from the sum of its rates: two registers were swapped, or a digit is wrong.
// Rates are cut off each by itself, so one unit of the last digit that each shows is allowed. The error is a *Doubt.
func JudgeSum(rs []Register) error {
	if len(rs) < 3 || rs[0].Register != 0 || rs[0].By != ByEye {
		return nil
	}
	total, ok := rs[0].KWh.MilliwattHours()
	sum, slack := int64(0), lastDigit(rs[0].KWh)
	for _, r := range rs[1:] {
		v, good := r.KWh.MilliwattHours()
		ok = ok && good
		sum += v
		slack += lastDigit(r.KWh)
	}
	if !ok || sum >= total-slack && sum <= total+slack {
		return nil
	}
	return doubt("各费率之和为 %s，总为 %s", "the rates add up to %s, the total reads %s", kwh(sum), rs[0].KWh)
}

func kwh(mwh int64) string { return Number{mwh / 10_000, -2}.String() + " kWh" }

// Newest picks the newest total and rates of a meter from readings, in any order.
func Newest(meter protocol.MeterRef, entries []protocol.Entry, into map[uint8]Known) {
	for _, e := range entries {
		r := e.Reading
		if e.Gap != nil || r.Meter != meter || r.Quantity != protocol.ActiveImport || r.Exp > 0 || r.Exp < -fractionMax || r.Value < 0 {
			continue
		}
		if was, ok := into[r.Register]; !ok || r.TakenAt >= was.At {
			into[r.Register] = Known{Number{r.Value, r.Exp}, r.TakenAt}
		}
	}
}
