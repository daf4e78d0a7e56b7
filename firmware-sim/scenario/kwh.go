package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"feikong/firmware-sim/meter"
)

// KWh reads a decimal number of kWh, at most six places, as mWh. No register shows less.
func KWh(s string) (int64, error) {
	n, err := decimal(s, 6)
	if err != nil {
		return 0, fmt.Errorf("kwh %q: want a decimal number like 1200.50", s)
	}
	if n > meter.EnergyMaxmWh {
		return 0, fmt.Errorf("kwh %q: want a decimal number up to %d", s, meter.EnergyMaxmWh/1_000_000)
	}
	return n, nil
}

// FormatKWh writes mWh as kWh with six places.
func FormatKWh(mWh int64) string {
	sign := ""
	if mWh < 0 {
		sign, mWh = "-", -mWh
	}
	return fmt.Sprintf("%s%d.%06d", sign, mWh/1_000_000, mWh%1_000_000)
}

// Money reads a decimal amount, at most four places, as 1/10,000.
func Money(s string) (int64, error) {
	n, err := decimal(s, 4)
	if err != nil || n > moneyMax {
		return 0, fmt.Errorf("amount %q: want a decimal number like 50.00, up to 999999.99", s)
	}
	return n, nil
}

// FormatMoney writes 1/10,000 with two places, as a meter shows it.
func FormatMoney(v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%02d", sign, v/10_000, v/100%100)
}

// decimal reads a plain decimal number without a sign as a whole number of its places-th parts. No float comes near it.
func decimal(s string, places int) (int64, error) {
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > places || len(whole) == 0 || strings.ContainsAny(s, "+-_eExX") || strings.HasSuffix(s, ".") {
		return 0, fmt.Errorf("%q is not a decimal number with at most %d places", s, places)
	}
	return strconv.ParseInt(whole+part+strings.Repeat("0", places-len(part)), 10, 64)
}
