package dlt645

import (
	"bytes"
	"fmt"
	"time"
)

const (
	loadStart = 0xA0 // twice; E0 twice in a record that the meter itself calls incomplete [M]
	loadOdd   = 0xE0
	loadEnd   = 0xE5
	loadSep   = 0xAA // ends each class, and stands alone for one that is not kept
	loadHead  = 3    // start, start, length
	loadTime  = 5
	loadFoot  = 2 // CS, E5

	// One request asks for at most 99 records; noise in a long answer shall
	// not become more than a few times as many.
	loadRecordsMax = 256
)

// AppendLoadRecord appends r as a meter sends it: start, length, time in the
// location of r.At, the classes each ended by AA, checksum, E5. A suspect
// record begins with E0 E0. Why and Raw are not written.
func AppendLoadRecord(dst []byte, r LoadRecord) []byte {
	at, s := len(dst), byte(loadStart)
	if r.Suspect {
		s = loadOdd
	}
	dst = append(dst, s, s, 0)
	dst = AppendDateTime5(dst, r.At, r.At.Location())
	for n := 1; n <= len(loadClasses); n++ {
		if r.Classes.Has(n) {
			for i, slot := range r.slots(n) {
				dst = appendNumber(dst, *slot, loadClasses[n-1][i])
			}
		}
		dst = append(dst, loadSep)
	}
	dst[at+2] = byte(len(dst) - at - loadHead)
	return append(dst, checksum(dst[at:]), loadEnd)
}

// ParseLoadRecords reads the data of an answer to LoadRequest, put together
// by an Assembler when it had several parts; loc is the meter's clock. No data
// is no record. No byte is lost: what is odd comes as a suspect record with
// its bytes in Raw, because the record's layout is known from firmware and not
// from the standard's text. The error wraps ErrLoadRecord when nothing in data
// begins like a record; then there are none.
func ParseLoadRecords(data []byte, loc *time.Location) ([]LoadRecord, error) {
	return ParseClassRecords(0, data, loc)
}

// ParseClassRecords is ParseLoadRecords for an answer to LoadDI(class, ...):
// some meters then send the one class alone, without the AA of the others.
func ParseClassRecords(class int, data []byte, loc *time.Location) ([]LoadRecord, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if !loadBegins(data) && nextLoad(data) == len(data) {
		return nil, fmt.Errorf("load profile of %d bytes: %w", len(data), ErrLoadRecord)
	}
	var out []LoadRecord
	for len(data) > 0 {
		if len(out) == loadRecordsMax-1 {
			r := LoadRecord{Raw: data[:len(data):len(data)]}
			r.doubt("more records than one request can ask for")
			return append(out, r), nil
		}
		r, n := loadRecord(class, data, loc)
		out = append(out, r)
		data = data[n:]
	}
	return out, nil
}

// loadRecord reads the record at the beginning of data and says how many
// bytes it took, at least one.
func loadRecord(class int, data []byte, loc *time.Location) (LoadRecord, int) {
	var r LoadRecord
	if !loadBegins(data) {
		n := nextLoad(data)
		r.doubt("bytes before a record")
		r.Raw = data[:n:n]
		return r, n
	}
	if data[0] == loadOdd {
		r.doubt("marked by the meter as incomplete")
	}
	n := 0
	if whole := loadHead + int(data[min(2, len(data)-1)]) + loadFoot; len(data) > 2 && len(data) >= whole && data[whole-1] == loadEnd {
		n = whole // as the length byte says
	} else if n = walkLoad(data); n > 0 {
		r.doubt("length byte wrong")
	} else {
		n = nextLoad(data)
		r.Raw = data[:n:n]
		r.doubt("cut or damaged")
		if n >= loadHead+loadTime {
			r.At, _ = DateTime5(data[loadHead:loadHead+loadTime], loc)
		}
		return r, n
	}
	r.Raw = data[:n:n]
	if checksum(data[:n-loadFoot]) != data[n-loadFoot] {
		r.doubt("checksum wrong")
	}
	r.body(class, data[loadHead:n-loadFoot], loc)
	return r, n
}

