package dlt645

import (
	"fmt"
	"strconv"
	"strings"
)

// keyLen is the eight digits that every row begins with.
const keyLen = 8

// find searches a sorted table for d by halving its text: no row is read that
// is not on the way, nothing is allocated. A table that is not sound finds
// nothing; the tests prove that ours are.
func find(table string, d DI) (ItemInfo, bool) {
	low, high := strings.IndexByte(table, '\n')+1, len(table)
	for low < high {
		at := low + (high-low)/2
		at = low + strings.LastIndexByte(table[low:at], '\n') + 1
		line := table[at:]
		end := strings.IndexByte(line, '\n')
		if end < 0 {
			end = len(line)
		}
		line = line[:end]
		key, ok := rowKey(line)
		switch {
		case !ok:
			return ItemInfo{}, false
		case key == d:
			it, err := row(line)
			return it, err == nil
		case key < d:
			low = min(at+end+1, high)
		default:
			high = at
		}
	}
	return ItemInfo{}, false
}

func rowKey(line string) (DI, bool) {
	if len(line) < keyLen {
		return 0, false
	}
	var key DI
	for i := range keyLen {
		c := line[i]
		switch {
		case c >= '0' && c <= '9':
			key = key<<4 | DI(c-'0')
		case c >= 'A' && c <= 'F':
			key = key<<4 | DI(c-'A'+10)
		default:
			return 0, false
		}
	}
	return key, true
}

// rows reads a whole table; a row that is not sound is left out.
func rows(table string) []ItemInfo {
	_, table, _ = strings.Cut(table, "\n")
	out := make([]ItemInfo, 0, strings.Count(table, "\n"))
	for line := range strings.Lines(table) {
		if it, err := row(strings.TrimSuffix(line, "\n")); err == nil {
			out = append(out, it.named())
		}
	}
	return out
}

// row reads one line: DI,name,zh,format,bytes,unit,signed,writable. No field
// has a comma in it, so there are no quotes. The error wraps ErrTable.
func row(line string) (ItemInfo, error) {
	var it ItemInfo
	key, ok := rowKey(line)
	var field [7]string
	rest := ""
	if ok {
		rest = line[keyLen:]
	}
	for i := range field {
		if !strings.HasPrefix(rest, ",") {
			return it, fmt.Errorf("row %q: %w", line, ErrTable)
		}
		rest = rest[1:]
		end := strings.IndexByte(rest, ',')
		if end < 0 || i == len(field)-1 {
			end = len(rest)
		}
		field[i], rest = rest[:end], rest[end:]
	}
	n, err := strconv.Atoi(field[3])
	it = ItemInfo{DI: key, Name: field[0], NameZH: field[1], Format: Format(field[2]), Bytes: n, Unit: field[4], Signed: field[5] == "y", Writable: field[6] == "y"}
	if err != nil || n < 0 || n > maxData || it.Name == "" || it.NameZH == "" || strings.Trim(field[5]+field[6], "y") != "" || len(field[5]) > 1 || len(field[6]) > 1 {
		return ItemInfo{}, fmt.Errorf("row %q: %w", line, ErrTable)
	}
	if err := it.check(); err != nil {
		return ItemInfo{}, err
	}
	return it, nil
}

// check compares format and length.
func (it ItemInfo) check() error {
	want := it.Bytes
	switch f := it.Format; {
	case f == FormatLoad:
		want = 0
	case f == FormatASCII, f == FormatDigits, f == FormatBinary, f == FormatSecret:
		want = max(want, 1)
	case f.composite():
		parts, err := it.split()
		if err != nil {
			return err
		}
		want = 0
		for _, p := range parts {
			want += p.Bytes
		}
	default:
		var err error
		if _, want, err = f.size(); err != nil {
			return err
		}
	}
	if want != it.Bytes {
		return fmt.Errorf("%s: %d bytes, %s has %d: %w", it.DI, it.Bytes, it.Format, want, ErrTable)
	}
	return nil
}
