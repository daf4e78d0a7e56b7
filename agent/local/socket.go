package local

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// SocketName is the socket's file in the data directory; its lock has ".lock" behind it.
const SocketName = "agent.sock"

// ErrRunning says that another agent serves this data directory.
var ErrRunning = errors.New("another agent serves this data directory")

// pathMax is what the address of a Unix socket holds, with room for the name of a temporary directory (sun_path, 108 bytes on
// Linux, 104 on the BSDs).
const pathMax = 80

// socket is a bound socket and the lock that makes it the only one.
type socket struct {
	net.Listener
	path string
	lock *os.File
}

// listen binds data/agent.sock. It is bound inside a directory that nobody else can enter, gets its mode, and only then its
// name: at no instant can another user open it. A name that a killed agent left is replaced; the lock, which the kernel
// lets go of with the process, tells that from one that is served.
func listen(data string) (*socket, error) {
	if err := private(data); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(data, SocketName+".lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the control socket: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", data, ErrRunning)
		}
		return nil, fmt.Errorf("lock the control socket: %w", err)
	}
	l, err := bind(data)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("make the control socket: %w", err)
	}
	return &socket{Listener: l, path: filepath.Join(data, SocketName), lock: lock}, nil
}

// private makes the data directory its owner's alone.
func private(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(data, 0o700); err != nil {
		return fmt.Errorf("make the data directory private: %w", err)
	}
	return nil
}

func bind(data string) (net.Listener, error) {
	room, err := os.MkdirTemp(data, ".sock-") // mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(room)
	var l *net.UnixListener
	err = through(room, func(dir string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // the name it was bound to is gone by then
	temp, final := filepath.Join(room, "s"), filepath.Join(data, SocketName)
	if err = os.Chmod(temp, 0o600); err == nil {
		if at, serr := os.Lstat(final); serr == nil && at.Mode()&os.ModeSocket == 0 {
			err = fmt.Errorf("%s is in the way and not a socket", final)
		} else {
			err = os.Rename(temp, final)
		}
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// through gives f a path of dir that fits into the address of a socket: a long one goes by way of the open directory.
func through(dir string, f func(string) error) error {
	if len(dir) <= pathMax {
		return f(dir)
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the path %s is too long for a socket: use a shorter data directory", dir)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return f(fmt.Sprintf("/proc/self/fd/%d", d.Fd()))
}

// Close stops listening and takes the name away. The lock's file stays: removing it would let two hold it.
func (s *socket) Close() error {
	err := s.Listener.Close()
	if rerr := os.Remove(s.path); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return errors.Join(err, s.lock.Close())
}
