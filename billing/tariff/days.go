package tariff

import (
	"fmt"
	"strings"
	"time"

	"feikong/billing"
)

// day describes one table of the schedule.
func (w *sheetWriter) day(t *DayTable, glyphs []byte) Day {
	d := Day{}
	for m := range 12 {
		if t.Months>>m&1 != 0 {
			d.Months = append(d.Months, m+1)
		}
	}
	d.Label = w.monthsWord(d.Months)
	if t.Weekdays != 0 {
		var words []string
		for i := range 7 {
			if t.Weekdays>>i&1 != 0 {
				words = append(words, w.weekday(time.Weekday(i)))
			}
		}
		d.Label += w.say("，", ", ") + strings.Join(words, " ")
	}
	if t.Days != AnyDay {
		var words []string
		for i, word := range [...]billing.Name{{ZH: "工作日", EN: "workdays"}, {ZH: "周末", EN: "weekends"}, {ZH: "节假日", EN: "holidays"}, {ZH: "高温日", EN: "hot days"}} {
			if t.Days>>i&1 != 0 && (t.Days&AnyDay != AnyDay || DayKind(1<<i) == HotDay) {
				words = append(words, word.In(w.lang))
			}
		}
		d.Label += w.say("，", ", ") + strings.Join(words, w.say("、", ", "))
	}
	picture := make([]byte, halves)
	for i, b := range t.Halves {
		picture[i] = glyphs[b]
	}
	d.Picture = string(picture)
	for b := range w.v.Bands {
		h := Hours{Band: w.v.Bands[b].Code}
		for from := 0; from < halves; from++ {
			if int(t.Halves[from]) != b {
				continue
			}
			to := from
			for to < halves && int(t.Halves[to]) == b {
				to++
			}
			h.At = append(h.At, clock(from)+"-"+clock(to))
			from = to
		}
		if h.At != nil {
			d.Hours = append(d.Hours, h)
		}
	}
	return d
}

func (w *sheetWriter) weekday(d time.Weekday) string {
	if w.lang == "zh" {
		return "周" + [...]string{"日", "一", "二", "三", "四", "五", "六"}[d]
	}
	return d.String()[:3]
}

// monthsWord is "months 1-2, 12".
func (w *sheetWriter) monthsWord(months []int) string {
	if len(months) == 12 {
		return w.say("全年", "all months")
	}
	var spans []string
	for i := 0; i < len(months); {
		k := i
		for k+1 < len(months) && months[k+1] == months[k]+1 {
			k++
		}
		span := fmt.Sprint(months[i])
		if k > i {
			span += fmt.Sprintf("-%d", months[k])
		}
		spans = append(spans, span)
		i = k + 1
	}
	word := "months "
	if len(months) == 1 {
		word = "month "
	}
	return w.say("", word) + strings.Join(spans, w.say("、", ", ")) + w.say("月", "")
}
