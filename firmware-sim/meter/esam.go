package meter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"feikong/protocol/dlt645"
)

// Key stands for the keys in a meter's security module (ESAM). The module's real ciphers are the utility's secret; this
// stand-in has the frames, lengths and order of the real thing (identity first, then sealed orders while it is valid), so
// that a key service and what forwards its bytes can be tried. Whoever has the Key is the utility.
type Key [16]byte

// IdentityCipher is the 8 cipher bytes of an identity authentication 身份认证 with random number 1 and the dispersion factor.
func (k Key) IdentityCipher(random, dispersion [8]byte) (cipher [8]byte) {
	copy(cipher[:], k.sum("identity", random[:], dispersion[:]))
	return cipher
}

// SealRelay seals N1..N8 of a relay order for the meter that answered the identity authentication with random number 2:
// operator, 16 cipher bytes, 4 of a MAC; the data of a sealed 1C behind 98 00 00 00.
func (k Key) SealRelay(meter dlt645.Address, random [4]byte, operator [4]byte, order [8]byte) (sealed [24]byte) {
	copy(sealed[:4], operator[:])
	copy(sealed[4:20], order[:])
	k.mask(sealed[4:20], meter, random)
	copy(sealed[20:], k.sum("mac", meter[:], random[:], sealed[:20]))
	return sealed
}

func (k Key) sum(what string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(what))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func (k Key) mask(b []byte, meter dlt645.Address, random [4]byte) {
	for i, v := range k.sum("cipher", meter[:], random[:])[:len(b)] {
		b[i] ^= v
	}
}

// SERR bits of a refused C = 03.
const serrOther, serrAuthentication = 1 << 0, 1 << 3

// authFor is how long an identity authentication is valid; 02800022 tells what is left.
const authFor = 30 * time.Minute

// authenticated reports whether sealed orders are taken.
func (m *Meter) authenticated() bool { return m.authUntil > m.at }

// security answers C = 03.
func (m *Meter) security(f dlt645.Frame) dlt645.Frame {
	if !m.cfg.Sealed {
		return dlt645.SecurityError(m.wire, serrOther)
	}
	id, err := dlt645.ParseIdentityRequest(f)
	switch {
	case err != nil || f.Addr != m.wire:
		return dlt645.SecurityError(m.wire, serrOther)
	case m.cfg.Key == Key{} || !hmac.Equal(id.Cipher[:], sliced(m.cfg.Key.IdentityCipher(id.Random, id.Dispersion))):
		m.authUntil = 0
		return dlt645.SecurityError(m.wire, serrAuthentication)
	}
	m.authUntil = m.at + int64(authFor)
	binary.LittleEndian.PutUint32(m.random[:], uint32(mix(m.cfg.Seed^uint64(m.at))))
	out := dlt645.Identified{Random: m.random}
	copy(out.Serial[:], m.cfg.Wire[:])
	return dlt645.IdentityReply(m.wire, out)
}

func sliced(b [8]byte) []byte { return b[:] }

// unseal opens a sealed relay order: as plain frame of the level that the meter's own password has.
func (m *Meter) unseal(f dlt645.Frame) (dlt645.Frame, verdict) {
	_, sealed, err := dlt645.ParseSealedRequest(f)
	switch {
	case err != nil || len(sealed) != 24:
		return f, verdict{errPassword, wordPassword}
	case !m.cfg.Sealed || m.cfg.Key == Key{} || !m.authenticated():
		return f, verdict{errPassword, wordAuth}
	case !hmac.Equal(sealed[20:], m.cfg.Key.sum("mac", m.wire[:], m.random[:], sealed[:20])[:4]):
		return f, verdict{errPassword, wordMAC}
	}
	order := append([]byte(nil), sealed[4:20]...)
	m.cfg.Key.mask(order, m.wire, m.random)
	data := append([]byte{0, 0, 0, 0}, sealed[:4]...)
	return dlt645.Frame{Addr: f.Addr, Control: f.Control, Data: append(data, order[:8]...)}, verdict{}
}
