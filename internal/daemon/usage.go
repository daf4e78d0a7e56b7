package daemon

import "strings"

// usageWords are the words of a command's usage that are not the command's own.
var usageWords = [][2]string{
	{"Usage:", "用法："}, {"Aliases:", "别名："}, {"Examples:", "示例："}, {"Available Commands:", "可用命令："}, {"Additional Commands:", "其他命令："},
	{"Global Flags:", "全局选项："}, {"Flags:", "选项："}, {"Additional help topics:", "其他帮助主题："}, {" [command]", " [命令]"},
	{`Use "`, `运行 "`}, {`" for more information about a command.`, `" 查看某个命令的说明。`},
}

// UsageTemplate is a command line's usage template in the person's language; template is the English one of the library.
func UsageTemplate(lang, template string) string {
	if lang != "zh" {
		return template
	}
	for _, w := range usageWords {
		template = strings.ReplaceAll(template, w[0], w[1])
	}
	return template
}
