package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"feikong/firmware-sim/meter"
)

// KWh reads a decimal number of kWh, at most six places, as mWh. No register shows less.
func KWh(s string) (int64, error) {
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > 6 || len(whole) == 0 || strings.ContainsAny(s, "+-_eExX") || strings.HasSuffix(s, ".") {
		return 0, fmt.Errorf("kwh %q: want a decimal number like 1200.50", s)
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 6-len(part)), 10, 64)
	if err != nil || n > meter.EnergyMaxmWh {
		return 0, fmt.Errorf("kwh %q: want a decimal number up to %d", s, meter.EnergyMaxmWh/1_000_000)
	}
	return n, nil
}

// FormatKWh writes mWh as kWh with six places.
func FormatKWh(mWh int64) string { return fmt.Sprintf("%d.%06d", mWh/1_000_000, mWh%1_000_000) }
