package meter

import "fmt"

// Option changes what NewDLT645 takes for granted.
type Option func(*options) error

type options struct {
	edition string
	baud    int
	parity  string
	sealed  bool
	sealer  Sealer
}

// CheckOptions says what is wrong with options before a meter is made of them.
func CheckOptions(opts ...Option) error {
	var o options
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return err
		}
	}
	return nil
}

// Edition is "2007", "1997", or "auto" (also ""), which finds out.
func Edition(e string) Option {
	return func(o *options) error {
		switch e {
		case "":
			e = "auto"
		case "auto", "2007", "1997":
		default:
			return fmt.Errorf("edition %q is not auto, 2007 or 1997", e)
		}
		o.edition = e
		return nil
	}
}

// Framing is the meter's own rate and parity where it is not the line's; zero values are the line's. Only this framing
// is then tried.
func Framing(baud int, parity string) Option {
	return func(o *options) error {
		o.baud, o.parity = baud, parity
		return nil
	}
}

// Security is "plain" (also ""), relay frames with a password, or "sealed", through the key service of WithSealer.
func Security(s string) Option {
	return func(o *options) error {
		if s != "" && s != "plain" && s != "sealed" {
			return fmt.Errorf("security %q is not plain or sealed", s)
		}
		o.sealed = s == "sealed"
		return nil
	}
}
