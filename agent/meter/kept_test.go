package meter

import (
	"context"
	"errors"
	"testing"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// asks lets a test answer item by item; nil data is "no such item".
func asks(s *script, data func(d dlt645.DI, n int) []byte) {
	s.answer = func(n int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		d, _, err := dlt645.ParseReadRequest(frames[0])
		if err != nil {
			s.t.Fatal(err)
		}
		b := data(d, n)
		if b == nil {
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ErrorReply(frames[0].Addr, 0x11, 1<<1))}
		}
		return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(frames[0].Addr, d, b))}
	}
}

var midnight23 = time.Date(2026, 11, 23, 0, 0, 0, 0, shanghai)

func TestDailyFreezeHasTheMetersStamp(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s)
	asks(s, func(d dlt645.DI, _ int) []byte {
		switch d {
		case 0x05060001:
			return dlt645.AppendDateTime5(nil, midnight23, shanghai)
		case 0x05060101:
			return []byte{0x34, 0x12, 0, 0, 0x34, 0x12, 0, 0}
		}
		return nil
	})
	m.drift = 90 * time.Second
	rs, at, err := m.Frozen(t.Context(), Call{Twice: true}, dlt645.FreezeDailyKind, 1)
	if err != nil || !at.Equal(midnight23) || len(rs) != 2 || len(s.asked) != 4 {
		t.Fatalf("got %+v, %v, %v after %d requests", rs, at, err, len(s.asked))
	}
	if r := rs[0]; r.MeterTime != at.UnixMilli() || r.TakenAt != at.Add(-90*time.Second).UnixMilli() || r.Method != protocol.MethodFreeze || r.Quality != protocol.QualityTwice || r.Value != 1234 {
		t.Errorf("got %+v", r)
	}
	if _, _, err = m.Frozen(t.Context(), Call{}, dlt645.FreezeDailyKind, 2); !errors.Is(err, ErrNoRecord) {
		t.Errorf("beyond the oldest: %v", err)
	}
	n := len(s.asked)
	if _, _, err = m.Frozen(t.Context(), Call{}, dlt645.FreezeDailyKind, 63); !errors.Is(err, ErrNoRecord) || len(s.asked) != n {
		t.Errorf("beyond the standard's depth: %v", err)
	}
}

// The registers of one day must not get the stamp of the next.
func TestFreezeThatMovesWhileItIsReadIsReadAgain(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s)
	asks(s, func(d dlt645.DI, n int) []byte {
		day, value := midnight23, byte(0x10)
		if n > 1 { // midnight is behind the first request
			day, value = midnight23.AddDate(0, 0, 1), 0x20
		}
		if d == 0x05060001 {
			return dlt645.AppendDateTime5(nil, day, shanghai)
		}
		return []byte{value, 0, 0, 0}
	})
	rs, at, err := m.Frozen(t.Context(), Call{}, dlt645.FreezeDailyKind, 1)
	if err != nil || !at.Equal(midnight23.AddDate(0, 0, 1)) || rs[0].Value != 20 {
		t.Errorf("got %+v, %v, %v", rs, at, err)
	}
}

func TestPlaceWhereNothingWasFrozenIsNoRecord(t *testing.T) {
	for _, stamp := range [][]byte{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, {0, 0, 0, 0, 0}} {
		s := &script{}
		m := dltDriver(t, s)
		asks(s, func(dlt645.DI, int) []byte { return stamp })
		if _, _, err := m.Frozen(t.Context(), Call{}, dlt645.FreezeHourlyKind, 7); !errors.Is(err, ErrNoRecord) {
			t.Errorf("% X: got %v", stamp, err)
		}
	}
}

