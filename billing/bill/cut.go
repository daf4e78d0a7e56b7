package bill

import (
	"time"

	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// Cut is the stretches of a period within one version and one tier cycle, as Rate cuts it, for those who look for readings at their
// borders. Errors wrap tariff.ErrNoVersion; name is what they call the period.
func Cut(versions []tariff.Version, name string, from, to time.Time) ([]usage.Cell, error) {
	return cut(versions, &usage.Period{Name: name, From: from, To: to})
}
