package field

import (
	"encoding/hex"
	"slices"

	"feikong/internal/daemon"
	"feikong/protocol"
)

// RelayActions is what a hand may ask of a relay, by their names on the command line.
var RelayActions = []string{"trip", "permit", "close", "alarm-on", "alarm-off", "hold-on", "hold-off"}

// Stages of a relay moved by hand: the intention is on disk before the frame leaves, the result after.
const (
	StageIntent = "intent"
	StageResult = "result"
)

// RelayState is a relay as it was read.
type RelayState struct {
	Open        bool `json:"open"`
	CommandOpen bool `json:"command_open"`
	Hold        bool `json:"hold"`
}

// RelayStateOf is r, or nil when it is not known.
func RelayStateOf(r protocol.RelayReport) *RelayState {
	if !r.Known {
		return nil
	}
	return &RelayState{r.Open, r.CommandOpen, r.Hold}
}

// Frame is one frame on the line; a password in it was masked before it came here.
type Frame struct {
	Sent bool   `json:"sent"`
	At   int64  `json:"at"`
	Hex  string `json:"hex"`
	Note string `json:"note,omitempty"`
}

// framesMax bounds the frames of a record, so that it stays within protocol.MaxRecord.
const framesMax = 16

// FramesOf keeps the last frames: the one that moved the relay and what was read after it are the proof.
func FramesOf(fs []protocol.FrameEvidence) (out []Frame) {
	for _, f := range fs[max(0, len(fs)-framesMax):] {
		out = append(out, Frame{f.Sent, f.At, hex.EncodeToString(f.Bytes), f.Note})
	}
	return out
}

func checkFrames(fs []Frame) error {
	if len(fs) > framesMax {
		return wrong("%d frames, the limit is %d", len(fs), framesMax)
	}
	for _, f := range fs {
		if len(f.Hex) > 1024 {
			return wrong("a frame of %d digits", len(f.Hex))
		}
		if _, err := hex.DecodeString(f.Hex); err != nil {
			return wrong("a frame is not hex")
		}
		if err := text("frame", f.Note, textMax); err != nil {
			return err
		}
	}
	return nil
}

// RelayTest is a relay moved by hand in commissioning mode 现场跳合闸: an intention, or its result.
type RelayTest struct {
	Head
	Action string      `json:"action"`
	Stage  string      `json:"stage"`
	Of     string      `json:"of,omitempty"`     // id of the intention
	State  string      `json:"state,omitempty"`  // done, permitted, accepted, failed, refused, unknown
	Cause  string      `json:"cause,omitempty"`  // of a state that is not what was asked for, or of no frame; see causeWords
	Detail string      `json:"detail,omitempty"` // as the driver tells it
	Before *RelayState `json:"before,omitempty"`
	After  *RelayState `json:"after,omitempty"`
	Frames []Frame     `json:"frames,omitempty"`
}

// NewRelayTest begins a record: an intention, which its result repeats with Of.
func NewRelayTest(w Work, meter Ref, action, stage string) *RelayTest {
	return &RelayTest{Head: w.head(KindRelay, daemon.Version, meter), Action: action, Stage: stage}
}

// Causes of a result.
const (
	CauseAlready    = "already"    // the relay was so before
	CauseUnsent     = "unsent"     // the frame did not leave
	CausePassword   = "password"   // the meter refused the password
	CauseRefused    = "refused"    // the meter refused
	CauseUnreadable = "unreadable" // a frame has left, and nothing tells what came of it
	CauseUnchanged  = "unchanged"  // read back as it was
)

var relayStates = []string{"done", "permitted", "accepted", "failed", "refused", "unknown"}

// Check wants a known action, and of a result its state.
func (r *RelayTest) Check() error {
	if err := r.check(KindRelay); err != nil {
		return err
	}
	switch {
	case !slices.Contains(RelayActions, r.Action):
		return wrong("action %q is not known", r.Action)
	case r.Stage == StageIntent && (r.Of != "" || r.State != "" || r.After != nil):
		return wrong("an intention with a result")
	case r.Stage == StageResult && !slices.Contains(relayStates, r.State):
		return wrong("state %q of a result is not known", r.State)
	case r.Stage != StageIntent && r.Stage != StageResult:
		return wrong("stage %q is not known", r.Stage)
	case r.Cause != "" && causeWords[r.Cause][0] == "":
		return wrong("cause %q of a result is not known", r.Cause)
	}
	if err := checkFrames(r.Frames); err != nil {
		return err
	}
	if err := text("of", r.Of, personMax); err != nil {
		return err
	}
	return text("detail", r.Detail, 2*textMax)
}

// Readings are none: the agent stores what it read as it reads it.
func (r *RelayTest) Readings() []protocol.Reading { return nil }

// Mode is commissioning mode 调试模式 switched on or off.
type Mode struct {
	Head
	On    bool  `json:"on"`
	Until int64 `json:"until,omitempty"` // unix ms, of a mode switched on
}

// NewMode makes a checked record.
func NewMode(w Work, on bool, until int64) (*Mode, error) {
	m := &Mode{Head: w.head(KindMode, daemon.Version, Ref{}), On: on, Until: until}
	return m, m.Check()
}

// Check wants an end of a mode that is on.
func (m *Mode) Check() error {
	if err := m.check(KindMode); err != nil {
		return err
	}
	if m.On && m.Until <= m.At || !m.On && m.Until != 0 || m.Until > 1<<52 {
		return wrong("commissioning mode that is on ends, one that is off has no end")
	}
	return nil
}

// Readings are none.
func (m *Mode) Readings() []protocol.Reading { return nil }
