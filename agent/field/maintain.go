package field

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"feikong/internal/daemon"
	"feikong/protocol"
)

// MaintainActs is what a hand may change in a meter, by their names on the command line. Clearing a meter is not among them:
// it erases the evidence for money.
var MaintainActs = []string{"freeze", "address", "baud", "password", "write", "clear-demand", "clear-events"}

// Erases says that an act destroys what nobody can bring back, so that it is confirmed twice.
func Erases(act string) bool { return strings.HasPrefix(act, "clear-") }

// Setting is what stood in a meter.
type Setting struct {
	ID     string `json:"id,omitempty"` // data identifier
	Name   string `json:"name"`
	NameZH string `json:"name_zh,omitempty"`
	Text   string `json:"text,omitempty"` // empty: not measured, or never
	Unit   string `json:"unit,omitempty"`
}

const (
	// valuesMax bounds the values before, and after: the maximum demands of one direction are ten, and a table has 14 entries.
	valuesMax = 24
	// valueMax bounds a text in bytes.
	valueMax = 100
	// askedMax bounds what was asked for: 14 entries of a table.
	askedMax = 2 * textMax
)

// Maintenance is a meter's setting changed by hand in commissioning mode 电能表维护: an intention, or its result. A password
// is in none of it.
type Maintenance struct {
	Head
	Act    string    `json:"act"`
	What   string    `json:"what,omitempty"`  // item, class of events, kind of freeze, level of a password
	Value  string    `json:"value,omitempty"` // as asked for; never a password
	Stage  string    `json:"stage"`
	Of     string    `json:"of,omitempty"`     // id of the intention
	State  string    `json:"state,omitempty"`  // done, accepted, failed, refused, unknown
	Cause  string    `json:"cause,omitempty"`  // as in RelayTest
	Detail string    `json:"detail,omitempty"` // as the driver tells it
	Passes bool      `json:"passes,omitempty"` // the meter goes back by itself
	Before []Setting `json:"before,omitempty"` // of a clearing: what is lost
	After  []Setting `json:"after,omitempty"`
	Frames []Frame   `json:"frames,omitempty"`
}

// NewMaintenance begins a record: an intention, which its result repeats with Of.
func NewMaintenance(w Work, meter Ref, act, what, value, stage string) *Maintenance {
	return &Maintenance{Head: w.head(KindMaintain, daemon.Version, meter), Act: act, What: what, Value: value, Stage: stage}
}

// Check wants a known act, and of a result its state.
func (m *Maintenance) Check() error {
	if err := m.check(KindMaintain); err != nil {
		return err
	}
	switch {
	case !slices.Contains(MaintainActs, m.Act):
		return wrong("act %q is not known", m.Act)
	case m.Stage == StageIntent && (m.Of != "" || m.State != "" || len(m.After) > 0):
		return wrong("an intention with a result")
	case m.Stage == StageResult && (m.State == "permitted" || !slices.Contains(relayStates, m.State)):
		return wrong("state %q of a result is not known", m.State)
	case m.Stage != StageIntent && m.Stage != StageResult:
		return wrong("stage %q is not known", m.Stage)
	case m.Cause != "" && maintainCause("zh", m.Cause) == "":
		return wrong("cause %q of a result is not known", m.Cause)
	case len(m.Before) > valuesMax || len(m.After) > valuesMax:
		return wrong("%d and %d values, the limit is %d", len(m.Before), len(m.After), valuesMax)
	}
	for _, v := range append(slices.Clip(m.Before), m.After...) {
		for _, s := range []string{v.ID, v.Name, v.NameZH, v.Text, v.Unit} {
			if err := text("value", s, valueMax); err != nil {
				return err
			}
		}
	}
	for _, t := range []struct {
		name, s string
		max     int
	}{{"what", m.What, textMax}, {"value", m.Value, askedMax}, {"of", m.Of, personMax}, {"detail", m.Detail, 2 * textMax}} {
		if err := text(t.name, t.s, t.max); err != nil {
			return err
		}
	}
	return checkFrames(m.Frames)
}

