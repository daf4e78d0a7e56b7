package meter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"feikong/protocol/dlt645"
)

// State is what a meter keeps through a stop of the simulator, as a real one does in its memory: registers, relay, clock
// error, passwords, parameters, events, freezes; and the simulator's counters. The load is kept only when a person has
// set it, so that an edited scenario takes effect. A state of an older simulator lacks the later fields.
type State struct {
	EnergymWh   int64         `json:"energy_mwh"`
	RatesmWh    [rates]int64  `json:"rates_mwh"`
	At          time.Time     `json:"at"`
	Open        bool          `json:"relay_open"`
	CommandOpen bool          `json:"command_open"`
	Permitted   bool          `json:"permitted"`
	Hold        bool          `json:"hold"`
	Alarm       bool          `json:"alarm"`
	Plugged     bool          `json:"plugged"`
	Offset      time.Duration `json:"clock_offset_ns"`
	LoadW       *int64        `json:"load_w,omitempty"`
	TripFrames  uint64        `json:"trip_frames"`
	CloseFrames uint64        `json:"close_frames"`
	Guesses     int           `json:"wrong_passwords,omitempty"` // of an older simulator: of the one level
	LockedAt    time.Time     `json:"locked_at,omitzero"`

	ReversemWh [rates]int64           `json:"reverse_mwh,omitzero"`
	Carry      [2]uint64              `json:"carry,omitzero"`
	Dark       int64                  `json:"dark_since,omitempty"` // unix ns, 0 powered
	ClockFault bool                   `json:"clock_fault,omitempty"`
	DeadClock  bool                   `json:"clock_battery_dead,omitempty"`
	SetDay     int64                  `json:"clock_set_day,omitempty"`
	CoverOpen  bool                   `json:"cover_open,omitempty"`
	Pending    *Pending               `json:"relay_pending,omitempty"`
	Levels     []Level                `json:"passwords,omitempty"`
	Wire       string                 `json:"wire_address,omitempty"` // where a master has written another
	Written    map[string][]byte      `json:"written,omitempty"`      // parameters by identifier
	Events     map[eventKind]*journal `json:"events,omitempty"`
	Money      *PurseState            `json:"money,omitempty"`
	Timed      []byte                 `json:"timed_freeze,omitempty"`
	Program    int64                  `json:"programming_until,omitempty"`
	Baud       *Session               `json:"baud_session,omitempty"`
	Forced     bool                   `json:"relay_forced,omitempty"`
	Manner     *MannerState           `json:"manner,omitempty"`
	History    []byte                 `json:"history,omitempty"` // freezes, demand and settlements, packed; not to be changed
}

// Pending is what the relay waits for; times are unix ns.
type Pending struct {
	Operator   [4]byte `json:"operator"`
	TripAt     int64   `json:"trip_at,omitempty"`
	RecoverAt  int64   `json:"recover_at,omitempty"`
	RecoverAs  byte    `json:"recover_as,omitempty"`
	RecoverFor int64   `json:"recover_for,omitempty"`
	RecloseAt  int64   `json:"reclose_at,omitempty"`
}

// Level is a password level that is no longer as configured.
type Level struct {
	Level  int     `json:"level"`
	Digits [3]byte `json:"digits"`
	Set    bool    `json:"set"`
	Wrong  int     `json:"wrong,omitempty"`
	Locked int64   `json:"locked,omitempty"`
}

// PurseState is the money of a meter that keeps it, in 1e-10 of the currency.
type PurseState struct {
	Left   int64 `json:"left"`
	Bought int64 `json:"bought"`
	Warned bool  `json:"warned,omitempty"`
	Opened bool  `json:"opened,omitempty"`
}

// Session is a changed baud rate.
type Session struct {
	Baud  int   `json:"baud"`
	Heard int64 `json:"heard"`
}

// ErrState is a saved state that no meter can have had.
var ErrState = errors.New("state of a meter is damaged")

