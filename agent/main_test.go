package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// walk calls f for a command and all below it.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

func TestEveryCommandHasAnExampleAndBothLanguages(t *testing.T) {
	told := map[string]string{}
	for _, lang := range []string{"en_US.UTF-8", "zh_CN.UTF-8"} {
		t.Setenv("LC_ALL", lang)
		walk(command(), func(c *cobra.Command) {
			if c.Hidden {
				return
			}
			if c.Example == "" {
				t.Errorf("%s has no example", c.CommandPath())
			}
			if told[c.CommandPath()] == c.Short {
				t.Errorf("%s says the same in both languages: %s", c.CommandPath(), c.Short)
			}
			told[c.CommandPath()] = c.Short
		})
	}
}

// The READMEs' decode lines are run as they stand: a newcomer's first command must not end in "bad checksum".
func TestDecodeLinesOfTheReadmesDecode(t *testing.T) {
	for _, file := range []string{"../README.md", "../README.zh.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, ok := strings.Cut(string(text), "`agent decode ")
		if !ok {
			t.Fatalf("%s has no decode line", file)
		}
		line, _, _ := strings.Cut(rest, "`")
		c := command()
		var out bytes.Buffer
		c.SetOut(&out)
		c.SetArgs(append([]string{"decode"}, strings.Fields(line)...))
		if err := c.Execute(); err != nil || strings.Contains(out.String(), "not a frame") || strings.Contains(out.String(), "不是有效帧") || out.Len() == 0 {
			t.Errorf("%s: decode %s: %v\n%s", file, line, err, out.String())
		}
	}
}
