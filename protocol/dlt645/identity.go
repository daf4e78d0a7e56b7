package dlt645

import "fmt"

const identityLen = 8 + 8 + 8

// Identity is what the key service gives for identity authentication
// (身份认证, DIIdentity) [M]. It is valid in the meter for a number of
// minutes; 02800022 tells how many are left.
type Identity struct {
	Operator   [4]byte // C0..C3
	Cipher     [8]byte // 密文
	Random     [8]byte // 随机数1
	Dispersion [8]byte // 分散因子, from the meter's number
}

// IdentityRequest asks meter a to accept the head-end (C = 03H, 070000FF, L =
// 20H). The error wraps ErrAddress.
func IdentityRequest(a Address, id Identity) (Frame, error) {
	b := append(make([]byte, 0, 4+identityLen), id.Operator[:]...)
	b = append(append(append(b, id.Cipher[:]...), id.Random[:]...), id.Dispersion[:]...)
	return SealedFrame(a, funcSecurity, DIIdentity, b)
}

// ParseIdentityRequest is the meter's side.
func ParseIdentityRequest(f Frame) (Identity, error) {
	o, b, err := ParseSealedRequest(f)
	if err != nil {
		return Identity{}, err
	}
	if o.Control != funcSecurity || o.Item != DIIdentity {
		return Identity{}, fmt.Errorf("item %s is no identity authentication: %w", o.Item, ErrNotRequest)
	}
	return Identity{Operator: [4]byte(b), Cipher: [8]byte(b[4:]), Random: [8]byte(b[12:]), Dispersion: [8]byte(b[20:])}, nil
}

// Identified is the meter's answer: what the key service needs to seal the
// next order. Serial is in wire order.
type Identified struct {
	Random [4]byte // 随机数2
	Serial [8]byte // ESAM 序列号
}

// ParseIdentityReply reads meter a's answer. A refusal is a *ReplyError with
// SERR bit 3.
func ParseIdentityReply(f Frame, a Address) (Identified, error) {
	b, err := ParseSecurityReply(f, a, DIIdentity)
	if err != nil {
		return Identified{}, err
	}
	if len(b) != 12 {
		return Identified{}, fmt.Errorf("identity reply of %d bytes, want 12: %w", len(b), ErrLength)
	}
	return Identified{Random: [4]byte(b), Serial: [8]byte(b[4:])}, nil
}

// IdentityReply is meter a's answer.
func IdentityReply(a Address, id Identified) Frame {
	return SecurityReply(a, DIIdentity, append(append([]byte{}, id.Random[:]...), id.Serial[:]...))
}
