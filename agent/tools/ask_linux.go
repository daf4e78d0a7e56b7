package tools

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// hideTyping keeps a terminal from showing what is typed. Ctrl-C arrives as a character, which ends the line at once, so that
// nobody is left with a terminal that shows nothing.
func hideTyping(f *os.File) (restore func(), err error) {
	was, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	now := *was
	now.Lflag &^= unix.ECHO | unix.ISIG
	now.Cc[unix.VEOL] = ctrlC
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &now); err != nil {
		return nil, err
	}
	return func() { unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, was) }, nil
}

// isTerminal says whether somebody can answer at f.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// typed waits until something can be read from f, and is false when stop comes first. A read that waits cannot be called
// back, so it begins when it will not wait.
func typed(f *os.File, stop <-chan os.Signal) bool {
	const look = 100 * time.Millisecond // how late a Ctrl-C may be heard
	for {
		select {
		case <-stop:
			return false
		default:
		}
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, int(look.Milliseconds())); n > 0 || err != nil && err != unix.EINTR {
			return true // the read says what is wrong
		}
	}
}
