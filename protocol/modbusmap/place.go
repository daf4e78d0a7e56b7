package modbusmap

// place is the line of a fault that Check found, and the key to name: the line of the key itself where the document has
// it, else that of the part it belongs in.
func (r *raw) place(f fault) (line int, key string) {
	part, keys := r.lines(f)
	return max(keys[f.key], part), f.key
}

// lines is where the part of a fault begins and where those of its keys stand that Check can name; 0 is a key that is not
// there, and a key never stands before its part.
func (r *raw) lines(f fault) (part int, keys map[string]int) {
	switch {
	case f.part == "spans" && f.index < len(r.Spans):
		s := &r.Spans[f.index]
		return int(s.Line), map[string]int{"function": s.Function.Line, "from": s.From.Line, "to": s.To.Line}
	case f.part == "points" && f.index < len(r.Points.Value):
		p := &r.Points.Value[f.index]
		return int(p.Line), map[string]int{"quantity": p.Quantity.Line, "register": p.Register.Line, "function": p.Function.Line, "address": p.Address.Line,
			"type": p.Type.Line, "order": p.Order.Line, "step": p.Step.Line, "decimals": p.Decimals.Line, "side": p.Side.Line, "ratio": p.Ratio.Line, "missing": p.Missing.Line}
	case f.part == "pt" && r.PT != nil:
		return r.PT.lines()
	case f.part == "ct" && r.CT != nil:
		return r.CT.lines()
	case f.part == "clock" && r.Clock != nil:
		c := r.Clock
		return int(c.Line), map[string]int{"function": c.Function.Line, "address": c.Address.Line, "bytes": c.Bytes.Line}
	case f.part == "relay" && r.Relay != nil:
		return r.Relay.lines()
	case f.part == "box" && r.Box != nil:
		b := r.Box
		return int(b.Line), map[string]int{"channels": b.Channels.Line, "unit_step": b.UnitStep.Line}
	}
	return 0, map[string]int{"model": r.Model.Line, "maker": r.Maker.Line, "manual": r.Manual.Line, "doubt": r.Doubt.Line, "baud": r.Baud.Line,
		"parity": r.Parity.Line, "stop_bits": r.StopBits.Line, "max_registers": r.MaxRead.Line, "points": r.Points.Line}
}

func (r *rawRatio) lines() (int, map[string]int) {
	return int(r.Line), map[string]int{"function": r.Function.Line, "address": r.Address.Line, "type": r.Type.Line, "order": r.Order.Line, "step": r.Step.Line, "missing": r.Missing.Line}
}

func (r *rawRelay) lines() (int, map[string]int) {
	keys := map[string]int{"function": r.Function.Line, "address": r.Address.Line, "open": r.Open.Line, "close": r.Close.Line, "closing": r.Closing.Line}
	if r.State != nil {
		keys["state"] = int(r.State.Line)
	}
	if r.Command != nil {
		keys["command"] = int(r.Command.Line)
	}
	if r.Lock != nil {
		keys["lock"] = int(r.Lock.Line)
	}
	if r.Mode != nil {
		keys["mode"] = int(r.Mode.Line)
	}
	return int(r.Line), keys
}
