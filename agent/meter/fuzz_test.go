package meter

import (
	"testing"
	"time"

	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// A meter, or whoever answers in its place, may say anything: no panic, no endless talk, and no reading that was not in a
// frame of this meter.
func FuzzMeterMaySayAnything(f *testing.F) {
	a, _ := dlt645.ParseAddress(meterRef.Address)
	for _, r := range []dlt645.Frame{
		dlt645.ReadReply(a, dlt645.DIForwardBlock, []byte{0x34, 0x12, 0, 0}),
		dlt645.ReadReplyMore(a, dlt645.LoadDI(4, 1), []byte{0xA0, 0xA0, 5}, true),
		dlt645.ReadReply(a, dlt645.FreezeDI(dlt645.FreezeDailyKind, 0, 1), []byte{0, 0, 1, 1, 0x26}),
		dlt645.ReadReply1997(a, 0x901F, []byte{0x34, 0x12, 0, 0, 0xAA}, true),
		dlt645.ErrorReply(a, 0x11, 2),
		dlt645.IdentityReply(a, dlt645.Identified{}),
	} {
		f.Add(dlt645.AppendFrame(nil, r), uint8(0))
		f.Add(r.Data, r.Control)
	}
	f.Fuzz(func(t *testing.T, answer []byte, control uint8) {
		s := &script{t: t}
		s.answer = func(_ int, request []byte) [][]byte {
			if s.last.Broadcast {
				return nil
			}
			if control == 0 {
				return [][]byte{answer}
			}
			// A sound frame with the item that was asked for and any data.
			frames, err := dlt645.Decode(request)
			if err != nil {
				t.Fatal(err)
			}
			q := frames[0]
			return [][]byte{dlt645.AppendFrame(nil, dlt645.Frame{Addr: q.Addr, Control: q.Control | 0x80 | control&0x60, Data: append(q.Data[:min(4, len(q.Data)):min(4, len(q.Data))], answer...)})}
		}
		for _, edition := range []string{"2007", "1997"} {
			m := dltDriver(t, s, Edition(edition), Security("sealed"), WithSealer(&keys{sealed: make([]byte, 24)}))
			ctx := t.Context()
			rs, _ := m.Energy(ctx, Call{Twice: true})
			frozen, _, _ := m.Frozen(ctx, Call{Twice: true}, dlt645.FreezeDailyKind, 1)
			profile, _ := m.Profile(ctx, Call{}, time.Now(), 8)
			m.Relay(ctx, Call{Alone: true})
			m.Clock(ctx, Call{})
			m.Item(ctx, Call{}, "energy")
			m.Switch(ctx, Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now()})
			m.BroadcastTime(ctx, Call{}, time.Now())
			m.WriteTime(ctx, Call{}, [4]byte{2}, [4]byte{}, time.Now())
			for _, r := range append(append(rs, frozen...), profile...) {
				if r.Meter != meterRef || r.Value < 0 && r.Quantity == protocol.ActiveImport || r.Value > 99_999_999 {
					t.Errorf("read %+v", r)
				}
			}
			if len(s.asked) > 4000 {
				t.Fatalf("%d requests", len(s.asked))
			}
		}
	})
}
