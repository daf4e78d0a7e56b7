//go:build !linux

package tools

import (
	"errors"
	"os"
)

// hideTyping is for concentrators, which run Linux.
func hideTyping(*os.File) (restore func(), err error) {
	return nil, errors.ErrUnsupported
}

// isTerminal takes every device for one.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// typed leaves Ctrl-C to the system's default.
func typed(*os.File, <-chan os.Signal) bool { return true }
