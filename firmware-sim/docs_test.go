package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var command = regexp.MustCompile(`(?m)^firmware-sim (.*?)\s*(#.*)?$`)

// The pages name every verb, and the flags in their examples exist.
func TestThePagesNameEveryVerb(t *testing.T) {
	for _, page := range []string{"../docs/firmware-sim.md", "../docs/firmware-sim.zh.md"} {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range verbs {
			if name := strings.Fields(v.use)[0]; !strings.Contains(string(data), "`"+name+"`") {
				t.Errorf("%s: ctl %s is not explained", page, name)
			}
		}
		commands := command.FindAllStringSubmatch(string(data), -1)
		if len(commands) < 4 {
			t.Errorf("%s: %d commands", page, len(commands))
		}
		for _, c := range commands {
			cmd, rest, err := root("en").Find(strings.Fields(c[1]))
			if err != nil {
				t.Errorf("%s: %s: %v", page, c[0], err)
			} else if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %s: %v", page, c[0], err)
			}
		}
	}
}
