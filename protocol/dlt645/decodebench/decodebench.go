// Package decodebench holds the two sides of one ratio: a block reply found,
// checked and decoded, against one bare pass over its bytes. Whoever measures
// runs them in turn, so that both see the same machine.
package decodebench

import (
	"encoding/hex"
	"fmt"

	"feikong/protocol/dlt645"
)

// Wire is a reply to 0001FF00 with a total and four rates.
var Wire = func() []byte {
	b, err := hex.DecodeString("6801001508262068911833323433AB8967" + "45C3AB89373344443433555535AB7777378816")
	if err != nil {
		panic(err) // the constant above is wrong
	}
	return b
}()

// Decode feeds Wire to a parser and decodes the block, n times; the sum of
// the totals is returned so that the work cannot be left out.
func Decode(n int) (sum int64, err error) {
	var p dlt645.Parser
	var into [8]dlt645.Value
	for range n {
		p.Write(Wire)
		f, ok := p.Next()
		if !ok {
			return 0, fmt.Errorf("decode block: %w", p.Fault())
		}
		data, err := dlt645.ParseReadReply(f, f.Addr, dlt645.DIForwardBlock)
		if err != nil {
			return 0, fmt.Errorf("decode block: %w", err)
		}
		if _, err = dlt645.DecodeBlock(dlt645.DIForwardBlock, data, into[:]); err != nil {
			return 0, fmt.Errorf("decode block: %w", err)
		}
		sum += into[0].Int
	}
	return sum, nil
}

// Pass adds up the bytes of Wire, n times: what any decoder must at least do.
func Pass(n int) (sum int64) {
	for range n {
		var s byte
		for _, b := range Wire {
			s += b
		}
		sum += int64(s)
	}
	return sum
}
