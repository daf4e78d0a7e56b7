package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

type fileMoney struct {
	Balance   string   `yaml:"balance"`
	Price     []string `yaml:"price"`
	Alarm1    string   `yaml:"alarm1"`
	Alarm2    string   `yaml:"alarm2"`
	Overdraft string   `yaml:"overdraft"`
}

type fileProfile struct {
	Interval time.Duration `yaml:"interval"`
	Classes  []int         `yaml:"classes"`
	Days     int           `yaml:"days"`
	Off      bool          `yaml:"off"`
	Bad      string        `yaml:"bad"`
}

// dlt645 checks what only a meter of a DL/T 645 line has.
func (fm fileMeter) dlt645(c *meter.Config) error {
	if fm.Model != "" {
		return fmt.Errorf("model %q: only meters of a modbus line have one", fm.Model)
	}
	if fm.Channel != 0 {
		return fmt.Errorf("channel %d: only boxes of a modbus line have channels", fm.Channel)
	}
	a, err := dlt645.ParseAddress(fm.Address)
	if err != nil {
		return err
	}
	if !a.Exact() {
		return fmt.Errorf("address %s: want one meter's, not a wildcard or the broadcast", a)
	}
	c.Address, c.Wire = a.String(), a
	kind, err := choose("switch", fm.Switch)
	if err != nil {
		return err
	}
	c.Switch = meter.Switch(kind)
	edition, err := choose("edition", fm.Edition)
	if err != nil {
		return err
	}
	c.Edition = meter.Edition(edition)
	c.FirstWords, c.Words2014, c.StatusBytes, c.StrictWild, c.OldAddress = fm.FirstWords, fm.Words2014, fm.StatusBytes, fm.StrictWild, fm.OldAddress
	c.NoEvents, c.Backfill, c.Sealed, c.DeadBattery, c.NoClockSet = fm.NoEvents, fm.Backfill, fm.Sealed, fm.DeadBattery, fm.NoClockSet
	c.WildReply, c.Answers99, c.NoSeparators, c.Password1997 = fm.WildReply, fm.Answers99, fm.NoSeparators, fm.Password1997
	if c.StatusBytes != 0 {
		if err := among("status_bytes", c.StatusBytes, []int{6, 10, 14, 18}); err != nil {
			return err
		}
	}
	for _, row := range []struct {
		key  string
		have *int
		to   *int
		most int
	}{{"daily_freezes", fm.DailyDepth, &c.DailyDepth, 62}, {"hourly_freezes", fm.HourlyDepth, &c.HourlyDepth, 254}} {
		if row.have == nil {
			continue
		}
		if *row.have < 0 || *row.have > row.most {
			return fmt.Errorf("%s %d: want 0 to %d", row.key, *row.have, row.most)
		}
		if *row.to = *row.have; *row.to == 0 {
			*row.to = -1
		}
	}
	if c.Backfill < 0 || c.Backfill > 62 {
		return fmt.Errorf("backfill_days %d: want 0 to 62", c.Backfill)
	}
	if err := fm.passwords(c); err != nil {
		return err
	}
	if c.Money, err = fm.Money.check(); err != nil {
		return fmt.Errorf("money: %w", err)
	}
	if c.Profile, err = fm.Profile.check(); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return nil
}

// passwords are the one of its own keys, and further ones written "LEVEL:DIGITS".
func (fm fileMeter) passwords(c *meter.Config) (err error) {
	level, digits := 2, "000000"
	if fm.Level != nil {
		level = *fm.Level
	}
	if fm.Password != "" {
		digits = fm.Password
	}
	if c.Password, err = password(level, digits); err != nil {
		return err
	}
	if len(fm.Passwords) > 10 {
		return fmt.Errorf("passwords: there are ten levels, 0 to 9")
	}
	for _, text := range fm.Passwords {
		at, digits, _ := strings.Cut(text, ":")
		level, err := strconv.Atoi(at)
		if err != nil {
			return fmt.Errorf(`passwords: want "LEVEL:DIGITS", like "04:123456"`)
		}
		p, err := password(level, digits)
		if err != nil {
			return err
		}
		c.Passwords = append(c.Passwords, p)
	}
	return nil
}

func password(level int, digits string) (dlt645.Password, error) {
	if level < 0 || level > 9 {
		return dlt645.Password{}, fmt.Errorf("password_level %d: want 0 to 9", level)
	}
	p, err := dlt645.ParseAddress(digits) // six digits, the low pair first on the wire, like an address
	if err != nil || len(digits) != 6 || strings.ContainsAny(digits, "Aa") {
		return dlt645.Password{}, fmt.Errorf("password: want six digits")
	}
	return dlt645.Password{Level: byte(level), Digits: [3]byte{p[0], p[1], p[2]}}, nil
}

func (m *fileMoney) check() (*meter.Money, error) {
	if m == nil {
		return nil, nil
	}
	var out meter.Money
	for _, row := range []struct {
		key, text string
		to        *int64
	}{{"balance", m.Balance, &out.Balance}, {"alarm1", m.Alarm1, &out.Alarm1}, {"alarm2", m.Alarm2, &out.Alarm2}, {"overdraft", m.Overdraft, &out.Overdraft}} {
		if row.text == "" {
			continue
		}
		v, err := decimal(row.text, 4)
		if err != nil || v > moneyMax {
			return nil, fmt.Errorf("%s %q: want an amount like 50.00, up to 999999.99", row.key, row.text)
		}
		*row.to = v
	}
	switch len(m.Price) {
	case 1:
		m.Price = []string{m.Price[0], m.Price[0], m.Price[0], m.Price[0]}
	case 4:
	default:
		return nil, fmt.Errorf("price: want one price per kWh, or four: sharp, peak, flat, valley")
	}
	for i, text := range m.Price {
		v, err := decimal(text, 4)
		if err != nil || v > 100*10_000 {
			return nil, fmt.Errorf("price %q: want a price per kWh like 0.5469, up to 100", text)
		}
		out.Price[i] = v
	}
	return &out, nil
}

// moneyMax is what XXXXXX.XX shows, in 1/10,000.
const moneyMax = 999_999_9900

func (p *fileProfile) check() (meter.Profile, error) {
	if p == nil {
		return meter.Profile{}, nil
	}
	out := meter.Profile{Interval: p.Interval, Days: p.Days, Off: p.Off}
	for _, class := range p.Classes {
		if class < 1 || class > 6 {
			return out, fmt.Errorf("classes: %d: want numbers of 1 to 6", class)
		}
		out.Classes |= 1 << (class - 1)
	}
	if p.Bad != "" {
		share, err := strconv.ParseFloat(p.Bad, 64)
		if err != nil || !(share >= 0 && share <= 1) {
			return out, fmt.Errorf("bad %q: want a share of records, 0 to 1", p.Bad)
		}
		out.BadShare = share
	}
	switch {
	case out.Interval != 0 && (out.Interval < time.Minute || out.Interval > time.Hour || out.Interval%time.Minute != 0):
		return out, fmt.Errorf("interval %s: want whole minutes, 1m to 60m", out.Interval)
	case out.Days < 0 || out.Days > 365:
		return out, fmt.Errorf("days %d: want 0 (40 days) to 365", out.Days)
	}
	return out, nil
}
