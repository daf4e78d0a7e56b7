package scenario

import (
	"fmt"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/internal/document"
)

type fileMeter struct {
	At      document.Line
	Address string `yaml:"address"`
	First   string `yaml:"first"`
	Count   *int   `yaml:"count"`
	Channel int    `yaml:"channel"`
	Twin    bool   `yaml:"twin"`

	Model       string        `yaml:"model"`
	KWh         string        `yaml:"kwh"`
	ReverseKWh  string        `yaml:"reverse_kwh"`
	LoadW       int64         `yaml:"load_w"`
	FeedW       int64         `yaml:"feed_w"`
	Times       *int64        `yaml:"times"`
	Phases      int           `yaml:"phases"`
	PowerFactor string        `yaml:"power_factor"`
	History     time.Duration `yaml:"history"`
	ClockOffset time.Duration `yaml:"clock_offset"`
	DeadBattery bool          `yaml:"dead_battery"`
	NoClockSet  bool          `yaml:"no_clock_set"`

	Switch        string        `yaml:"switch"`
	TripDelay     time.Duration `yaml:"trip_delay"`
	TripCurrent   string        `yaml:"trip_current"`
	CloseAsPermit bool          `yaml:"close_as_permit"`
	NoRecover     bool          `yaml:"no_recover"`
	OpensAbove    string        `yaml:"opens_above"`
	RecloseAfter  time.Duration `yaml:"reclose_after"`
	Welded        bool          `yaml:"welded"`
	ContactBit    string        `yaml:"contact_bit"`
	Sealed        bool          `yaml:"sealed"`
	Money         *fileMoney    `yaml:"money"`

	Edition      string       `yaml:"edition"`
	Level        *int         `yaml:"password_level"`
	Password     string       `yaml:"password"`
	Passwords    []string     `yaml:"passwords"`
	FirstWords   bool         `yaml:"first_words"`
	Words2014    bool         `yaml:"words_2014"`
	StatusBytes  int          `yaml:"status_bytes"`
	StrictWild   bool         `yaml:"strict_wildcard"`
	OldAddress   bool         `yaml:"old_address"`
	NoEvents     bool         `yaml:"no_events"`
	Profile      *fileProfile `yaml:"profile"`
	DailyDepth   *int         `yaml:"daily_freezes"`
	HourlyDepth  *int         `yaml:"hourly_freezes"`
	Backfill     int          `yaml:"backfill_days"`
	WildReply    bool         `yaml:"wildcard_reply"`
	Answers99    bool         `yaml:"answers_99"`
	NoSeparators bool         `yaml:"no_separators"`
	Password1997 bool         `yaml:"password_1997"`

	ReplyDelay time.Duration `yaml:"reply_delay"`
	Jitter     time.Duration `yaml:"jitter"`
	Baud       int           `yaml:"baud"`
	Parity     string        `yaml:"parity"`
	Preamble   *int          `yaml:"preamble"`
	Trailing   int           `yaml:"trailing"`
	Late       bus.Share     `yaml:"late"`
	LateBy     time.Duration `yaml:"late_by"`
	Dying      time.Duration `yaml:"dying"`
}

// meters checks the meters of the nth line of its entry, ranges written out.
func (fl fileLine) meters(out *Line, nth int, with common) error {
	seen := map[string]int{}
	for i, fm := range fl.Meters {
		if fm.Password == "" {
			fm.Password = fl.Password
		}
		if fm.Level == nil {
			fm.Level = fl.Level
		}
		if err := fm.add(out, i, nth, with, seen); err != nil {
			return &meterFault{int(fm.At), err}
		}
	}
	return nil
}

func (fm fileMeter) add(out *Line, i, nth int, with common, seen map[string]int) error {
	addresses, err := fm.addresses(out.Bus.Protocol, nth)
	if err != nil {
		return fmt.Errorf("meter %d: %w", i+1, err)
	}
	if have := len(out.Meters) + len(addresses); have > metersMax {
		return fmt.Errorf("meter %d: %d meters, a line carries %d", i+1, have, metersMax)
	}
	for _, address := range addresses {
		one := fm
		one.Address = address
		m, err := one.check(out.Bus, with)
		if err != nil {
			return fmt.Errorf("meter %d (address %q): %w", i+1, address, err)
		}
		place := fmt.Sprintf("%s/%d", m.Address, m.Channel)
		if first := seen[place]; first > 0 && !fm.Twin {
			return fmt.Errorf("meter %d (address %q): address %s stands here again, first on line %d: both meters would answer (twin: true if they shall)",
				i+1, address, m.Address, first)
		} else if first == 0 {
			seen[place] = int(fm.At)
		}
		m.Seed = mix(out.Bus.Seed, m.Address)
		if m.Channel > 0 {
			m.Seed = mix(m.Seed, place)
		}
		if fm.Twin {
			m.Seed = mix(m.Seed, fmt.Sprint(len(out.Meters)))
		}
		out.Meters = append(out.Meters, m)
	}
	return nil
}

// meterFault is what is wrong with a meter, at its line of the file.
type meterFault struct {
	at  int
	err error
}

func (f *meterFault) Error() string { return f.err.Error() }
func (f *meterFault) Unwrap() error { return f.err }

