package story

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// RunStreet keeps a street running for a person until ctx ends: `make run`.
func RunStreet(ctx context.Context, out io.Writer, dir, bin, lang string) error {
	say := func(zh, en string, args ...any) {
		if lang == "zh" {
			en = zh
		}
		fmt.Fprintf(out, en+"\n", args...)
	}
	rig, err := Lay(dir, bin, false)
	if err != nil {
		return err
	}
	defer rig.Stop() // the error of a second stop is the first one's
	say("仿真线路：12 块电能表，两条线路 …", "simulated street: twelve meters on two lines ...")
	if err := rig.StartSim(ctx); err != nil {
		return err
	}
	if err := rig.StartGateway(ctx); err != nil {
		return err
	}
	if err := rig.StartAgent(); err != nil {
		return err
	}
	if err := rig.FirstCredit(ctx); err != nil {
		return err
	}
	if err := rig.protect(ctx); err != nil {
		return err
	}
	terminals, err := Terminals(rig)
	if err != nil {
		return err
	}
	defer func() {
		for _, t := range terminals {
			t.Close()
		}
	}()
	// Somebody to answer the webhook of account 1001; where the address is taken its notices wait, as with any webhook that is down.
	if hook, err := NewHook(DefaultHook); err == nil {
		defer hook.Close()
	}
	say("", "")
	say("页面：    http://%s/", "page:     http://%s/", rig.HTTP)
	say("登录：    admin，一次性密码见 %s", "sign in:  admin, with the one-time password in %s", filepath.Join(rig.Dir, "logs", "gateway.log"))
	if word := oneTimePassword(rig.log("gateway")); word != "" {
		say("          一次性密码：%s（首次登录后必须修改；已修改则作废）", "          one-time password: %s (to be changed at the first sign-in; void once it was)", word)
	}
	say("命令：    %[1]s/gateway --help    %[1]s/firmware-sim ctl --dir %[2]s meters", "commands: %[1]s/gateway --help    %[1]s/firmware-sim ctl --dir %[2]s meters", rig.Bin, filepath.Join(rig.Dir, "sim"))
	say("注意：    agent.yaml 中 relay: bench，仅供台架：未签名的命令只从本机接受", "note:     relay: bench in agent.yaml, for the bench only: unsigned orders are taken from this machine alone")
	say("日志与数据：%s（重启后保留）。按 Ctrl-C 结束。", "logs and data: %s (kept over restarts). Ctrl-C ends it.", rig.Dir)
	for {
		select {
		case <-ctx.Done():
			say("正在结束 …", "ending ...")
			return rig.Stop()
		case <-rig.Sim.Done():
			return rig.Sim.died()
		case <-rig.Hub.Done():
			return rig.Hub.died()
		case <-rig.Agent.Done():
			return rig.Agent.died()
		}
	}
}

// FirstCredit gives each account of a new street some money, so that a person sees balances fall and can watch what follows. The keys
// make it happen once.
func (r *Rig) FirstCredit(ctx context.Context) error {
	for _, p := range []struct{ account, amount string }{
		{"1001", "12.00"}, {"1002", "15.00"}, {"1003", "11.00"}, {"1004", "11.00"}, {"1005", "14.00"}, {"1006", "30.00"},
		{"1007", "100.00"}, {"1008", "100.00"}, {"1009", "13.00"}, {"1010", "200.00"}, {"1011", "200.00"},
	} {
		if _, err := r.Gateway.Pay(ctx, p.account, p.amount, "street-first-credit-"+p.account); err != nil {
			return fmt.Errorf("first credit of %s: %w", p.account, err)
		}
	}
	return nil
}

// protect puts account 1004 under protection once, so that the page has somebody to spare and says why. A person who lifts it is not
// overruled by the next start: the key was used.
func (r *Rig) protect(ctx context.Context) error {
	err := r.Gateway.Call(ctx, http.MethodPost, "/accounts/1004/protect", "street-protect-1004", map[string]string{"note": "家用呼吸机 home ventilator"}, nil)
	if err != nil {
		return fmt.Errorf("protect account 1004: %w", err)
	}
	return nil
}

// oneTimePassword finds it in the gateway's log: the line holds "one-time password: WORD".
func oneTimePassword(log string) string {
	data, err := os.ReadFile(log)
	if err != nil {
		return ""
	}
	const mark = "one-time password: "
	i := strings.LastIndex(string(data), mark)
	if i < 0 {
		return ""
	}
	word, _, _ := strings.Cut(string(data[i+len(mark):]), "\n")
	return strings.TrimSpace(word)
}
