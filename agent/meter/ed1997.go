package meter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// Identifiers of 1997 that a reading master lives on (DL/T 645-1997, appendix A).
const (
	di1997Total dlt645.DI = 0x9010 // 正向有功总电能
	di1997Block dlt645.DI = 0x901F // total and all rates
	di1997Date  dlt645.DI = 0xC010
	di1997Time  dlt645.DI = 0xC011
)

// separator stands between the blocks of a set in 1997. It is no BCD digit, so in a block of energies it can be nothing
// else.
const separator = 0xAA

// energy1997 reads total and rates, or the total alone where the meter refuses the block.
func (m *DLT645) energy1997(ctx context.Context, c Call, w way) ([]protocol.Reading, error) {
	data, at, err := m.read(ctx, c, w, di1997Block)
	if errors.Is(err, ErrRefused) {
		data, at, err = m.read(ctx, c, w, di1997Total)
	}
	if err != nil {
		return nil, err
	}
	data = bytes.ReplaceAll(data, []byte{separator}, nil)
	var values [maxRates]dlt645.Value
	// The registers have the format of 2007: XXXXXX.XX, four bytes each, the total first.
	n, err := dlt645.DecodeBlock(dlt645.DIForwardBlock, data, values[:])
	if err != nil {
		return nil, fmt.Errorf("item %04X: %w", uint32(di1997Block), err)
	}
	return m.readings(values[:n], at), nil
}

// clockItems are date and time apart, as both editions have them.
func clockItems(w way) (date, clock dlt645.DI) {
	if w.edition == ed1997 {
		return di1997Date, di1997Time
	}
	return dlt645.DIDate, dlt645.DITime
}

// midnight says that the date may have changed between two answers.
func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 }
