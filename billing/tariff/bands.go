package tariff

import (
	"slices"
	"strings"
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

const registersMax = 63 // rate registers of DL/T 645-2007

func (p *parser) bands(v *Version, r *rawVersion) error {
	if len(r.Bands) > BandsMax {
		return p.fault(int(r.Bands[BandsMax].Line), "%d bands, at most %d", len(r.Bands), BandsMax)
	}
	if len(r.Bands) == 1 {
		return p.fault(int(r.Bands[0].Line), "one band alone tells no hours apart; remove bands or give the others")
	}
	for i := range r.Bands {
		b := &r.Bands[i]
		switch {
		case !isCode(b.Code.Value):
			return p.fault(or(b.Code.Line, int(b.Line)), "band code: %q; use lower-case letters, digits and hyphens, a letter first, at most %d", b.Code.Value, codeMax)
		case v.band(b.Code.Value) >= 0:
			return p.fault(b.Code.Line, "band %s stands here twice; keep one", b.Code.Value)
		case b.Register.Present() && (b.Register.Value < 1 || b.Register.Value > registersMax):
			return p.fault(b.Register.Line, "band %s: register is %d; give 1 to %d, or remove it", b.Code.Value, b.Register.Value, registersMax)
		}
		v.Bands = append(v.Bands, Band{Code: b.Code.Value, Name: billing.Name(b.Name), Register: uint8(b.Register.Value)})
	}
	return nil
}

// BandOfRegister is the band that the meter's rate register (费率) counts in a month, or false. Two bands may share a register when no
// month has both: the valley of the heating season and that of the others.
func (v *Version) BandOfRegister(register uint8, month time.Month) (int, bool) {
	for i := range v.Bands {
		if register > 0 && v.Bands[i].Register == register && (len(v.Schedule.Tables) == 0 || v.monthsOf(i)>>(month-1)&1 != 0) {
			return i, true
		}
	}
	return 0, false
}

// monthsOf is the months in which band i has hours, bit 0 January.
func (v *Version) monthsOf(i int) (months uint16) {
	for k := range v.Schedule.Tables {
		if t := &v.Schedule.Tables[k]; slices.Contains(t.Halves[:], uint8(i)) {
			months |= t.Months
		}
	}
	return months
}

// registers proves that a register counts one band at a time.
func (p *parser) registers(v *Version, r *rawVersion) error {
	for i := range v.Bands {
		for k := range i {
			if v.Bands[i].Register == 0 || v.Bands[i].Register != v.Bands[k].Register {
				continue
			}
			if len(v.Schedule.Tables) == 0 || v.monthsOf(i)&v.monthsOf(k) != 0 {
				return p.fault(r.Bands[i].Register.Line, "band %s: register %d counts %s already, in the same months; give each band its own", v.Bands[i].Code, v.Bands[i].Register, v.Bands[k].Code)
			}
		}
	}
	return nil
}

// band is the index of the band with the code, or -1.
func (v *Version) band(code string) int {
	for i := range v.Bands {
		if v.Bands[i].Code == code {
			return i
		}
	}
	return -1
}

// bandOf finds a band that the document names.
func (p *parser) bandOf(v *Version, code document.Of[string], line int) (int, error) {
	i := v.band(code.Value)
	switch {
	case i >= 0:
		return i, nil
	case !code.Present():
		return 0, p.fault(line, "band is missing; give one of %s", v.bandWords())
	}
	return 0, p.fault(code.Line, "band %q is not one of the version's: %s", code.Value, v.bandWords())
}

func (v *Version) bandWords() string {
	words := make([]string, len(v.Bands))
	for i := range v.Bands {
		words[i] = v.Bands[i].Code
	}
	return strings.Join(words, ", ")
}

func (p *parser) remainder(v *Version, r *rawVersion) (err error) {
	switch {
	case len(v.Bands) == 0 && r.Remainder != nil:
		return p.fault(int(r.Remainder.Line), "remainder stands here, but the version has no bands; remove it")
	case len(v.Bands) == 0:
		return nil
	case r.Remainder == nil:
		return p.fault(int(r.Line), "remainder is missing; name the band that takes what the total register has and the bands have not, such as {band: flat}")
	}
	if v.Remainder, err = p.bandOf(v, r.Remainder.Band, int(r.Remainder.Line)); err != nil {
		return err
	}
	// B1.4's usual limit: the larger of 1 kWh and 0.5%.
	v.RemainderLimit = billing.KWh
	if r.Remainder.Limit.Present() {
		v.RemainderLimit = r.Remainder.Limit.Value
	}
	if v.RemainderLimit < 0 {
		return p.fault(r.Remainder.Limit.Line, "remainder: limit %s kWh is negative; give zero or more", v.RemainderLimit)
	}
	v.RemainderShare, err = p.part(r.Remainder.Share, 5_000, 0, one, "remainder: share")
	return err
}
