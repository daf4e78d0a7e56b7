package bus

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults is how a line misbehaves. The zero value is a good line. What happens by chance comes from the line's seed. The keys are those
// of the scenario's `faults:` and of `ctl fault`.
type Faults struct {
	Noise        Share  `yaml:"noise"`
	BitErrors    Share  `yaml:"bit_errors"`
	Bursts       Share  `yaml:"bursts"`
	BurstBytes   Count  `yaml:"burst_bytes"`
	Silent       Share  `yaml:"silent"`
	Late         Share  `yaml:"late"`
	LateBy       Span   `yaml:"late_by"`
	Half         Share  `yaml:"half"`
	DoubledStart Share  `yaml:"doubled_start"`
	TrailingFF   Share  `yaml:"trailing_ff"`
	FELost       Share  `yaml:"fe_lost"`
	Stray        Share  `yaml:"stray"`
	Echo         Switch `yaml:"echo"`
	EchoLoses    Count  `yaml:"echo_loses"`
	SecondMaster Span   `yaml:"second_master"`
	Replay       Span   `yaml:"replay"`
	Cut          Switch `yaml:"cut"`
	DTULatency   Span   `yaml:"dtu_latency"`
	DTUJitter    Span   `yaml:"dtu_jitter"`
	DTUSplit     Share  `yaml:"dtu_split"`
	DTUMerge     Share  `yaml:"dtu_merge"`
	DTUHold      Span   `yaml:"dtu_hold"`
}

// dtu is what lies between the line and its master: the line's own DTU, where no fault says otherwise.
func (f Faults) dtu(own DTU) DTU {
	for _, row := range []struct {
		to   *time.Duration
		from Span
	}{{&own.Latency, f.DTULatency}, {&own.Jitter, f.DTUJitter}, {&own.Hold, f.DTUHold}} {
		if row.from > 0 {
			*row.to = time.Duration(row.from)
		}
	}
	for _, row := range []struct {
		to   *Share
		from Share
	}{{&own.Split, f.DTUSplit}, {&own.Merge, f.DTUMerge}} {
		if row.from > 0 {
			*row.to = row.from
		}
	}
	return own
}

// ErrRealPort says that a real port is on its wires: no DTU lies between it and its master.
var ErrRealPort = errors.New("a real port is on its wires, without a DTU; use tcp or a pseudo-terminal")

// DelayMax bounds what a DTU may add each way; a satellite link has 2 s there and back.
const DelayMax = 10 * time.Second

// Check refuses what a line that is found in such a place cannot have, and a DTU that nobody would wait for.
func (f Faults) Check(at Place) error {
	d := f.dtu(DTU{})
	switch {
	case at.Kind == "serial" && d != DTU{}:
		return fmt.Errorf("dtu: %w", ErrRealPort)
	case max(d.Latency, d.Jitter, d.Hold) > DelayMax:
		return fmt.Errorf("dtu_latency, dtu_jitter, dtu_hold: want at most %s", DelayMax)
	}
	return nil
}

// FaultInfo explains one fault to a person.
type FaultInfo struct{ Name, Value, ZH, EN string }