// body reads time and classes.
func (r *LoadRecord) body(class int, b []byte, loc *time.Location) {
	if len(b) < loadTime {
		r.doubt("no time")
		return
	}
	at, err := DateTime5(b[:loadTime], loc)
	if err != nil {
		r.doubt("time invalid")
	}
	r.At, b = at, b[loadTime:]
	if class >= 1 && class <= len(loadClasses) && (len(b) == loadSize(class) || len(b) == loadSize(class)+1 && b[len(b)-1] == loadSep) {
		r.class(class, b[:loadSize(class)])
		return
	}
	for n := 1; n <= len(loadClasses); n++ {
		if len(b) == 0 {
			r.doubt(fmt.Sprintf("ends before class %d", n))
			return
		}
		if b[0] == loadSep { // BCD and FF never begin with AA
			b = b[1:]
			continue
		}
		size := loadSize(n)
		if len(b) <= size || b[size] != loadSep {
			r.doubt(fmt.Sprintf("class %d is not %d bytes", n, size))
			return
		}
		r.class(n, b[:size])
		b = b[size+1:]
	}
	if len(b) > 0 {
		r.doubt(fmt.Sprintf("%d bytes behind the last class", len(b)))
	}
}

// class reads the numbers of class n. One that is no number makes the record
// suspect and is not measured.
func (r *LoadRecord) class(n int, b []byte) {
	r.Classes = r.Classes.With(n)
	for i, slot := range r.slots(n) {
		it := loadClasses[n-1][i]
		part := b[:it.Bytes]
		b = b[it.Bytes:]
		if allFF(part) {
			*slot = NotMeasured
			continue
		}
		v, err := number(part, it.Signed)
		if err != nil {
			r.doubt("class " + string(rune('0'+n)) + ": " + it.Name + " is no number")
			v = NotMeasured
		}
		*slot = v
	}
}

func (r *LoadRecord) doubt(why string) {
	if r.Suspect {
		why = r.Why + "; " + why
	}
	r.Suspect, r.Why = true, why
}

func loadSize(class int) (n int) {
	for _, it := range loadClasses[class-1] {
		n += it.Bytes
	}
	return n
}

func loadBegins(b []byte) bool {
	return len(b) >= 2 && b[0] == b[1] && (b[0] == loadStart || b[0] == loadOdd)
}

// walkLoad gives the length of a record whose length byte is wrong, found by
// walking over its classes; 0 when they do not end in E5.
func walkLoad(b []byte) int {
	at := loadHead + loadTime
	for n := 1; n <= len(loadClasses); n++ {
		if at < len(b) && b[at] != loadSep {
			at += loadSize(n)
		}
		if at >= len(b) || b[at] != loadSep {
			return 0
		}
		at++
	}
	if at += loadFoot; at > len(b) || b[at-1] != loadEnd {
		return 0
	}
	return at
}

// nextLoad is where the next record begins behind the first byte: two starts
// behind an E5, or the end of b.
func nextLoad(b []byte) int {
	for at := 1; at < len(b); at++ {
		if loadBegins(b[at:]) && (b[at-1] == loadEnd || !loadBegins(b)) {
			return at
		}
	}
	return len(b)
}

// appendNumber writes v as the item's digits, the sign in the top bit.
func appendNumber(dst []byte, v int64, it ItemInfo) []byte {
	if v == NotMeasured {
		return append(dst, bytes.Repeat([]byte{0xFF}, it.Bytes)...)
	}
	negative := v < 0
	if negative {
		v = -v
	}
	dst = AppendBCD(dst, uint64(v), it.Bytes)
	if negative && it.Signed {
		dst[len(dst)-1] |= 0x80
	}
	return dst
}
