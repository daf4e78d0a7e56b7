// Package tariff holds price documents (电价) and their versions. A version is
// never edited: a correction is a new version with the same start and a higher
// number. All places, cycles, limits and decimals are data.
//
// A version is flat, tiered, or composed of components: energy by band and tier, levies, basic charge, fixed sums, power factor,
// percentages and taxes. Package rate prices them; Parse proves that they leave nothing open.
package tariff

import (
	"errors"
	"fmt"
	"time"

	"feikong/billing"
)

// Kind says how a version prices energy.
type Kind uint8

const (
	// Flat (单一电价): one price on all kWh.
	Flat Kind = 1 + iota
	// Tiered (阶梯电价): a price for each tier of the cycle's consumption.
	Tiered
	// Composed: components, each a part of the price; see Component.
	Composed
)

// Notation says how the lines of a tiered charge are written, which may move
// the sum by one unit of rounding, so it belongs to the version.
type Notation uint8

const (
	// Banded (分档法): each tier's kWh at the tier's price.
	Banded Notation = 1 + iota
	// Incremental (递增法): all kWh at the first price, and each higher tier's
	// kWh again at what its price adds to the first.
	Incremental
)

// TiersMax bounds the tiers of a version; a charge holds a line for each.
const TiersMax = 8

// Tier is one step of the prices.
type Tier struct {
	// UpTo is the last mWh of the cycle's consumption that is in the tier: the
	// limit is inclusive. Zero, in the last tier only, means no limit.
	UpTo  billing.Energy
	Price billing.Price
	// Adder is Price minus the first tier's price, for the incremental notation.
	Adder billing.Price
}

// Version is one published version of a tariff. It is immutable and safe to
// share. ValidFrom and ValidTo are instants in Zone.
type Version struct {
	ID       string // of the tariff: the same in all its versions
	Number   int    // from 1; at the same start the higher number wins
	Name     billing.Name
	Document string // the publication, such as 鲁发改价格〔2019〕509号

	ValidFrom   time.Time
	ValidTo     time.Time // exclusive; zero while no later version is known
	PublishedOn time.Time // zero when the document does not say
	Zone        *time.Location

	Currency string // ISO 4217
	Decimals int    // place of rounding, by line: 2 is the fen
	Kind     Kind
	Price    billing.Price // of a flat version
	Notation Notation      // of a tiered version
	Tiers    []Tier        // of a tiered version, rising; never changed
	Cycle    Cycle         // of a tiered version

	// Of a composed version. A flat or tiered one is rated as if it had a single energy component.
	Components []Component // in the order of print
	Bands      []Band      // empty: no hours are told apart
	Schedule   Schedule    // which band at which time
	Remainder  int         // index of the band that takes what the total register has and the bands have not
	// A remainder above the larger of RemainderLimit and RemainderShare (1e-6 of the total) is held, not billed.
	RemainderLimit billing.Energy
	RemainderShare int64
	Rounding       Rounding
	Split          Split
	Calendar       string // name of the holiday calendar; empty: none is needed
	Late           *Late  // nil: the tariff says nothing of late payment
	// NewOwnerRestarts: a change of owner (过户) sets the tier counter to zero; otherwise it goes on.
	NewOwnerRestarts bool

	// Hash is the SHA-256 of all fields above but ValidTo: a later version ends
	// this one without editing it.
	Hash [32]byte
}

// ErrNoVersion reports an instant that no version of the tariff covers.
var ErrNoVersion = errors.New("no version of the tariff is valid")

// At is the version valid at t; among versions with the same start, the one
// with the highest number. versions is what Parse returned, or any slice of
// versions of one tariff; the result points into it. Errors wrap ErrNoVersion.
func At(versions []Version, t time.Time) (*Version, error) {
	best := -1
	for i := range versions {
		v := &versions[i]
		if t.Before(v.ValidFrom) {
			continue
		}
		if best < 0 || v.ValidFrom.After(versions[best].ValidFrom) ||
			v.ValidFrom.Equal(versions[best].ValidFrom) && v.Number > versions[best].Number {
			best = i
		}
	}
	if best < 0 || !versions[best].Covers(t) {
		return nil, fmt.Errorf("%w at %s", ErrNoVersion, t.Format(time.RFC3339))
	}
	return &versions[best], nil
}

// Covers reports whether t lies in the version's validity.
func (v *Version) Covers(t time.Time) bool {
	return !t.Before(v.ValidFrom) && (v.ValidTo.IsZero() || t.Before(v.ValidTo))
}

// CycleOf is the tier cycle around t: from start up to, not including, end.
// Both are zero for a version without a cycle, whose counter never restarts.
func (v *Version) CycleOf(t time.Time) (start, end time.Time) {
	if v.Cycle.Months == 0 {
		return time.Time{}, time.Time{}
	}
	return v.Cycle.Around(t.In(v.Location()))
}

// Location is Zone, or UTC for a version built without one.
func (v *Version) Location() *time.Location {
	if v.Zone == nil {
		return time.UTC
	}
	return v.Zone
}