func TestProfileComesInPartsAndALostPartIsAskedForAgain(t *testing.T) {
	var data []byte
	for i := range 12 {
		data = dlt645.AppendLoadRecord(data, dlt645.LoadRecord{At: midnight23.Add(time.Duration(i) * 15 * time.Minute), Classes: dlt645.LoadClasses(0).With(4), Energies: [4]int64{int64(1000 + i), 5, 0, 0}})
	}
	s := &script{}
	m := dltDriver(t, s)
	lost := false
	s.answer = func(n int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		f := frames[0]
		if f.Control == 0x11 {
			o, err := dlt645.ParseLoadRequest(f, shanghai)
			if err != nil || !o.From.Equal(midnight23) || o.Records != 12 {
				t.Fatalf("got %+v, %v", o, err)
			}
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReplyMore(f.Addr, o.Item, data[:190], true))}
		}
		d, seq, err := dlt645.ParseSubsequentRequest(f)
		if err != nil {
			t.Fatal(err)
		}
		if seq == 2 && !lost {
			lost = true
			return nil
		}
		rest := data[190*int(seq):]
		return [][]byte{dlt645.AppendFrame(nil, dlt645.SubsequentReply(f.Addr, d, rest[:min(190, len(rest))], seq, len(rest) > 190))}
	}
	rs, err := m.Profile(t.Context(), Call{}, midnight23, 12)
	if err != nil || len(rs) != 24 || !lost {
		t.Fatalf("got %d readings, %v", len(rs), err)
	}
	if r := rs[22]; r.Value != 1011 || r.Exp != -2 || r.MeterTime != midnight23.Add(165*time.Minute).UnixMilli() || r.Method != protocol.MethodProfile || rs[23].Quantity != protocol.ActiveExport {
		t.Errorf("got %+v", r)
	}
	if q := m.Quality(); q.Retries != 1 || q.Silent != 1 || q.Replies == 0 {
		t.Errorf("got %+v", q)
	}
}

func TestRegistersAreReadUntilTwoAnswersAgree(t *testing.T) {
	for name, row := range map[string]struct {
		values []byte // 0.01 kWh, BCD
		want   int64
		asked  int
		twice  bool
		err    error
	}{
		"same":             {[]byte{0x10, 0x10}, 10, 2, true, nil},
		"one was wrong":    {[]byte{0x10, 0x90, 0x10}, 10, 3, true, nil},
		"a step between":   {[]byte{0x10, 0x11, 0x11}, 11, 3, true, nil},
		"it counts fast":   {[]byte{0x10, 0x11, 0x12}, 11, 3, false, nil},
		"no two alike":     {[]byte{0x10, 0x90, 0x50}, 0, 3, false, ErrDisagree},
		"it counts evenly": {[]byte{0x10, 0x40, 0x70}, 40, 3, false, nil},
		"one leaps":        {[]byte{0x10, 0x11, 0x99}, 11, 3, false, nil},
		"it went backward": {[]byte{0x12, 0x11, 0x10}, 0, 3, false, ErrDisagree},
	} {
		s := &script{}
		m := dltDriver(t, s)
		asks(s, func(_ dlt645.DI, n int) []byte { return []byte{row.values[min(n, len(row.values))-1], 0, 0, 0} })
		rs, err := m.Energy(t.Context(), Call{Twice: true})
		if !errors.Is(err, row.err) || len(s.asked) != row.asked {
			t.Errorf("%s: %v after %d reads", name, err, len(s.asked))
		}
		if err == nil && (rs[0].Value != row.want || rs[0].Quality&protocol.QualityTwice != 0 != row.twice) {
			t.Errorf("%s: got %+v", name, rs[0])
		}
	}
}

