package dlt645

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Address is a meter's communication address (通信地址) in wire order, the
// lowest byte first: meter 123456789012 is 12 90 78 56 34 12.
type Address [6]byte

// Broadcast (99×6) is obeyed by every meter and answered by none; Wildcard
// (AA×6) is answered by every meter that hears it.
var (
	Broadcast = Address{0x99, 0x99, 0x99, 0x99, 0x99, 0x99}
	Wildcard  = Address{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}
)

// ParseAddress reads an address in reading order: up to 12 digits, a shorter
// one padded with zeros on the left, pairs AA as wildcards (缩位). The error
// wraps ErrAddress.
func ParseAddress(s string) (Address, error) {
	var a Address
	if s == "" || len(s) > 12 {
		return a, fmt.Errorf("address %q: want 1 to 12 digits: %w", s, ErrAddress)
	}
	b, err := hex.DecodeString(strings.Repeat("0", 12-len(s)) + s)
	if err != nil {
		return a, fmt.Errorf("address %q: %w", s, ErrAddress)
	}
	for i, v := range b {
		if v != 0xAA && !isBCD(v) {
			return Address{}, fmt.Errorf("address %q: only digits and pairs AA: %w", s, ErrAddress)
		}
		a[5-i] = v
	}
	return a, nil
}

// String gives the 12 digits in reading order, AA for wildcard bytes.
func (a Address) String() string {
	const digits = "0123456789ABCDEF"
	var out [12]byte
	for i, v := range a {
		out[10-2*i], out[11-2*i] = digits[v>>4], digits[v&0x0F]
	}
	return string(out[:])
}

// Exact reports whether the address names one meter: only BCD digits, and not
// the broadcast address.
func (a Address) Exact() bool {
	for _, v := range a {
		if !isBCD(v) {
			return false
		}
	}
	return a != Broadcast
}

// Match reports whether a and b are equal, a wildcard byte on either side
// counting as equal: some meters answer with the wildcard they were asked by.
func (a Address) Match(b Address) bool {
	for i := range a {
		if a[i] != b[i] && a[i] != 0xAA && b[i] != 0xAA {
			return false
		}
	}
	return true
}
