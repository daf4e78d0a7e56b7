package doctor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Holder is a process that has a device open.
type Holder struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

// processesMax bounds the search: a concentrator runs a hundred or so.
const processesMax = 1 << 16

// Holders are the other processes that have the device open, as far as we may look: without rights over another user's
// processes they stay unseen. Systems without /proc have none.
func Holders(path string) (out []Holder) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	if target, err = filepath.Abs(target); err != nil {
		return nil
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return nil
	}
	seen := map[int]bool{os.Getpid(): true}
	for _, fd := range fds[:min(len(fds), processesMax)] {
		parts := strings.Split(fd, "/")
		pid, err := strconv.Atoi(parts[2])
		if err != nil || seen[pid] {
			continue
		}
		if to, err := os.Readlink(fd); err != nil || to != target {
			continue
		}
		seen[pid] = true
		if strings.HasPrefix(target, "/dev/pts/") && makes(parts[2]) {
			continue
		}
		name, _ := os.ReadFile("/proc/" + parts[2] + "/comm")
		out = append(out, Holder{pid, strings.TrimSpace(string(name))})
	}
	return out
}

// makes says that a process is the other end of a pseudo-terminal: it keeps our end open so that it stays.
func makes(pid string) bool {
	fds, _ := filepath.Glob("/proc/" + pid + "/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && (to == "/dev/ptmx" || to == "/dev/pts/ptmx") {
			return true
		}
	}
	return false
}
