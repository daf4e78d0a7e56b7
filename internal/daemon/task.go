// Package daemon is what each of our programs needs to run: reading and checking its configuration, words in Chinese and
// English, the keys of the log, and long-lived tasks. It knows nothing of meters or money.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Task is one long-lived part of a program. Run returns nil when ctx ended and it was asked to stop.
type Task struct {
	Name string
	Run  func(ctx context.Context) error
}

// Run starts the tasks and waits for all of them. The first that fails, or returns before it was asked to, ends the
// others; all errors come back joined, each with its task's name.
func Run(ctx context.Context, tasks ...Task) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(tasks))
	for i, t := range tasks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer cancel()
			if err := t.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				errs[i] = fmt.Errorf("%s: %w", t.Name, err)
			} else if ctx.Err() == nil {
				errs[i] = fmt.Errorf("%s: stopped before it was asked to", t.Name)
			}
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Signals gives a context that ends at SIGINT or SIGTERM. A second signal kills, because the handler is then gone.
func Signals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
