package dlt645

// DecodeBlock reads the present energies of a single item or a block with its
// rates (0001FF00) into `into` and returns how many there were; it does not
// allocate. Errors are bare sentinels: ErrUnknownItem when d is no energy of
// the whole meter, ErrLength when data are no whole items or `into` is too
// short, ErrBCD.
func DecodeBlock(d DI, data []byte, into []Value) (int, error) {
	family, rate := d>>16, d>>8&0xFF
	if family >= DI(len(energyNames)) || d&0xFF > 12 { // twelve settlement days are kept
		return 0, ErrUnknownItem
	}
	names := &energyNames[family]
	n := len(data) / 4
	switch {
	case n == 0 || len(data)%4 != 0 || n > len(into):
		return 0, ErrLength
	case rate == 0xFF:
		if n > len(names) {
			return 0, ErrLength
		}
		rate = 0
	case rate >= DI(len(names)):
		return 0, ErrUnknownItem
	case n != 1:
		return 0, ErrLength
	}
	unit, signed := energyFamilies[family].Unit, energyFamilies[family].Signed
	into = into[:n]
	for i := range into {
		b := data[4*i : 4*i+4 : 4*i+4]
		raw := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		v := &into[i]
		name := &names[int(rate)+i]
		v.Name, v.NameZH, v.Unit, v.Text = name.en, name.zh, unit, ""
		v.DI = d&^0xFF00 | (rate+DI(i))<<8
		v.Exp = -2
		if v.Null = raw == 0xFFFFFFFF; v.Null {
			v.Int = 0
			continue
		}
		negative := signed && raw&0x80000000 != 0
		if negative {
			raw &^= 0x80000000
		}
		x, ok := fromBCD(uint64(raw))
		if !ok {
			return 0, ErrBCD
		}
		if negative {
			x = -x
		}
		v.Int = x
	}
	return n, nil
}
