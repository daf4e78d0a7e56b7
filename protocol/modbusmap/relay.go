package modbusmap

import "feikong/protocol/modbus"

// Relay is how a model's relay is moved and read. What a meter cannot do stays false and is never tried. A relay that can
// be opened but neither closed nor permitted from afar is closed by hand alone.
type Relay struct {
	Func        byte     // modbus.WriteCoil, WriteRegister or WriteRegisters
	Addr        uint16   // coil or first register
	Open, Close []uint16 // values written; FC05: FF00H or 0000H. With CanPermit and not CanClose, Close is the permit

	StateFunc   byte
	StateAddr   uint16
	OpenMask    uint16 // bits of the state that matter
	OpenValue   uint16 // masked state of an open relay
	ClosedValue uint16 // masked state of a closed one; any third is unknown

	Commanded *Bits // the last command, where it can be read apart from the contact; StateFunc reads it
	Lock      *Bits // a lock at the device that keeps it from being closed from afar 本地锁定: Open is locked
	Mode      *Mode // who decides over the contact, where that is a register of its own

	CanTrip   bool // can be opened
	CanPermit bool // can be told to let the customer close by a button
	CanClose  bool // can be closed from afar
	Feedback  bool // the state can be read back
}

// Bits is one register with two values that mean something.
type Bits struct {
	Addr         uint16
	Mask         uint16
	Open, Closed uint16 // masked
}

func (b Bits) judge(word uint16) (open, known bool) {
	switch word & b.Mask {
	case b.Open:
		return true, true
	case b.Closed:
		return false, true
	}
	return false, false
}

// Mode is a register that says who moves the contact: the meter by its own rules (its money, its limits), or a command
// from afar that overrides them. ForcedOpen and ForcedClosed may be one value; then the contact's register tells them
// apart. A forced relay does not obey the meter's own protection of money and load (强制合闸即保电).
type Mode struct {
	Addr                          uint16
	Own, ForcedOpen, ForcedClosed uint16
	// OwnTells is true where the contact's register tells the contact in the meter's own mode too. Otherwise the contact
	// is unknown there, and the relay must be forced closed once before it can be tripped.
	OwnTells bool
}

// RelayMode is who decides over a contact.
type RelayMode uint8

// Relay modes. A relay without a mode register is ModeNone.
const (
	ModeNone RelayMode = iota
	ModeUnknown
	ModeOwn
	ModeForcedOpen
	ModeForcedClosed
)

// String is the mode in English words.
func (m RelayMode) String() string {
	return [...]string{"no mode", "unknown mode", "the meter's own", "forced open", "forced closed"}[min(m, ModeForcedClosed)]
}

// RelayState is a relay as its registers tell it.
type RelayState struct {
	Known       bool // the contact's register holds a value that the manual names
	Open        bool // the contact; false when not known
	CommandOpen bool // the last command was to open; equal to Open where the model does not tell it apart
	Locked      bool // cannot be closed from afar
	Mode        RelayMode
}

// Command is the frame that opens or closes (or permits closing of) unit's relay. A relay that is closed by hand alone has
// none for closing; ask CanClose and CanPermit first.
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

// StateRead is the request for the relay's state: from the lowest of its registers to the highest.
func (r Relay) StateRead() Read {
	low, high := r.stateRange()
	return Read{Func: r.StateFunc, Addr: low, Count: high - low + 1}
}

func (r Relay) stateRange() (low, high uint16) {
	low, high = r.StateAddr, r.StateAddr
	for _, addr := range r.others() {
		low, high = min(low, addr), max(high, addr)
	}
	return low, high
}

func (r Relay) others() (addrs []uint16) {
	if r.Commanded != nil {
		addrs = append(addrs, r.Commanded.Addr)
	}
	if r.Lock != nil {
		addrs = append(addrs, r.Lock.Addr)
	}
	if r.Mode != nil {
		addrs = append(addrs, r.Mode.Addr)
	}
	return addrs
}

// State judges the state's register (or coil, as 0 or 1). known is false for a value the manual does not name.
func (r Relay) State(word uint16) (open, known bool) {
	return Bits{Mask: r.OpenMask, Open: r.OpenValue, Closed: r.ClosedValue}.judge(word)
}

// Judge judges the answer to StateRead; coils come as words, 0 or 1. A short answer is an unknown relay.
func (r Relay) Judge(words []uint16) (s RelayState) {
	read := r.StateRead()
	if len(words) < int(read.Count) {
		return RelayState{}
	}
	at := func(addr uint16) uint16 { return words[addr-read.Addr] }
	s.Open, s.Known = r.State(at(r.StateAddr))
	s.CommandOpen = s.Open
	if r.Commanded != nil {
		if open, known := r.Commanded.judge(at(r.Commanded.Addr)); known {
			s.CommandOpen = open
		}
	}
	if r.Lock != nil {
		locked, known := r.Lock.judge(at(r.Lock.Addr))
		s.Locked = locked || !known
	}
	if r.Mode == nil {
		return s
	}
	m, word := *r.Mode, at(r.Mode.Addr)
	switch {
	case word == m.ForcedOpen && (m.ForcedOpen != m.ForcedClosed || s.Known && s.Open):
		s.Mode = ModeForcedOpen
	case word == m.ForcedClosed && (m.ForcedOpen != m.ForcedClosed || s.Known && !s.Open):
		s.Mode = ModeForcedClosed
	case word == m.Own:
		s.Mode = ModeOwn
	default:
		s.Mode = ModeUnknown
	}
	if s.Mode == ModeUnknown || s.Mode == ModeOwn && !m.OwnTells {
		s.Known, s.Open, s.CommandOpen = false, false, false
	}
	return s
}

// StateWords is what a meter of this model shows from StateRead's address on after it was told to open or to close: the
// other side of Judge. forced is false as long as nobody has told it anything.
func (r Relay) StateWords(open, commandOpen, forced bool) []uint16 {
	read := r.StateRead()
	words := make([]uint16, read.Count)
	put := func(addr, mask, open, closed uint16, isOpen bool) {
		v := closed
		if isOpen {
			v = open
		}
		at := addr - read.Addr
		words[at] = words[at]&^mask | v
	}
	if r.Mode != nil {
		put(r.Mode.Addr, 0xFFFF, r.Mode.ForcedOpen, r.Mode.ForcedClosed, open)
		if !forced {
			words[r.Mode.Addr-read.Addr] = r.Mode.Own
		}
	}
	if r.Lock != nil {
		put(r.Lock.Addr, r.Lock.Mask, r.Lock.Open, r.Lock.Closed, false)
	}
	if r.Commanded != nil {
		put(r.Commanded.Addr, r.Commanded.Mask, r.Commanded.Open, r.Commanded.Closed, commandOpen)
	}
	put(r.StateAddr, r.OpenMask, r.OpenValue, r.ClosedValue, open)
	return words
}