// State takes the state at now.
func (m *Meter) State(now time.Time) State {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	r := &m.relay
	s := State{
		EnergymWh: sum(&m.regs.fwd), RatesmWh: m.regs.fwd, At: now,
		Open: r.open, CommandOpen: r.commandOpen, Permitted: r.permitted, Hold: r.hold, Alarm: r.alarm,
		Plugged: m.plugged, Offset: m.offset, TripFrames: m.trips, CloseFrames: m.closes,
		ReversemWh: m.regs.rev, Carry: [2]uint64{m.regs.fwdC, m.regs.revC}, ClockFault: m.clockFault, DeadClock: m.dead, SetDay: m.setDay,
		CoverOpen: m.coverOpen, Forced: m.forced, History: m.pack(),
	}
	if m.dark {
		s.Dark = m.darkAt
	}
	if p := (Pending{r.operator, r.tripAt, r.recoverAt, byte(r.recoverAs), int64(r.recoverFor), r.recloseAt}); p != (Pending{}) {
		s.Pending = &p
	}
	fresh := Meter{cfg: m.cfg}
	fresh.setPasswords()
	for i, l := range m.levels {
		if l != fresh.levels[i] {
			s.Levels = append(s.Levels, Level{i, l.digits, l.set, int(l.wrong), l.locked})
		}
	}
	if m.wire != m.cfg.Wire {
		s.Wire = m.wire.String()
	}
	for d, b := range m.written {
		if s.Written == nil {
			s.Written = map[string][]byte{}
		}
		s.Written[d.String()] = slices.Clone(b)
	}
	for k, j := range m.journals {
		if s.Events == nil {
			s.Events = map[eventKind]*journal{}
		}
		s.Events[k] = &journal{j.Count, slices.Clone(j.Last)}
	}
	if m.cfg.Money != nil {
		s.Money = &PurseState{m.purse.left, m.purse.bought, m.purse.warned, m.purse.opened}
	}
	if m.timed != [4]byte{} {
		s.Timed = m.timed[:]
	}
	if m.programming() {
		s.Program = m.programUntil
	}
	if m.session != 0 {
		s.Baud = &Session{m.session, max(m.heard, m.sessionAt)}
	}
	s.Manner = m.mannerState()
	if m.loadSet {
		w := m.loadW
		s.LoadW = &w
	}
	return s
}

