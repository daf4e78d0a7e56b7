package edge

import (
	"log/slog"
	"os"
	"syscall"

	"feikong/agent/relay"
)

// CrashVariable is an aid for a bench: with relay: bench and the value before-frame or after-frame the agent kills
// itself (as a power cut would) right before or right after the first relay frame. Outside bench it is ignored.
const CrashVariable = "FEIKONG_CRASH_AT"

func hooks(bench bool, log *slog.Logger) relay.Hooks {
	at := os.Getenv(CrashVariable)
	if at == "" || !bench {
		return relay.Hooks{}
	}
	log.Warn("this agent will kill itself at the next relay frame", "at", at, "variable", CrashVariable)
	die := func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	switch at {
	case "before-frame":
		return relay.Hooks{BeforeFrame: die}
	case "after-frame":
		return relay.Hooks{AfterFrame: die}
	}
	return relay.Hooks{}
}
