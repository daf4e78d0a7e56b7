package scenario

import (
	"fmt"
	"strconv"

	"feikong/firmware-sim/bus"
)

// addresses are the one address, or the range from first on. In the nth line of an entry a range of DL/T 645 goes on where the line
// before ended; Modbus addresses begin again on each line.
func (fm fileMeter) addresses(p bus.Protocol, nth int) ([]string, error) {
	if fm.First == "" && fm.Count == nil {
		return []string{fm.Address}, nil
	}
	if fm.Address != "" || fm.First == "" || fm.Count == nil {
		return nil, fmt.Errorf("address, first, count: want either address, or first and count")
	}
	n := *fm.Count
	if n < 1 || n > metersMax {
		return nil, fmt.Errorf("count %d: want 1 to %d", n, metersMax)
	}
	digits, most := 12, uint64(999_999_999_998)
	if p == bus.Modbus {
		digits, most = 1, 247
		nth = 0
	}
	first, err := strconv.ParseUint(fm.First, 10, 64)
	if err != nil || first+uint64(n)*uint64(nth+1)-1 > most {
		return nil, fmt.Errorf("first %q: want a number whose range of %d ends below %d", fm.First, n, most+1)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%0*d", digits, first+uint64(n*nth+i))
	}
	return out, nil
}
