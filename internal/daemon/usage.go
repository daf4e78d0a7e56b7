package daemon

import (
	"bytes"
	"strings"

	"github.com/spf13/cobra"
)

// usageWords are the words of a command's usage that are not the command's own.
var usageWords = strings.NewReplacer(
	"Usage:", "用法：", "Aliases:", "别名：", "Examples:", "示例：", "Available Commands:", "可用命令：", "Additional Commands:", "其他命令：",
	"Global Flags:", "全局选项：", "Flags:", "选项：", "Additional help topics:", "其他帮助主题：", " [command]", " [命令]",
	"[flags]", "[选项]", `Use "`, `运行 "`, `" for more information about a command.`, `" 查看某个命令的说明。`,
)

// CommandLine gives a program's root command what all our programs have in common: a help command that is the same as --help,
// and usage, --help and --version in the person's language.
func CommandLine(root *cobra.Command, lang string) {
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Hidden: true, Short: Say(lang, "显示命令的说明", "explain a command"),
		RunE: func(_ *cobra.Command, args []string) error {
			of, _, err := root.Find(args)
			if err != nil {
				return err
			}
			return of.Help()
		},
	})
	root.PersistentFlags().BoolP("help", "h", false, Say(lang, "显示说明", "explain the command"))
	if root.Version != "" {
		root.Flags().BoolP("version", "v", false, Say(lang, "显示版本", "show the version"))
	}
	if lang == "zh" {
		translateUsage(root)
	}
}

// translateUsage puts usageWords over what the library writes. Its usage template would do the same, but a program that sets
// one carries text/template and, with it, every method of every type: 1.8 MB on a concentrator.
func translateUsage(root *cobra.Command) {
	plain := (&cobra.Command{}).UsageFunc()
	root.SetUsageFunc(func(c *cobra.Command) error {
		out := c.OutOrStderr()
		var text bytes.Buffer
		c.SetOut(&text)
		err := plain(c)
		c.SetOut(out)
		if err != nil {
			return err
		}
		_, err = usageWords.WriteString(out, text.String())
		return err
	})
}
