package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DemoMax is the demo's own limit: a newcomer waits a minute and a half, not longer.
const DemoMax = 90 * time.Second

// ErrClaims means that something the story claims was not so.
var ErrClaims = errors.New("not every claim held")

// Play plays the whole story on a fresh street in dir and checks it, in at most the given time. It returns ErrClaims when a claim did
// not hold.
func Play(ctx context.Context, out io.Writer, dir, bin, lang string, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	rig, err := Lay(dir, bin, true)
	if err != nil {
		return err
	}
	rig.Gateway.Lang = lang
	defer rig.Stop() // stops what a failed story left running; a second stop finds nothing
	p := &play{ctx: ctx, rig: rig, tell: NewTeller(out, lang), revived: make(chan struct{}), settled: make(chan struct{})}
	if err := p.run(); err != nil {
		p.tell.Claim(false, "story", "故事讲到了最后", "the story came to its end", err.Error())
	}
	return p.end(out)
}

// play is one telling.
type play struct {
	ctx     context.Context
	rig     *Rig
	tell    *Teller
	hook    *Hook
	term    map[string]*Terminal
	revived chan struct{} // closed when the agent that killed itself runs again: until then one meter's trip would end another's
	settled chan struct{} // closed when the gateway's chapter is over: the street then has run long enough to say who was spared
}

// chapters run at the same time: a street does not wait for one household.
var chapters = []struct {
	who  string
	tell func(*play, string) error
}{
	{"1001", (*play).tripAndRestore},
	{"1002", (*play).permitAndButton},
	{"1003", (*play).noSwitch},
	{"1004", (*play).protected},
	{"1005", (*play).noCloseTag},
	{"1006", (*play).backwards},
	{"1007", (*play).sharedTiers},
	{"1008", (*play).bill},
	{"1009", (*play).modbusRelay},
	{"gateway", (*play).killGateway},
	{"agent", (*play).agentDies},
}

func (p *play) run() error {
	if err := p.open(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(chapters))
	for i, c := range chapters {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := c.tell(p, c.who); err != nil {
				errs[i] = fmt.Errorf("%s: %w", c.who, err)
				p.tell.Claim(false, c.who, "这一章讲完了", "this chapter came to its end", err.Error())
			}
		}()
	}
	wg.Wait()
	return p.prove()
}

// open starts the programs, gives everybody a little money, protects and tags, and then lets the agent read.
func (p *play) open() (err error) {
	p.tell.Tell("street", "启动仿真线路与网关（真实进程、真实字节、真实时间）", "starting the simulated lines and the gateway: real processes, real bytes, real time")
	if p.hook, err = NewHook("127.0.0.1:0"); err != nil {
		return err
	}
	if err := p.rig.Patch("archive.yaml", DefaultHook, strings.TrimSuffix(strings.TrimPrefix(p.hook.URL, "http://"), "/notices")); err != nil {
		return err
	}
	if err := p.rig.StartSim(p.ctx); err != nil {
		return err
	}
	if err := p.rig.StartGateway(p.ctx); err != nil {
		return err
	}
	if p.term, err = Terminals(p.rig); err != nil {
		return err
	}
	if err := p.rig.FirstCredit(p.ctx); err != nil {
		return err
	}
	for _, m := range quiet {
		if err := p.load(m, 0); err != nil {
			return err
		}
	}
	if err := p.rig.protect(p.ctx); err != nil {
		return err
	}
	if _, err := p.rig.Gateway.Decide(p.ctx, "POST", "1005", "/tags", map[string]string{"id": "T-17", "kind": "no_close", "note": "线路检修 line work, pole 17"}); err != nil {
		return err
	}
	// The agent is told to die right behind the first trip frame it sends: the worst moment there is.
	if err := p.rig.StartAgent("FEIKONG_CRASH_AT=after-frame"); err != nil {
		return err
	}
	p.tell.Tell("street", "采集终端开始抄表：l1 DL/T 645 2400 波特 8 块，l2 Modbus 4 块", "the agent begins to read: l1 DL/T 645 at 2400 baud, eight meters; l2 Modbus, four")
	if err := p.await(15*time.Second, "a reading of every meter", func() (bool, error) {
		read, err := p.readMeters()
		return read == 12, err
	}); err != nil {
		return err
	}
	p.tell.Claim(true, "street", "12 块表全部抄到并入账", "all twelve meters are read, and the readings are on the gateway's disk", "12")
	return nil
}

// quiet meters stand still until their chapter needs them.
var quiet = []string{"l1/000000000108", "l1/000000000105", "l2/2", "l2/4"}

func (p *play) readMeters() (int, error) {
	n := 0
	for _, id := range []string{"1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1011"} {
		a, err := p.rig.Gateway.Account(p.ctx, id)
		if err != nil {
			return 0, err
		}
		for _, point := range a.Points {
			if point.Reading != nil {
				n++
			}
		}
	}
	return n, nil
}

// prove asks the running gateway, then opens the file of the stopped one.
func (p *play) prove() error {
	out, code := p.command("gateway", "verify", "--data", filepath.Join(p.rig.Dir, "gateway"))
	p.tell.Claim(code == 0, "verify", "gateway verify：运行中的网关账实相符", "gateway verify: the running gateway's books are right", lastLine(out))
	if err := p.rig.Stop(); err != nil {
		return err
	}
	out, code = p.command("gateway", "verify", "--data", filepath.Join(p.rig.Dir, "gateway"))
	p.tell.Claim(code == 0, "verify", "停机后从文件再次核对，结果相同", "stopped, the file alone proves it again", lastLine(out))
	return nil
}

// command runs one of the programs and gives what it printed.
func (p *play) command(name string, args ...string) (string, int) {
	cmd := exec.CommandContext(p.ctx, p.rig.program(name), args...)
	cmd.Dir = p.rig.Dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return string(out), exit.ExitCode()
		}
		return err.Error(), -1
	}
	return string(out), 0
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// end stops what still runs and gives the verdict.
func (p *play) end(out io.Writer) error {
	for _, t := range p.term {
		t.Close()
	}
	if p.hook != nil {
		p.hook.Close()
	}
	stopped := p.rig.Stop()
	failed := p.tell.Failed()
	fmt.Fprintln(out)
	if len(failed) == 0 && stopped == nil {
		fmt.Fprintln(out, p.tell.say(fmt.Sprintf("全部 %d 项断言成立，用时 %.0f 秒。", p.tell.Claims(), p.tell.Elapsed().Seconds()),
			fmt.Sprintf("all %d claims held, in %.0f s.", p.tell.Claims(), p.tell.Elapsed().Seconds())))
		return nil
	}
	for _, f := range failed {
		fmt.Fprintln(out, "✗ "+f)
	}
	fmt.Fprintln(out, p.tell.say("日志在 ", "logs are in ")+filepath.Join(p.rig.Dir, "logs"))
	return errors.Join(ErrClaims, stopped)
}

// Patch replaces text in one of the street's files before a program reads it.
func (r *Rig) Patch(name, old, new string) error {
	file := filepath.Join(r.Dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strings.ReplaceAll(string(data), old, new)), 0o600)
}
