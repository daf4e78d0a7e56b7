package modbusmap

import "feikong/protocol/modbus"

// Relay is how a model's relay is moved and read. What a meter cannot do stays false and is never tried.
type Relay struct {
	Func        byte     // modbus.WriteCoil, WriteRegister or WriteRegisters
	Addr        uint16   // coil or first register
	Open, Close []uint16 // values written; FC05: FF00H or 0000H

	StateFunc   byte
	StateAddr   uint16
	OpenMask    uint16 // bits of the state that matter
	OpenValue   uint16 // masked state of an open relay
	ClosedValue uint16 // masked state of a closed one; any third is unknown

	CanTrip   bool // can be opened
	CanPermit bool // can be told to let the customer close by a button
	CanClose  bool // can be closed from afar
	Feedback  bool // the state can be read back
}

// Command is the frame that opens or closes unit's relay.
func (r Relay) Command(unit byte, open bool) modbus.ADU {
	v := r.Close
	if open {
		v = r.Open
	}
	switch r.Func {
	case modbus.WriteCoil:
		return modbus.WriteCoilRequest(unit, r.Addr, v[0] == 0xFF00)
	case modbus.WriteRegister:
		return modbus.WriteRegisterRequest(unit, r.Addr, v[0])
	}
	return modbus.WriteRegistersRequest(unit, r.Addr, v)
}

// StateRead is the request for the relay's state: one register, or one coil.
func (r Relay) StateRead() Read { return Read{Func: r.StateFunc, Addr: r.StateAddr, Count: 1} }

// State judges the state's register (or coil, as 0 or 1). known is false for a value the manual does not name.
func (r Relay) State(word uint16) (open, known bool) {
	switch word & r.OpenMask {
	case r.OpenValue:
		return true, true
	case r.ClosedValue:
		return false, true
	}
	return false, false
}
