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

func TestHelpFitsATerminal(t *testing.T) {
	for _, lang := range []string{"en_US.UTF-8", "zh_CN.UTF-8"} {
		t.Setenv("LC_ALL", lang)
		var paths [][]string
		walk(command(), func(c *cobra.Command) { paths = append(paths, strings.Fields(c.CommandPath())[1:]) })
		for _, path := range paths {
			c := command()
			var out bytes.Buffer
			c.SetOut(&out)
			c.SetArgs(append(path, "--help"))
			if err := c.Execute(); err != nil {
				t.Error(err)
			}
			for l := range strings.Lines(out.String()) {
				if n := columns(strings.TrimRight(l, "\n")); n > screenWidth {
					t.Errorf("%s: %v --help has a line of %d columns: %s", lang, path, n, l)
				}
			}
		}
	}
}

func TestMistypedCommandsEndInAnErrorThatNamesTheRemedy(t *testing.T) {
	for _, row := range []struct{ lang, args, want string }{
		{"en", "reed", `there is no command "reed", nearest is read`},
		{"zh_CN.UTF-8", "reading entr", "没有命令 \"entr\"，最接近的是 enter"},
		{"en", "config nonsense", "agent config --help"},
		{"en", "relay 101", "agent relay METER ACTION"},
		{"zh_CN.UTF-8", "reading enter 1 2", "agent reading enter METER"},
		{"en", "status now", "agent status --help"},
		{"zh_CN.UTF-8", "status --jsn", "选项不对"},
	} {
		t.Setenv("LC_ALL", row.lang)
		c := command()
		var out bytes.Buffer
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs(strings.Fields(row.args))
		if err := c.Execute(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("agent %s: got %v, want %s", row.args, err, row.want)
		}
	}
	c := command()
	c.SetOut(new(bytes.Buffer))
	c.SetArgs([]string{"reading"})
	if err := c.Execute(); err != nil {
		t.Errorf("a group alone explains itself: %v", err)
	}
}
