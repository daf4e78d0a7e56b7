package dlt645

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// char is one character as it goes over an 8E1 line: eight data bits and the
// parity bit. A UART that checks parity drops a character whose nine bits are
// odd.
type char uint16

const charBits = 9

func send(b byte) char { return char(b) | char(bits.OnesCount8(b)&1)<<8 }

func (c char) even() bool { return bits.OnesCount16(uint16(c))&1 == 0 }

// onLine is a wire as characters.
func onLine(dst []char, wire []byte) []char {
	dst = dst[:0]
	for _, b := range wire {
		dst = append(dst, send(b))
	}
	return dst
}

// corrupt does to a reply what lines do: single flipped bits, a burst, lost
// and extra characters, or several of them.
func corrupt(r *rand.Rand, line []char) []char {
	flip := func() {
		line[r.IntN(len(line))] ^= 1 << r.IntN(charBits)
	}
	burst := func() {
		at, n := r.IntN(len(line)*charBits), 2+r.IntN(40)
		for i := at; i < min(at+n, len(line)*charBits); i++ {
			if r.IntN(2) == 0 {
				line[i/charBits] ^= 1 << (i % charBits)
			}
		}
	}
	lose := func() {
		if at := r.IntN(len(line)); len(line) > 1 {
			line = append(line[:at], line[at+1:]...)
		}
	}
	extra := func() { // half of it is a character of the reply said twice
		at, c := r.IntN(len(line)), send(byte(r.Uint32()))
		if r.IntN(2) == 0 {
			c = line[at]
		}
		line = append(line, 0)
		copy(line[at+1:], line[at:])
		line[at] = c
	}
	switch r.IntN(8) {
	case 0:
		burst()
	case 1:
		for range 1 + r.IntN(3) {
			lose()
		}
	case 2:
		for range 1 + r.IntN(3) {
			extra()
		}
	case 3:
		burst()
		burst()
	case 4:
		lose()
		extra()
	case 5:
		for range 2 + r.IntN(3) { // two bits of one character: what parity does not see
			at, a := r.IntN(len(line)), r.IntN(8)
			line[at] ^= 1<<a | 1<<((a+1+r.IntN(7))%8)
		}
	default:
		for range 1 + r.IntN(12) {
			flip()
		}
	}
	return line
}

// receive is what a UART with parity checking hands on, and feeds the parser
// with it in pieces.
func receive(r *rand.Rand, p *Parser, line []char, got []byte) []byte {
	got = got[:0]
	for _, c := range line {
		if c.even() {
			got = append(got, byte(c))
		}
	}
	p.Reset()
	for rest := got; len(rest) > 0; {
		n := min(1+r.IntN(32), len(rest))
		p.Write(rest[:n])
		rest = rest[n:]
	}
	p.Silence()
	return got
}

// corruptReplies are what meters say most: a single register, a block, a
// status word, an acceptance, a refusal, load records, 1997.
func corruptReplies(t testing.TB) (frames []Frame) {
	t.Helper()
	a, err := ParseAddress("202608150001")
	if err != nil {
		t.Fatal(err)
	}
	record := AppendLoadRecord(nil, LoadRecord{At: time.Date(2026, 11, 22, 22, 15, 0, 0, shanghai), Classes: LoadClasses(0).With(1).With(4),
		Voltages: [3]int64{2301, 2295, 2288}, Frequency: 5001, Energies: [4]int64{12345678, 100, 0, 5}})
	return []Frame{
		ReadReply(a, DIForwardTotal, AppendBCD(nil, 12345678, 4)),
		ReadReply(a, DIForwardBlock, unhex(t, "78 56 34 12 90 78 56 04 00 11 11 01 00 22 22 02 78 44 44 04")),
		ReadReply(a, DIStatusWord3, []byte{0x50, 0x10}),
		ReadReply(a, DILoadFrom, record),
		RelayReply(a),
		ErrorReply(a, 0x11, 2),
		ReadReply1997(a, 0x9010, AppendBCD(nil, 654321, 4), false),
	}
}

