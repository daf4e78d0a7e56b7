package field

import (
	"fmt"
	"strings"
	"time"
)

// pageMax is how many registers a page has room for; the JSON has all.
const pageMax = 9

// itemWords are the items of the checklist for people.
var itemWords = map[string][2]string{
	ItemAnswers: {"电表应答", "meter answers"}, ItemAddress: {"地址与铭牌一致", "address as printed"}, ItemRegisters: {"示数两次一致", "registers twice"},
	ItemClock: {"时钟", "clock"}, ItemRatio: {"倍率与侧别", "ratio and side"}, ItemRelay: {"继电器试验", "relay test"},
	ItemVoltage: {"相电压", "voltages"}, ItemSignal: {"通信质量", "line quality"},
}

var stateWords = map[State][2]string{OK: {"合格", "ok"}, Failed: {"不合格", "FAILED"}, Skipped: {"未做", "skipped"}}

// ItemName is an item of the checklist for people.
func ItemName(lang, item string) string { return pick(lang, itemWords[item]) }

// StateName is a state for people.
func StateName(lang string, s State) string { return pick(lang, stateWords[s]) }

func pick(lang string, w [2]string) string {
	if lang == "zh" {
		return w[0]
	}
	return w[1]
}

// Page is the one-page record of a meter put into service.
func (c *Commission) Page(lang string, zone *time.Location) string {
	p := &page{lang: lang, zone: zone}
	p.title("电表投运记录", "commissioning record")
	p.head(&c.Head)
	if c.Serial != "" {
		p.row("资产号", "serial", c.Serial)
	}
	if c.Protocol != "" {
		p.row("规约", "protocol", strings.TrimSpace(c.Protocol+" "+c.Model))
	}
	p.rule('-')
	for i, it := range c.Items {
		value := pad(StateName(lang, it.State), 10) + strings.TrimSpace(c.seen(p, it))
		if it.Why != "" {
			if !strings.HasSuffix(value, " ") {
				value += " "
			}
			value += p.say("（", "(") + it.Why + p.say("）", ")")
		}
		name := fmt.Sprintf("%d %s", i+1, ItemName(lang, it.Item))
		for j, part := range wrap(value, pageWidth-nameWidth-4) {
			if j > 0 {
				name, part = "", strings.Repeat(" ", 10)+part
			}
			p.line("%s%s", pad(name, nameWidth+4), part)
		}
	}
	p.rule('-')
	p.registers("示数", "registers", c.Registers[:min(len(c.Registers), pageMax)])
	result := p.say("全部合格", "everything is ok")
	if !c.Passed() {
		result = p.say("有未做或不合格的项目，见上", "not everything is ok, see above")
	}
	p.row("结论", "result", result)
	p.foot(&c.Head)
	return p.b.String()
}

// seen is what an item rests on.
func (c *Commission) seen(p *page, it Item) string {
	switch {
	case it.Item == ItemAddress && c.Printed != "":
		return c.Printed
	case it.Item == ItemClock && c.DriftMS != nil:
		d := time.Duration(*c.DriftMS) * time.Millisecond
		return p.say("偏差 ", "off by ") + fmt.Sprintf("%+.1f s", d.Seconds())
	case it.Item == ItemRatio && c.Ratio != nil:
		side := p.say("二次侧", "secondary")
		if c.Ratio.Side == Primary {
			side = p.say("一次侧", "primary")
		}
		return c.Ratio.Multiplier.String() + " " + side
	case it.Item == ItemRelay && c.RelayBy != "":
		return p.say("试验人 ", "by ") + c.RelayBy
	case it.Item == ItemVoltage:
		var all []string
		for _, v := range c.Voltages {
			all = append(all, strings.TrimSpace(v.Name+" "+v.Value+" "+v.Unit))
		}
		return strings.Join(all, ", ")
	case it.Item == ItemSignal && c.Signal != nil:
		return fmt.Sprintf(p.say("%d 问 %d 答，最长 %d ms", "%d asked, %d answered, at most %d ms"), c.Signal.Asked, c.Signal.Answered, c.Signal.DelayMS)
	}
	return ""
}

