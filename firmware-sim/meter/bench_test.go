package meter

import (
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

// A street of ten thousand meters shares one core: what one answer and one quarter of an hour cost.

func BenchmarkReadEnergyBlock(b *testing.B) {
	m := hundred(b, nil)
	f := dlt645.ReadRequest(m.cfg.Wire, 0x0001FF00)
	b.ReportAllocs()
	for i := range b.N {
		m.AnswerDLT645(f, after(time.Duration(i)*time.Second))
	}
}

func BenchmarkQuarterOfAnHour(b *testing.B) {
	m := hundred(b, nil)
	for i := range b.N {
		m.View(after(time.Duration(i) * quarter))
	}
}

func BenchmarkLoadProfileOfADay(b *testing.B) {
	m := full(b, nil)
	f := dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadFrom, 96, after(-30*day))
	b.ReportAllocs()
	for range b.N {
		m.AnswerDLT645(f, after(0))
	}
}

func BenchmarkState(b *testing.B) {
	m := full(b, nil)
	b.ReportAllocs()
	for i := range b.N {
		m.State(after(time.Duration(i) * time.Second))
	}
}
