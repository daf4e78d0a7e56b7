package bus

import "time"

// Who sent a frame.
const (
	FromMaster = "master"
	FromMeter  = "meter"
	FromSecond = "second" // another master
)

// Frame is one frame that was on the line. N counts from 1 and goes on across restarts. Wire is without preamble: of a
// master the sound frame that was understood, of a meter what left it, damage included.
type Frame struct {
	N    uint64
	At   time.Time
	From string
	Wire []byte
	Note string // what was wrong with it: "late", "half", "collision" …; empty: nothing
}

// FramesMax bounds the ring, unless the line's Config says less: an hour and more of a busy 2400 baud line. Trip and close frames are counted by the meters
// as well, and those counts are never lost.
const FramesMax = 20_000

type ring struct {
	max   int     // 0: FramesMax
	kept  []Frame // oldest first from next on once full
	next  int
	n     uint64
	relay bool // a relay frame of the master was among them
}

func (l *Line) log(at time.Time, from string, wire []byte, note string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames.n++
	f := Frame{l.frames.n, at, from, append([]byte(nil), wire...), note}
	room := l.frames.max
	if room == 0 {
		room = FramesMax
	}
	if len(l.frames.kept) < room {
		l.frames.kept = append(l.frames.kept, f)
		return
	}
	l.frames.kept[l.frames.next] = f
	l.frames.next = (l.frames.next + 1) % room
}

// Frames gives the kept frames with a number above after, oldest first.
func (l *Line) Frames(after uint64) []Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []Frame{}
	for i := range l.frames.kept {
		if f := l.frames.kept[(l.frames.next+i)%len(l.frames.kept)]; f.N > after {
			out = append(out, f)
		}
	}
	return out
}

// FrameCount is the number of the last frame.
func (l *Line) FrameCount() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frames.n
}

// ResumeCount makes the next frame n+1; a smaller n than the present one is ignored.
func (l *Line) ResumeCount(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames.n = max(l.frames.n, n)
}
