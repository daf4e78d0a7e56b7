package verify

import (
	"fmt"
	"io"
	"strings"

	"feikong/gateway/api/wire"
)

// words are the checks for people.
var words = map[string]struct{ zh, en string }{
	CheckEntries:  {"分录借贷平衡", "ledger entries balance"},
	CheckChains:   {"账户哈希链完整", "hash chains are intact"},
	CheckBalances: {"余额等于分录累计", "balances equal the fold of their ledgers"},
	CheckBills:    {"账单与分录一致", "bills agree with the ledger"},
	CheckEnergy:   {"电量等于示数之差", "energy equals last minus opening registers"},
	CheckReadings: {"示数有抄表记录为证", "registers are among the stored readings"},
	CheckHeld:     {"审核挂起均已列出", "what audit holds is listed"},
	CheckAudit:    {"操作审计链完整", "audit chain is intact"},
}

// Text writes a report for people, in zh or else in English.
func Text(w io.Writer, lang string, r *wire.Verification) error {
	zh := lang == "zh"
	var b strings.Builder
	for _, c := range r.Checks {
		mark, name := "ok   ", words[c.Name].en
		if zh {
			mark, name = "正确 ", words[c.Name].zh
		}
		if !c.OK {
			mark = say(zh, "错误 ", "WRONG")
		}
		if name == "" {
			name = c.Name
		}
		fmt.Fprintf(&b, "%s %s (%d)", mark, name, c.Checked)
		if c.Detail != "" {
			fmt.Fprintf(&b, ": %s", c.Detail)
		}
		b.WriteByte('\n')
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "  - %s\n", p)
	}
	if len(r.Held) > 0 {
		fmt.Fprintf(&b, "%s: %s\n", say(zh, "审核挂起的户号", "accounts held by audit"), strings.Join(r.Held, ", "))
	}
	verdict := say(zh, "账务正确", "The books are right")
	if !r.OK {
		verdict = say(zh, "账务有误", "The books are NOT right")
	}
	fmt.Fprintf(&b, say(zh, "%s：%d 户，%d 条分录。\n", "%s: %d accounts, %d ledger entries.\n"), verdict, r.Accounts, r.Entries)
	_, err := io.WriteString(w, b.String())
	return err
}

func say(zh bool, chinese, english string) string {
	if zh {
		return chinese
	}
	return english
}
