package main

import (
	"os"

	"github.com/spf13/cobra"

	"feikong/firmware-sim/story"
	"feikong/internal/daemon"
)

func streetCommand(say words) *cobra.Command {
	var dir, bin string
	c := &cobra.Command{
		Use:     "street --dir DIR",
		Short:   say("运行整条街：仿真线路、采集终端、网关三个进程，直到 Ctrl-C", "run a whole street: simulated lines, agent and gateway as three processes, until Ctrl-C"),
		Example: "  firmware-sim street --dir data/street --bin bin",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return story.RunStreet(c.Context(), c.OutOrStdout(), dir, bin, daemon.Lang())
		},
	}
	c.Flags().StringVar(&dir, "dir", "data/street", say("数据目录，重启后保留", "folder of the data, kept over restarts"))
	c.Flags().StringVar(&bin, "bin", "bin", say("三个程序所在的目录", "folder of the three programs"))
	return c
}

func demoCommand(say words) *cobra.Command {
	var dir, bin string
	c := &cobra.Command{
		Use:     "demo",
		Short:   say("把整个故事讲一遍并逐项核对（不超过 90 秒）", "play the whole story and check every claim (at most 90 seconds)"),
		Example: "  firmware-sim demo --bin bin",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				temp, err := os.MkdirTemp("", "feikong-demo-")
				if err != nil {
					return err
				}
				dir = temp
				err = story.Play(c.Context(), c.OutOrStdout(), dir, bin, daemon.Lang(), story.DemoMax)
				if err == nil {
					return os.RemoveAll(temp) // a story that failed leaves its logs
				}
				return err
			}
			return story.Play(c.Context(), c.OutOrStdout(), dir, bin, daemon.Lang(), story.DemoMax)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", say("数据目录；默认为临时目录", "folder of the data; a temporary one when empty"))
	c.Flags().StringVar(&bin, "bin", "bin", say("三个程序所在的目录", "folder of the three programs"))
	return c
}
