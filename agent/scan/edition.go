package scan

import (
	"feikong/protocol/dlt645"
)

// edition is how the two texts of DL/T 645 are searched.
type edition struct {
	name     string
	fn       byte                              // function code of a read
	total    func(dlt645.Address) dlt645.Frame // forward active total: every meter has it
	block    func(dlt645.Address) dlt645.Frame // total and rates: a longer answer, and another in each meter
	address  func() dlt645.Frame               // point to point; nil where the text has none
	energies func(data []byte) ([]dlt645.Value, error)
}

var editions = []edition{
	{
		name: "2007", fn: 0x11,
		total:   func(a dlt645.Address) dlt645.Frame { return dlt645.ReadRequest(a, dlt645.DIForwardTotal) },
		block:   func(a dlt645.Address) dlt645.Frame { return dlt645.ReadRequest(a, dlt645.DIForwardBlock) },
		address: dlt645.ReadAddressRequest,
		energies: func(data []byte) ([]dlt645.Value, error) {
			if len(data) < 4 {
				return nil, dlt645.ErrLength
			}
			return dlt645.DecodeValues(dlt645.DIForwardTotal, data[4:])
		},
	},
	{
		name: "1997", fn: 0x01,
		total: func(a dlt645.Address) dlt645.Frame { return read1997(a, 0x9010) },
		block: func(a dlt645.Address) dlt645.Frame { return read1997(a, 0x901F) },
		energies: func(data []byte) ([]dlt645.Value, error) {
			if len(data) < 2 {
				return nil, dlt645.ErrLength
			}
			return dlt645.DecodeValues1997(0x9010, data[2:])
		},
	},
}

func read1997(a dlt645.Address, d dlt645.DI) dlt645.Frame {
	return dlt645.Frame{Addr: a, Control: 0x01, Data: []byte{byte(d), byte(d >> 8)}}
}
