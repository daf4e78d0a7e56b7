package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/internal/document"
	"feikong/protocol/modbusmap"
)

// ModelCommand is `agent model`.
func ModelCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "model", Short: say("Modbus 电表型号表", "the tables of Modbus meters"),
		Example: "  agent model list\n  agent model show eastron-sdm230\n  agent model check my-meter.yaml",
	}
	c.AddCommand(modelListCommand(), modelShowCommand(), modelCheckCommand())
	return c
}

// modelRow is one model for programs.
type modelRow struct {
	Name   string `json:"name"`
	Maker  string `json:"maker"`
	Manual string `json:"manual"`
	Doubt  string `json:"doubt,omitempty"`
	Baud   int    `json:"baud"`
	Parity string `json:"parity"`
	Points int    `json:"points"`
	Relay  string `json:"relay,omitempty"`
	Own    bool   `json:"own,omitempty"` // from a file of the configuration
}

func rowOf(m modbusmap.Model) modelRow {
	_, builtIn := modbusmap.Find(m.Name)
	return modelRow{Name: m.Name, Maker: m.Maker, Manual: m.Manual, Doubt: m.Doubt, Baud: m.Baud, Parity: m.Parity, Points: len(m.Points), Relay: relayWords(m.Relay), Own: !builtIn}
}

// relayWords is what a model's relay can do.
func relayWords(r *modbusmap.Relay) string {
	if r == nil {
		return ""
	}
	var can []string
	for _, w := range []struct {
		can    bool
		zh, en string
	}{{r.CanTrip, "跳闸", "trip"}, {r.CanClose, "合闸", "close"}, {r.CanPermit, "允许合闸", "permit"}, {r.Feedback, "回读", "read back"}} {
		if w.can {
			can = append(can, say(w.zh, w.en))
		}
	}
	return strings.Join(can, say("、", ", "))
}

// known is the built-in models and those of a configuration, when one is named.
func known(config string) ([]modbusmap.Model, error) {
	if config == "" {
		return modbusmap.Models(), nil
	}
	cfg, err := edge.Load(config)
	if err != nil {
		return nil, err
	}
	return cfg.Models.All(), nil
}

func modelListCommand() *cobra.Command {
	var config string
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: say("列出已知型号", "list the models that are known"), Args: cobra.NoArgs,
		Example: "  agent model list\n  agent model list --config agent.yaml --json",
		RunE: func(c *cobra.Command, _ []string) error {
			models, err := known(config)
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if asJSON {
				enc := json.NewEncoder(out)
				for _, m := range models {
					if err := enc.Encode(rowOf(m)); err != nil {
						return fmt.Errorf("print model: %w", err)
					}
				}
				return nil
			}
			rows := [][]string{strings.Split(say("型号|厂家|出厂|数据点|继电器", "model|maker|factory|points|relay"), "|")}
			for _, m := range models {
				r := rowOf(m)
				name := r.Name
				if r.Own {
					name += say("（自定义）", " (own)")
				}
				if r.Relay == "" {
					r.Relay = say("无", "none")
				}
				rows = append(rows, []string{name, r.Maker, fmt.Sprintf("%d %s", r.Baud, r.Parity), fmt.Sprint(r.Points), r.Relay})
			}
			return table(out, rows)
		},
	}
	c.Flags().StringVar(&config, "config", "", say("配置文件：加上其中的自定义型号", "configuration file: its own models as well"))
	c.Flags().BoolVar(&asJSON, "json", false, say("每个型号一行 JSON", "one JSON object a line"))
	return c
}

func modelShowCommand() *cobra.Command {
	var config string
	var asYAML bool
	c := &cobra.Command{
		Use: "show NAME", Short: say("显示一个型号的寄存器表", "show the registers of a model"), Args: cobra.ExactArgs(1),
		Long:    say("显示一个型号的寄存器表和它的来源。--yaml 输出可修改的文件，改好后写入配置的 models。", "Shows the registers of a model and where they were read. --yaml prints a file to start your own from; name it under models in the configuration."),
		Example: "  agent model show eastron-sdm230\n  agent model show eastron-sdm230 --yaml > my-meter.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			models, err := known(config)
			if err != nil {
				return err
			}
			var names []string
			for _, m := range models {
				if m.Name == args[0] {
					if asYAML {
						_, err := c.OutOrStdout().Write(modbusmap.Format(m))
						return err
					}
					return showModel(c.OutOrStdout(), m)
				}
				names = append(names, m.Name)
			}
			return fmt.Errorf(say("没有型号 %q；%s", "there is no model %q; %s"), args[0], nearest(args[0], names))
		},
	}
	c.Flags().StringVar(&config, "config", "", say("配置文件：加上其中的自定义型号", "configuration file: its own models as well"))
	c.Flags().BoolVar(&asYAML, "yaml", false, say("输出可作自定义起点的 YAML", "print YAML to start a table of your own from"))
	return c
}

func showModel(out io.Writer, m modbusmap.Model) error {
	r := rowOf(m)
	fmt.Fprintf(out, say("%s  %s  出厂 %d %s\n来源：%s\n", "%s  %s  leaves the factory at %d %s\nread in: %s\n"), r.Name, r.Maker, r.Baud, r.Parity, r.Manual)
	if r.Doubt != "" {
		fmt.Fprintf(out, say("待核对：%s\n", "to be confirmed: %s\n"), r.Doubt)
	}
	relay := r.Relay
	if relay == "" {
		relay = say("无", "none")
	}
	fmt.Fprintf(out, say("继电器：%s\n", "relay: %s\n"), relay)
	rows := [][]string{strings.Split(say("点|功能|寄存器|长度|单位|名称", "point|function|register|words|unit|Chinese"), "|")}
	for _, p := range m.Points {
		_, unit, zh, _ := modbusmap.QuantityWords(p.Quantity)
		rows = append(rows, []string{p.Name(), fmt.Sprintf("%02X", p.Func), fmt.Sprintf("%04XH", p.Addr), fmt.Sprint(p.Words), unit, zh})
	}
	return table(out, rows)
}

func modelCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check FILE", Short: say("检查自定义型号文件", "check a file with a model of your own"), Args: cobra.MinimumNArgs(1),
		Example: "  agent model check my-meter.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			var errs []error
			for _, path := range args {
				m, err := modelFile(path)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				if _, taken := modbusmap.Find(m.Name); taken {
					errs = append(errs, fmt.Errorf(say("%s：型号名 %s 是内置的，换一个名字，如 %s-2", "%s: the name %s is built in; take one of your own, like %s-2"), path, m.Name, m.Name))
					continue
				}
				relay := relayWords(m.Relay)
				if relay == "" {
					relay = say("无", "none")
				}
				if _, err := fmt.Fprintf(c.OutOrStdout(), say("%s：型号 %s，%d 个数据点，%d 次请求读完，继电器：%s\n", "%s: model %s, %d points in %d requests, relay: %s\n"),
					path, m.Name, len(m.Points), len(m.Reads()), relay); err != nil {
					return err
				}
			}
			return errors.Join(errs...)
		},
	}
	return c
}

// modelFile reads a model that a user has written.
func modelFile(path string) (modbusmap.Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return modbusmap.Model{}, fmt.Errorf("read model: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > document.SizeMax {
		return modbusmap.Model{}, fmt.Errorf(say("%s 不是型号文件", "%s is no file with a model"), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return modbusmap.Model{}, fmt.Errorf("read model: %w", err)
	}
	return modbusmap.Parse(filepath.Base(path), text)
}
