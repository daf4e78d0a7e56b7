package dlt645

import (
	"fmt"
	"time"
)

// Load profile identifiers (负荷记录, 06): DI2 is the class, 0 for all, DI0
// which block.
const (
	DILoadEarliest DI = 0x06000000
	DILoadFrom     DI = 0x06000001 // from a given time
	DILoadLatest   DI = 0x06000002
)

// LoadDI is the identifier of one class (1 to 6), or of all (0), and of the
// block: 0 earliest, 1 from a time, 2 latest.
func LoadDI(class int, block byte) DI {
	return DILoadEarliest | DI(byte(class))<<16 | DI(block)
}

// LoadRequest asks meter a for n records (C = 11H, L = 5), from a time on when
// from is not zero (L = 0AH): its wall clock in its own location, which must be
// the meter's. n is sent as two digits, so at most 99.
func LoadRequest(a Address, d DI, n byte, from time.Time) Frame {
	b := append(d.Append(make([]byte, 0, 10)), bcd2(int(min(n, 99))))
	if !from.IsZero() {
		b = AppendDateTime5(b, from, from.Location())
	}
	return Frame{Addr: a, Control: funcRead, Data: b}
}

// LoadOrder is a load profile request taken apart by the meter. Records is 1
// when none was named; From is zero when no time was.
type LoadOrder struct {
	Item    DI
	Records int
	From    time.Time
}

// ParseLoadRequest is the meter's side; loc is the meter's clock. The error
// wraps ErrNotRequest, ErrLength, ErrBCD or ErrDateTime.
func ParseLoadRequest(f Frame, loc *time.Location) (LoadOrder, error) {
	d, extra, err := ParseReadRequest(f)
	if err != nil {
		return LoadOrder{}, err
	}
	o := LoadOrder{Item: d, Records: 1}
	if d>>24 != 0x06 {
		return o, fmt.Errorf("item %s is no load profile: %w", d, ErrNotRequest)
	}
	if len(extra) != 0 && len(extra) != 1 && len(extra) != 6 {
		return o, fmt.Errorf("load profile request of %d bytes: %w", len(f.Data), ErrLength)
	}
	if len(extra) > 0 {
		n, err := BCD(extra[:1])
		if err != nil {
			return o, fmt.Errorf("load profile request, number of records: %w", err)
		}
		o.Records = int(n)
	}
	if len(extra) == 6 {
		if o.From, err = DateTime5(extra[1:], loc); err != nil {
			return o, fmt.Errorf("load profile request, first record: %w", err)
		}
	}
	return o, nil
}

// loadTimes gives the times of the records in data, each with a note when it
// is suspect; ParseLoadRecords gives all of them.
func loadTimes(d DI, data []byte) ([]Value, error) {
	records, err := ParseClassRecords(int(d>>16&0xFF), data, time.UTC)
	if err != nil {
		return nil, err
	}
	var out []Value
	for _, r := range records {
		v := Value{Name: "record time", NameZH: "记录时间", DI: d, Text: "unknown"}
		if !r.At.IsZero() {
			v.Text = r.At.Format("2006-01-02 15:04")
		}
		out = append(out, v)
		if r.Suspect {
			out = append(out, Value{Name: "suspect", NameZH: "可疑", DI: d, Text: r.Why})
		}
	}
	return out, nil
}
