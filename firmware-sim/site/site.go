// Package site is a whole simulated street while it runs: its lines, and the file that keeps what the meters show.
package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/firmware-sim/scenario"
	"feikong/internal/daemon"
)

// StateFile is the name of the state in the site's folder.
const StateFile = "state.json"

// Site owns the lines of a scenario. What a person does to a meter goes to the meter itself.
type Site struct {
	dir    string
	log    *slog.Logger
	lines  []*bus.Line
	keys   map[*meter.Meter]string // in the state: "l1/000000000101", "l1/000000000101#2"
	period time.Duration           // between two saves
	dirty  chan struct{}           // 1: a relay frame was seen, save now
	saving sync.Mutex              // one save at a time
}

const (
	// framesAll bounds what all lines keep of their frames together; a line that is one of few keeps bus's own bound.
	framesAll, framesLeast = 400_000, 1000
	// savedASecond is how many meters are saved in a second: walking and writing more would be most of what the process does.
	savedASecond = 1000
)

// Open makes the lines, those without a place of their own as pseudo-terminals dir/NAME, and gives the meters what dir/state.json kept. A damaged state is an
// error: inventing registers would look like tampering to whoever bills them.
func Open(dir string, sc scenario.Scenario, now time.Time, log *slog.Logger) (*Site, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the street: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the street: %w", err)
	}
	s := &Site{dir: dir, log: log, keys: map[*meter.Meter]string{}, dirty: make(chan struct{}, 1)}
	for _, l := range sc.Lines {
		var meters []*meter.Meter
		twins := map[string]int{}
		for _, c := range l.Meters {
			m := meter.New(c, now)
			m.OnRelay(s.touch)
			meters = append(meters, m)
			key := l.Bus.Name + "/" + m.Address()
			if twins[key]++; twins[key] > 1 {
				s.keys[m] = fmt.Sprintf("%s#%d", key, twins[key])
			} else {
				s.keys[m] = key
			}
		}
		if few := framesAll / len(sc.Lines); few < bus.FramesMax {
			l.Bus.Frames = max(few, framesLeast)
		}
		line, err := s.lay(l, meters)
		if err == nil {
			s.lines = append(s.lines, line)
			line.SetFaults(l.Faults)
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.period = max(time.Second, time.Duration(len(s.keys))*time.Second/savedASecond)
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// lay makes one line where the scenario wants it.
func (s *Site) lay(l scenario.Line, meters []*meter.Meter) (*bus.Line, error) {
	switch l.Place.Kind {
	case "tcp":
		return bus.TCP(l.Bus, l.Place.Address, meters...)
	case "modbus-tcp":
		return bus.ModbusTCP(l.Bus, l.Place.Address, meters...)
	case "serial":
		return bus.Serial(l.Bus, l.Place.Address, meters...)
	}
	return bus.Pty(l.Bus, filepath.Join(s.dir, l.Bus.Name), meters...)
}

// Close takes the ports away when Run was never called.
func (s *Site) Close() error {
	var all error
	for _, l := range s.lines {
		all = errors.Join(all, l.Close())
	}
	return all
}

// Lines are the lines in the scenario's order.
func (s *Site) Lines() []*bus.Line { return s.lines }

// Line finds one by name.
func (s *Site) Line(name string) (*bus.Line, bool) {
	for _, l := range s.lines {
		if l.Name() == name {
			return l, true
		}
	}
	return nil, false
}

// Places tells where masters find each line, by name.
func (s *Site) Places() map[string]bus.Place {
	places := map[string]bus.Place{}
	for _, l := range s.lines {
		places[l.Name()] = l.Place()
	}
	return places
}

// Key is the meter's name within the street: LINE/ADDRESS, with #2 for the second of that address.
func (s *Site) Key(m *meter.Meter) string { return s.keys[m] }

func (s *Site) touch() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// Run runs all lines and saves each second (a large street less often), at each relay frame, and at the end.
func (s *Site) Run(ctx context.Context) error {
	tasks := []daemon.Task{{Name: "state", Run: s.keep}}
	for _, l := range s.lines {
		tasks = append(tasks, daemon.Task{Name: "line " + l.Name(), Run: l.Run})
	}
	return errors.Join(daemon.Run(ctx, tasks...), s.Save(time.Now()))
}

func (s *Site) keep(ctx context.Context) error {
	tick := time.NewTicker(s.period)
	defer tick.Stop()
	for {
		dirty := s.dirty
		if s.period > time.Second {
			dirty = nil // a save of so many is too long to have one at each frame
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-dirty:
		}
		// A full disk must not stop the meters; the next second tries again.
		if err := s.Save(time.Now()); err != nil {
			s.log.Warn("state not saved", daemon.KeyFile, StateFile, daemon.KeyError, err)
		}
	}
}

// Changed keeps what a person has done before they are told that it is done. A large street keeps it with the next of its saves.
func (s *Site) Changed(now time.Time) {
	if s.period > time.Second {
		return
	}
	if err := s.Save(now); err != nil { // as in keep: a full disk must not stop the meters
		s.log.Warn("state not saved", daemon.KeyFile, StateFile, daemon.KeyError, err)
	}
}

// state is the file. Meters are known by line and address.
type state struct {
	Version int                    `json:"version"`
	SavedAt time.Time              `json:"saved_at"`
	Lines   map[string]lineState   `json:"lines"`
	Meters  map[string]meter.State `json:"meters"` // "l1/000000000101"
}

type lineState struct {
	Frames  uint64            `json:"frames"`
	Noise   float64           `json:"noise"`
	Plugged bool              `json:"plugged"`
	Faults  map[string]string `json:"faults,omitempty"` // those that are on, noise and cut included
}

const stateVersion = 1

// Save writes the state beside the old one and renames it, so that a kill leaves either. It is not synced to disk: the
// street needs to survive its own programs, not the machine.
func (s *Site) Save(now time.Time) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	st := state{Version: stateVersion, SavedAt: now, Lines: map[string]lineState{}, Meters: map[string]meter.State{}}
	for _, l := range s.lines {
		f := l.Faults()
		st.Lines[l.Name()] = lineState{l.FrameCount(), float64(f.Noise), !bool(f.Cut), f.Map()}
		for _, m := range l.Meters() {
			st.Meters[s.keys[m]] = m.State(now)
		}
	}
	data, err := json.Marshal(st)
	if s.period == time.Second { // few enough for a person to read
		data, err = json.MarshalIndent(st, "", " ")
	}
	if err != nil {
		return fmt.Errorf("save the street: %w", err)
	}
	return WriteFile(filepath.Join(s.dir, StateFile), data, 0o644)
}

// WriteFile replaces a file as a whole.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (s *Site) load() error {
	path := filepath.Join(s.dir, StateFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the street's state: %w", err)
	}
	var st state
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&st); err != nil {
		return fmt.Errorf("read the street's state %s (remove it to start from the scenario): %w", path, err)
	}
	if st.Version != stateVersion {
		return fmt.Errorf("read the street's state %s: version %d, this program knows %d", path, st.Version, stateVersion)
	}
	for _, l := range s.lines {
		if ls, ok := st.Lines[l.Name()]; ok {
			l.ResumeCount(ls.Frames)
			if err := ls.restore(l); err != nil {
				return fmt.Errorf("read the street's state %s: %w", path, err)
			}
		}
		for _, m := range l.Meters() {
			key := s.keys[m]
			if ms, ok := st.Meters[key]; ok {
				if err := m.Restore(ms); err != nil {
					return fmt.Errorf("read the street's state %s (remove it to start from the scenario): %w", path, err)
				}
				delete(st.Meters, key)
			}
		}
	}
	for key := range st.Meters {
		s.log.Warn("saved meter is not in the scenario", daemon.KeyMeter, key)
	}
	return nil
}

// restore makes the line misbehave as it did. A state of an earlier version knows noise and the cut alone.
func (s lineState) restore(l *bus.Line) error {
	if err := l.SetNoise(s.Noise); err != nil {
		return err
	}
	return l.Change(func(f *bus.Faults) error {
		f.Cut = bus.Switch(!s.Plugged)
		for name, value := range s.Faults {
			if err := f.Set(name, value); err != nil {
				return err
			}
		}
		return nil
	})
}
