package read

import (
	"fmt"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/protocol"
)

// quantities are the words for what a reading measures, with the unit it is shown in and how many decimals its stored number has.
var quantities = map[protocol.Quantity]struct {
	word, unit string
	places     int8
}{
	protocol.ActiveImport:    {"active_import", "kWh", 6},
	protocol.ActiveExport:    {"active_export", "kWh", 6},
	protocol.ReactiveImport:  {"reactive_import", "kvarh", 6},
	protocol.ReactiveExport:  {"reactive_export", "kvarh", 6},
	protocol.RemainingEnergy: {"remaining_energy", "kWh", 6},
	protocol.RemainingMoney:  {"remaining_money", "", 4},
	protocol.RelayState:      {"relay_state", "bits", 0},
	protocol.ClockDrift:      {"clock_drift", "ms", 0},
	protocol.ActivePower:     {"active_power", "W", 0},
	protocol.ReactivePower:   {"reactive_power", "var", 0},
	protocol.ApparentPower:   {"apparent_power", "VA", 0},
	protocol.Demand:          {"demand", "W", 0},
	protocol.Voltage:         {"voltage", "V", 3},
	protocol.Current:         {"current", "A", 3},
	protocol.PowerFactor:     {"power_factor", "", 3},
	protocol.Frequency:       {"frequency", "Hz", 3},
}

// Quantity is the quantity of that word; false for another.
func Quantity(word string) (protocol.Quantity, bool) {
	for q, of := range quantities {
		if of.word == word {
			return q, true
		}
	}
	return 0, false
}

// StoredReading is one reading as stored.
func StoredReading(p *account.Profile, r account.ReadingRecord) wire.StoredReading {
	of := quantities[r.Quantity]
	w := wire.StoredReading{Point: PointID(p, r.Point), Quantity: quantity(r.Quantity), Register: r.Register, At: at(r.TakenAt), Unit: of.unit,
		Value: number(r.Value, of.places), Method: r.Method.String(),
		Held: r.Flags&account.FlagHeld != 0, Untrusted: r.Flags&account.FlagUntrusted != 0, Late: r.Flags&account.FlagLate != 0}
	return w
}

// number is a stored value with its decimals; energies without the zeros behind, as everywhere.
func number(value int64, places int8) string {
	if places == billing.EnergyDecimals {
		return billing.Energy(value).String()
	}
	return decimal(value, -places)
}

// quantity is the word of a quantity, or its number when it has none.
func quantity(q protocol.Quantity) string {
	if of, ok := quantities[q]; ok {
		return of.word
	}
	return fmt.Sprintf("quantity %d", q)
}
