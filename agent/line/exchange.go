package line

import (
	"errors"
	"time"
)

// Why an exchange brought no answer.
var (
	ErrSilent  = errors.New("no answer")                      // nothing, or nothing whole, came in time; the request was sent
	ErrDown    = errors.New("line is down")                   // the port is not open; nothing was sent
	ErrLost    = errors.New("port lost")                      // the port failed in the middle; the request may have been sent
	ErrTooLate = errors.New("not sent before its deadline")   // NotAfter had passed; nothing was sent
	ErrFraming = errors.New("port cannot change its framing") // another baud or parity on a port that is no Retuner; nothing was sent
)

var errEmpty = errors.New("exchange without a request")

// Exchange is one request and its reply on a line. It is owned by the line from Do until Do returns.
type Exchange struct {
	Request  []byte        // complete wire bytes, preamble included
	ReplyLen int           // bytes the reply may have, preamble included; sets the deadline, not the end
	Delay    time.Duration // how long the meter may take before its first byte
	Order    bool          // part of an order: goes ahead of polling at the next frame border
	NotAfter time.Time     // when not zero: not sent after this instant

	// Baud and Parity of the meter asked, zero: the line's own. The line retunes its port before the first byte, and
	// again for the next exchange that wants another framing.
	Baud   int
	Parity string

	// Broadcast: nobody answers (广播). Do returns nil when the last byte has left; Take is not called.
	Broadcast bool

	// Pace is what the meter asked has shown of its speed; nil: Delay is all that is known. The line's goroutine owns
	// it while the exchange runs: one Pace, one meter, one line.
	Pace *Pace

	// Blind says that a reply does not tell what it answers (Modbus: unit and function alone). After a timeout the line
	// then gives a late reply as much time again, so that it cannot pass for the answer to the next request.
	Blind bool

	// Linger is how long the line listens on after the whole reply, for a second one: Take goes on getting the bytes.
	Linger time.Duration

	// Take gets the bytes as they come and says whether the reply is complete. It is called by the line's goroutine;
	// the slice is valid during the call only. It is called once more without bytes when the line fell silent before
	// the reply was complete: what seemed to be arriving will not come.
	Take func(b []byte) (done bool)

	// Before, when not nil, is called right before the first byte leaves; an error stops the exchange unsent.
	Before func() error

	// What the line fills in.
	SentAt    time.Time // first byte written
	RepliedAt time.Time // first byte received, zero when none came
	Wrote     bool      // some of the request may have left
	Received  int       // bytes received while waiting
}
