// Package story plays fee control from end to end with the real programs: three processes, real bytes on pseudo-terminals, a
// real broker, real time. `firmware-sim street` keeps it running for a person; `firmware-sim demo` plays a script and checks
// every claim; the end-to-end tests do the same.
package story

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// stopMax is how long a program may take to end when asked: the agent may be in the middle of a read-back.
const stopMax = 15 * time.Second

// Process is one running program. Its output goes to a log file, appended over restarts.
type Process struct {
	Name string
	Log  string

	cmd  *exec.Cmd
	done chan struct{}
	mu   sync.Mutex
	err  error // guarded by mu; set before done is closed
}

// start runs bin with args in dir.
func start(name, bin, dir, log string, env []string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), env...)
	// A group of its own: Ctrl-C goes to the parent, who ends its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{Name: name, Log: log, cmd: cmd, done: make(chan struct{})}
	go func() {
		err := cmd.Wait()
		out.Close()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how it ended.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Kill is kill -9, and waits.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end, and kills it when it does not.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopMax):
		// Its log then says what every goroutine waited for.
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case <-p.done:
		case <-time.After(time.Second):
			p.Kill()
		}
		return fmt.Errorf("stop %s: it did not end within %s and was killed; see %s", p.Name, stopMax, p.Log)
	}
	var exit *exec.ExitError
	if err := p.Err(); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 0) {
		return fmt.Errorf("stop %s: %w; see %s", p.Name, err, p.Log)
	}
	return nil
}

// died is the error of a process that ended on its own, with the end of its log.
func (p *Process) died() error {
	return fmt.Errorf("%s ended by itself (%v); the end of %s:\n%s", p.Name, p.Err(), p.Log, Tail(p.Log, 2000))
}

// Tail is the end of a file, at most n bytes.
func Tail(file string, n int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	if len(data) > n {
		data = data[len(data)-n:]
	}
	return string(data)
}

// tick is how often a wait looks again. The things waited for are other processes' files and answers: there is nothing to be told by.
const tick = 50 * time.Millisecond

// Await calls look until it is true, and gives the error it came with; an error that came with false is looked at again until the
// time is over.
func Await(ctx context.Context, most time.Duration, what string, look func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	t := time.NewTicker(tick)
	defer t.Stop()
	var last error
	for {
		ok, err := look()
		if ok {
			return err
		}
		last = err
		select {
		case <-ctx.Done():
			if last != nil {
				return fmt.Errorf("waited %s for %s: %w", most, what, last)
			}
			return fmt.Errorf("waited %s for %s in vain", most, what)
		case <-t.C:
		}
	}
}

// Build compiles the programs into a folder; tests use it. root is the repository.
func Build(ctx context.Context, root, into string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", into+string(filepath.Separator), "./agent", "./gateway", "./firmware-sim")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}
