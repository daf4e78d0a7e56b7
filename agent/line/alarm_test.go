package line

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// What is told as foreign sends somebody to a cellar, and "relay" means an attack. So what is ours is never told, however
// late and odd it comes.
func TestOwnFramesAndTheirAnswersAreNotTold(t *testing.T) {
	a, _ := dlt645.ParseAddress("101")
	trip, err := dlt645.RelayRequest(a, dlt645.Password{Level: 2}, [4]byte{1}, dlt645.Trip, time.Unix(1e9+60, 0))
	if err != nil {
		t.Fatal(err)
	}
	tripWire := dlt645.AppendFrame(dlt645.AppendPreamble(nil), trip)
	readWire := dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, dlt645.DIStatusWord3))
	read := modbus.AppendRTU(nil, modbus.ReadRequest(7, modbus.ReadHolding, 0, 10))
	write := modbus.AppendRTU(nil, modbus.WriteRegisterRequest(7, 0x10, 1))
	state := modbus.AppendRTU(nil, modbus.ReadRequest(7, modbus.ReadHolding, 0x10, 1))

	// The first eight bytes of this reply are a sound request.
	twoFaced := []byte{7, modbus.ReadHolding, 20, 0x12, 0, 2}
	twoFaced = binary.LittleEndian.AppendUint16(twoFaced, modbus.CRC(twoFaced))
	twoFaced = append(twoFaced, make([]byte, 15)...)
	twoFaced = binary.LittleEndian.AppendUint16(twoFaced, modbus.CRC(twoFaced))

	const hearsItself = "an echo and the same answer"
	for name, f := range map[string]func(send func([]byte), hear func(after time.Duration, b []byte)){
		"a reply that begins like a request": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(read)
			hear(50*time.Millisecond, twoFaced[:9])
			hear(10*time.Millisecond, twoFaced[9:])
		},
		"the same after the next request": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(read)
			hear(time.Second, nil)
			send(state)
			hear(time.Second, twoFaced)
		},
		"a write answered after the state was asked for": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(write)
			hear(2*time.Second, nil)
			send(state)
			hear(time.Second, write)
		},
		"a write answered with another value": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(write)
			hear(100*time.Millisecond, modbus.AppendRTU(nil, modbus.WriteRegisterRequest(7, 0x10, 3)))
		},
		hearsItself: func(send func([]byte), hear func(time.Duration, []byte)) {
			send(write)
			hear(10*time.Millisecond, write)
			hear(3*time.Second, write)
		},
		"as many inputs as a request has bytes": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(modbus.AppendRTU(nil, modbus.ReadRequest(7, modbus.ReadCoils, 0, 24)))
			reply := []byte{7, modbus.ReadCoils, 3, 1, 0, 24}
			hear(50*time.Millisecond, binary.LittleEndian.AppendUint16(reply, modbus.CRC(reply)))
		},
		"a reply under the wildcard that some old meters give": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(readWire)
			hear(100*time.Millisecond, dlt645.AppendFrame(nil, dlt645.ReadReply(dlt645.Address{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}, dlt645.DIStatusWord3, []byte{0, 0})))
		},
		"replies to a wildcard": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(dlt645.AppendFrame(nil, dlt645.ReadRequest(dlt645.Address{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}, dlt645.DIStatusWord3)))
			hear(100*time.Millisecond, dlt645.AppendFrame(nil, dlt645.ReadReply(a, dlt645.DIStatusWord3, []byte{0, 0})))
			hear(100*time.Millisecond, dlt645.AppendFrame(nil, dlt645.ReadReply(dlt645.Address{9}, dlt645.DIStatusWord3, []byte{0, 0})))
		},
		"Modbus TCP": func(send func([]byte), hear func(time.Duration, []byte)) {
			mbap := []byte{0, 9, 0, 0, 0, 6, 7, modbus.WriteRegister, 0, 0x10, 0, 1}
			send(mbap)
			hear(100*time.Millisecond, mbap)
			hear(100*time.Millisecond, write)
		},
		"a reply after thirty other requests": func(send func([]byte), hear func(time.Duration, []byte)) {
			send(readWire)
			for i := range 30 {
				other := a
				other[5] = byte(i + 1)
				send(dlt645.AppendFrame(nil, dlt645.ReadRequest(other, dlt645.DIForwardTotal)))
				hear(100*time.Millisecond, nil)
			}
			hear(0, dlt645.AppendFrame(nil, dlt645.ReadReply(a, dlt645.DIStatusWord3, []byte{0, 0})))
		},
	} {
		var got []Foreign
		w := newWatcher(func(f Foreign) { got = append(got, f) })
		at := time.Unix(1e9, 0)
		f(func(b []byte) { w.sent(b, at, at.Add(200*time.Millisecond), false, name == hearsItself) }, func(after time.Duration, b []byte) {
			at = at.Add(after)
			w.hear(b, at)
		})
		if len(got) != 0 {
			t.Errorf("%s is told: %+v", name, got)
		}
	}

	// The echo of our own relay frame: late over a link, late on an adapter that hears itself; a second copy is a replay.
	for name, row := range map[string]struct{ link, echoes bool }{"a link": {true, false}, "an adapter that echoes": {false, true}} {
		var got []Foreign
		w := newWatcher(func(f Foreign) { got = append(got, f) })
		at := time.Unix(1e9, 0)
		w.sent(tripWire, at, at.Add(200*time.Millisecond), row.link, row.echoes)
		w.sent(readWire, at.Add(2*time.Second), at.Add(2200*time.Millisecond), row.link, row.echoes)
		w.hear(tripWire, at.Add(3*time.Second))
		if len(got) != 0 {
			t.Errorf("our own relay frame comes back late over %s and is told: %+v", name, got)
		}
		w.hear(tripWire, at.Add(4*time.Second))
		if kinds(got)[ForeignRelay] != 1 {
			t.Errorf("its second copy over %s is not told: %+v", name, got)
		}
	}
}

func TestAnswerToAWriteOfBeforeTheStartIsNotTold(t *testing.T) {
	var got []Foreign
	w := newWatcher(func(f Foreign) { got = append(got, f) })
	at := time.Unix(1e9, 0)
	w.opened(at)
	write := modbus.AppendRTU(nil, modbus.WriteCoilRequest(7, 0x10, true))
	w.hear(write, at.Add(time.Second))
	if len(got) != 0 {
		t.Errorf("the answer to a process that was killed is told: %+v", got)
	}
	w.hear(write, at.Add(2*time.Second)) // a master and its meter
	w.hear(write, at.Add(20*time.Second))
	if kinds(got)[ForeignRelay] != 2 {
		t.Errorf("writes of others are not told: %+v", got)
	}
}

func TestRainOfBytesIsNobody(t *testing.T) {
	var got []Foreign
	w := newWatcher(func(f Foreign) { got = append(got, f) })
	random := rand.New(rand.NewPCG(645, 1))
	at := time.Unix(1e9, 0)
	var b [20]byte
	for range 1_000_000 { // a day of floating wires
		at = at.Add(100 * time.Millisecond)
		n := 1 + random.IntN(len(b))
		for i := range b[:n] {
			b[i] = byte(random.Uint32())
		}
		w.hear(b[:n], at)
	}
	if len(got) != 0 {
		t.Errorf("%d frames told: %+v", len(got), got)
	}
}
