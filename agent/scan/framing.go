package scan

import (
	"errors"

	"feikong/agent/line"
)

// apply asks for the framing; the zero value leaves the line's own.
func (f Framing) apply(x *line.Exchange) { x.Baud, x.Parity = f.Baud, f.Parity }

// noRetune says that the port cannot be set to another framing; nothing was sent.
func noRetune(err error) bool { return errors.Is(err, line.ErrFraming) }
