package daemon

import (
	"os"
	"strings"
)

// Lang is the language of the person at the terminal: "zh" when LC_ALL, else LC_MESSAGES, else LANG begins with zh; "en" otherwise.
func Lang() string {
	for _, key := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(key); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// Say picks the sentence in the language.
func Say(lang, zh, en string) string {
	if lang == "zh" {
		return zh
	}
	return en
}
