package meter

import (
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

func TestASealedMeterObeysItsKeyOnly(t *testing.T) {
	key, stranger := Key{1, 2, 3}, Key{9}
	m := hundred(t, func(c *Config) { c.Sealed, c.Key, c.Words2014 = true, key, true })
	plain, err := dlt645.RelayRequest(m.cfg.Wire, password, operator, dlt645.Trip, after(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	order := [8]byte(plain.Data[8:])
	trip := func(k Key, random [4]byte, now time.Time) (refused bool, word uint16) {
		t.Helper()
		sealed := k.SealRelay(m.cfg.Wire, random, operator, order)
		f, err := dlt645.SealedFrame(m.cfg.Wire, 0x1C, 0, sealed[:])
		reply := talk(t, m, f, err, now)
		return reply.IsError(), uint16(reply.Data[0]) | uint16(reply.Data[1])<<8
	}
	identify := func(k Key, now time.Time) (dlt645.Identified, error) {
		t.Helper()
		id := dlt645.Identity{Random: [8]byte{5}, Dispersion: [8]byte{6}}
		id.Cipher = k.IdentityCipher(id.Random, id.Dispersion)
		f, err := dlt645.IdentityRequest(m.cfg.Wire, id)
		return dlt645.ParseIdentityReply(talk(t, m, f, err, now), m.cfg.Wire)
	}
	if refused, word := trip(key, [4]byte{}, after(0)); !refused || word != wordAuth {
		t.Errorf("before authentication: refused %t with %04X", refused, word)
	}
	if _, err := identify(stranger, after(0)); err == nil {
		t.Error("a stranger was authenticated")
	}
	id, err := identify(key, after(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := dlt645.BCD(read(t, m, 0x02800022, after(11*time.Minute))); left != 20 {
		t.Errorf("got %d minutes left, want 20", left)
	}
	if refused, word := trip(stranger, id.Random, after(2*time.Minute)); !refused || word != wordMAC {
		t.Errorf("a stranger's seal: refused %t with %04X", refused, word)
	}
	if refused, word := trip(key, id.Random, after(2*time.Minute)); refused || !m.View(after(2*time.Minute)).Open {
		t.Errorf("refused %t with %04X", refused, word)
	}
	if refused, word := trip(key, id.Random, after(32*time.Minute)); !refused || word != wordAuth {
		t.Errorf("after the time: refused %t with %04X", refused, word)
	}
	if v := m.View(after(time.Hour)); v.TripFrames != 1 { // only what could be read was a trip
		t.Errorf("counted %d trips", v.TripFrames)
	}
}
