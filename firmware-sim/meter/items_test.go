package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

// ask reads d with as many subsequent frames as it takes, and checks each.
func ask(t testing.TB, m *Meter, d dlt645.DI, now time.Time) ([]byte, error) {
	t.Helper()
	return collect(t, m, dlt645.ReadRequest(m.cfg.Wire, d), d, now)
}

func collect(t testing.TB, m *Meter, request dlt645.Frame, d dlt645.DI, now time.Time) ([]byte, error) {
	t.Helper()
	reply, answered := m.AnswerDLT645(request, now)
	if !answered {
		t.Fatalf("meter is silent to %s", d)
	}
	data, err := dlt645.ParseReadReply(reply, m.cfg.Wire, d)
	out := append([]byte(nil), data...)
	for seq := 1; err == nil && reply.More(); seq++ {
		if len(reply.Data) > 200 {
			t.Fatalf("%s: L = %d, want at most 200", d, len(reply.Data))
		}
		if reply, answered = m.AnswerDLT645(dlt645.SubsequentRequest(m.cfg.Wire, d, byte(seq)), now); !answered {
			t.Fatalf("meter is silent to part %d of %s", seq, d)
		}
		data, err = dlt645.ParseSubsequentReply(reply, m.cfg.Wire, d, byte(seq))
		out = append(out, data...)
	}
	return out, err
}

// full is a three-phase meter that keeps money, feeds back at noon and has run for 90 days.
func full(t testing.TB, change func(*Config)) *Meter {
	t.Helper()
	return hundred(t, func(c *Config) {
		c.Phases, c.EnergymWh, c.History, c.FeedW, c.LoadW, c.Times = 3, 50_000_000_000, HistoryMax, 3_000, 2_000, 5
		c.Money = &Money{Balance: 5_000_0000, Price: [rates]int64{10_000, 8_000, 6_000, 3_000}, Alarm1: 20_0000, Overdraft: 5_0000}
		if change != nil {
			change(c)
		}
	})
}

func TestEveryItemReadsAsTheTableSays(t *testing.T) {
	m := full(t, nil)
	now := after(time.Hour)
	send(t, m, now, dlt645.Trip, after(2*time.Hour), password)
	send(t, m, now, dlt645.Close, after(2*time.Hour), password)
	m.Charge(50_0000, now)
	m.Cover(true, now)
	m.Cover(false, now)
	m.SetPowered(false, now)
	m.SetPowered(true, after(61*time.Minute))
	m.AnswerDLT645(dlt645.FreezeRequest(m.cfg.Wire, dlt645.FreezeTime{0x99, 0x99, 0x99, 0x99}), after(62*time.Minute))
	answered := 0
	for _, it := range dlt645.Items() {
		if it.DI>>24 == 0x06 {
			continue
		}
		data, err := ask(t, m, it.DI, after(2*time.Hour))
		if errors.Is(err, dlt645.ErrNoData) {
			t.Logf("%s %s: not in this meter", it.DI, it.Name)
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", it.DI, it.Name, err)
			continue
		}
		answered++
		if it.Bytes != 0 && len(data) != it.Bytes {
			t.Errorf("%s %s: got %d bytes, want %d: % X", it.DI, it.Name, len(data), it.Bytes, data)
		}
		if values, err := dlt645.DecodeValues(it.DI, data); errors.Is(err, dlt645.ErrDateTime) && data[len(data)-1] == 0 {
			t.Logf("%s %s: never", it.DI, it.Name) // zeros stand for what never was
		} else if err != nil {
			t.Errorf("%s %s: % X: %v", it.DI, it.Name, data, err)
		} else {
			t.Logf("%s %v", it.DI, values)
		}
	}
	t.Logf("%d of %d items", answered, len(dlt645.Items()))
	if answered < 200 {
		t.Errorf("got answers to %d items, want 200", answered)
	}
}

func TestBlocksReadAsTheTableSays(t *testing.T) {
	m := full(t, nil)
	now := after(time.Hour)
	for _, d := range []dlt645.DI{
		0x0000FF00, 0x0001FF00, 0x0002FF00, 0x0003FF00, 0x0005FF00, 0x0001FF01, 0x0001FF0C, 0x0101FF00, 0x0102FF01, 0x0201FF00, 0x0202FF00,
		0x0203FF00, 0x0204FF00, 0x0205FF00, 0x0206FF00, 0x040005FF, 0x05060101, 0x05060201, 0x0506FF01, 0x0504FF01, 0x05040101, 0x0506FF3E, 0x050400FE,
		0x04010000, 0x04010001, 0x05061001,
	} {
		data, err := ask(t, m, d, now)
		if err != nil {
			t.Errorf("%s: %v", d, err)
			continue
		}
		if values, err := dlt645.DecodeValues(d, data); err != nil && !(d>>24 == 1 && errors.Is(err, dlt645.ErrDateTime)) { // a demand that never was has no time
			t.Errorf("%s: % X: %v", d, data, err)
		} else {
			t.Logf("%s %v", d, values)
		}
	}
	for _, d := range []dlt645.DI{0x0506013F, 0x05040104 | 0xFF, 0x05060901, 0x0001FF0D, 0x00010500, 0x02010400, 0x0500FF01, 0x05080101} {
		if data, err := ask(t, m, d, now); !errors.Is(err, dlt645.ErrNoData) {
			t.Errorf("%s: got % X, %v; want no data", d, data, err)
		}
	}
}
