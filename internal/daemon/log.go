package daemon

import (
	"fmt"
	"io"
	"log/slog"
)

// Keys of the log, one list for all programs: a message is a fixed phrase, what varies stands under one of these.
const (
	KeyAccount = "account" // account ID
	KeyAgent   = "agent"   // agent id
	KeyBatch   = "batch"   // lane/epoch/first-last
	KeyError   = "error"
	KeyFile    = "file"
	KeyLine    = "line"  // line of an agent
	KeyMeter   = "meter" // address on its line
	KeyNotice  = "notice"
	KeyOrder   = "order" // generation/epoch/number
	KeyTask    = "task"
)

// Logger writes text lines to w from the given level ("debug", "info", "warn", "error"; empty is info).
func Logger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("log level %q is not known: use debug, info, warn or error", level)
		}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}
