package dlt645

import (
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
			r.doubt(doubtMany)
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
		r.doubt(doubtStray)
		r.Raw = data[:n:n]
		return r, n
	}
	if data[0] == loadOdd {
		r.doubt(doubtMarked)
	}
	n := 0
	if whole := loadHead + int(data[min(2, len(data)-1)]) + loadFoot; len(data) > 2 && len(data) >= whole && data[whole-1] == loadEnd {
		n = whole // as the length byte says
	} else if n = walkLoad(data); n > 0 {
		r.doubt(doubtLength)
	} else {
		n = nextLoad(data)
		r.Raw = data[:n:n]
		r.doubt(doubtCut)
		if n >= loadHead+loadTime {
			r.At, _ = DateTime5(data[loadHead:loadHead+loadTime], loc)
		}
		return r, n
	}
	r.Raw = data[:n:n]
	if checksum(data[:n-loadFoot]) != data[n-loadFoot] {
		r.doubt(doubtSum)
	}
	r.body(class, data[loadHead:n-loadFoot], loc)
	return r, n
}

// body reads time and classes.
func (r *LoadRecord) body(class int, b []byte, loc *time.Location) {
	if len(b) < loadTime {
		r.doubt(doubtNoTime)
		return
	}
	at, err := DateTime5(b[:loadTime], loc)
	if err != nil {
		r.doubt(doubtTime)
	}
	r.At, b = at, b[loadTime:]
	if class >= 1 && class <= len(loadClasses) && (len(b) == loadSize(class) || len(b) == loadSize(class)+1 && b[len(b)-1] == loadSep) {
		r.class(class, b[:loadSize(class)])
		return
	}
	for n := 1; n <= len(loadClasses); n++ {
		if len(b) == 0 {
			r.doubtClass(n, doubtEnds)
			return
		}
		if b[0] == loadSep { // BCD and FF never begin with AA
			b = b[1:]
			continue
		}
		size := loadSize(n)
		if len(b) <= size || b[size] != loadSep {
			r.doubtClass(n, doubtSize)
			return
		}
		r.class(n, b[:size])
		b = b[size+1:]
	}
	if len(b) > 0 {
		r.doubt(doubtBehind)
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
			r.doubtClass(n, doubtNumber)
			v = NotMeasured
		}
		*slot = v
	}
}
