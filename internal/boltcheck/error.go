package boltcheck

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrDamaged is every kind but ErrNotBolt.
var ErrDamaged = errors.New("damaged bbolt file")

// The kinds of an Error. What to do about the file only its owner knows; each kind has its own advice about what made it so.
var (
	ErrNotBolt    = errors.New("not a bbolt file")                // another file, or nothing but noise
	ErrRoot       = errors.New("damaged root of a bbolt file")    // which commit was the last is not known
	ErrShort      = errors.New("bbolt file is cut short")         // pages in use lie behind its end
	ErrPage       = errors.New("damaged page of a bbolt file")    // or one that is not where it belongs
	ErrUnreadable = errors.New("unreadable page of a bbolt file") // the disk gives an error
)

var remedies = map[error]string{
	ErrNotBolt:    "look whether the path is right",
	ErrRoot:       "look at the disk and the memory of this machine before anything is written on it again",
	ErrShort:      "if it is a copy, copy it again; otherwise look at the file system",
	ErrPage:       "look at the disk and the memory of this machine before anything is written on it again",
	ErrUnreadable: "the disk is failing: copy what can be read to another one",
}

// Error is the first thing in a file that is not as it must be.
type Error struct {
	Kind  error
	Page  uint64 // where; the first or second root for 0 and 1
	Found string
	Err   error // of the reading, or nil
}

// Error says what was found on which page, and the remedy.
func (e *Error) Error() string {
	text := fmt.Sprintf("%v: page %d: %s", e.Kind, e.Page, e.Found)
	if e.Kind == ErrNotBolt {
		text = fmt.Sprintf("%v: %s", e.Kind, e.Found)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + "; " + e.Remedy()
}

// Remedy is what to do about the cause, without a full stop.
func (e *Error) Remedy() string { return remedies[e.Kind] }

// Unwrap gives the kind, ErrDamaged where it is damage, and the error of the reading.
func (e *Error) Unwrap() []error {
	out := []error{e.Kind}
	if e.Kind != ErrNotBolt {
		out = append(out, ErrDamaged)
	}
	if e.Err != nil {
		out = append(out, e.Err)
	}
	return out
}

func broken(page uint64, format string, args ...any) error {
	return &Error{Kind: ErrPage, Page: page, Found: fmt.Sprintf(format, args...)}
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }
