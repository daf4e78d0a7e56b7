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
	// askedMax remembers whom we asked lately; askedFor is how late an answer may be: DTUs hold them back for seconds.
	askedMax, askedFor = 8, 10 * time.Second
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

	mbap      bool      // we talk to a gateway, which shows us nobody else
	own       []byte    // our request without preamble, the line's until the next
	echoUntil time.Time // an echo of own may come until then
	answerBy  time.Time // the answer to own, when it is Modbus
	anybody   time.Time // until then any meter may answer what was asked before the port was opened
	asked     [askedMax]asked
	next      int

	told   map[string]*telling
	frame  [dlt645.MaxFrame]byte
	relays int // told since relaysFrom
	since  time.Time
}

type asked struct {
	at   time.Time
	addr dlt645.Address // wildcards included
	unit int            // Modbus; -1: addr counts
}

type telling struct {
	at    time.Time
	count int
}

func newWatcher(tell func(Foreign)) *watcher {
	return &watcher{tell: tell, told: map[string]*telling{}}
}

// opened forgets what was before: a process that was killed may have asked anybody, so answers are not told for a while.
func (w *watcher) opened(now time.Time) {
	w.parser.Reset()
	w.burst = burst{}
	w.own = nil
	w.anybody = now.Add(askedFor)
}

// sent notes our own request: its echo may come until echo, its answer until answer.
func (w *watcher) sent(request []byte, at, echo, answer time.Time) {
	for len(request) > 0 && request[0] == 0xFE {
		request = request[1:]
	}
	w.own = append(w.own[:0], request...)
	w.mbap = isMBAP(request)
	w.echoUntil, w.answerBy = echo, answer
	a := asked{at: at, unit: -1}
	if isDLT645(request) {
		a.addr = dlt645.Address(request[1:7])
	} else if len(request) > 0 {
		a.unit = int(request[0])
	}
	w.asked[w.next%askedMax] = a
	w.next++
	w.burst = burst{}
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
	for f, ok := w.burst.hear(b); ok; f, ok = w.burst.hear(nil) {
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
		if string(dlt645.AppendFrame(w.frame[:0], f)) == string(w.own) && at.Before(w.echoUntil) {
			w.echoUntil = time.Time{} // one echo; a second is a replay
			continue
		}
		kind := ForeignMaster
		if f.Func() == 0x1C {
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