// Page is the one-page record of an exchange.
func (e *Exchange) Page(lang string, zone *time.Location) string {
	p := &page{lang: lang, zone: zone}
	p.title("换表记录", "meter exchange record")
	p.head(&e.Head)
	p.row("换表原因", "reason", e.Reason)
	p.rule('-')
	p.row("旧表", "old meter", p.meter(e.Old.Meter))
	if e.Old.Serial != "" {
		p.row("旧表资产号", "old serial", e.Old.Serial)
	}
	p.registers("止码", "last registers", e.Old.Registers[:min(len(e.Old.Registers), pageMax)])
	p.row("读数时间", "read at", p.time(e.Old.Registers[0].At))
	if e.Old.Why != "" {
		p.row("示数说明", "explanation", e.Old.Why)
	}
	p.rule('-')
	p.row("新表", "new meter", p.meter(e.Meter))
	p.row("新表资产号", "new serial", e.New.Serial)
	if e.New.Protocol != "" {
		p.row("规约", "protocol", strings.TrimSpace(e.New.Protocol+" "+e.New.Model))
	}
	p.registers("起码", "first registers", e.New.Registers[:min(len(e.New.Registers), pageMax)])
	p.row("读数时间", "read at", p.time(e.New.Registers[0].At))
	if e.New.Why != "" {
		p.row("示数说明", "explanation", e.New.Why)
	}
	p.ratio(e.New.Ratio)
	if e.New.RelayBy != "" {
		p.row("继电器试验", "relay test", p.say("试验人 ", "by ")+e.New.RelayBy)
	} else {
		p.row("继电器试验", "relay test", p.say("未做：", "not done: ")+e.New.RelayWhy)
	}
	p.foot(&e.Head)
	return p.b.String()
}

// Page is the record of a meter read by eye.
func (h *HandReading) Page(lang string, zone *time.Location) string {
	p := &page{lang: lang, zone: zone}
	p.title("手工抄表记录", "reading by eye")
	p.head(&h.Head)
	p.registers("示数", "registers", h.Registers[:min(len(h.Registers), pageMax)])
	if h.Side == Primary {
		p.row("侧别", "side", p.say("一次侧", "primary"))
	} else {
		p.row("侧别", "side", p.say("二次侧", "secondary"))
	}
	if h.Why != "" {
		p.row("示数说明", "explanation", h.Why)
	}
	p.foot(&h.Head)
	return p.b.String()
}

var actionWords = map[string][2]string{"trip": {"跳闸", "trip"}, "permit": {"合闸允许", "close permit"}, "close": {"直接合闸", "close"}, "alarm-on": {"报警", "alarm on"},
	"alarm-off": {"报警解除", "alarm off"}, "hold-on": {"保电", "power hold on"}, "hold-off": {"保电解除", "power hold off"}}

var resultWords = map[string][2]string{"done": {"已执行", "done"}, "permitted": {"已允许合闸，等待按键", "closing is permitted, waits for the button"},
	"accepted": {"电表已接受，无法读回", "accepted by the meter, cannot be read back"}, "failed": {"失败", "failed"}, "refused": {"未执行", "not done"}, "unknown": {"结果不明", "unknown"}}

var causeWords = map[string][2]string{CauseAlready: {"继电器本来就是这样，未发报文", "the relay was already so; no frame was sent"}, CauseUnsent: {"报文未发出", "the frame was not sent"},
	CausePassword: {"电表拒绝了密码；不要重复试，电表会锁定该级密码", "the meter refused the password; do not repeat it, meters lock the level"},
	CauseRefused:  {"电表拒绝", "the meter refused"}, CauseUnreadable: {"报文已发出，继电器状态读不回：到表前看", "a frame has left and the relay could not be read back: look at the meter"},
	CauseUnchanged: {"读回后继电器没有变化", "the relay was read back as it was before"}}

// CauseName is the cause of a result for people; empty where there is none.
func CauseName(lang, cause string) string { return pick(lang, causeWords[cause]) }

// ActionName is an action for people.
func ActionName(lang, action string) string { return pick(lang, actionWords[action]) }

// ResultName is the state of a result for people.
func ResultName(lang, state string) string { return pick(lang, resultWords[state]) }

// Page is the record of a relay moved by hand.
func (r *RelayTest) Page(lang string, zone *time.Location) string {
	p := &page{lang: lang, zone: zone}
	p.title("现场跳合闸记录", "relay moved by hand")
	p.head(&r.Head)
	p.row("动作", "action", ActionName(lang, r.Action))
	p.relay("动作前", "before", r.Before)
	if r.Stage == StageIntent {
		p.row("结果", "result", p.say("将要执行", "about to be done"))
	} else {
		p.relay("动作后", "after", r.After)
		p.row("结果", "result", ResultName(lang, r.State))
	}
	if r.Cause != "" {
		p.row("说明", "cause", CauseName(lang, r.Cause))
	}
	if r.Detail != "" {
		p.row("细节", "detail", r.Detail)
	}
	p.frames(r.Frames)
	p.foot(&r.Head)
	return p.b.String()
}

// Page is the record of commissioning mode.
func (m *Mode) Page(lang string, zone *time.Location) string {
	p := &page{lang: lang, zone: zone}
	p.title("调试模式", "commissioning mode")
	p.head(&m.Head)
	if m.On {
		p.row("状态", "state", p.say("开启，至 ", "on, until ")+p.time(m.Until))
	} else {
		p.row("状态", "state", p.say("关闭", "off"))
	}
	p.foot(&m.Head)
	return p.b.String()
}