// collision proves that an accepted frame which nobody sent was taken for the
// only reason there is: it stood in what the line gave, all its characters had
// even parity, and the sum of its bytes is its checksum. It is written without
// the parser's own means.
func collision(t testing.TB, line []char, got, frame []byte) {
	t.Helper()
	at := bytes.Index(got, frame)
	if at < 0 {
		t.Fatalf("accepted % X, which is not in what the line gave: % X", frame, got)
	}
	i := 0
	for _, c := range line {
		if !c.even() {
			continue
		}
		if i >= at && i < at+len(frame) && (bits.OnesCount8(byte(c))+int(c>>8))%2 != 0 {
			t.Fatalf("character %d has wrong parity: % X", i, frame)
		}
		i++
	}
	sum := 0
	for _, b := range frame[:len(frame)-2] {
		sum += int(b)
	}
	n := len(frame)
	if frame[0] != 0x68 || frame[7] != 0x68 || int(frame[9]) != n-12 || frame[n-1] != 0x16 || sum%256 != int(frame[n-2]) {
		t.Fatalf("accepted % X without reason", frame)
	}
}

// TestCorruptedRepliesAreOnlyTakenOnAChecksumCollision corrupts 200,000
// replies, or as many as FEIKONG_CORRUPT says (10 million for the full
// campaign), and counts what the parser took for a frame. A register read
// twice must never come out wrong.
func TestCorruptedRepliesAreOnlyTakenOnAChecksumCollision(t *testing.T) {
	n := 200_000
	if s := os.Getenv("FEIKONG_CORRUPT"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("FEIKONG_CORRUPT=%s: %v", s, err)
		}
	}
	r := rand.New(rand.NewPCG(645, 2007))
	replies := corruptReplies(t)
	var wires [][]byte
	for _, f := range replies {
		wires = append(wires, AppendFrame(AppendPreamble(nil), f))
	}
	var p Parser
	var line []char
	var got, frame, first []byte
	var right, wrong, wrongSameHead, pairs, bothWrong, pairWrong, register int
	for i := range n {
		which := i / 2 % len(replies) // each is read twice
		sent := wires[which][4:]
		line = corrupt(r, onLine(line, wires[which]))
		got = receive(r, &p, line, got)
		taken := false // the answer a master takes: the first from this meter, to this question
		frame = frame[:0]
		for f, ok := p.Next(); ok; f, ok = p.Next() {
			w := AppendFrame(nil, f)
			if bytes.Equal(w, sent) {
				right++
			} else {
				wrong++
				collision(t, line, got, w)
			}
			if !taken && isAnswer(f, replies[which]) {
				taken = true
				frame = append(frame, w...)
				if !bytes.Equal(w, sent) {
					wrongSameHead++
				}
			}
		}
		if i%2 == 0 {
			first = append(first[:0], frame...)
			continue
		}
		if len(first) == 0 || len(frame) == 0 {
			continue
		}
		pairs++
		if !bytes.Equal(first, sent) && !bytes.Equal(frame, sent) {
			bothWrong++
		}
		if bytes.Equal(first, frame) && !bytes.Equal(frame, sent) {
			pairWrong++
		}
	}
	register = len(replies)
	t.Logf("CORRUPT %d replies of %d kinds: %d came whole, %d wrong ones accepted, every one a checksum collision (1 in %d); %d of them passed for the answer asked for",
		n, register, right, wrong, n/max(wrong, 1), wrongSameHead)
	t.Logf("CORRUPT read twice: %d pairs answered both times, %d wrong both times, %d wrong both times in the same way", pairs, bothWrong, pairWrong)
	if pairWrong != 0 {
		t.Errorf("%d values read twice were wrong and equal", pairWrong)
	}
}

// isAnswer is what a master asks of a frame before it takes it: this meter,
// this function, this identifier.
func isAnswer(f, sent Frame) bool {
	if f.Addr != sent.Addr || f.Control != sent.Control || len(f.Data) != len(sent.Data) {
		return false
	}
	di := 4
	if f.Func() == funcRead1997 {
		di = 2
	}
	return f.IsError() || len(f.Data) < di || bytes.Equal(f.Data[:di], sent.Data[:di])
}
