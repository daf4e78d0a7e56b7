package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"feikong/gateway/verify"
)

func (t *terminal) bill() *cobra.Command {
	group := &cobra.Command{Use: "bill", Short: t.say("账单", "bills"), Example: "  gateway bill issue 1008 --data DIR"}
	var label string
	issue := &cobra.Command{
		Use: "issue ACCOUNT", Short: t.say("发行一户的本期账单", "issue the bill of an account's open period"),
		Long: t.say("结束一户的本期并发行账单。账单等于测算，可用余额不变。同一名称（缺省为本月）只发行一次，再次运行不做任何事。",
			"Closes an account's open period and issues its bill. The bill equals the estimate; the available balance does not move. A label (the running month when none is given) is issued once: a second run does nothing."),
		Example: "  gateway bill issue 1008 --label 2026-07 --data DIR", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.act(cmd.Context())
			if err != nil {
				return err
			}
			receipt, err := c.IssueBill(cmd.Context(), args[0], label)
			if err != nil {
				return err
			}
			bill, err := c.Bill(cmd.Context(), args[0], receipt.Ref)
			if err != nil {
				return err
			}
			return t.print(map[string]any{"bill": bill, "already_issued": receipt.Replay}, func(w writer) {
				head := t.say("已发行", "issued")
				if receipt.Replay {
					head = t.say("此前已发行，未做任何事", "issued before, nothing was done")
				}
				row(w, head, bill.ID, bill.Amount+" "+bill.Currency, bill.Energy+" kWh", moment(bill.From)+" – "+moment(bill.To))
				for _, l := range bill.Lines {
					row(w, "", l.Text, l.Quantity+" "+l.Unit+" × "+l.Price, l.Amount)
				}
				for _, s := range bill.Explain {
					row(w, "", s)
				}
			})
		},
	}
	issue.Flags().StringVar(&label, "label", "", t.say("账单名称，缺省为本月", "name of the bill; the running month when absent"))
	group.AddCommand(issue)
	return group
}

func (t *terminal) verify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: t.say("证明账务正确，或指出何处有误", "prove that the books are right, or say where they are not"),
		Long: t.say("核对运行中的网关，或已停止网关的数据文件：分录平衡、哈希链完整、余额等于分录累计、电量等于示数之差、审核挂起均已列出。有误时退出码为 1。",
			"Asks the running gateway, or opens the file of a stopped one: entries balance, chains are intact, balances equal the fold of their ledgers, energy equals last minus opening registers, what audit holds is listed. Exits with 1 when anything is wrong."),
		Example: "  gateway verify --data DIR\n  gateway verify --data DIR --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.Verify(cmd.Context())
			if err != nil {
				return err
			}
			if err := t.print(report, func(w writer) { err = verify.Text(w, t.lang, &report) }); err != nil {
				return err
			}
			if !report.OK {
				return errSaid
			}
			return err
		},
	}
}

func (t *terminal) quarantine() *cobra.Command {
	group := &cobra.Command{Use: "quarantine", Short: t.say("隔离区", "what could not be attributed"), Example: "  gateway quarantine list --data DIR"}
	var limit int
	list := &cobra.Command{
		Use: "list", Short: t.say("无法归属的数据，新的在前", "what could not be attributed, newest first"), Example: "  gateway quarantine list --limit 20 --data DIR", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			all, err := c.Quarantine(cmd.Context(), limit)
			if err != nil {
				return err
			}
			return t.print(all, func(w writer) {
				row(w, "ID", t.say("时间", "AT"), t.say("采集终端", "AGENT"), t.say("电能表", "METER"), t.say("值", "VALUE"), t.say("原因", "REASON"))
				for i := range all {
					q := &all[i]
					meter := ""
					if q.Meter.Address != "" {
						meter = q.Meter.Line + "/" + q.Meter.Address
					}
					row(w, q.ID, moment(q.At), q.Agent, meter, strings.TrimSpace(q.Quantity+" "+q.Value), q.ReasonText)
				}
			})
		},
	}
	list.Flags().IntVar(&limit, "limit", 200, t.say("最多条数", "at most so many"))
	group.AddCommand(list)
	return group
}

func (t *terminal) token() *cobra.Command {
	group := &cobra.Command{Use: "token", Short: t.say("接口令牌", "API tokens"), Example: "  gateway token create billing-system --days 365 --data DIR\n  gateway token list --data DIR"}
	var days int
	create := &cobra.Command{
		Use: "create NAME", Short: t.say("新建令牌，只显示一次", "make a token; it is shown once"), Example: "  gateway token create billing-system --days 365 --data DIR", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.act(cmd.Context())
			if err != nil {
				return err
			}
			made, err := c.MakeToken(cmd.Context(), args[0], days)
			if err != nil {
				return err
			}
			return t.print(made, func(w writer) { say(w, "%s\n", made.Secret) })
		},
	}
	create.Flags().IntVar(&days, "days", 0, t.say("有效天数，0 为不限", "days it is valid; 0 is without end"))
	list := &cobra.Command{
		Use: "list", Short: t.say("全部令牌", "all tokens"), Example: "  gateway token list --data DIR", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			all, err := c.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			return t.print(all, func(w writer) {
				row(w, "ID", t.say("名称", "NAME"), t.say("用户", "USER"), t.say("建立", "CREATED"), t.say("到期", "EXPIRES"))
				for i := range all {
					row(w, all[i].ID, all[i].Name, all[i].User, moment(all[i].Created), moment(all[i].Expires))
				}
			})
		},
	}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: t.say("注销令牌", "revoke a token"), Example: "  gateway token revoke k3x9p2aa --data DIR", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.act(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.RevokeToken(cmd.Context(), args[0]); err != nil {
				return err
			}
			return t.print(map[string]string{"revoked": args[0]}, func(w writer) { say(w, t.say("已注销 %s\n", "revoked %s\n"), args[0]) })
		},
	}
	group.AddCommand(create, list, revoke)
	return group
}
