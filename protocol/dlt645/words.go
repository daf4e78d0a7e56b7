package dlt645

import (
	"fmt"
	"strings"
)

// words is a name in both languages.
type words struct{ en, zh string }

// in chooses: "zh" and what begins so is Chinese, all else English.
func (w words) in(lang string) string {
	if strings.HasPrefix(lang, "zh") {
		return w.zh
	}
	return w.en
}

// bitNames names the set bits of w, lowest first; those without a name are
// given by their number.
func bitNames(w uint16, names []words, lang string) []string {
	out := []string{}
	for i := range 16 {
		if w&(1<<i) == 0 {
			continue
		}
		if i < len(names) && names[i].en != "" {
			out = append(out, names[i].in(lang))
		} else {
			out = append(out, fmt.Sprintf(words{"bit_%d", "第%d位"}.in(lang), i))
		}
	}
	return out
}
