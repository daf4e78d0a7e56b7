package tools

import (
	"fmt"
	"time"

	"feikong/agent/local"
	"feikong/agent/scan"
)

// readNames are the words that mean the same for every meter, and what its driver calls them.
var readNames = []struct {
	name, zh       string
	dlt645, modbus []string
}{
	{"energy", "电能", []string{"energy"}, []string{"active_import", "active_export", "reactive_import", "reactive_export"}},
	{"voltage", "电压", []string{"voltage"}, []string{"voltage"}},
	{"current", "电流", []string{"current"}, []string{"current"}},
	{"power", "功率", []string{"power"}, []string{"active_power"}},
	{"reactive", "无功功率", []string{"reactive"}, []string{"reactive_power"}},
	{"factor", "功率因数", []string{"factor"}, []string{"power_factor"}},
	{"frequency", "频率", []string{"frequency"}, []string{"frequency"}},
	{"clock", "时钟", []string{"clock"}, []string{"clock"}},
	{"relay", "继电器", []string{"relay"}, []string{"relay"}},
	{"status", "状态字", []string{"status"}, []string{"relay"}},
	{"demand", "需量", []string{"demand"}, []string{"demand"}},
	{"money", "金额", []string{"money", "overdraft"}, []string{"remaining_money", "remaining_energy"}},
	{"freeze", "日冻结", []string{"05060001", "05060101"}, nil}, // newest daily freeze: its time, forward active (DL/T 645-2007, annex A.6)
	{"ratio", "变比", nil, []string{"ratio"}},
}

// readAll is what "all" asks for, in this order; what a meter does not know is left out.
var readAll = []string{"energy", "voltage", "current", "power", "reactive", "factor", "frequency", "clock", "status", "relay", "demand", "money", "freeze"}

// one reads what a word means for this meter.
func (f *readFlags) one(read reads, what string) (rows []readRow, err error) {
	words := []string{what}
	for _, n := range readNames {
		if what != n.name && what != n.zh {
			continue
		}
		if words = n.dlt645; f.line.Protocol == scan.Modbus {
			words = n.modbus
		}
	}
	if len(words) == 0 {
		return nil, fmt.Errorf(say("这块表没有 %s", "this meter has no %s"), what)
	}
	for _, w := range words {
		r, e := f.ask(read, w)
		if e != nil {
			err = e
			continue
		}
		for _, it := range r.Items {
			rows = append(rows, readRow{Item: it, What: what})
		}
	}
	if len(rows) > 0 {
		return rows, nil
	}
	return nil, err
}

// ask reads an item as such: the words "energy", "relay" and "clock" of the control socket mean a reading, a state and a drift.
func (f *readFlags) ask(read reads, word string) (*local.ReadReply, error) {
	r, err := read(word)
	if err != nil {
		return nil, err
	}
	add := func(id, name, zh, text, unit string, at int64) {
		r.Items = append(r.Items, local.Item{ID: id, Name: name, NameZH: zh, Text: text, Unit: unit, At: at})
	}
	for _, g := range r.Registers {
		name, zh := fmt.Sprintf("forward active energy, rate %d", g.Register), fmt.Sprintf("正向有功费率 %d", g.Register)
		if g.Register == 0 {
			name, zh = "forward active energy", "正向有功总"
		}
		add(fmt.Sprint(g.Register), name, zh, g.KWh.String(), "kWh", g.At)
	}
	if s := r.Relay; s != nil {
		state := say("合", "closed")
		if s.Open {
			state = say("分", "open")
		}
		add("", "relay", "继电器", state, "", r.At)
		if f.line.Protocol == scan.Modbus {
			return r, nil // one state is all that it has
		}
		add("", "last command", "最近命令", map[bool]string{true: say("分", "open"), false: say("合", "closed")}[s.CommandOpen], "", r.At)
		add("", "power hold", "保电", map[bool]string{true: say("是", "on"), false: say("否", "off")}[s.Hold], "", r.At)
	}
	if d := r.DriftMS; d != nil {
		at := time.UnixMilli(r.At).Add(time.Duration(*d) * time.Millisecond)
		if f.cfg != nil && f.cfg.Zone != nil {
			at = at.In(f.cfg.Zone)
		}
		add("", "clock", "时钟", at.Format(time.DateTime), "", r.At)
		add("", "clock error", "时钟偏差", fmt.Sprintf("%+.1f", float64(*d)/1000), "s", r.At)
	}
	return r, nil
}
