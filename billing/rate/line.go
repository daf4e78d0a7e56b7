package rate

import (
	"strconv"

	"feikong/billing"
	"feikong/billing/tariff"
)

// Line is one printed line: Quantity × Price, or the part Num/Den of it,
// rounded, is Amount. It names its parts by their places in the version, which
// it points to.
type Line struct {
	Quantity billing.Quantity
	Price    billing.Price
	Amount   billing.Money
	// Fine is what Amount leaves out where the version rounds the sum, in 1e-14
	// of the currency; 0 where it rounds by line.
	Fine     int64
	Num, Den int32                // the part of the month that is charged; Den 0: all of it
	Kind     tariff.ComponentKind // 0 of a flat or tiered version
	Unit     billing.Unit
	Included bool // inside other prices: shown, and not in the total

	part part
	at   uint8  // index of the component
	n    uint16 // of the tier, band or incoming line, from 1
	by   *tariff.Version
}

// part says what of its component a line is.
type part uint8

const (
	partNone part = iota // all of it
	partFlat
	partBase
	partTier
	partAdder
	partBand
	partFree
	partCapacity
	partContract
	partMeasured
	partExcess
)

var (
	partCodes  = [...]string{partFlat: "flat", partBase: "base", partFree: "free", partCapacity: "capacity", partContract: "contract", partMeasured: "measured", partExcess: "excess"}
	tierCodes  = [tariff.TiersMax]string{"tier1", "tier2", "tier3", "tier4", "tier5", "tier6", "tier7", "tier8"}
	adderCodes = [tariff.TiersMax]string{"adder1", "adder2", "adder3", "adder4", "adder5", "adder6", "adder7", "adder8"}
)

// Component is the code of the line's component; empty of a version that is not
// composed.
func (l *Line) Component() string {
	if l.Kind == 0 {
		return ""
	}
	return l.by.Components[l.at].Code
}

// Part says what of its component the line is: the code of a band; "tier2",
// "base", "adder2" of tiers; "free"; "capacity", "contract", "measured",
// "excess" of a basic charge, with the number of the incoming line from the
// second on; "flat" of a flat version. Empty when the line is all of it.
func (l *Line) Part() string {
	switch l.part {
	case partTier:
		return tierCodes[l.n-1]
	case partAdder:
		return adderCodes[l.n-1]
	case partBand:
		return l.by.Bands[l.n-1].Code
	}
	if l.n > 1 {
		return partCodes[l.part] + strconv.Itoa(int(l.n))
	}
	return partCodes[l.part]
}

// Code names the line in a bill: "energy.peak", "energy.tier2", "levy.fund";
// "flat", "tier1", "base", "adder2" of versions that are not composed.
func (l *Line) Code() string {
	component, part := l.Component(), l.Part()
	switch {
	case component == "":
		return part
	case part == "":
		return component
	}
	return component + "." + part
}

// Charged is the quantity that is charged: the part Num/Den of Quantity, to six
// decimals. A bill prints it, where Quantity × Num/Den is what the rule says.
func (l *Line) Charged() billing.Quantity {
	if l.Den == 0 {
		return l.Quantity
	}
	// Twice the part, cut, and one more, halved, is the part rounded half up.
	twice, err := billing.Energy(l.Quantity).Part(2*int64(l.Num), int64(l.Den))
	if err != nil {
		return l.Quantity // a demand of 2^62 has no price that its amount fits
	}
	return billing.Quantity(twice/2 + twice%2)
}

// equal compares lines of versions that are equal, if not the same.
func (l *Line) equal(m *Line) bool {
	a, b := *l, *m
	a.by, b.by = nil, nil
	return a == b && l.Code() == m.Code()
}
