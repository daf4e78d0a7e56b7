package tariff

import (
	"errors"
	"math/bits"

	"feikong/billing"
)

// partsMax bounds the parts of a built price; published tables have five to nine.
const partsMax = 32

var errBuiltRange = errors.New("the product is beyond what a price holds")

func (p *parser) built(v *Version, r *rawBuilt) (b *Built, err error) {
	b = &Built{Decimals: r.Decimals.Value}
	line := int(r.Line)
	switch {
	case len(r.Floating) == 0:
		return nil, p.fault(line, "built: floating is empty; give the parts that the ratio multiplies")
	case len(r.Floating)+len(r.Fixed) > partsMax:
		return nil, p.fault(line, "built: %d parts, at most %d", len(r.Floating)+len(r.Fixed), partsMax)
	case !r.Decimals.Present():
		return nil, p.fault(line, "built: decimals is missing; give the decimals of the published prices, such as 6")
	case b.Decimals < 0 || b.Decimals > billing.PriceDecimals:
		return nil, p.fault(r.Decimals.Line, "built: decimals is %d; give 0 to %d", b.Decimals, billing.PriceDecimals)
	}
	if b.Floating, err = p.parts(r.Floating); err != nil {
		return nil, err
	}
	for i := range r.Floating {
		if fund := &r.Floating[i].Fund; fund.Value { // the base of the power factor leaves funds out, which the ratio must not move
			return nil, p.fault(fund.Line, "built: a government fund does not float with the hour; put the part under fixed")
		}
	}
	if b.Fixed, err = p.parts(r.Fixed); err != nil {
		return nil, err
	}
	if len(v.Bands) == 0 {
		if r.Ratios != nil {
			return nil, p.fault(line, "built: ratios are by band, but the version has no bands; remove them")
		}
		b.Ratios = []int64{int64(one)}
		return b, nil
	}
	b.Ratios, err = byBand(p, v, r.Ratios, line, "ratio", func(raw *rawBandRatio) (int, int64, error) {
		i, err := p.bandOf(v, raw.Band, int(raw.Line))
		if err == nil && !raw.Ratio.Present() {
			err = p.fault(int(raw.Line), "band %s: ratio is missing; give one, 1 where the price does not float", raw.Band.Value)
		}
		if err != nil {
			return i, 0, err
		}
		n, err := p.part(raw.Ratio, 0, 0, 100*one, "band "+raw.Band.Value+": ratio")
		return i, n, err
	}, func(raw *rawBandRatio) int { return int(raw.Line) })
	return b, err
}

// parts reads published parts; a part may be negative, a returned surplus, as long as the price is not.
func (p *parser) parts(list []rawPart) ([]PricePart, error) {
	parts := make([]PricePart, len(list))
	for i := range list {
		r := &list[i]
		switch {
		case r.Name.ZH == "" && r.Name.EN == "":
			return nil, p.fault(int(r.Line), "built: a part has no name; give zh or en, as in the published table")
		case !r.Price.Present():
			return nil, p.fault(int(r.Line), "built: a part has no price; give one")
		case r.Price.Value > priceMax || r.Price.Value < -priceMax:
			return nil, p.fault(r.Price.Line, "built: price %s is beyond %s; check the decimal point", r.Price.Value, priceMax)
		case r.Fund.Value && r.Price.Value < 0:
			return nil, p.fault(r.Price.Line, "built: the fund's price %s is negative; give zero or more", r.Price.Value)
		}
		parts[i] = PricePart{Name: billing.Name(r.Name), Price: r.Price.Value, Fund: r.Fund.Value}
	}
	return parts, nil
}

// Prices is what the parts make, one price for each ratio: the floating parts' sum times the ratio, rounded half away from zero to
// Decimals, and the fixed parts on top. The printed prices may differ from it by the errors that official tables contain; then those
// are billed.
func (b *Built) Prices() ([]billing.Price, error) {
	var floating, fixed int64
	for _, part := range b.Floating {
		floating += int64(part.Price) // partsMax parts of priceMax fit
	}
	for _, part := range b.Fixed {
		fixed += int64(part.Price)
	}
	prices := make([]billing.Price, len(b.Ratios))
	for i, r := range b.Ratios {
		product, err := mulRatio(floating, r, b.Decimals)
		if err != nil {
			return nil, err
		}
		prices[i] = billing.Price(product + fixed)
	}
	return prices, nil
}

// mulRatio is price x ratio, rounded half away from zero to decimals.
func mulRatio(price, ratio int64, decimals int) (int64, error) {
	step := uint64(1)
	for range billing.PriceDecimals - decimals {
		step *= 10
	}
	divisor := step * uint64(one)
	magnitude := uint64(price)
	if price < 0 {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, uint64(ratio))
	if hi >= divisor {
		return 0, errBuiltRange
	}
	quotient, rest := bits.Div64(hi, lo, divisor)
	if rest >= divisor/2 { // divisor is even
		quotient++
	}
	if quotient > uint64(partsMax*priceMax)/step {
		return 0, errBuiltRange
	}
	if price < 0 {
		return -int64(quotient * step), nil
	}
	return int64(quotient * step), nil
}

// Difference is the printed price of band i minus the built one, and false where nothing is built or nothing differs.
func (e *EnergyPrice) Difference(i int) (billing.Price, bool) {
	if e.Built == nil || i >= len(e.Prices) {
		return 0, false
	}
	built, err := e.Built.Prices()
	if err != nil || i >= len(built) || built[i] == e.Prices[i] {
		return 0, false
	}
	d, err := e.Prices[i].Sub(built[i])
	return d, err == nil
}
