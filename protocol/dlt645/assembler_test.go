package dlt645

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestALongAnswerIsPutTogetherInBothEditions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, old := drawAddress(t), rapid.Bool().Draw(t, "1997")
		d := DI(0x0001FF00)
		read := ReadRequest(a, d)
		if rapid.Bool().Draw(t, "wildcard") {
			read = ReadRequest(Wildcard, d)
		}
		if old {
			d = 0x901F
			read = ReadRequest1997(read.Addr, d)
		}
		blocks := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 200), 1, 12).Draw(t, "blocks")
		s, err := NewAssembler(read)
		if err != nil {
			t.Fatal(err)
		}
		said := -1 // the meter's side: which block it said last
		var want []byte
		for {
			q := s.Request()
			if rapid.IntRange(0, 3).Draw(t, "lost") == 0 { // the answer to this was lost
				if q.Func() == funcSubsequent1997 {
					said++
				}
				q = s.Repeat()
			}
			var reply Frame
			switch q.Func() {
			case funcRead, funcRead1997:
				said = 0
				reply = ReadReplyMore(a, d, blocks[0], len(blocks) > 1)
				if old {
					reply = ReadReply1997(a, d, blocks[0], len(blocks) > 1)
				}
			case funcSubsequent:
				if q.Addr != a {
					t.Fatalf("parts asked of %s, want %s", q.Addr, a)
				}
				_, seq, err := ParseSubsequentRequest(q)
				if err != nil {
					t.Fatal(err)
				}
				reply = SubsequentReply(a, d, blocks[seq], seq, int(seq) < len(blocks)-1)
			case funcSubsequent1997:
				said++
				reply = SubsequentReply1997(a, d, blocks[said], said < len(blocks)-1)
			}
			other := reply
			other.Addr[0] ^= 1
			if done, err := s.Take(other); q.Addr == a && (done || !KeepWaiting(err)) {
				t.Fatalf("another meter's answer: %v, %v", done, err)
			} else if q.Addr != a && err == nil {
				return // a wildcard takes whoever comes first
			}
			done, err := s.Take(reply)
			if err != nil {
				t.Fatal(err)
			}
			if done {
				break
			}
			if s.Parts() == 0 {
				t.Fatal("nothing was taken")
			}
		}
		for _, b := range blocks {
			want = append(want, b...)
		}
		if !bytes.Equal(s.Data(), want) {
			t.Fatalf("got % X, want % X", s.Data(), want)
		}
	})
}

func TestAnAnswerWithoutAnEndIsGivenUp(t *testing.T) {
	a := Address{1}
	for _, size := range []int{1, 200} {
		s, err := NewAssembler(ReadRequest(a, DIForwardBlock))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Take(ReadReplyMore(a, DIForwardBlock, make([]byte, size), true))
		n := 0
		for ; err == nil && n < 1000; n++ {
			_, err = s.Take(SubsequentReply(a, DIForwardBlock, make([]byte, size), byte(s.Parts()), true))
		}
		if !errors.Is(err, ErrTooLong) || n > assemblerParts || len(s.Data()) > assemblerBytes {
			t.Errorf("blocks of %d bytes: %d parts, %d bytes, %v", size, n, len(s.Data()), err)
		}
	}
}

func TestAnAssemblerKeepsWaitingForItsOwnPart(t *testing.T) {
	a := Address{1}
	s, _ := NewAssembler(ReadRequest(a, DIForwardBlock))
	if _, err := s.Take(ReadReplyMore(a, DIForwardBlock, []byte{1}, true)); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]Frame{
		"the first block again":  ReadReplyMore(a, DIForwardBlock, []byte{1}, true),
		"another part":           SubsequentReply(a, DIForwardBlock, []byte{9}, 2, false),
		"a part of another item": SubsequentReply(a, DIForwardTotal, []byte{9}, 1, false),
		"our own question":       SubsequentRequest(a, DIForwardBlock, 1),
	} {
		if done, err := s.Take(f); done || !KeepWaiting(err) {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
	if _, err := s.Take(ErrorReply(a, 0x12, 2)); !errors.Is(err, ErrNoData) {
		t.Errorf("refusal: %v", err)
	}
	if done, err := s.Take(SubsequentReply(a, DIForwardBlock, []byte{2}, 1, false)); !done || err != nil || !bytes.Equal(s.Data(), []byte{1, 2}) {
		t.Errorf("got %v, %v, % X", done, err, s.Data())
	}
	if _, err := NewAssembler(ReadAddressRequest()); !errors.Is(err, ErrNotRequest) {
		t.Errorf("an address read: %v", err)
	}
}
