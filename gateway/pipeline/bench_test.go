package pipeline

import (
	"fmt"
	"testing"

	"feikong/gateway/account"
	"feikong/protocol"
)

// Two allocations, the state's clone, are what a plain reading needs; a third for each would show here.
func TestPlainReadingAllocatesOnlyItsState(t *testing.T) {
	const accounts = 1000
	facts, events := plain(t, accounts)
	n := testing.AllocsPerRun(5, func() { Think(facts, events) })
	if n > 2.2*accounts {
		t.Errorf("%.1f allocations a reading, want 2", n/accounts)
	}
}

// BenchmarkReading is the hot path: one plain reading of each of 1,000 accounts in one batch.
func BenchmarkReading(b *testing.B) {
	const accounts = 1000
	facts, events := plain(b, accounts)
	b.ReportAllocs()
	for b.Loop() {
		if ch := Think(facts, events); len(ch.States) != accounts {
			b.Fatal("not applied")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/accounts, "ns/reading")
}

// plain is accounts that were read an hour ago, and one reading of each.
func plain(b testing.TB, accounts int) (account.Facts, []account.Event) {
	b.Helper()
	var profiles []*account.Profile
	for i := range accounts {
		p := profile(fmt.Sprint(i), pointProfile(fmt.Sprint("m", i)))
		p.TariffID = "shandong-household"
		profiles = append(profiles, p)
	}
	m := newMemory(testConfig(b), profiles...)
	at := map[protocol.MeterRef]account.No{}
	for no, p := range m.profiles {
		at[p.Points[0].Meter] = no
		m.states[no].Balances.Advances, m.states[no].Balances.Cash = yuan(1000), yuan(1000)
	}
	facts := &indexed{m, at}
	var entries []protocol.Entry
	for i := range accounts {
		entries = append(entries, reading(fmt.Sprint("m", i), protocol.ActiveImport, kwh(100), start))
	}
	apply := func(ch account.Changes) {
		if len(ch.States) != accounts || len(ch.Readings) != accounts || len(ch.Notices) != 0 {
			b.Fatalf("%d states, %d readings, %d notices", len(ch.States), len(ch.Readings), len(ch.Notices))
		}
		for _, s := range ch.States {
			m.states[s.No] = s
		}
	}
	batch := &protocol.ReadingBatch{Agent: "street-1", Epoch: 1, First: 1, Entries: entries}
	apply(Think(facts, []account.Event{{Now: start, Readings: batch}}))
	for i := range entries {
		entries[i].Reading.TakenAt += hour
		entries[i].Reading.Value += kwh(1)
	}
	events := []account.Event{{Now: start + hour, Readings: batch}}
	return facts, events
}

type indexed struct {
	*memory
	at map[protocol.MeterRef]account.No
}

func (f *indexed) Installation(agent string, m protocol.MeterRef) (account.No, uint16, bool) {
	no, ok := f.at[m]
	return no, 0, ok
}
