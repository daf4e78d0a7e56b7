package line

import (
	"fmt"
	"time"

	"feikong/protocol/dlt645"
)

// What a Foreign frame is.
const (
	ForeignMaster = "master" // a request that is not ours: a second master is on the line (双主站)
	ForeignRelay  = "relay"  // a relay frame that is not ours: DL/T 645 1CH, Modbus FC05, FC06, FC0F, FC10
	ForeignReply  = "reply"  // a meter's answer to nothing that we asked
)

const (
	// tellEvery bounds the telling of one kind: a second master that polls sends some frames each second.
	tellEvery = time.Minute
	// relaysMax relay frames are told at once in each tellEvery: each may be another meter without its supply.
	relaysMax = 32
	// askedMax remembers what we sent lately; askedFor is how late an answer may be: DTUs hold them back for seconds, in which
	// a quick line goes on asking.
	askedMax, askedFor = 64, 10 * time.Second
	askedRoom          = 16 // bytes of a DL/T 645 read; longer requests get a place of their own
	// silence ends a burst; USB adapters hand over every 16 ms.
	silence = 50 * time.Millisecond
)

// Foreign is a frame on our line that we did not send and did not ask for.
type Foreign struct {
	At    time.Time
	Kind  string // ForeignMaster, ForeignRelay or ForeignReply
	Bytes []byte // the frame without preamble, passwords masked; the receiver's to keep
	Note  string // "control 11H to meter 000000000101"
	Count int    // frames of this kind since one was told last, this one included
}

// watcher finds foreign frames in all that is heard, within exchanges and between them. Only frames whose checksum holds
// count: half an echo and noise are nobody's. The line's goroutine owns it.
type watcher struct {
	tell   func(Foreign)
	count  func() // each foreign frame, told or not; nil: nobody counts
	parser dlt645.Parser
	burst  burst
	last   time.Time // something was heard

	mbap    bool      // we talk to a gateway, which shows us nobody else
	anybody time.Time // until then any meter may answer what was asked before the port was opened
	before  bool      // one such answer may look like a write (Modbus FC05, FC06); a write of somebody else is heard twice
	asked   [askedMax]asked
	next    int // of asked

	told   map[string]*telling
	frame  [dlt645.MaxFrame]byte
	relays int // told since relaysFrom
	since  time.Time
}

// asked is one request of ours.
type asked struct {
	at     time.Time
	addr   dlt645.Address // wildcards included
	unit   int            // Modbus; -1: addr counts
	sent   []byte         // without preamble, the ring's own
	echo   time.Time      // one echo may come until then; zero: it came
	answer time.Time      // the same for an answer that looks like its request (Modbus FC05, FC06)
}

type telling struct {
	at    time.Time
	count int
}

func newWatcher(tell func(Foreign)) *watcher {
	w := &watcher{tell: tell, told: map[string]*telling{}}
	room := make([]byte, len(w.asked)*askedRoom) // a read fits, so that polling allocates nothing
	for i := range w.asked {
		w.asked[i].sent = room[i*askedRoom : i*askedRoom : (i+1)*askedRoom]
	}
	return w
}

// opened forgets what was before: a process that was killed may have asked anybody, so answers are not told for a while.
func (w *watcher) opened(now time.Time) {
	w.parser.Reset()
	w.burst = burst{}
	w.anybody, w.before = now.Add(askedFor), true
}

// sent notes our own request. Its echo may come until echo, or later on a line that hears itself (echoes). Of a relay frame one
// copy is ours however late it comes over a link: a replay within seconds of the frame itself changes nothing that the
// frame has not done, and people are not to be frightened by their own order.
func (w *watcher) sent(request []byte, at, echo time.Time, link, echoes bool) {
	for len(request) > 0 && request[0] == 0xFE {
		request = request[1:]
	}
	w.mbap = isMBAP(request)
	a := &w.asked[w.next%askedMax]
	w.next++
	*a = asked{at: at, unit: -1, sent: append(a.sent[:0], request...), echo: echo}
	late := at.Add(askedFor)
	if echoes || link && movesRelay(request) {
		a.echo = late
	}
	if isDLT645(request) {
		a.addr = dlt645.Address(request[1:7])
	} else if len(request) > 0 {
		a.unit = int(request[0])
		if ambiguous(request) {
			a.answer = late
		}
	}
	w.burst = burst{}
}

