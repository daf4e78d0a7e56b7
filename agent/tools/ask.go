package tools

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
)

const (
	// askTries bounds how often one question is asked again: a terminal that answers nonsense for ever is none.
	askTries = 5
	// answerMax bounds an answer in bytes.
	answerMax = 4096
)

// errStopped says that the person ended the questions; what was answered before may be kept in a draft.
var errStopped error = stopped{}

type stopped struct{}

func (stopped) Error() string { return say("已停止，没有保存", "stopped, nothing was kept") }

// errLong says that an answer was longer than answerMax.
var errLong = errors.New("too long an answer")

// asker puts questions to the person at the terminal. Where there is none, or --yes was given, every question takes its
// default, and one without a default is an error that names the flag.
type asker struct {
	in     *bufio.Reader
	file   *os.File // the terminal, when in is one
	out    io.Writer
	silent bool
}

// newAsker asks over the command's input when that is a terminal, or was put in place of one by SetIn.
func newAsker(c *cobra.Command, yes bool) *asker {
	a := &asker{out: c.ErrOrStderr(), silent: yes}
	in := c.InOrStdin()
	if f, ok := in.(*os.File); ok {
		a.file = f
		a.silent = a.silent || !isTerminal(f)
	}
	a.in = bufio.NewReaderSize(in, answerMax)
	return a
}

// question is one thing to be known.
type question struct {
	zh, en string
	flag   string             // that answers it too
	def    string             // default; with none, an answer is needed unless empty is allowed
	empty  bool               // no answer is an answer
	none   [2]string          // and means this: zh, en
	check  func(string) error // says what is wrong
}

// name is how the answer is given without a question: a flag, or an argument in capitals.
func (q question) name() string {
	if strings.ToUpper(q.flag) == q.flag {
		return q.flag
	}
	return "--" + q.flag
}

// text asks q. given is the flag's value and goes before everything.
func (a *asker) text(q question, given string) (string, error) {
	if given != "" || a.silent {
		answer := given
		if answer == "" {
			answer = q.def
		}
		if answer == "" && !q.empty {
			return "", fmt.Errorf(say("缺少 %s（%s）", "%s is missing (%s)"), q.name(), say(q.zh, q.en))
		}
		if answer != "" && q.check != nil {
			if err := q.check(answer); err != nil {
				return "", fmt.Errorf("%s: %w", q.name(), err)
			}
		}
		return answer, nil
	}
	for range askTries {
		hint := ""
		switch {
		case q.def != "":
			hint = " [" + q.def + "]"
		case q.none[0] != "":
			hint = fmt.Sprintf(say("（回车：%s）", " (Enter: %s)"), say(q.none[0], q.none[1]))
		case q.empty:
			hint = say("（可空）", " (may be empty)")
		}
		fmt.Fprintf(a.out, "%s%s: ", say(q.zh, q.en), hint)
		answer, err := a.line()
		if err != nil && !errors.Is(err, errLong) {
			return "", err
		}
		if answer == "" {
			answer = q.def
		}
		switch {
		case err != nil:
			err = errors.New(say("回答太长", "the answer is too long"))
		case answer == "" && !q.empty:
			err = errors.New(say("请回答；Ctrl-C 停止", "an answer is needed; Ctrl-C stops"))
		case answer != "" && q.check != nil:
			err = q.check(answer)
		}
		if err == nil {
			return answer, nil
		}
		fmt.Fprintf(a.out, "  ! %v\n", err)
	}
	return "", fmt.Errorf(say("%s：答了 %d 次都不对", "%s: %d answers and none that fits"), say(q.zh, q.en), askTries)
}

// yes asks for a yes or no; silent gives the default, or yes where --yes was given.
func (a *asker) yes(zh, en string, def, given bool) (bool, error) {
	if given {
		return true, nil
	}
	if a.silent {
		return def, nil
	}
	hint := "[y/N]"
	if def {
		hint = "[Y/n]"
	}
	for range askTries {
		fmt.Fprintf(a.out, "%s %s: ", say(zh, en), hint)
		answer, err := a.line()
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return def, nil
		case "y", "yes", "是", "好":
			return true, nil
		case "n", "no", "否", "不":
			return false, nil
		}
		fmt.Fprintln(a.out, say("  ! 回答 y 或 n", "  ! answer y or n"))
	}
	return false, errStopped
}

// secret asks without showing the answer.
func (a *asker) secret(zh, en string) (string, error) {
	if a.silent {
		return "", nil
	}
	fmt.Fprintf(a.out, "%s: ", say(zh, en))
	defer fmt.Fprintln(a.out)
	if a.file == nil {
		return a.line()
	}
	restore, err := hideTyping(a.file)
	if err != nil {
		return "", fmt.Errorf(say("此终端无法隐藏输入：%w；改用环境变量 %s", "this terminal cannot hide what is typed: %w; use the variable %s"), err, PasswordVariable)
	}
	defer restore()
	return a.line()
}

// ctrlC is what a terminal hands over for Ctrl-C where it makes no signal of it.
const ctrlC = 0x03

// line is one answer without the blanks around it. The end of the input and Ctrl-C stop.
func (a *asker) line() (string, error) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	defer signal.Stop(stop)
	var text []byte
	for {
		if a.file != nil && a.in.Buffered() == 0 && !typed(a.file, stop) {
			fmt.Fprintln(a.out)
			return "", errStopped
		}
		b, err := a.in.ReadByte()
		switch {
		case err != nil && len(text) == 0, b == ctrlC:
			return "", errStopped
		case err != nil, b == '\n':
			return strings.TrimSpace(string(text)), nil
		case len(text) < answerMax:
			text = append(text, b)
			continue
		}
		for err == nil && b != '\n' && b != ctrlC { // the rest of a line that is too long
			b, err = a.in.ReadByte()
		}
		if b == ctrlC {
			return "", errStopped
		}
		return "", errLong
	}
}