func (fm fileMeter) check(line bus.Config, with common) (meter.Config, error) {
	c := meter.Config{LoadW: fm.LoadW, FeedW: fm.FeedW, Times: 1, Offset: fm.ClockOffset, Location: with.loc, History: fm.History, Phases: fm.Phases}
	if fm.Times != nil {
		c.Times = *fm.Times
	}
	for _, row := range []struct {
		text string
		to   *int64
	}{{fm.KWh, &c.EnergymWh}, {fm.ReverseKWh, &c.ReversemWh}} {
		if row.text == "" {
			continue
		}
		var err error
		if *row.to, err = KWh(row.text); err != nil {
			return c, err
		}
	}
	if fm.PowerFactor != "" {
		pf, err := decimal(fm.PowerFactor, 3)
		if err != nil || pf < 1 || pf > 1000 {
			return c, fmt.Errorf("power_factor %q: want 0.001 to 1.000", fm.PowerFactor)
		}
		c.PF = int(pf)
	}
	switch {
	case c.LoadW < 0 || c.LoadW > meter.LoadMaxW:
		return c, fmt.Errorf("load_w %d: want 0 to %d", c.LoadW, meter.LoadMaxW)
	case c.FeedW < 0 || c.FeedW > meter.LoadMaxW:
		return c, fmt.Errorf("feed_w %d: want 0 to %d", c.FeedW, meter.LoadMaxW)
	case c.Times < 1 || c.Times > meter.TimesMax:
		return c, fmt.Errorf("times %d: want 1 to %d", c.Times, meter.TimesMax)
	case c.Offset < -OffsetMax || c.Offset > OffsetMax:
		return c, fmt.Errorf("clock_offset %s: want at most ten years", c.Offset)
	case c.History < 0 || c.History > meter.HistoryMax:
		return c, fmt.Errorf("history %s: want 0s to %s", c.History, meter.HistoryMax)
	case c.Phases != 0 && c.Phases != 1 && c.Phases != 3:
		return c, fmt.Errorf("phases %d: want 1 or 3", c.Phases)
	}
	if err := fm.manner(line, &c); err != nil {
		return c, err
	}
	if err := fm.relay(&c); err != nil {
		return c, err
	}
	if line.Protocol == bus.Modbus {
		return c, fm.modbus(&c, with.models)
	}
	return c, fm.dlt645(&c)
}

// OffsetMax bounds how wrong a clock may be: it keeps a meter's clock in the century its two-digit years can tell.
const OffsetMax = 10 * 365 * 24 * time.Hour

// manner checks how the meter behaves on the line.
func (fm fileMeter) manner(line bus.Config, c *meter.Config) error {
	c.Delay, c.Jitter, c.Baud, c.Parity, c.Trailing = fm.ReplyDelay, fm.Jitter, fm.Baud, fm.Parity, fm.Trailing
	c.LateShare, c.LateBy, c.Dying = float64(fm.Late), fm.LateBy, fm.Dying
	if fm.Preamble != nil {
		if c.FEs = *fm.Preamble; c.FEs == 0 {
			c.FEs = -1
		}
	}
	if err := MeterFraming(c.Baud, c.Parity); err != nil {
		return err
	}
	switch {
	case c.Delay < 0 || c.Delay > delayMax:
		return fmt.Errorf("reply_delay %s: want 0s to %s", c.Delay, delayMax)
	case c.Jitter < 0 || c.Jitter > delayMax:
		return fmt.Errorf("jitter %s: want 0s to %s", c.Jitter, delayMax)
	case c.LateBy < 0 || c.LateBy > delayMax:
		return fmt.Errorf("late_by %s: want 0s to %s", c.LateBy, delayMax)
	case c.Dying < 0 || c.Dying > meter.HistoryMax:
		return fmt.Errorf("dying %s: want 0s to %s", c.Dying, meter.HistoryMax)
	case c.FEs > 16 || c.FEs < -1 || c.FEs > 0 && line.Protocol == bus.Modbus:
		return fmt.Errorf("preamble %d: want 0 to 16 FE bytes, and none on a modbus line", *fm.Preamble)
	case c.Trailing < 0 || c.Trailing > 16:
		return fmt.Errorf("trailing %d: want 0 to 16 FF bytes", c.Trailing)
	}
	return nil
}

// MeterFraming refuses what no meter can be set to; 0 and "" are the line's own.
func MeterFraming(baud int, parity string) error {
	if parity != "" {
		if _, err := choose("parity", parity); err != nil {
			return err
		}
	}
	if baud != 0 {
		return among("baud", baud, bauds)
	}
	return nil
}

// relay checks how the meter obeys relay commands, whatever it speaks.
func (fm fileMeter) relay(c *meter.Config) error {
	c.CloseAsPermit, c.NoRecover, c.RecloseAfter, c.Welded = fm.CloseAsPermit, fm.NoRecover, fm.RecloseAfter, fm.Welded
	c.TripDelay = int(fm.TripDelay / time.Minute)
	for _, row := range []struct {
		key, text string
		to        *int64
	}{{"trip_current", fm.TripCurrent, &c.TripCurrent}, {"opens_above", fm.OpensAbove, &c.OpensAbove}} {
		if row.text == "" {
			continue
		}
		mA, err := decimal(row.text, 3)
		if err != nil || mA < 0 || mA > 1_000_000 {
			return fmt.Errorf("%s %q: want amperes like 5.0, up to 1000", row.key, row.text)
		}
		*row.to = mA
	}
	switch {
	case fm.TripDelay < 0 || fm.TripDelay%time.Minute != 0 || c.TripDelay > 9999:
		return fmt.Errorf("trip_delay %s: want whole minutes, up to 9999", fm.TripDelay)
	case c.RecloseAfter < 0 || c.RecloseAfter > meter.HistoryMax:
		return fmt.Errorf("reclose_after %s: want 0s to %s", c.RecloseAfter, meter.HistoryMax)
	}
	word, err := choose("contact_bit", fm.ContactBit)
	if err != nil {
		return err
	}
	if word != "true" {
		c.ContactBit = meter.ContactBit(word)
	}
	return nil
}