// faults is the table of them, in the order in which people meet them.
var faults = []struct {
	FaultInfo
	of func(*Faults) value
}{
	{FaultInfo{"noise", "share", "整帧受损的比例：错一位、丢一字节、前有杂字节、提前结束", "share of frames damaged: a bit flipped, a byte lost, garbage in front, an early end"}, func(f *Faults) value { return &f.Noise }},
	{FaultInfo{"bit_errors", "share", "每一位出错的概率；校验位能查出奇数个错", "chance of each bit to flip; the line's parity finds odd numbers of them"}, func(f *Faults) value { return &f.BitErrors }},
	{FaultInfo{"bursts", "share", "每个字符处突发干扰开始的概率", "chance at each character that a burst begins, in which every bit is a coin toss"}, func(f *Faults) value { return &f.Bursts }},
	{FaultInfo{"burst_bytes", "count", "突发干扰的平均长度（字符，默认 4）", "mean length of a burst in characters (4)"}, func(f *Faults) value { return &f.BurstBytes }},
	{FaultInfo{"silent", "share", "不应答的比例", "share of replies that never come"}, func(f *Faults) value { return &f.Silent }},
	{FaultInfo{"late", "share", "迟到应答的比例", "share of replies that come late"}, func(f *Faults) value { return &f.Late }},
	{FaultInfo{"late_by", "time", "迟到多久（默认 600ms）", "by how much (600ms)"}, func(f *Faults) value { return &f.LateBy }},
	{FaultInfo{"half", "share", "只发一半的应答的比例", "share of replies that break off"}, func(f *Faults) value { return &f.Half }},
	{FaultInfo{"doubled_start", "share", "起始符 68H 重复的比例（DL/T 645）", "share of replies with the first 68H twice (DL/T 645)"}, func(f *Faults) value { return &f.DoubledStart }},
	{FaultInfo{"trailing_ff", "share", "帧尾后跟 FF 的比例", "share of replies with FF after the last byte"}, func(f *Faults) value { return &f.TrailingFF }},
	{FaultInfo{"fe_lost", "share", "前导 FE 丢失的比例（DL/T 645）", "share of replies that lose some or all of their FE (DL/T 645)"}, func(f *Faults) value { return &f.FELost }},
	{FaultInfo{"stray", "share", "应答前有杂字节的比例", "share of replies with stray bytes in front"}, func(f *Faults) value { return &f.Stray }},
	{FaultInfo{"echo", "on|off", "主站听到自己发的字节", "the master hears its own bytes"}, func(f *Faults) value { return &f.Echo }},
	{FaultInfo{"echo_loses", "count", "回波丢失开头几个字节", "the echo loses that many first bytes"}, func(f *Faults) value { return &f.EchoLoses }},
	{FaultInfo{"second_master", "time", "另有主站，每隔这么久抄一块表", "another master polls a meter each so often, whoever talks"}, func(f *Faults) value { return &f.SecondMaster }},
	{FaultInfo{"replay", "time", "另有主站，每隔这么久重放最近一条拉合闸帧", "another master replays the last relay frame each so often"}, func(f *Faults) value { return &f.Replay }},
	{FaultInfo{"cut", "on|off", "线路断开", "the line is cut between the master and all meters"}, func(f *Faults) value { return &f.Cut }},
	{FaultInfo{"dtu_latency", "time", "主站经 DTU：每个方向的时延", "a DTU before the master: time each way"}, func(f *Faults) value { return &f.DTULatency }},
	{FaultInfo{"dtu_jitter", "time", "DTU 时延的抖动", "at most so much more, each way"}, func(f *Faults) value { return &f.DTUJitter }},
	{FaultInfo{"dtu_split", "share", "DTU 把数据拆成两段的比例", "share of the DTU's segments that are cut in two"}, func(f *Faults) value { return &f.DTUSplit }},
	{FaultInfo{"dtu_merge", "share", "DTU 把数据与后续合并的比例", "share of the DTU's segments that wait for what follows"}, func(f *Faults) value { return &f.DTUMerge }},
	{FaultInfo{"dtu_hold", "time", "合并最多等多久（默认 100ms）", "how long they wait at most (100ms)"}, func(f *Faults) value { return &f.DTUHold }},
}

// FaultTable explains all faults, in a fixed order.
func FaultTable() []FaultInfo {
	out := make([]FaultInfo, 0, len(faults))
	for _, row := range faults {
		out = append(out, row.FaultInfo)
	}
	return out
}

// Set changes one fault by its name; "off" is the good line's value.
func (f *Faults) Set(name, text string) error {
	for _, row := range faults {
		if row.Name == name {
			if err := row.of(f).UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
	}
	names := make([]string, 0, len(faults))
	for _, row := range faults {
		names = append(names, row.Name)
	}
	return fmt.Errorf("fault %q: want one of %s", name, strings.Join(names, ", "))
}

// Map gives the faults that are on, by name, as Set takes them.
func (f Faults) Map() map[string]string {
	out := map[string]string{}
	for _, row := range faults {
		if text, _ := row.of(&f).MarshalText(); string(text) != "off" {
			out[row.Name] = string(text)
		}
	}
	return out
}

// value is what a fault can be set to, as text in both directions.
type value interface {
	encoding.TextUnmarshaler
	encoding.TextMarshaler
}

// Share is a chance or a share, 0 to 1.
type Share float64

// UnmarshalText reads "0.05" or "off".
func (s *Share) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*s = 0
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("%q is not a share between 0 and 1, like 0.05", text)
	}
	*s = Share(v)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Share) MarshalText() ([]byte, error) {
	if s == 0 {
		return []byte("off"), nil
	}
	return strconv.AppendFloat(nil, float64(s), 'g', -1, 64), nil
}

// Span is a time; its bound keeps a late reply within the talk of one evening.
type Span time.Duration

const spanMax = 24 * time.Hour

// UnmarshalText reads "600ms" or "off".
func (s *Span) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 || d > spanMax || d > 0 && d < time.Millisecond {
		return fmt.Errorf("%q is not a time like 600ms or 5s, of 1ms to %s", text, spanMax)
	}
	*s = Span(d)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Span) MarshalText() ([]byte, error) {
	if s == 0 {
		return []byte("off"), nil
	}
	return []byte(time.Duration(s).String()), nil
}

// Count is a small number of bytes.
type Count int

const countMax = 256

// UnmarshalText reads "4" or "off".
func (c *Count) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*c = 0
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > countMax {
		return fmt.Errorf("%q is not a number of bytes, 0 to %d", text, countMax)
	}
	*c = Count(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (c Count) MarshalText() ([]byte, error) {
	if c == 0 {
		return []byte("off"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// Switch is on or off.
type Switch bool

// UnmarshalText reads on, off, true, false.
func (s *Switch) UnmarshalText(text []byte) error {
	i := slices.Index([]string{"off", "on", "false", "true"}, string(text))
	if i < 0 {
		return fmt.Errorf("%q is neither on nor off", text)
	}
	*s = i%2 == 1
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Switch) MarshalText() ([]byte, error) {
	if s {
		return []byte("on"), nil
	}
	return []byte("off"), nil
}
