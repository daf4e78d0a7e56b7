package dlt645

import (
	_ "embed"
	"fmt"
	"strings"
)

// ItemInfo is a row of the table of data identifiers. Signed items carry the
// sign in the top bit of their highest byte. Bytes is that of the whole item;
// tables may come with fewer entries, and load records (0) have any length.
type ItemInfo struct {
	DI       DI
	Name     string
	NameZH   string
	Format   Format
	Bytes    int
	Unit     string
	Signed   bool
	Writable bool
}

// itemsCSV and itemsCSV1997 are the tables of identifiers, one row each,
// sorted. They are read where they lie: a look-up searches the text and
// nothing is kept of it. A name may be followed by those of a record's parts,
// divided by bars. Families, which are combinations (rates, settlement days,
// phases), are code in families.go; of them the table has the rows people meet.
var (
	//go:embed items.csv
	itemsCSV string
	//go:embed items1997.csv
	itemsCSV1997 string
)

// Items lists the table of 2007: single identifiers in rising order.
func Items() []ItemInfo { return rows(itemsCSV) }

// Items1997 lists the table of 1997.
func Items1997() []ItemInfo { return rows(itemsCSV1997) }

// Item gives the row of a single 2007 item, from the table or from a family;
// false for blocks and for what is not known. The nth last record of an event
// or a purchase (02 to 0A) and every holiday are as the first.
func Item(d DI) (ItemInfo, bool) {
	if it, ok := tableItem(d); ok {
		return it.named(), true
	}
	if parts := familyLayout(d); len(parts) == 1 {
		return parts[0], true
	}
	return ItemInfo{}, false
}

// Item1997 is Item for a four-digit identifier of 1997.
func Item1997(d DI) (ItemInfo, bool) {
	if it, ok := find(itemsCSV1997, d); ok {
		return it.named(), true
	}
	if parts := layout1997(d); len(parts) == 1 {
		return parts[0], true
	}
	return ItemInfo{}, false
}

func tableItem(d DI) (ItemInfo, bool) {
	if it, ok := find(itemsCSV, d); ok {
		return it, true
	}
	nth, last := d&0xFF, DI(0)
	switch {
	case d>>24 == 0x03, d>>24 == 0x1D, d>>24 == 0x1E:
		last = 0x0A // records a meter keeps
	case d>>8 == 0x040300, d>>24 == 0x05:
		last = 0xFE
	}
	if nth < 2 || nth > last {
		return ItemInfo{}, false
	}
	it, ok := find(itemsCSV, d&^0xFF|1)
	it.DI = d
	return it, ok
}

// layout is what follows one another in a reply to d: one part for an item,
// several for a block or a record; nil when d is unknown.
func layout(d DI) []ItemInfo {
	if parts := familyLayout(d); parts != nil {
		return parts
	}
	it, ok := tableItem(d)
	if !ok || it.Format == FormatLoad {
		return nil
	}
	return it.parts()
}

// named is the row without the names of its parts.
func (it ItemInfo) named() ItemInfo {
	it.Name, _, _ = strings.Cut(it.Name, "|")
	it.NameZH, _, _ = strings.Cut(it.NameZH, "|")
	return it
}

// parts takes a record or a table apart. The tests prove that every row can
// be; a format that could not would be one part of raw bytes.
func (it ItemInfo) parts() []ItemInfo {
	if !it.Format.composite() {
		return []ItemInfo{it.named()}
	}
	parts, err := it.split()
	if err != nil {
		it.Format = FormatBinary
		return []ItemInfo{it.named()}
	}
	return parts
}

func (it ItemInfo) split() ([]ItemInfo, error) {
	times, each := 1, string(it.Format)
	if n, rest, found := strings.Cut(each, "*"); found {
		if _, err := fmt.Sscanf(n, "%d", &times); err != nil || times < 1 || times > partsMax {
			return nil, fmt.Errorf("format %q: %w", it.Format, ErrTable)
		}
		each = rest
	}
	formats := strings.Split(each, "+")
	names, zh := strings.Split(it.Name, "|"), strings.Split(it.NameZH, "|")
	if len(formats)*times > partsMax || len(names) > 1 && (len(names) != len(formats)+1 || len(zh) != len(names)) {
		return nil, fmt.Errorf("%s: %d formats, %d names: %w", it.DI, len(formats), len(names), ErrTable)
	}
	var out []ItemInfo
	for n := range times {
		for i, f := range formats {
			p := ItemInfo{DI: it.DI, Name: names[0], NameZH: zh[0], Writable: it.Writable}
			if len(names) > 1 {
				p.Name, p.NameZH = names[i+1], zh[i+1]
			}
			if times > 1 {
				p.Name, p.NameZH = fmt.Sprintf("%s %d", p.Name, n+1), fmt.Sprintf("%s %d", p.NameZH, n+1)
			}
			var err error
			if p.Format, p.Bytes, err = Format(f).size(); err != nil {
				return nil, fmt.Errorf("%s: %w", it.DI, err)
			}
			// Counts and minutes of a record have neither the unit nor the sign of its values.
			if p.Format.number() && (strings.Contains(f, ".") || it.Format.exp() == 0) {
				p.Unit, p.Signed = it.Unit, it.Signed
			}
			out = append(out, p)
		}
	}
	return out, nil
}
