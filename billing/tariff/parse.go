package tariff

import (
	"fmt"
	"strings"
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// raw is a tariff document as written; only checked Versions leave the package.
type raw struct {
	Tariff    document.Of[string] `yaml:"tariff" need:"y" say:"id of the tariff, which accounts name"`
	Name      rawName             `yaml:"name" need:"y" say:"as printed"`
	Currency  document.Of[string] `yaml:"currency" need:"y" say:"three letters of ISO 4217"`
	UTCOffset document.Of[string] `yaml:"utc_offset" need:"y" say:"whose midnight a date means, such as +08:00"`
	Versions  []rawVersion        `yaml:"versions" need:"y" say:"never edited: a change is a further version, a correction one with the same valid_from and a higher number"`
}

type rawName struct {
	ZH string `yaml:"zh" say:"Chinese"`
	EN string `yaml:"en" say:"English"`
}

type rawVersion struct {
	Line        document.Line
	Number      document.Of[int]           `yaml:"number" need:"y" say:"from 1"`
	Document    document.Of[string]        `yaml:"document" need:"y" say:"number of the publication; printed on bills"`
	PublishedOn document.Of[string]        `yaml:"published_on" say:"date"`
	ValidFrom   document.Of[string]        `yaml:"valid_from" need:"y" say:"first day, or day and time as 2026-01-01T00:00:00, local"`
	ValidTo     document.Of[string]        `yaml:"valid_to" say:"first day that is not covered; the next version ends this one without it"`
	Decimals    document.Of[int]           `yaml:"decimals" need:"y" say:"where amounts are rounded: 2 is the fen; 0 to 4"`
	Kind        document.Of[string]        `yaml:"kind" need:"y" one:"flat,tiered,composed" say:"flat: one price; tiered: tiers alone; composed: components"`
	Price       document.Of[billing.Price] `yaml:"price" say:"of a flat version, currency per kWh"`
	Notation    document.Of[string]        `yaml:"notation" one:"banded,incremental" say:"of a tiered version"`
	Cycle       *rawCycle                  `yaml:"cycle" say:"after which the tiers begin anew"`
	Tiers       []rawTier                  `yaml:"tiers" say:"of a tiered version, rising"`

	Rounding   document.Of[string] `yaml:"rounding" one:"line,sum" say:"where amounts are rounded: each printed line, or the sum before taxes"`
	Calendar   document.Of[string] `yaml:"calendar" say:"id of the holiday calendar; needed when a table of the schedule has days"`
	NewOwner   document.Of[string] `yaml:"new_owner" one:"continue,restart" say:"what the tier counter does when the owner changes; continue when absent"`
	Bands      []rawBand           `yaml:"bands" say:"sets of hours with a price of their own 时段, in the order of print"`
	Remainder  *rawRemainder       `yaml:"remainder" say:"which band makes the bands add up to the total register"`
	Schedule   []rawTable          `yaml:"schedule" say:"the band of every half hour; absent: the meter's own programme tells the hours"`
	Components []rawComponent      `yaml:"components" say:"the parts of the price, in the order of print"`
	Split      *rawSplit           `yaml:"split" say:"how a period is cut at a version change or a cycle's end without a reading"`
	Late       *rawLate            `yaml:"late" say:"charge for paying late 违约金"`
}

type rawCycle struct {
	Line   document.Line
	Month  int `yaml:"month" need:"y" say:"1 to 12: a month in which a cycle starts"`
	Day    int `yaml:"day" need:"y" say:"1 to 28"`
	Months int `yaml:"months" need:"y" say:"length: 1, 2, 3, 4, 6 or 12"`
}

type rawTier struct {
	Line  document.Line
	Over  document.Of[billing.Energy] `yaml:"over" say:"kWh; must be where the tier below ends"`
	UpTo  document.Of[billing.Energy] `yaml:"up_to" say:"kWh, inclusive; absent in the last tier"`
	Price document.Of[billing.Price]  `yaml:"price" say:"currency per kWh"`
	Adder document.Of[billing.Price]  `yaml:"adder" say:"what the tier adds to the first tier's price"`
}

// versionsMax bounds a document: monthly versions of fifty years.
const versionsMax = 600

// Parse reads one tariff document with all its versions and checks that they
// leave nothing open: prices for every kWh, a version for every instant from
// the first start on. name is what errors call the document. The versions come
// in the order of their start, then number, each ending where the next begins.
//
// Errors carry line and remedy; see document.Error.
func Parse(name string, data []byte) ([]Version, error) {
	var r raw
	if err := document.Decode(name, data, &r); err != nil {
		return nil, err
	}
	p := parser{name: name, raw: &r}
	return p.parse()
}

type parser struct {
	name string
	raw  *raw
	zone *time.Location
}

func (p *parser) fault(line int, format string, args ...any) error {
	return document.Errorf(p.name, line, format, args...)
}

func (p *parser) parse() ([]Version, error) {
	if err := p.head(); err != nil {
		return nil, err
	}
	versions := make([]Version, 0, len(p.raw.Versions))
	lines := make([]span, 0, len(p.raw.Versions))
	for i := range p.raw.Versions {
		r := &p.raw.Versions[i]
		v, err := p.version(r)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
		lines = append(lines, span{start: r.ValidFrom.Line, end: r.ValidTo.Line, number: r.Number.Line})
	}
	if err := p.link(versions, lines); err != nil {
		return nil, err
	}
	return versions, nil
}

func (p *parser) head() error {
	r := p.raw
	switch {
	case r.Tariff.Value == "":
		return p.fault(r.Tariff.Line, "tariff is missing; give the tariff its id, such as shandong-household")
	case r.Name.ZH == "" && r.Name.EN == "":
		return p.fault(0, "name is missing; give zh or en")
	case !isCurrency(r.Currency.Value):
		return p.fault(r.Currency.Line, "currency is %q; give the three letters of ISO 4217, such as CNY", r.Currency.Value)
	case len(r.Versions) == 0:
		return p.fault(0, "versions is empty; a tariff needs at least one version")
	case len(r.Versions) > versionsMax:
		return p.fault(0, "%d versions, at most %d", len(r.Versions), versionsMax)
	}
	zone, err := parseZone(r.UTCOffset.Value)
	if err != nil {
		return p.fault(r.UTCOffset.Line, "utc_offset: %v", err)
	}
	p.zone = zone
	return nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// parseZone makes a fixed zone of "+08:00". A document names an offset, not a
// place: reading a time zone file would make prices depend on the machine.
func parseZone(s string) (*time.Location, error) {
	at, err := time.Parse("-07:00", s)
	if err != nil {
		return nil, fmt.Errorf("%q is not an offset; write it like \"+08:00\"", s)
	}
	_, seconds := at.Zone()
	if seconds < -14*3600 || seconds > 14*3600 {
		return nil, fmt.Errorf("%q is farther from UTC than 14 hours", s)
	}
	return time.FixedZone(s, seconds), nil
}

// parseInstant reads a local date, or a date and time of day without offset.
func (p *parser) parseInstant(key string, text document.Of[string]) (time.Time, error) {
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05"} {
		t, err := time.ParseInLocation(layout, text.Value, p.zone)
		if err != nil {
			continue
		}
		// The years of four digits that printed documents can have.
		if t.Year() < 1900 || t.Year() > 2999 {
			return time.Time{}, p.fault(text.Line, "%s: year %d is outside 1900 to 2999", key, t.Year())
		}
		return t, nil
	}
	return time.Time{}, p.fault(text.Line, "%s: %q is not a date; write it like 2019-01-01, in the tariff's own time", key, text.Value)
}
