package bus

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)

// speed is the baud of a terminal.
func speed(fd int) (int, error) {
	a, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return 0, err
	}
	return int(a.Ospeed), nil
}

func setSpeed(fd, baud int) error {
	a, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	a.Ispeed, a.Ospeed = uint64(baud), uint64(baud)
	return unix.IoctlSetTermios(fd, setTermios, a)
}
