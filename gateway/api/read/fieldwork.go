package read

import (
	"encoding/json"
	"fmt"
	"strings"

	"feikong/protocol"
)

// workBody is what a summary shows of a field record's body; agents of another make may leave any of it out.
type workBody struct {
	Action string `json:"action"`
	Act    string `json:"act"`
	What   string `json:"what"`
	Value  string `json:"value"`
	Stage  string `json:"stage"`
	State  string `json:"state"`
	On     *bool  `json:"on"`
	Until  int64  `json:"until"`
	Items  []struct {
		State string `json:"state"`
	} `json:"items"`
	Registers []workRegister `json:"registers"`
	Old       struct {
		Meter struct {
			Address string `json:"address"`
		} `json:"meter"`
		Registers []workRegister `json:"registers"`
	} `json:"old"`
	New struct {
		Registers []workRegister `json:"registers"`
	} `json:"new"`
}

type workRegister struct {
	Register uint8  `json:"register"`
	KWh      string `json:"kwh"`
}

// workSummary is a field record in half a line: what was done, and what came of it. Empty when the body tells nothing.
func workSummary(r *protocol.FieldRecord, lang string) string {
	var b workBody
	if json.Unmarshal(r.Body, &b) != nil {
		return ""
	}
	zh := lang == "zh"
	say := func(z, e string) string {
		if zh {
			return z
		}
		return e
	}
	total := func(rs []workRegister) string {
		for _, x := range rs {
			if x.Register == 0 && x.KWh != "" {
				return x.KWh + " kWh"
			}
		}
		return "–"
	}
	switch {
	case b.On != nil && *b.On:
		return say("开启", "on")
	case b.On != nil:
		return say("关闭", "off")
	case b.Stage != "":
		act := strings.TrimSpace(strings.Join([]string{Actions.In(lang, b.Action) + b.Act, b.What, b.Value}, " "))
		if b.State == "" {
			return fmt.Sprintf(say("%s：即将执行", "%s: about to be done"), act)
		}
		return act + say("：", ": ") + WorkStates.In(lang, b.State)
	case b.Old.Meter.Address != "":
		return fmt.Sprintf(say("旧表 %s 止码 %s，新表起码 %s", "old meter %s ended at %s, the new one starts at %s"), b.Old.Meter.Address, total(b.Old.Registers), total(b.New.Registers))
	case len(b.Items) > 0:
		ok := 0
		for _, i := range b.Items {
			if i.State == "ok" {
				ok++
			}
		}
		return fmt.Sprintf(say("%d 项中 %d 项合格，%s", "%[2]d of %[1]d items passed, %[3]s"), len(b.Items), ok, total(b.Registers))
	case len(b.Registers) > 0:
		return total(b.Registers)
	}
	return ""
}
