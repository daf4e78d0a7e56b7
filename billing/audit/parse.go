package audit

import (
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// raw is a document of rules as written. Each rule's keys are optional: what is
// not written keeps its default.
type raw struct {
	Rules rawRules `yaml:"rules"`
}

type rawRules struct {
	A01 rawRule `yaml:"A01"`
	A05 rawRule `yaml:"A05"`
	A06 struct {
		Enabled document.Of[bool]   `yaml:"enabled"`
		Action  document.Of[string] `yaml:"action"`
		Percent document.Of[int]    `yaml:"percent"`
	} `yaml:"A06"`
	A07 struct {
		Enabled  document.Of[bool]           `yaml:"enabled"`
		Action   document.Of[string]         `yaml:"action"`
		Limit    document.Of[billing.Energy] `yaml:"limit_kwh"`
		Permille document.Of[int]            `yaml:"permille"`
	} `yaml:"A07"`
	A09 rawRule `yaml:"A09"`
	A12 struct {
		Enabled document.Of[bool]          `yaml:"enabled"`
		Action  document.Of[string]        `yaml:"action"`
		MaxAge  document.Of[time.Duration] `yaml:"max_age"`
	} `yaml:"A12"`
	A13 struct {
		Enabled document.Of[bool]          `yaml:"enabled"`
		Flag    document.Of[time.Duration] `yaml:"flag_over"`
		Trip    document.Of[time.Duration] `yaml:"no_trip_over"`
		Ahead   document.Of[time.Duration] `yaml:"hold_ahead"`
	} `yaml:"A13"`
	A15 rawRule `yaml:"A15"`
	A20 struct {
		Enabled   document.Of[bool]          `yaml:"enabled"`
		Action    document.Of[string]        `yaml:"action"`
		Tolerance document.Of[billing.Money] `yaml:"tolerance"`
	} `yaml:"A20"`
	A22 rawRule `yaml:"A22"`
}

type rawRule struct {
	Enabled document.Of[bool]   `yaml:"enabled"`
	Action  document.Of[string] `yaml:"action"`
}

// Parse reads a document of audit rules over the defaults; name is what errors
// call the document. A rule that the document leaves out stays as DefaultRules
// has it; switching one off must be written.
//
// Errors carry line and remedy; see document.Error.
func Parse(name string, data []byte) (Rules, error) {
	var r raw
	if err := document.Decode(name, data, &r); err != nil {
		return Rules{}, err
	}
	rules := DefaultRules()
	from := &r.Rules
	for _, rule := range []struct {
		enabled document.Of[bool]
		action  document.Of[string]
		to      []*Rule
	}{
		{from.A01.Enabled, from.A01.Action, []*Rule{&rules.Backwards}},
		{from.A05.Enabled, from.A05.Action, []*Rule{&rules.Negative, &rules.Unbillable}},
		{from.A06.Enabled, from.A06.Action, []*Rule{&rules.Capacity}},
		{from.A07.Enabled, from.A07.Action, []*Rule{&rules.Bands}},
		{from.A09.Enabled, from.A09.Action, []*Rule{&rules.Speed}},
		{from.A12.Enabled, from.A12.Action, []*Rule{&rules.Stale}},
		// A13 has three limits, and the action of each is its meaning.
		{from.A13.Enabled, document.Of[string]{}, []*Rule{&rules.ClockFlag, &rules.ClockTrip, &rules.ClockAhead}},
		{from.A15.Enabled, from.A15.Action, []*Rule{&rules.Multiplier}},
		{from.A20.Enabled, from.A20.Action, []*Rule{&rules.FeeRange}},
		{from.A22.Enabled, from.A22.Action, []*Rule{&rules.DuplicateKey}},
	} {
		if err := set(name, rule.enabled, rule.action, rule.to); err != nil {
			return Rules{}, err
		}
	}
	if err := parameters(name, from, &rules); err != nil {
		return Rules{}, err
	}
	return rules, nil
}

func set(name string, enabled document.Of[bool], action document.Of[string], to []*Rule) error {
	for _, rule := range to {
		if enabled.Present() {
			rule.Enabled = enabled.Value
		}
		if !action.Present() {
			continue
		}
		switch action.Value {
		case "flag":
			rule.Action = Flag
		case "hold-trip":
			rule.Action = HoldTrip
		case "hold":
			rule.Action = Hold
		default:
			return document.Errorf(name, action.Line, "action is %q; give flag, hold-trip or hold", action.Value)
		}
	}
	return nil
}

func parameters(name string, from *rawRules, to *Rules) error {
	take(from.A06.Percent, &to.CapacityPercent)
	take(from.A07.Limit, &to.BandsLimit)
	take(from.A07.Permille, &to.BandsPermille)
	take(from.A12.MaxAge, &to.MaxAge)
	take(from.A13.Flag, &to.ClockFlagAt)
	take(from.A13.Trip, &to.ClockTripAt)
	take(from.A13.Ahead, &to.AheadAt)
	take(from.A20.Tolerance, &to.FeeTolerance)
	for _, must := range []struct {
		ok   bool
		line int
		text string
	}{
		{to.CapacityPercent >= 1 && to.CapacityPercent <= 1000, from.A06.Percent.Line, "percent is outside 1 to 1000"},
		{to.BandsLimit >= 0, from.A07.Limit.Line, "limit_kwh is negative; give zero or more"},
		{to.BandsPermille >= 0 && to.BandsPermille <= 1000, from.A07.Permille.Line, "permille is outside 0 to 1000"},
		{to.MaxAge > 0, from.A12.MaxAge.Line, "max_age must be above zero"},
		{to.ClockFlagAt >= 0, from.A13.Flag.Line, "flag_over is negative; give zero or more"},
		{to.ClockTripAt >= to.ClockFlagAt, max(from.A13.Trip.Line, from.A13.Flag.Line), "no_trip_over is below flag_over; the flag comes first"},
		{to.AheadAt >= 0, from.A13.Ahead.Line, "hold_ahead is negative; give zero or more"},
		{to.FeeTolerance >= 0, from.A20.Tolerance.Line, "tolerance is negative; give zero or more"},
	} {
		if !must.ok {
			return document.Errorf(name, must.line, "%s", must.text)
		}
	}
	return nil
}

func take[T any](from document.Of[T], to *T) {
	if from.Present() {
		*to = from.Value
	}
}
