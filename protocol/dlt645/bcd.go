package dlt645

import "fmt"

// AppendBCD appends the lowest 2n decimal digits of v as n packed BCD bytes,
// the low byte first. Higher digits are cut off.
func AppendBCD(dst []byte, v uint64, n int) []byte {
	for range n {
		d := byte(v % 100)
		dst = append(dst, d/10<<4|d%10)
		v /= 100
	}
	return dst
}

// BCD reads up to 8 packed BCD bytes, the low byte first. The error wraps
// ErrBCD or ErrLength.
func BCD(b []byte) (int64, error) {
	if len(b) == 0 || len(b) > 8 {
		return 0, fmt.Errorf("BCD of %d bytes: %w", len(b), ErrLength)
	}
	var x uint64
	for i := len(b) - 1; i >= 0; i-- {
		x = x<<8 | uint64(b[i])
	}
	v, ok := fromBCD(x)
	if !ok {
		return 0, fmt.Errorf("value % X: %w", b, ErrBCD)
	}
	return v, nil
}

// fromBCD reads 16 packed digits at once: pairs to bytes, bytes to 16 bits
// and so on, three multiplications instead of sixteen.
func fromBCD(x uint64) (int64, bool) {
	if x>>3&(x>>2|x>>1)&0x1111111111111111 != 0 { // a digit with bit 3 and bit 2 or 1 is above 9
		return 0, false
	}
	x -= 6 * (x >> 4 & 0x0F0F0F0F0F0F0F0F)
	x -= (1<<8 - 100) * (x >> 8 & 0x00FF00FF00FF00FF)
	x -= (1<<16 - 10000) * (x >> 16 & 0x0000FFFF0000FFFF)
	if x>>32 != 0 { // energies have eight digits: spare them a multiplication
		x -= (1<<32 - 100000000) * (x >> 32)
	}
	return int64(x), true
}

func isBCD(v byte) bool { return v>>4 <= 9 && v&0x0F <= 9 }
