package dlt645

import "fmt"

// freezeContents is the order of the parts in a whole freeze record (DI1 =
// FF); an hourly one has the first three only, with totals alone.
var freezeContents = []DI{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x10}

// decodeFreeze reads a whole freeze record: the parts with an AA behind each,
// at the last one perhaps not. A part that the meter's mode word does not
// select is left out, so that AA follows AA. What is BCD never begins with AA:
// the length of a part, which depends on the number of rates, is found by it.
func decodeFreeze(d DI, data []byte) ([]Value, error) {
	contents, kind := freezeContents, FreezeKind(d>>16)
	switch {
	case d&0xFF == 0, d&0xFF == 0xFF, kind > FreezeStepSwitch:
		return nil, ErrUnknownItem
	case len(data) == 0:
		return nil, fmt.Errorf("no data: %w", ErrLength)
	case kind == FreezeHourlyKind:
		contents = contents[:3]
		if len(data) == 5+4+4 { // no room for a separator: nothing else can be meant
			data = append(append(append(append(make([]byte, 0, 15), data[:5]...), partSep), data[5:9]...), append([]byte{partSep}, data[9:]...)...)
		}
	}
	var values []Value
	for _, content := range contents {
		if len(data) == 0 {
			return values, nil
		}
		parts := freezeLayout(d, content, d&0xFF)
		n := untilSep(parts, data)
		if n < len(data) && data[n] != partSep {
			return nil, fmt.Errorf("%s is not ended by AA: %w", parts[0].Name, ErrLength)
		}
		if n > 0 {
			vs, err := decodeParts(parts, data[:n], false)
			if err != nil {
				return nil, err
			}
			values = append(values, vs...)
		}
		data = data[min(n+1, len(data)):]
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes too many: %w", len(data), ErrLength)
	}
	return values, nil
}
