package dlt645

import "fmt"

// partSep stands between the parts of a set; plain, it is DDH on the line. It
// is no BCD, so that a part of BCD never begins with it.
const partSep = 0xAA

// DecodeValues reads the data of a 2007 read reply (without the identifier):
// one item, a record, or a block by its length, as meters with fewer rates or
// phases send shorter ones. Of load profiles it gives the times, see
// ParseLoadRecords. Errors wrap ErrBCD, ErrDateTime, ErrLength, ErrLoadRecord
// or ErrUnknownItem; then there are no values.
func DecodeValues(d DI, data []byte) (values []Value, err error) {
	switch {
	case d>>24 == 0x06:
		values, err = loadTimes(d, data)
	case d>>24 == 0x05 && d>>8&0xFF == DI(FreezeContentAll):
		values, err = decodeFreeze(d, data)
	default:
		values, err = decodeParts(layout(d), data, false)
	}
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", d, err)
	}
	return values, nil
}

// DecodeValues1997 is DecodeValues for a four-digit identifier of 1997. The
// items of a block may be divided by AA or not; the blocks of a set (90FF)
// must be, or nobody could tell where one ends.
func DecodeValues1997(d DI, data []byte) (values []Value, err error) {
	if d <= 0xFFFF && d&0xFF == 0xFF {
		values, err = decodeSet1997(d, data)
	} else {
		values, err = decodeParts(layout1997(d), data, true)
	}
	if err != nil {
		return nil, fmt.Errorf("decode %04X: %w", uint32(d), err)
	}
	return values, nil
}

// decodeParts reads parts one behind the other. A reply may end early, between
// parts, but not be empty or longer. With divided, an AA may stand behind each.
func decodeParts(parts []ItemInfo, data []byte, divided bool) ([]Value, error) {
	if parts == nil {
		return nil, ErrUnknownItem
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("no data: %w", ErrLength)
	}
	var values []Value
	for _, it := range parts {
		if len(data) == 0 {
			return values, nil
		}
		if len(data) < it.Bytes {
			return nil, fmt.Errorf("%s: %d bytes, want %d: %w", it.Name, len(data), it.Bytes, ErrLength)
		}
		vs, err := it.decode(data[:it.Bytes])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Name, err)
		}
		values = append(values, vs...)
		data = data[it.Bytes:]
		if divided && len(parts) > 1 && len(data) > 0 && data[0] == partSep && it.Format != FormatBinary {
			data = data[1:]
		}
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes too many: %w", len(data), ErrLength)
	}
	return values, nil
}

// decodeSet1997 reads a set: its blocks with an AA between them.
func decodeSet1997(d DI, data []byte) ([]Value, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("no data: %w", ErrLength)
	}
	var values []Value
	for kind := DI(1); len(data) > 0; kind++ {
		parts := layout1997(d&^0xFF | kind<<4 | 0xF)
		if parts == nil || kind > 0xE {
			if kind == 1 {
				return nil, ErrUnknownItem
			}
			return nil, fmt.Errorf("%d bytes too many: %w", len(data), ErrLength)
		}
		n := untilSep(parts, data)
		if n < len(data) && data[n] != partSep {
			return nil, fmt.Errorf("block %s is not ended by AA: %w", parts[0].Name, ErrLength)
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
	return values, nil
}

// untilSep is how many bytes the parts take until an AA stands where the next
// one would begin.
func untilSep(parts []ItemInfo, data []byte) (n int) {
	for _, it := range parts {
		if n == len(data) || data[n] == partSep {
			break
		}
		n = min(n+it.Bytes, len(data))
	}
	return n
}
