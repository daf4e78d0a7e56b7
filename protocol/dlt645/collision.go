package dlt645

// TwoReplies reports whether two different meters answered, with no request
// between them: one wildcard request, or two meters on one line by mistake.
func TwoReplies(frames []Frame) bool {
	for i := 1; i < len(frames); i++ {
		a, b := frames[i-1], frames[i]
		if a.FromMeter() && b.FromMeter() && a.Func() == b.Func() && a.Addr != b.Addr {
			return true
		}
	}
	return false
}
