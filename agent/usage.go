package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// screenWidth is what a terminal over a slow line has at least; longer words of help are broken there, examples are not:
// they are pasted.
const screenWidth = 80

// forPeople makes a tree of commands say what is wrong in the person's language, and fit a terminal.
func forPeople(root *cobra.Command) {
	plain := root.UsageFunc()
	root.SetUsageFunc(func(c *cobra.Command) error {
		out := c.OutOrStderr()
		var text bytes.Buffer
		c.SetOut(&text)
		err := plain(c)
		c.SetOut(out)
		if err == nil {
			_, err = io.WriteString(out, foldFlags(text.String()))
		}
		return err
	})
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf(say("选项不对：%w；见 %s --help", "%w; see %s --help"), err, c.CommandPath())
	})
	each(root)
}

func each(c *cobra.Command) {
	c.Long = fold(c.Long)
	check := c.Args
	switch {
	case c.HasSubCommands() && c.RunE == nil:
		c.Args = nil
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		check = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf(say("没有命令 %q%s；见 %s --help", "there is no command %q%s; see %s --help"), args[0], near(c, args[0]), c.CommandPath())
		}
	case check != nil:
		was := check
		check = func(c *cobra.Command, args []string) error {
			if was(c, args) == nil {
				return nil
			}
			return fmt.Errorf(say("给了 %d 个参数，应写：%s；见 %s --help", "%d arguments are not what it takes: %s; see %s --help"), len(args), c.UseLine(), c.CommandPath())
		}
	}
	c.Args = check
	for _, sub := range c.Commands() {
		each(sub)
	}
}

func near(c *cobra.Command, name string) string {
	c.SuggestionsMinimumDistance = 2
	if s := c.SuggestionsFor(name); len(s) > 0 {
		return fmt.Sprintf(say("，最接近的是 %s", ", nearest is %s"), s[0])
	}
	return ""
}

// fold breaks paragraphs; a line that does not end a sentence goes on in the next.
func fold(text string) string {
	var out []string
	paragraph := ""
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		if paragraph != "" {
			paragraph += " "
		}
		paragraph += l
		if l == "" || strings.ContainsAny(l[len(l)-1:], ".:") || strings.HasSuffix(l, "。") || strings.HasSuffix(l, "：") {
			out, paragraph = append(out, broken(paragraph, screenWidth)...), ""
		}
	}
	if paragraph != "" {
		out = append(out, broken(paragraph, screenWidth)...)
	}
	return strings.Join(out, "\n")
}

// foldFlags breaks what flags mean, below where it begins.
func foldFlags(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		name := strings.TrimLeft(l, " ")
		at := strings.Index(name, "   ")
		if columns(l) <= screenWidth || !strings.HasPrefix(name, "-") || at < 0 {
			b.WriteString(l + "\n")
			continue
		}
		means := strings.TrimLeft(name[at:], " ")
		indent := len(l) - len(means)
		for i, part := range broken(means, max(screenWidth-indent, 20)) {
			if i == 0 {
				b.WriteString(l[:indent])
			} else {
				b.WriteString(strings.Repeat(" ", indent))
			}
			b.WriteString(part + "\n")
		}
	}
	return b.String()
}

// broken breaks a text at blanks where there are some, else between Chinese characters.
func broken(text string, limit int) (out []string) {
	line, used, blank := []rune(nil), 0, -1
	for _, r := range text {
		if used+columns(string(r)) > limit {
			rest := []rune(nil)
			if r == ' ' {
				blank = len(line)
			}
			if blank > 0 {
				if blank < len(line) {
					rest = append(rest, line[blank+1:]...)
				}
				line = line[:blank]
			} else if n := len(line) - 1; n > 0 && strings.ContainsRune("，。、；：）", r) { // begins no line
				rest, line = append(rest, line[n]), line[:n]
			}
			out = append(out, strings.TrimRight(string(line), " "))
			line, used, blank = rest, columns(string(rest)), -1
			if r == ' ' && len(line) == 0 {
				continue
			}
		}
		switch {
		case r == ' ':
			blank = len(line)
		case r >= 0x2E80: // a line may end before it
			blank = -1
		}
		line, used = append(line, r), used+columns(string(r))
	}
	return append(out, string(line))
}

// columns is how wide a text is: a Chinese character takes two.
func columns(text string) (n int) {
	for _, r := range text {
		n++
		if r >= 0x2E80 && r <= 0xFFEF {
			n++
		}
	}
	return n
}
