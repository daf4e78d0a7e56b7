package dlt645

import (
	"fmt"
	"strings"
)

// Why a load record is suspect. The English is what LoadRecord.Why holds.
var (
	doubtMarked = words{"marked by the meter as incomplete", "电表标记为不完整"}
	doubtStray  = words{"bytes before a record", "记录前有多余字节"}
	doubtLength = words{"length byte wrong", "长度字节错误"}
	doubtCut    = words{"cut or damaged", "记录不完整或损坏"}
	doubtSum    = words{"checksum wrong", "校验和错误"}
	doubtNoTime = words{"no time", "没有时间"}
	doubtTime   = words{"time invalid", "时间无效"}
	doubtBehind = words{"bytes behind the last class", "最后一类之后有多余字节"}
	doubtMany   = words{"more records than one request can ask for", "记录数超过一次请求的上限"}
	doubtEnds   = words{"missing", "缺失"}
	doubtSize   = words{"length wrong", "长度错误"}
	doubtNumber = words{"not a number", "不是数字"}
)

var doubts = []words{doubtMarked, doubtStray, doubtLength, doubtCut, doubtSum, doubtNoTime, doubtTime, doubtBehind, doubtMany, doubtEnds, doubtSize, doubtNumber}

func (r *LoadRecord) doubt(w words) { r.because(w.en) }

func (r *LoadRecord) doubtClass(n int, w words) { r.because(fmt.Sprintf("class %d: %s", n, w.en)) }

// because adds a reason, each once.
func (r *LoadRecord) because(why string) {
	switch {
	case !r.Suspect:
		r.Suspect, r.Why = true, why
	case !strings.Contains(r.Why, why):
		r.Why += "; " + why
	}
}

// WhyIn is Why in "zh" or English.
func (r LoadRecord) WhyIn(lang string) string {
	reasons := strings.Split(r.Why, "; ")
	for i, why := range reasons {
		class, rest := 0, why
		if n, _ := fmt.Sscanf(why, "class %d:", &class); n == 1 {
			_, rest, _ = strings.Cut(why, ": ")
		}
		for _, w := range doubts {
			if w.en == rest && class == 0 {
				reasons[i] = w.in(lang)
			} else if w.en == rest {
				reasons[i] = fmt.Sprintf(words{"class %d: ", "第%d类"}.in(lang), class) + w.in(lang)
			}
		}
	}
	return strings.Join(reasons, words{"; ", "；"}.in(lang))
}
