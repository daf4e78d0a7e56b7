package line

const (
	// echoSure exchanges in a row that began with our own request make an adapter one that hears itself (接收未关断).
	echoSure = 2
	// echoLost bytes at most are missing from the front of an echo: the receiver wakes with the driver.
	echoLost = 6
)

// echo finds our own request in front of what comes back, on adapters whose receiver stays on while they send. A
// DL/T 645 reply cannot be taken for a request, but to a Modbus FC05 or FC06 the answer and the echo are the same bytes,
// so on a line known to echo the first copy is taken away.
type echo struct {
	sure    int // exchanges in a row that began with an echo, up to echoSure
	request []byte
	pos     int  // bytes of request that came back so far
	lost    int  // bytes missing from its front
	over    bool // decided, one way or the other
	was     bool // it was an echo
}

// begin starts an exchange.
func (e *echo) begin(request []byte) { *e = echo{sure: e.sure, request: request} }

// known says that the port has been heard to echo.
func (e *echo) known() bool { return e.sure >= echoSure }

// take gets the bytes of an exchange as they come. held are earlier bytes that seemed to be the echo and are not; rest
// is what is not echo of b. whole says that the echo became complete with b.
func (e *echo) take(b []byte) (held, rest []byte, whole bool) {
	if e.over || len(b) == 0 {
		return nil, b, false
	}
	if e.pos == 0 && !e.align(b) {
		e.over = true
		return nil, b, false
	}
	start := e.pos
	for i, v := range b {
		if v != e.request[e.pos] {
			e.over = true
			return e.request[e.lost:start], b, false
		}
		if e.pos++; e.pos == len(e.request) {
			e.over, e.was = true, true
			return nil, b[i+1:], true
		}
	}
	return nil, nil, false
}

// align finds where in the request the echo begins.
func (e *echo) align(b []byte) bool {
	for at := range min(echoLost+1, len(e.request)) {
		n := min(len(b), len(e.request)-at)
		if string(b[:n]) == string(e.request[at:at+n]) {
			e.pos, e.lost = at, at
			return true
		}
	}
	return false
}

// end learns from an exchange that was answered. ambiguous: its answer may have looked like its echo.
func (e *echo) end(ambiguous bool) {
	switch {
	case ambiguous:
	case e.was:
		e.sure = min(e.sure+1, echoSure)
	default:
		e.sure = 0
	}
	e.request = nil
}
