package scan

import (
	"errors"

	"feikong/agent/line"
)

var errNoRetune = errors.New("the port cannot change its framing")

func (f Framing) apply(x *line.Exchange) {}

func noRetune(err error) bool { return errors.Is(err, errNoRetune) }
