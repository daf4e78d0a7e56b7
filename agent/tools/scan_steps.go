package tools

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/scan"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// Framings that a scan tries when none is named, the likely ones first. DL/T 645 is 8E1 by its text, and some makers' meters
// come with 8N1: both are looked at whatever the first finds, as one such meter among others would never be read, and a
// framing without meters costs some seconds.
var (
	scanBauds     = []int{2400, 9600, 4800, 1200, 19200, 600}
	modbusFraming = []scan.Framing{{Baud: 9600, Parity: "none"}, {Baud: 9600, Parity: "even"}, {Baud: 2400, Parity: "none"}, {Baud: 4800, Parity: "none"}, {Baud: 19200, Parity: "none"}}
	parityNames   = []string{"even", "none", "odd"}
)

// steps are what to try, and what to try when that finds nobody.
func (f *scanFlags) steps(set line.Settings, of *edge.Line, models []modbusmap.Model) ([]scan.Options, error) {
	o, err := f.options(set, of)
	if err != nil {
		return nil, err
	}
	tcp := strings.HasPrefix(set.Path, "tcp://")
	o.Models = models
	dlt, mod := f.protocol != scan.Modbus && !o.TCP, f.protocol != scan.DLT645
	var steps []scan.Options
	if dlt {
		one := o
		one.Modbus = nil
		if one.DLT645 = []scan.Framing{{}}; !tcp { // behind a serial server the far end decides
			bauds, parities := f.bauds, f.parities
			if len(bauds) == 0 {
				bauds = scanBauds
			}
			if len(parities) == 0 {
				parities = parityNames[:2]
			}
			one.DLT645 = framings(bauds, parities)
			if of != nil && len(f.bauds)+len(f.parities) == 0 { // what the configuration says comes first
				own := scan.Framing{Baud: set.Baud, Parity: set.Parity}
				one.DLT645 = append([]scan.Framing{own}, slices.DeleteFunc(one.DLT645, func(x scan.Framing) bool { return x == own })...)
			}
		}
		steps = append(steps, one)
	}
	if mod {
		o.Modbus, o.OneFraming = []scan.Framing{{}}, f.protocol == "auto"
		switch {
		case tcp:
		case len(f.bauds) == 0 && len(f.parities) == 0:
			o.Modbus = factory(models)
			if of != nil && of.Protocol == scan.Modbus {
				own := scan.Framing{Baud: set.Baud, Parity: set.Parity}
				o.Modbus = append([]scan.Framing{own}, slices.DeleteFunc(o.Modbus, func(x scan.Framing) bool { return x == own })...)
			}
		default:
			bauds, parities := f.bauds, f.parities
			if len(bauds) == 0 {
				bauds = []int{9600, 2400, 4800, 19200}
			}
			if len(parities) == 0 {
				parities = []string{"none", "even"}
			}
			o.Modbus = framings(bauds, parities)
		}
		if f.protocol == "all" && dlt {
			steps[0].Modbus = o.Modbus // both, whatever the first finds
		} else {
			steps = append(steps, o)
		}
	}
	return steps, nil
}

// options are what all steps have in common.
func (f *scanFlags) options(set line.Settings, of *edge.Line) (o scan.Options, err error) {
	tcp := strings.HasPrefix(set.Path, "tcp://")
	o = scan.Options{Count: f.count, Tries: f.tries, Thorough: f.thorough, Window: f.window, ModbusWindow: f.window}
	if tcp && f.window == 0 {
		o.Window, o.ModbusWindow = time.Second, time.Second // the network's own time comes on top
	}
	for _, p := range f.parities {
		if !slices.Contains(parityNames, p) {
			return o, fmt.Errorf(say("校验 %q 不是 even、none、odd", "parity %q is not even, none or odd"), p)
		}
	}
	for _, b := range f.bauds {
		if b < 300 || b > 1_000_000 {
			return o, fmt.Errorf(say("波特率 %d 不在 300 与 1,000,000 之间", "baud %d is not between 300 and 1,000,000"), b)
		}
	}
	switch f.protocol {
	case "auto", "all", scan.DLT645, scan.Modbus:
	default:
		return o, fmt.Errorf(say("协议 %q 不是 auto、dlt645、modbus、all", "protocol %q is not auto, dlt645, modbus or all"), f.protocol)
	}
	framing, err := modbus.ParseFraming(f.framing)
	if err != nil {
		return o, err
	}
	if of != nil && of.Protocol == scan.Modbus {
		framing = of.Framing
	}
	if o.TCP = framing == modbus.TCP; o.TCP && (!tcp || f.protocol == scan.DLT645) {
		return o, errors.New(say("--framing tcp 只用于 tcp:// 端口上的 modbus", "--framing tcp is for modbus on a tcp:// port"))
	}
	first, last, ok := strings.Cut(f.ids, "-")
	if !ok {
		last = first
	}
	if o.First, err = strconv.Atoi(first); err == nil {
		o.Last, err = strconv.Atoi(last)
	}
	low, high := framing.Units()
	if err != nil || o.First < low || o.Last > high || o.Last < o.First {
		return o, fmt.Errorf(say("--ids %q 应为 %d-%d 之内的范围，如 1-32", "--ids %q is not a range within %d-%d, like 1-32"), f.ids, low, high)
	}
	if of != nil && of.Protocol == scan.DLT645 {
		for _, m := range of.Meters {
			o.Expect = append(o.Expect, m.Ref.Address)
		}
	}
	return o, nil
}

// factory is the framings that the models leave the factory with, the commonest first, and behind them those that people
// change meters to.
func factory(models []modbusmap.Model) (out []scan.Framing) {
	count := map[scan.Framing]int{}
	for _, m := range models {
		f := scan.Framing{Baud: m.Baud, Parity: m.Parity}
		if count[f]++; count[f] == 1 {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b scan.Framing) int { return count[b] - count[a] })
	for _, f := range modbusFraming {
		if count[f] == 0 {
			out = append(out, f)
		}
	}
	return out
}

func framings(bauds []int, parities []string) (out []scan.Framing) {
	for _, p := range parities {
		for _, b := range bauds {
			out = append(out, scan.Framing{Baud: b, Parity: p})
		}
	}
	return out
}
