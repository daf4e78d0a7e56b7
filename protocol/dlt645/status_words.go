package dlt645

import "fmt"

// StatusWord is one of the status words 1 to 7 (电表运行状态字), N its number.
type StatusWord struct {
	N    int
	Bits uint16
}

// ParseStatusWord reads the data of 0400050N; the error wraps ErrLength, or
// ErrUnknownItem when d is none of them.
func ParseStatusWord(d DI, data []byte) (StatusWord, error) {
	n := int(d) - 0x04000500
	if n < 1 || n > len(statusBits) {
		return StatusWord{}, fmt.Errorf("status word %s: %w", d, ErrUnknownItem)
	}
	if len(data) != 2 {
		return StatusWord{}, fmt.Errorf("status word %d of %d bytes, want 2: %w", n, len(data), ErrLength)
	}
	return StatusWord{n, uint16(data[0]) | uint16(data[1])<<8}, nil
}

// ParseStatusWords reads the data of 040005FF: as many words as the meter
// sends, which may be three, five or seven; the key status word behind them is
// left out.
func ParseStatusWords(data []byte) ([]StatusWord, error) {
	if len(data) < 2 || len(data)%2 != 0 || len(data) > 2*len(statusBits)+4 {
		return nil, fmt.Errorf("status words of %d bytes: %w", len(data), ErrLength)
	}
	var out []StatusWord
	for n := 1; n <= min(len(data)/2, len(statusBits)); n++ {
		out = append(out, StatusWord{n, uint16(data[2*n-2]) | uint16(data[2*n-1])<<8})
	}
	return out, nil
}

// Append appends the word in wire order.
func (w StatusWord) Append(dst []byte) []byte { return append(dst, byte(w.Bits), byte(w.Bits>>8)) }

func (w StatusWord) table() []bit {
	if w.N < 1 || w.N > len(statusBits) {
		return nil
	}
	return statusBits[w.N-1]
}

// Names lists the set bits by their names for machines, lowest first.
func (w StatusWord) Names() []string { return bitList(w.Bits, w.table()) }

// Explain says what the set bits mean, in "zh" or English. Of word 3 it also
// says that the relay is closed; of words 4 to 6 it names the phase.
func (w StatusWord) Explain(lang string) []string {
	if w.N == 3 {
		return StatusWord3(w.Bits).Explain(lang)
	}
	out := bitWords(w.Bits, w.table(), lang)
	if w.N >= 4 && w.N <= 6 {
		phase := "ABC"[w.N-4 : w.N-3]
		for i := range out {
			out[i] = words{"phase " + phase + " ", phase + "相"}.in(lang) + out[i]
		}
	}
	return out
}

// Names is Bits.
func (w StatusWord3) Names() []string { return w.Bits() }

// Explain says what the word means, in "zh" or English: the contact and the
// last command first, then the other set bits.
func (w StatusWord3) Explain(lang string) []string {
	contact, command := words{"relay closed", "继电器闭合"}, words{"last command close", "最近命令为合闸"}
	if w.RelayOpen() {
		contact = statusBits[2][4].words
	}
	if w.CommandOpen() {
		command = statusBits[2][6].words
	}
	rest := w &^ (WordRelayOpen | WordCommandOpen)
	return append([]string{contact.in(lang), command.in(lang)}, bitWords(uint16(rest), statusBits[2], lang)...)
}
