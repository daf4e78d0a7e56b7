package bus

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)

// speed is the baud of a terminal, whatever it is: the second termios of Linux tells it as a number.
func speed(fd int) (int, error) {
	a, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return 0, err
	}
	return int(a.Ospeed), nil
}

func setSpeed(fd, baud int) error {
	a, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return err
	}
	a.Cflag = a.Cflag&^(unix.CBAUD|unix.CBAUD<<16) | unix.BOTHER
	a.Ispeed, a.Ospeed = uint32(baud), uint32(baud)
	return unix.IoctlSetTermios(fd, unix.TCSETS2, a)
}
