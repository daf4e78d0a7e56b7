package dlt645

// edition tells which text of the standard a function code belongs to:
// "1997", "2007", or "both" for the broadcast time. Code 03 means "repeat the
// last" in 1997, without data, and the security module in 2007, with data.
func edition(fn byte, dataLen int) string {
	switch {
	case fn == funcBroadcastTime:
		return "both"
	case fn == funcSecurity && dataLen > 0:
		return "2007"
	case fn <= funcClearDemand1997:
		return "1997"
	}
	return "2007"
}

// edition is that of the frame. An answer with code 03 is of the security
// module when its identifier begins with 07, else a repetition of 1997.
func (f Frame) edition() string {
	if f.Func() == funcSecurity && f.FromMeter() && !f.IsError() && (len(f.Data) < 4 || f.Data[3] != 0x07) {
		return "1997"
	}
	return edition(f.Func(), len(f.Data))
}
