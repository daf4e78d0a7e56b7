package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"feikong/configs"
	"feikong/gateway/api/wire"
	"feikong/gateway/headend"
)

// call runs one command line and gives what it printed.
func call(t *testing.T, lang string, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("LC_ALL", lang)
	var o, e bytes.Buffer
	code = Main(t.Context(), "test", args, &o, &e)
	return code, o.String(), e.String()
}

// street is a street's directory with free ports.
func street(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../configs/street")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "gateway.yaml")
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("127.0.0.1:8420"), []byte("127.0.0.1:0")), []byte("127.0.0.1:18830"), []byte("127.0.0.1:0"))
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// gateway runs the gateway of a street until stop.
func gateway(t *testing.T, dir string) (stop func()) {
	t.Helper()
	c, err := headend.Load(filepath.Join(dir, "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ready := &signal{seen: make(chan struct{})}
	go func() {
		done <- headend.Run(ctx, c, headend.Options{Version: "test", Lang: "en", Out: ready, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	}()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("gateway ended with %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case <-ready.seen:
	case <-time.After(20 * time.Second):
		t.Fatal("the gateway did not start")
	}
	return stop
}

type signal struct{ seen chan struct{} }

func (s *signal) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("console http")) {
		close(s.seen)
	}
	return len(p), nil
}

func TestEveryCommandIsExplainedInBothLanguages(t *testing.T) {
	var walk func(c *cobra.Command, path string, into map[string]string)
	walk = func(c *cobra.Command, path string, into map[string]string) {
		path += " " + c.Name()
		into[path] = c.Short
		if c.Example == "" || !strings.Contains(c.Example, "gateway ") {
			t.Errorf("%s has no example", path)
		}
		for _, sub := range c.Commands() {
			walk(sub, path, into)
		}
	}
	zh, en := map[string]string{}, map[string]string{}
	walk((&terminal{lang: "zh"}).root(), "", zh)
	walk((&terminal{lang: "en"}).root(), "", en)
	for path := range en {
		if zh[path] == "" || en[path] == "" || zh[path] == en[path] {
			t.Errorf("%s: got %q and %q, want a sentence in each language", path, zh[path], en[path])
		}
	}
}

func TestExamplesPrintedAreTheExplainedFiles(t *testing.T) {
	for args, want := range map[string][]byte{"gateway": configs.Gateway, "archive": configs.Archive} {
		if code, out, _ := call(t, "C", "config", "example", args); code != 0 || out != string(want) {
			t.Errorf("config example %s: got code %d and %d bytes", args, code, len(out))
		}
	}
	if code, _, errOut := call(t, "C", "config", "example", "agent"); code == 0 || !strings.Contains(errOut, "gateway and archive") {
		t.Errorf("got %d, %s", code, errOut)
	}
}

func TestHelpIsInThePersonsLanguageThroughout(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"bill", "issue", "--help"}, {"help", "bill", "issue"}} {
		if code, out, errOut := call(t, "zh_CN.UTF-8", args...); code != 0 || !strings.Contains(out, "用法：") || strings.Contains(out, "Usage") || strings.Contains(out, "help for") {
			t.Errorf("%v: got %d, %s%s", args, code, out, errOut)
		}
		if code, out, _ := call(t, "C", args...); code != 0 || !strings.Contains(out, "Usage:") {
			t.Errorf("%v: got %d, %s", args, code, out)
		}
	}
}

