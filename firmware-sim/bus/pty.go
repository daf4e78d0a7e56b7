package bus

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"feikong/firmware-sim/meter"
)

// Pty makes a line behind a pseudo-terminal, with a symbolic link to its device: a master opens the link like a serial
// port. A link left by an earlier run is replaced; any other file of that name is refused. Close a line that never runs.
func Pty(cfg Config, link string, meters ...*meter.Meter) (*Line, error) {
	if at, err := os.Lstat(link); err == nil {
		if at.Mode()&os.ModeSymlink == 0 {
			return nil, fmt.Errorf("line %s: %s is in the way and not a link of ours", cfg.Name, link)
		}
		if err := os.Remove(link); err != nil {
			return nil, fmt.Errorf("line %s: %w", cfg.Name, err)
		}
	}
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("line %s: open a pseudo-terminal: %w", cfg.Name, err)
	}
	w := &terminal{master: master, slave: slave, link: link, framing: cfg.Framing()}
	w.baud.Store(int64(cfg.Baud))
	if err := w.raw(cfg.Baud); err != nil {
		w.Close()
		return nil, fmt.Errorf("line %s: make %s raw: %w", cfg.Name, slave.Name(), err)
	}
	if err = os.MkdirAll(filepath.Dir(link), 0o755); err == nil {
		err = os.Symlink(slave.Name(), link)
	}
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("line %s: link: %w", cfg.Name, err)
	}
	return newLine(cfg, w, meters), nil
}

// Close takes the line down when Run was never called; after Run it does nothing more.
func (l *Line) Close() error { return l.wires.Close() }

// terminal keeps the slave side open itself. Without that, the last master to close the port would turn every read of
// ours into EIO, and a meter must outlive the program that reads it.
type terminal struct {
	master, slave *os.File
	link          string
	framing       Framing
	baud          atomic.Int64 // that the master has set, as last seen
	buf           [chunkMax]byte
}

func (t *terminal) Receive() (chunk, error) {
	n, err := t.master.Read(t.buf[:])
	at := time.Now()
	if n > 0 {
		t.Tend()
	}
	return chunk{at, t.Framing(), append([]byte(nil), t.buf[:n]...)}, err
}

// Framing is the line's own with the baud that the master has set. Parity does not pass a pseudo-terminal: the kernel takes the flag
// off, and bytes arrive whole.
func (t *terminal) Framing() Framing {
	f := t.framing
	f.Baud = int(t.baud.Load())
	return f
}

func (t *terminal) Paced() bool  { return false }
func (t *terminal) Place() Place { return Place{"pty", t.link} }

// writeWait bounds a write into a terminal that nobody empties.
const writeWait = 100 * time.Millisecond

func (t *terminal) Write(p []byte) (int, error) {
	if err := t.master.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return 0, err
	}
	return t.master.Write(p)
}

// Tend gives up the exclusive lock (TIOCEXCL) that serial libraries put on a port. A master that was killed never takes
// it off, and since we hold the slave open the kernel does not either: the next master would be refused. And it looks at the baud that
// the master has set.
func (t *terminal) Tend() {
	c, err := t.slave.SyscallConn()
	if err != nil {
		return
	}
	_ = c.Control(func(fd uintptr) {
		_ = unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0) // not held is no fault
		if baud, err := speed(int(fd)); err == nil && (Framing{baud, "none", 1}).Check() == nil {
			t.baud.Store(int64(baud))
		}
	})
}

// Close removes the link, if it is still ours, and both ends.
func (t *terminal) Close() error {
	if to, err := os.Readlink(t.link); err == nil && to == t.slave.Name() {
		_ = os.Remove(t.link)
	}
	err := t.master.Close()
	if e := t.slave.Close(); err == nil {
		err = e
	}
	return err
}

// raw makes the slave pass every byte as it is, without echo, at the line's baud: the master will do the same, but may come later.
func (t *terminal) raw(baud int) error {
	c, err := t.slave.SyscallConn()
	if err != nil {
		return err
	}
	var fault error
	err = c.Control(func(fd uintptr) {
		var a *unix.Termios
		if a, fault = unix.IoctlGetTermios(int(fd), getTermios); fault != nil {
			return
		}
		a.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		a.Oflag &^= unix.OPOST
		a.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		a.Cflag = a.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		a.Cc[unix.VMIN], a.Cc[unix.VTIME] = 1, 0
		if fault = unix.IoctlSetTermios(int(fd), setTermios, a); fault == nil {
			fault = setSpeed(int(fd), baud)
		}
	})
	if err != nil {
		return err
	}
	return fault
}