// Restore puts a saved state in place of the scenario's. The registers go on from it: what the load drew between the
// save and now is counted when the meter is next looked at, and they never run backwards.
func (m *Meter) Restore(s State) error {
	for name, r := range map[string]*[rates]int64{"rate": &s.RatesmWh, "reverse": &s.ReversemWh} {
		for _, v := range r {
			if v < 0 || v > EnergyMaxmWh {
				return fmt.Errorf("meter %s: %s register %d mWh: %w", m.cfg.Address, name, v, ErrState)
			}
		}
	}
	if s.EnergymWh < 0 || s.EnergymWh > EnergyMaxmWh || sum(&s.RatesmWh) != s.EnergymWh || sum(&s.ReversemWh) > EnergyMaxmWh {
		return fmt.Errorf("meter %s: total %d mWh, rates %d mWh: %w", m.cfg.Address, s.EnergymWh, sum(&s.RatesmWh), ErrState)
	}
	if s.Carry[0] >= wattNanosPermWh || s.Carry[1] >= wattNanosPermWh || s.Offset > offsetMax || s.Offset < -offsetMax {
		return fmt.Errorf("meter %s: carry %d or clock offset %s: %w", m.cfg.Address, s.Carry, s.Offset, ErrState)
	}
	if y := s.At.Year(); y < 1970 || y > 2200 {
		s.At = time.Unix(0, 0)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.days, m.changes, m.timedRing, m.instant, m.settled, m.demand = nil, nil, nil, nil, nil, demands{}
	m.written, m.journals, m.pending, m.table = nil, nil, nil, factoryTariff
	m.at = s.At.UnixNano()
	m.regs = registers{fwd: s.RatesmWh, rev: s.ReversemWh, fwdC: s.Carry[0], revC: s.Carry[1]}
	m.relay = relay{open: s.Open, commandOpen: s.CommandOpen, permitted: s.Permitted && s.Open, hold: s.Hold, alarm: s.Alarm}
	if p := s.Pending; p != nil {
		r := &m.relay
		r.operator, r.tripAt, r.recoverAt, r.recoverAs, r.recoverFor, r.recloseAt = p.Operator, p.TripAt, p.RecoverAt, dlt645.RelayCommand(p.RecoverAs), time.Duration(p.RecoverFor), p.RecloseAt
	}
	m.plugged, m.offset = s.Plugged, s.Offset
	m.dark, m.darkAt, m.clockFault, m.dead, m.setDay, m.coverOpen, m.forced = s.Dark != 0, s.Dark, s.ClockFault, s.DeadClock || m.cfg.DeadBattery, s.SetDay, s.CoverOpen, s.Forced
	m.trips, m.closes = s.TripFrames, s.CloseFrames
	if err := m.restoreLevels(s); err != nil {
		return err
	}
	if err := m.restoreManner(s.Manner); err != nil {
		return err
	}
	if m.wire = m.cfg.Wire; s.Wire != "" {
		a, err := dlt645.ParseAddress(s.Wire)
		if err != nil || !a.Exact() {
			return fmt.Errorf("meter %s: address %q: %w", m.cfg.Address, s.Wire, ErrState)
		}
		m.wire = a
	}
	if err := m.restoreWritten(s.Written); err != nil {
		return err
	}
	for k, j := range s.Events {
		if j == nil || len(j.Last) > eventsKept || slices.ContainsFunc(j.Last, func(e event) bool { return len(e.Items) > 10 || k == eventClearEvents && len(e.Items) == 0 }) {
			return fmt.Errorf("meter %s: events %s: %w", m.cfg.Address, k, ErrState)
		}
	}
	m.journals = maps.Clone(s.Events)
	if p := s.Money; p != nil && m.cfg.Money != nil {
		m.purse = purse{min(max(p.Left, -purseMax), purseMax), min(max(p.Bought, 0), purseMax), p.Warned, p.Opened}
	}
	m.timed, m.programUntil, m.session = [4]byte{}, s.Program, 0
	if len(s.Timed) == 4 {
		_ = m.freezeCommand(s.Timed)
	}
	if s.Baud != nil && s.Baud.Baud >= 300 && s.Baud.Baud <= 115200 {
		m.session, m.sessionAt = s.Baud.Baud, s.Baud.Heard
	}
	if s.LoadW != nil && *s.LoadW >= 0 && *s.LoadW <= LoadMaxW {
		m.loadW, m.loadSet = *s.LoadW, true
	}
	m.demandFrom()
	if err := m.unpack(s.History); err != nil {
		return fmt.Errorf("meter %s: history: %w", m.cfg.Address, err)
	}
	m.changed()
	return nil
}

func (m *Meter) restoreLevels(s State) error {
	m.levels = [levels]level{}
	m.setPasswords()
	if n := m.cfg.Password.Level; s.Guesses > 0 && n < levels {
		m.levels[n].wrong, m.levels[n].locked = uint8(min(s.Guesses, guessesMax)), s.LockedAt.UnixNano()
	}
	for _, l := range s.Levels {
		if l.Level < 0 || l.Level >= levels || l.Wrong < 0 || l.Wrong > guessesMax {
			return fmt.Errorf("meter %s: password level %d: %w", m.cfg.Address, l.Level, ErrState)
		}
		m.levels[l.Level] = level{l.Set, l.Digits, uint8(l.Wrong), l.Locked}
	}
	return nil
}

// restoreWritten takes parameters back as a master wrote them, through the same checks.
func (m *Meter) restoreWritten(written map[string][]byte) error {
	program := m.programUntil
	defer func() { m.programUntil = program }()
	m.interval.profile = 0
	for text, b := range written {
		var d di
		if _, err := fmt.Sscanf(text, "%08X", (*uint32)(&d)); err != nil || len(b) > 64 {
			return fmt.Errorf("meter %s: parameter %q: %w", m.cfg.Address, text, ErrState)
		}
		if d <= 0xFFFF && len(b) == 6 && allBCD(b) && (d == di1997Number || d == di1997User || d == di1997Unit) {
			m.write1997(d, b)
			continue
		}
		if m.row(d) == nil { // the scenario made another kind of meter of it
			continue
		}
		if e := m.write(d, b); e != 0 {
			return fmt.Errorf("meter %s: parameter %s: %w", m.cfg.Address, d, ErrState)
		}
	}
	return nil
}

// Bounds of what a meter may be given.
const (
	// EnergyMaxmWh is ten times round an eight-digit register.
	EnergyMaxmWh = 10_000_000 * 1_000_000
	// LoadMaxW is a large substation; with TimesMax it stays far below overflow.
	LoadMaxW = 1_000_000_000
	TimesMax = 1_000_000
)