// movesRelay says that a request may move a relay. Without preamble.
func movesRelay(b []byte) bool {
	if isDLT645(b) {
		return len(b) > 8 && b[8]&0x1F == relayControl
	}
	return len(b) > 1 && writes(b[1])
}

// relayControl is C of a relay frame (跳合闸、报警、保电).
const relayControl = 0x1C

// ours says that a frame is what we sent, and that no copy of it has been heard yet.
func (w *watcher) ours(frame []byte, at time.Time) bool {
	for i := range w.asked {
		a := &w.asked[i]
		switch {
		case at.Before(a.answer) && len(frame) >= 4 && len(a.sent) >= 4 && string(a.sent[:4]) == string(frame[:4]): // an odd answer is an answer
			a.answer = time.Time{}
			return true
		case at.Before(a.echo) && string(a.sent) == string(frame):
			a.echo = time.Time{}
			return true
		}
	}
	return false
}

// hear takes bytes as they come.
func (w *watcher) hear(b []byte, at time.Time) {
	if w.mbap {
		return
	}
	if at.Sub(w.last) > pause { // what was incomplete stays so
		w.parser.Silence()
		w.frames(at)
		w.parser.Reset()
	}
	if at.Sub(w.last) > silence {
		w.burst = burst{}
	}
	w.last = at
	w.parser.Write(b)
	w.frames(at)
	for f, ok := w.burst.hear(b, w.answers); ok; f, ok = w.burst.hear(nil, w.answers) {
		w.modbus(f, at)
	}
}

// frames judges DL/T 645 frames; their direction is in the control byte.
func (w *watcher) frames(at time.Time) {
	for f, ok := w.parser.Next(); ok; f, ok = w.parser.Next() {
		w.burst = burst{skip: true} // this is no Modbus
		if f.FromMeter() {
			if !w.expected(func(a asked) bool { return a.unit < 0 && a.addr.Match(f.Addr) }, at) {
				w.foreign(ForeignReply, at, dlt645.AppendMasked(nil, f), fmt.Sprintf("control %02XH of meter %s", f.Control, f.Addr))
			}
			continue
		}
		if w.ours(dlt645.AppendFrame(w.frame[:0], f), at) {
			continue // one echo; a second is a replay
		}
		kind := ForeignMaster
		if f.Func() == relayControl {
			kind = ForeignRelay
		}
		w.foreign(kind, at, dlt645.AppendMasked(nil, f), fmt.Sprintf("control %02XH to meter %s", f.Control, f.Addr))
	}
}

// expected says whether one of those asked lately is it.
func (w *watcher) expected(is func(asked) bool, at time.Time) bool {
	if at.Before(w.anybody) {
		return true
	}
	for _, a := range w.asked {
		if !a.at.IsZero() && at.Sub(a.at) < askedFor && is(a) {
			return true
		}
	}
	return false
}

// foreign tells of a frame: the first of its kind at once, others once a minute with their number; relay frames at once.
func (w *watcher) foreign(kind string, at time.Time, frame []byte, note string) {
	t := w.told[kind]
	if t == nil {
		t = &telling{}
		w.told[kind] = t
	}
	t.count++
	if w.count != nil {
		w.count()
	}
	due := t.at.IsZero() || at.Sub(t.at) >= tellEvery
	if kind == ForeignRelay {
		if at.Sub(w.since) >= tellEvery {
			w.since, w.relays = at, 0
		}
		w.relays++
		due = due || w.relays <= relaysMax
	}
	if !due {
		return
	}
	w.tell(Foreign{At: at, Kind: kind, Bytes: frame, Note: note, Count: t.count})
	t.at, t.count = at, 0
}