// What is damaged is told with its file and the remedy, by every command that opens it, and is not touched.
func TestADamagedStoreIsToldAndLeftAlone(t *testing.T) {
	dir := street(t)
	gateway(t, dir)()
	path := filepath.Join(dir, "gateway", "feikong.db")
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 3 * 4096; at < len(body); at += 512 { // wherever the pages in use lie
		body[at] ^= 0xff
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify"}, {"account", "list"}, {"run", "--config", filepath.Join(dir, "gateway.yaml")}} {
		if args[0] == "run" && t.Failed() {
			break // it would open the file as well, and serve
		}
		code, _, errOut := call(t, "C", append(args, "--data", filepath.Join(dir, "gateway"))...)
		if code != 1 || !strings.Contains(errOut, path) || !strings.Contains(errOut, "damaged") || !strings.Contains(errOut, "restore the newest backup") {
			t.Errorf("%v: got %d, %s", args, code, errOut)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, body) {
		t.Errorf("the damaged file was changed: %v", err)
	}
}

func TestConfigCheckTellsRightAndWrong(t *testing.T) {
	dir := street(t)
	path := filepath.Join(dir, "gateway.yaml")
	if code, out, errOut := call(t, "C", "config", "check", path); code != 0 || !strings.Contains(out, "1 agents, 11 accounts, 12 metering points") {
		t.Errorf("got %d, %s%s", code, out, errOut)
	}
	if code, out, _ := call(t, "zh_CN.UTF-8", "config", "check", path); code != 0 || !strings.Contains(out, "正确：采集终端 1，户 11") {
		t.Errorf("got %d, %s", code, out)
	}
	if err := os.WriteFile(path, []byte("tenant: default\ndatta: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := call(t, "C", "config", "check", path); code != 1 || !strings.Contains(errOut, `line 2: unknown key "datta", nearest is "data"`) {
		t.Errorf("got %d, %s", code, errOut)
	}
}

func TestCommandsAskTheRunningGatewayAndTheStoppedOne(t *testing.T) {
	dir := street(t)
	data := filepath.Join(dir, "gateway")
	stop := gateway(t, dir)
	for _, when := range []string{"running", "stopped"} {
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"verify"}, "The books are right: 11 accounts, 0 ledger entries."},
			{[]string{"account", "list"}, "1011"},
			{[]string{"account", "show", "1007"}, "l1/000000000107"},
			{[]string{"order", "list"}, "REASON"},
			{[]string{"quarantine", "list"}, "REASON"},
			{[]string{"token", "list"}, "NAME"},
		} {
			if code, out, errOut := call(t, "C", append(c.args, "--data", data)...); code != 0 || !strings.Contains(out, c.want) {
				t.Errorf("%s: %v: got %d, %s%s", when, c.args, code, out, errOut)
			}
		}
		var report wire.Verification
		code, out, _ := call(t, "C", "verify", "--json", "--data", data)
		if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.OK || report.Accounts != 11 {
			t.Errorf("%s: got %d, %+v, %v", when, code, report, err)
		}
		if when == "running" {
			if code, out, errOut := call(t, "C", "token", "create", "billing", "--data", data); code != 0 || !strings.HasPrefix(out, "fk_") {
				t.Errorf("got %d, %s%s", code, out, errOut)
			}
			if code, _, errOut := call(t, "C", "bill", "issue", "1008", "--data", data); code != 1 || !strings.Contains(errOut, "no reading was accepted yet") {
				t.Errorf("got %d, %s", code, errOut)
			}
			stop()
		}
	}
	if code, _, errOut := call(t, "C", "bill", "issue", "1008", "--data", data); code != 1 || !strings.Contains(errOut, "not running") {
		t.Errorf("got %d, %s", code, errOut)
	}
}

func TestCallsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"frobnicate"}, 2, "unknown command"},
		{[]string{"verify", "--frob"}, 2, "unknown flag"},
		{[]string{"verify"}, 1, "which gateway?"},
		{[]string{"verify", "--data", "nowhere"}, 1, "there is no gateway in nowhere"},
		{[]string{"run"}, 1, "give --config FILE"},
		{[]string{"run", "--config", "nowhere.yaml"}, 1, "no such file"},
	} {
		if code, _, errOut := call(t, "C", c.args...); code != c.code || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: got %d, %s; want %d, %q", c.args, code, errOut, c.code, c.want)
		}
	}
}

func TestTableCellsCannotSteerATerminal(t *testing.T) {
	var b bytes.Buffer
	row(&b, "a\x1b[2Jb\n", 7)
	if b.String() != "a [2Jb \t7\n" {
		t.Errorf("got %q", b.String())
	}
}
