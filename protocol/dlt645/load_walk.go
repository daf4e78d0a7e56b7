package dlt645

func loadSize(class int) (n int) {
	for _, it := range loadClasses[class-1] {
		n += it.Bytes
	}
	return n
}

func loadBegins(b []byte) bool {
	return len(b) >= 2 && b[0] == b[1] && (b[0] == loadStart || b[0] == loadOdd)
}

// walkLoad gives the length of a record whose length byte is wrong, found by
// walking over its classes; 0 when they do not end in E5.
func walkLoad(b []byte) int {
	at := loadHead + loadTime
	for n := 1; n <= len(loadClasses); n++ {
		if at < len(b) && b[at] != loadSep {
			at += loadSize(n)
		}
		if at >= len(b) || b[at] != loadSep {
			return 0
		}
		at++
	}
	if at += loadFoot; at > len(b) || b[at-1] != loadEnd {
		return 0
	}
	return at
}

// nextLoad is where the next record begins behind the first byte: two starts
// behind an E5, or the end of b.
func nextLoad(b []byte) int {
	for at := 1; at < len(b); at++ {
		if loadBegins(b[at:]) && (b[at-1] == loadEnd || !loadBegins(b)) {
			return at
		}
	}
	return len(b)
}
