// Package cli is the command line of the gateway. Commands that ask or act speak to the running gateway through its REST interface, as
// any program would; those that only ask also work on the file of a stopped one.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"feikong/gateway/client"
	"feikong/gateway/headend"
	"feikong/gateway/store"
	"feikong/internal/daemon"
)

// Main runs the command line and gives the exit code: 0 when all is well, 1 when something is wrong, 2 when it was not understood.
func Main(ctx context.Context, version string, args []string, out, errOut io.Writer) int {
	t := &terminal{version: version, lang: daemon.Lang(), out: out, errOut: errOut}
	root := t.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if t.end != nil {
		err = errors.Join(err, t.end())
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSaid):
		return 1
	}
	fmt.Fprintln(errOut, t.say("错误：", "error: ")+err.Error())
	if !t.begun {
		return 2
	}
	return 1
}

// errSaid: the command has already told what is wrong.
var errSaid = errors.New("said")

// terminal is one call of the command line.
type terminal struct {
	version string
	lang    string
	out     io.Writer
	errOut  io.Writer
	begun   bool // a command runs: what fails from here on is not a mistake in the call

	data, config string // flags
	json         bool

	end     func() error // releases the file of a stopped gateway
	stopped bool         // the gateway is not running, the file answers
}

// say picks the sentence in the person's language.
func (t *terminal) say(zh, en string) string { return daemon.Say(t.lang, zh, en) }

func (t *terminal) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "gateway",
		Short:         t.say("费控网关：抄表入账、测算、审核、停复电", "Feikong gateway: readings in, fees, audit, trips and restores"),
		Example:       "  gateway run --config data/street/gateway.yaml\n  gateway verify --data data/street/gateway",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			t.begun = true
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&t.data, "data", "", t.say("网关的数据目录", "data directory of the gateway"))
	flags.StringVar(&t.config, "config", "", t.say("网关的配置文件", "configuration file of the gateway"))
	flags.BoolVar(&t.json, "json", false, t.say("输出 JSON", "print JSON"))
	daemon.CommandLine(root, t.lang)
	root.AddCommand(t.run(), t.account(), t.order(), t.bill(), t.tariff(), t.quote(), t.verify(), t.quarantine(), t.token(), t.password(), t.configuration(), t.versionOf())
	return root
}

// directory is the data directory that the flags mean.
func (t *terminal) directory() (string, error) {
	switch {
	case t.data != "":
		return t.data, nil
	case t.config != "":
		return headend.DataOf(t.config)
	}
	for _, path := range []string{"gateway.yaml"} {
		if _, err := os.Stat(path); err == nil {
			return headend.DataOf(path)
		}
	}
	return "", errors.New(t.say("不知道是哪个网关：请给出 --data 目录或 --config 文件", "which gateway? give --data DIRECTORY or --config FILE"))
}

// reachWait is how long a gateway on this machine may take to answer that it is there.
const reachWait = 3 * time.Second

// ask gives a client of the running gateway, or of the file of a stopped one.
func (t *terminal) ask(ctx context.Context) (*client.Client, error) {
	data, err := t.directory()
	if err != nil {
		return nil, err
	}
	access, found, err := headend.ReadAccess(data)
	if err != nil {
		return nil, err
	}
	if found {
		c := client.New(access.URL, access.Token).In(t.lang)
		stop, cancel := context.WithTimeout(ctx, reachWait)
		defer cancel()
		_, err := c.Me(stop)
		var refused *net.OpError
		var problem *client.Error
		switch {
		case err == nil:
			return c, nil
		case !errors.As(err, &refused) && !(errors.As(err, &problem) && problem.Status == 401):
			return nil, err
		}
		// Killed, it left its word behind; maybe somebody else has the port by now.
	}
	access, t.end, err = headend.Offline(data, t.version)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf(t.say("目录 %s 中没有网关数据", "there is no gateway in %s")+": %w", data, err)
	case errors.Is(err, store.ErrLocked):
		return nil, fmt.Errorf(t.say("网关正在启动或停止，请稍候再试", "the gateway is just starting or stopping; try again in a moment")+": %w", err)
	case err != nil:
		return nil, err
	}
	t.stopped = true
	return client.New(access.URL, access.Token).In(t.lang), nil
}

// act is ask for commands that change something.
func (t *terminal) act(ctx context.Context) (*client.Client, error) {
	c, err := t.ask(ctx)
	if err == nil && t.stopped {
		return nil, fmt.Errorf(t.say("网关未运行", "nothing was changed")+": %w", headend.ErrNotRunning)
	}
	return c, err
}

// print writes v as JSON, or what text writes for people.
func (t *terminal) print(v any, text func(w writer)) error {
	if t.json {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// row writes one line of a table.
func row(w io.Writer, cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, strings.Map(printable, fmt.Sprint(c)))
	}
	fmt.Fprintln(w)
}

// printable keeps what others wrote from steering a terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

func moment(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04:05 MST") // the machine's zone, said: the page shows the street's
}
