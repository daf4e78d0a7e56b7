package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"feikong/gateway/api/wire"
)

// writer is what a table is written to.
type writer = io.Writer

func say(w writer, format string, args ...any) { fmt.Fprintf(w, format, args...) }

func (t *terminal) account() *cobra.Command {
	group := &cobra.Command{Use: "account", Short: t.say("查看用户", "look at accounts"), Example: "  gateway account list --data DIR\n  gateway account show 1001 --data DIR"}
	list := &cobra.Command{
		Use: "list", Short: t.say("全部用户：余额与阶段", "all accounts: balance and stage"), Example: "  gateway account list --data DIR", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			all, err := c.Accounts(cmd.Context())
			if err != nil {
				return err
			}
			return t.print(all, func(w writer) {
				row(w, t.say("户号", "ACCOUNT"), t.say("客户", "CUSTOMER"), t.say("可用余额", "AVAILABLE"), t.say("币种", "CURRENCY"), t.say("阶段", "STAGE"), t.say("继电器", "RELAY"), t.say("审核", "HELD"))
				for i := range all {
					a := &all[i]
					var relays, held []string
					for _, p := range a.Points {
						relays = append(relays, t.relay(&p))
						if p.Held != "" {
							held = append(held, p.Held)
						}
					}
					row(w, a.ID, a.Customer, a.Balance.Available, a.Currency, a.StageText, strings.Join(relays, ","), strings.Join(held, ","))
				}
			})
		},
	}
	show := &cobra.Command{
		Use: "show ACCOUNT", Short: t.say("一户的全部事实", "the facts of one account"), Example: "  gateway account show 1001 --data DIR", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			a, err := c.Account(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return t.print(a, func(w writer) { t.showAccount(w, &a) })
		},
	}
	group.AddCommand(list, show)
	return group
}

func (t *terminal) showAccount(w writer, a *wire.Account) {
	row(w, t.say("户号", "account"), a.ID, a.Customer)
	row(w, t.say("电价", "tariff"), a.Tariff, t.say("策略 ", "policy ")+a.Policy)
	row(w, t.say("阶段", "stage"), a.StageText, t.say("自 ", "since ")+moment(a.Since))
	for _, b := range a.Blocks {
		row(w, t.say("闭锁", "blocked"), b.Code, b.Reason)
	}
	if a.TaskText != "" {
		row(w, t.say("现场任务", "task"), a.TaskText)
	}
	if a.Protected != nil {
		row(w, t.say("保电", "protected"), a.Protected.By, a.Protected.Note)
	}
	for _, g := range a.Tags {
		row(w, t.say("挂牌", "tag"), g.ID+" "+g.KindText, g.Holder+": "+g.Work)
	}
	for _, h := range a.Holds {
		row(w, t.say("冻结", "hold"), h.ID, h.By+": "+h.Reason)
	}
	b := &a.Balance
	row(w, t.say("可用余额", "available"), b.Available+" "+a.Currency,
		fmt.Sprintf(t.say("= 预收 %s + 透支额度 %s − 应收 %s − 测算 %s", "= advances %s + credit %s - receivables %s - estimate %s"), b.Advances, b.Credit, b.Receivables, b.Estimate))
	row(w, t.say("本期电量", "open period"), a.Period.Energy+" kWh", t.say("自 ", "since ")+moment(a.Period.From))
	for _, p := range a.Points {
		reading := "-"
		if p.Reading != nil {
			reading = fmt.Sprintf("%s kWh, %s", p.Reading.KWh, moment(p.Reading.At))
		}
		row(w, t.say("计量点", "point"), p.ID, p.Agent+" "+p.Meter.Line+"/"+p.Meter.Address, reading, t.relay(&p), p.HeldText)
	}
}

// relay is the switch of a point as last read; a mode is told where it is not the ordinary one.
func (t *terminal) relay(p *wire.Point) string {
	switch {
	case p.Switch.Kind == "none":
		return t.say("无开关", "no switch")
	case p.Relay.Mode == "own", p.Relay.Mode == "unknown":
		return p.Relay.StateText
	}
	return p.Relay.StateText + ", " + p.Relay.ModeText
}

func (t *terminal) order() *cobra.Command {
	group := &cobra.Command{Use: "order", Short: t.say("查看停复电命令", "look at orders"), Example: "  gateway order list 1001 --data DIR"}
	group.AddCommand(&cobra.Command{
		Use: "list [ACCOUNT]", Short: t.say("一户或全部命令", "the orders of one account, or all"), Example: "  gateway order list 1001 --data DIR", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			accounts := args
			if len(accounts) == 0 {
				all, err := c.Accounts(cmd.Context())
				if err != nil {
					return err
				}
				for i := range all {
					accounts = append(accounts, all[i].ID)
				}
			}
			orders := []wire.Order{}
			for _, id := range accounts {
				of, err := c.Orders(cmd.Context(), id)
				if err != nil {
					return err
				}
				orders = append(orders, of...)
			}
			return t.print(orders, func(w writer) {
				row(w, t.say("户号", "ACCOUNT"), t.say("计量点", "POINT"), "#", t.say("动作", "ACTION"), t.say("状态", "STATE"), t.say("时间", "CREATED"), t.say("来自", "BY"), t.say("原因", "REASON"))
				for i := range orders {
					o := &orders[i]
					row(w, o.Account, o.Point, o.Number, o.ActionText, o.StateText, moment(o.Created), o.Actor, o.Reason)
				}
			})
		},
	})
	return group
}
