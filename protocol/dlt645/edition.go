package dlt645

// edition tells which text of the standard a function code belongs to:
// "1997", "2007", or "both" for the broadcast time. Code 03 means "repeat the
// last" in 1997, without data, and the security module in 2007, with data.
func edition(fn byte, dataLen int) string {
	switch {
	case fn == 0x08:
		return "both"
	case fn == 0x03 && dataLen > 0:
		return "2007"
	case fn <= 0x10:
		return "1997"
	}
	return "2007"
}