func TestBroadcastTellsTheTimeOfItsArrival(t *testing.T) {
	s := &script{answer: func(int, []byte) [][]byte { return nil }}
	m := dltDriver(t, s)
	if err := m.BroadcastTime(t.Context(), Call{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	frames, _ := dlt645.Decode(s.asked[0])
	got, err := dlt645.ParseBroadcastTime(frames[0], shanghai)
	if err != nil || frames[0].Addr != dlt645.Broadcast || !s.last.Broadcast {
		t.Fatalf("got %v, %v", frames, err)
	}
	if d := time.Until(got) - time.Hour; d.Abs() > time.Second {
		t.Errorf("off by %v", d)
	}
}

// keys is a key service that gives the bytes it was told to.
type keys struct {
	asked  []SealRequest
	sealed []byte
}

func (k *keys) Identity(_ context.Context, r SealRequest) (dlt645.Identity, error) {
	k.asked = append(k.asked, r)
	return dlt645.Identity{Operator: r.Operator, Random: [8]byte{byte(len(k.asked))}}, nil
}

func (k *keys) Seal(_ context.Context, r SealRequest) ([]byte, error) {
	k.asked = append(k.asked, r)
	return k.sealed, nil
}

func TestSealedOrderIsOneFrameOnce(t *testing.T) {
	cmd := Command{Action: protocol.ActionTrip, Order: protocol.OrderID{Generation: 1, Number: 7}, Operator: [4]byte{9}, Deadline: time.Now().Add(time.Minute)}
	s := &script{}
	m := dltDriver(t, s, Security("sealed"))
	if sent, err := m.Switch(t.Context(), Call{}, cmd); sent || !errors.Is(err, ErrNoKeyService) || len(s.asked) != 0 {
		t.Errorf("no key service: sent %t, %v", sent, err)
	}
	k := &keys{sealed: make([]byte, 24)}
	m = dltDriver(t, s, Security("sealed"), WithSealer(k))
	relays := 0
	s.answer = func(_ int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		f := frames[0]
		if f.Control == 0x1C {
			if o, sealed, err := dlt645.ParseSealedRequest(f); err != nil || o.Meter != m.addr || len(sealed) != 24 {
				t.Errorf("got %+v, %v", o, err)
			}
			relays++
			return [][]byte{dlt645.AppendFrame(nil, dlt645.RelayReply(f.Addr))}
		}
		if _, err := dlt645.ParseIdentityRequest(f); err != nil {
			t.Fatal(err)
		}
		return [][]byte{dlt645.AppendFrame(nil, dlt645.IdentityReply(f.Addr, dlt645.Identified{Random: [4]byte{1, 2, 3, 4}}))}
	}
	if sent, err := m.Switch(t.Context(), Call{}, cmd); !sent || err != nil || relays != 1 {
		t.Fatalf("sent %t, %v, %d relay frames", sent, err, relays)
	}
	if r := k.asked[1]; r.Order != cmd.Order || r.Meter != meterRef || r.Answer.Random != [4]byte{1, 2, 3, 4} {
		t.Errorf("the key service was asked %+v", r)
	}
	if sent, err := m.Switch(t.Context(), Call{}, cmd); sent || !errors.Is(err, ErrSpent) || relays != 1 {
		t.Errorf("the same bytes again: sent %t, %v, %d relay frames", sent, err, relays)
	}
	k.sealed = make([]byte, 23)
	if sent, err := m.Switch(t.Context(), Call{}, cmd); sent || !errors.Is(err, ErrKeyService) || relays != 1 {
		t.Errorf("another length: sent %t, %v", sent, err)
	}
}

func TestQualityTellsWhatACableNeeds(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s)
	s.answer = func(n int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		b := dlt645.AppendFrame(nil, dlt645.ReadReply(frames[0].Addr, dlt645.DIStatusWord3, []byte{0, 0}))
		if n == 1 {
			b[len(b)-2]++
		}
		return [][]byte{b}
	}
	if _, _, err := m.Relay(t.Context(), Call{}); !errors.Is(err, line.ErrSilent) || !errors.Is(err, dlt645.ErrChecksum) {
		t.Fatal(err)
	}
	if _, _, err := m.Relay(t.Context(), Call{}); err != nil {
		t.Fatal(err)
	}
	if q := m.Quality(); q.Faults != 1 || q.Checksums != 1 || q.Retries != 1 || q.Replies != 1 {
		t.Errorf("got %+v", q)
	}
}
