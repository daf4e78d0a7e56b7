package tools

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminalPair is a terminal and the hand at its keys.
func terminalPair(t *testing.T) (keys, file *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { keys.Close() })
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		file, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return keys, file
}

func TestOnlyATerminalIsAsked(t *testing.T) {
	_, file := terminalPair(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if !isTerminal(file) || isTerminal(null) || isTerminal(os.NewFile(null.Fd(), "/dev/stdin")) {
		t.Error("a terminal is asked, /dev/null as standard input is not")
	}
}

func TestCtrlCEndsAHiddenQuestionAtOnce(t *testing.T) {
	keys, file := terminalPair(t)
	a := &asker{in: bufio.NewReader(file), file: file, out: io.Discard}
	end := make(chan error, 1)
	go func() { _, err := a.secret("密码", "password"); end <- err }()
	for { // until nothing is shown any more
		if s, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS); err != nil || s.Lflag&unix.ECHO == 0 {
			break
		}
	}
	if _, err := keys.Write([]byte("12\x03")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-end:
		if !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a line end")
	}
	if s, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS); err != nil || s.Lflag&unix.ECHO == 0 {
		t.Error("the terminal shows nothing any more")
	}
}

func TestSignalEndsAnOpenQuestion(t *testing.T) {
	keys, file := terminalPair(t)
	stop := make(chan os.Signal, 1)
	stop <- os.Interrupt
	if typed(file, stop) {
		t.Error("a signal was not heard")
	}
	if _, err := keys.Write([]byte("x\n")); err != nil {
		t.Fatal(err)
	}
	if !typed(file, stop) {
		t.Error("an answer was not heard")
	}
}