// Fit leaves out what does not find room in a record, which must be stored once the frame has left: first the frames that
// were read with, then values. The frame of the act and its answer stay.
func (m *Maintenance) Fit() {
	m.Before, m.After = m.Before[:min(len(m.Before), valuesMax)], m.After[:min(len(m.After), valuesMax)]
	for range framesMax + valuesMax { // each turn one goes
		b, err := json.Marshal(m)
		if err != nil || len(b) <= protocol.MaxRecord {
			return
		}
		read := slices.IndexFunc(m.Frames, func(f Frame) bool { return strings.HasPrefix(f.Note, "read ") })
		switch {
		case read >= 0:
			m.Frames = slices.Delete(m.Frames, read, read+1)
		case len(m.After) > 0:
			m.After = m.After[:len(m.After)-1]
		}
	}
}

// Readings are none: settings are no registers.
func (m *Maintenance) Readings() []protocol.Reading { return nil }

var maintainWords = map[string][2]string{"freeze": {"冻结", "freeze"}, "address": {"写通信地址", "write address"}, "baud": {"更改通信速率", "change baud rate"},
	"password": {"修改密码", "change password"}, "write": {"写数据", "write"}, "clear-demand": {"最大需量清零", "clear maximum demand"}, "clear-events": {"事件清零", "clear events"}}

// ActName is an act for people.
func ActName(lang, act string) string { return pick(lang, maintainWords[act]) }

var maintainCauses = map[string][2]string{CauseAlready: {"电表中本来就是这样，未发报文", "it stood so already; no frame was sent"},
	CauseUnreadable: {"报文已发出，结果读不回：到表前看", "a frame has left and nothing tells what came of it: look at the meter"},
	CauseUnchanged:  {"读回的与要求的不同", "it was read back otherwise than asked for"}}

// maintainCause is the cause of a result for people, in the words of settings where a relay has its own.
func maintainCause(lang, cause string) string {
	if w, ok := maintainCauses[cause]; ok {
		return pick(lang, w)
	}
	return CauseName(lang, cause)
}

// Result is state and cause for people.
func (m *Maintenance) Result(lang string) string {
	s := ResultName(lang, m.State)
	if m.Cause != "" {
		s += daemon.Say(lang, "：", ": ") + maintainCause(lang, m.Cause)
	}
	if m.Detail != "" {
		s += daemon.Say(lang, "（", " (") + m.Detail + daemon.Say(lang, "）", ")")
	}
	return s
}

// pageValues is how many values before and after a page has room for; the JSON has all.
const pageValues = 10

func (p *page) values(zh, en string, vs []Setting) {
	for _, v := range vs[:min(len(vs), pageValues)] {
		name, text := v.Name, v.Text
		if p.lang == "zh" && v.NameZH != "" {
			name = v.NameZH
		}
		if text == "" {
			text = "-"
		}
		p.row(zh, en, strings.TrimSpace(strings.TrimSpace(v.ID+" "+name)+"  "+text+" "+v.Unit))
		zh, en = "", ""
	}
}

// Page is the record of a meter's setting changed by hand.
func (m *Maintenance) Page(lang string, zone *time.Location) string {
	p := &page{lang: lang, zone: zone}
	p.title("电能表维护记录", "meter maintained by hand")
	p.head(&m.Head)
	p.row("操作", "act", ActName(lang, m.Act))
	if m.What != "" {
		p.row("对象", "what", m.What)
	}
	if m.Value != "" {
		p.row("要求", "asked for", m.Value)
	}
	before := [2]string{"操作前", "before"}
	if Erases(m.Act) {
		before = [2]string{"清除前", "lost"}
	}
	p.values(before[0], before[1], m.Before)
	if m.Stage == StageIntent {
		p.row("结果", "result", p.say("将要执行", "about to be done"))
	} else {
		p.values("操作后", "after", m.After)
		p.row("结果", "result", m.Result(lang))
		if m.Passes {
			p.row("", "", p.say("仅本次会话有效，总线静默半秒后电表自行恢复", "for the session alone: after half a second of silence the meter goes back"))
		}
	}
	p.frames(m.Frames)
	p.foot(&m.Head)
	return p.b.String()
}
