package policy

import (
	"strconv"
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// raw is a policy document as written; only checked Policies leave the package.
type raw struct {
	Policies []rawPolicy `yaml:"policies"`
}

type rawPolicy struct {
	Line               document.Line
	ID                 document.Of[string]        `yaml:"id"`
	Version            document.Of[int]           `yaml:"version"`
	Name               rawName                    `yaml:"name"`
	Clause             document.Of[string]        `yaml:"clause"`
	WarnBelow          document.Of[billing.Money] `yaml:"warn_below"`
	WarnMargin         document.Of[billing.Money] `yaml:"warn_margin"`
	TripBelow          document.Of[billing.Money] `yaml:"trip_below"`
	Credit             document.Of[billing.Money] `yaml:"credit"`
	NoticeGrace        document.Of[time.Duration] `yaml:"notice_grace"`
	Windows            []rawWindow                `yaml:"windows"`
	MaxReadingAge      document.Of[time.Duration] `yaml:"max_reading_age"`
	MaxClockDrift      document.Of[time.Duration] `yaml:"max_clock_drift"`
	MinGapBetweenTrips document.Of[time.Duration] `yaml:"min_gap_between_trips"`
	TripsPerHour       document.Of[int]           `yaml:"trips_per_hour"`
	Restore            document.Of[string]        `yaml:"restore"`
	OrderTTL           document.Of[time.Duration] `yaml:"order_ttl"`
}

type rawName struct {
	ZH string `yaml:"zh"`
	EN string `yaml:"en"`
}

type rawWindow struct {
	Line document.Line
	Days []document.Of[string] `yaml:"days"`
	From document.Of[string]   `yaml:"from"`
	To   document.Of[string]   `yaml:"to"`
}

const (
	// policiesMax and windowsMax bound a document far above any known use.
	policiesMax = 1000
	windowsMax  = 64

	// The trade's defaults (audit rules A12 and A13): a daily reading and two
	// hours for it to arrive; a clock that may still be believed.
	defaultMaxReadingAge = 26 * time.Hour
	defaultMaxClockDrift = 10 * time.Minute
)

// Parse reads a document of policies and checks each; name is what errors call
// the document. Versions of one policy have one id and different numbers.
// Everything that lets a trip out must be written: only max_reading_age (26h),
// max_clock_drift (10m) and credit (0) have defaults, and a policy without
// windows never trips.
//
// Errors carry line and remedy; see document.Error.
func Parse(name string, data []byte) ([]Policy, error) {
	var r raw
	if err := document.Decode(name, data, &r); err != nil {
		return nil, err
	}
	p := parser{name}
	if len(r.Policies) == 0 || len(r.Policies) > policiesMax {
		return nil, p.fault(0, "%d policies; give 1 to %d", len(r.Policies), policiesMax)
	}
	type key struct {
		id      string
		version int
	}
	lines := make(map[key]document.Line, len(r.Policies))
	policies := make([]Policy, len(r.Policies))
	for i := range r.Policies {
		from := &r.Policies[i]
		policy, err := p.policy(from)
		if err != nil {
			return nil, err
		}
		k := key{policy.ID, policy.Version}
		if first, twice := lines[k]; twice {
			return nil, p.fault(int(from.Line), "version %d of policy %s is on line %d already; count the version up", k.version, k.id, first)
		}
		lines[k] = from.Line
		policies[i] = policy
	}
	return policies, nil
}

type parser struct{ name string }

func (p parser) fault(line int, format string, args ...any) error {
	return document.Errorf(p.name, line, format, args...)
}

func (p parser) policy(r *rawPolicy) (Policy, error) {
	policy := Policy{
		ID: r.ID.Value, Version: r.Version.Value, Name: billing.Name(r.Name), Clause: r.Clause.Value,
		WarnBelow: r.WarnBelow.Value, WarnMargin: r.WarnMargin.Value, TripBelow: r.TripBelow.Value, Credit: r.Credit.Value,
		NoticeGrace: r.NoticeGrace.Value, MaxReadingAge: r.MaxReadingAge.Value, MaxClockDrift: r.MaxClockDrift.Value,
		MinGapBetweenTrips: r.MinGapBetweenTrips.Value, TripsPerHour: r.TripsPerHour.Value, OrderTTL: r.OrderTTL.Value,
	}
	if !r.MaxReadingAge.Present() {
		policy.MaxReadingAge = defaultMaxReadingAge
	}
	if !r.MaxClockDrift.Present() {
		policy.MaxClockDrift = defaultMaxClockDrift
	}
	if err := p.present(r); err != nil {
		return policy, err
	}
	if err := p.values(r, &policy); err != nil {
		return policy, err
	}
	var err error
	if policy.Windows, err = p.windows(r); err != nil {
		return policy, err
	}
	policy.Hash = policy.sum()
	return policy, nil
}

// present refuses a policy that leaves to chance what it must decide.
func (p parser) present(r *rawPolicy) error {
	for _, must := range []struct {
		key  string
		line int
		why  string
	}{
		{"id", r.ID.Line, "name the policy"},
		{"version", r.Version.Line, "count the versions from 1"},
		{"clause", r.Clause.Line, "give the clause of the contract or rule that allows the trip"},
		{"warn_below", r.WarnBelow.Line, `give an amount, such as "50"`},
		{"warn_margin", r.WarnMargin.Line, `give the amount above warn_below that ends a warning, such as "10"`},
		{"trip_below", r.TripBelow.Line, `give an amount, such as "0"`},
		{"notice_grace", r.NoticeGrace.Line, "give the time between notice and trip, such as 72h"},
		{"min_gap_between_trips", r.MinGapBetweenTrips.Line, "give the least time between two trips of a switch, such as 12h"},
		{"trips_per_hour", r.TripsPerHour.Line, "give the pace of trips, such as 60"},
		{"restore", r.Restore.Line, "give close or permit"},
		{"order_ttl", r.OrderTTL.Line, "give the life of an order, such as 30m"},
	} {
		if must.line == 0 {
			return p.fault(int(r.Line), "%s is missing; %s", must.key, must.why)
		}
	}
	if r.Name.ZH == "" && r.Name.EN == "" {
		return p.fault(int(r.Line), "name is missing; give zh or en")
	}
	return nil
}

func (p parser) values(r *rawPolicy, policy *Policy) error {
	switch r.Restore.Value {
	case "close":
		policy.RestoreMode = RestoreClose
	case "permit":
		policy.RestoreMode = RestorePermit
	}
	for _, must := range []struct {
		ok   bool
		line int
		text string
	}{
		{policy.ID != "", r.ID.Line, "id is empty; name the policy"},
		{policy.Clause != "", r.Clause.Line, "clause is empty; give the clause that allows the trip"},
		{policy.Version >= 1, r.Version.Line, "version is below 1; count the versions from 1"},
		{policy.WarnMargin >= 0, r.WarnMargin.Line, "warn_margin is negative; give zero or more"},
		{policy.Credit >= 0, r.Credit.Line, "credit is negative; give zero or more"},
		{policy.TripBelow <= policy.WarnBelow, r.TripBelow.Line, "trip_below is above warn_below; the warning comes first"},
		{policy.NoticeGrace > 0, r.NoticeGrace.Line, "notice_grace must be above zero; no trip without a notice"},
		{policy.MaxReadingAge > 0, r.MaxReadingAge.Line, "max_reading_age must be above zero"},
		{policy.MaxClockDrift > 0, r.MaxClockDrift.Line, "max_clock_drift must be above zero"},
		{policy.MinGapBetweenTrips >= 0, r.MinGapBetweenTrips.Line, "min_gap_between_trips is negative; give zero or more"},
		{policy.TripsPerHour >= 1, r.TripsPerHour.Line, "trips_per_hour is below 1; to trip nobody give windows: []"},
		{policy.OrderTTL > 0, r.OrderTTL.Line, "order_ttl must be above zero; an order that cannot die is a danger"},
		{policy.RestoreMode != 0, r.Restore.Line, "restore is " + strconv.Quote(r.Restore.Value) + "; give close or permit"},
	} {
		if !must.ok {
			return p.fault(must.line, "%s", must.text)
		}
	}
	// A warning ends at warn_below + warn_margin, which must exist.
	if _, err := policy.WarnBelow.Add(policy.WarnMargin); err != nil {
		return p.fault(r.WarnMargin.Line, "warn_below plus warn_margin: %v", err)
	}
	return nil
}
