package meter

import (
	"errors"
	"math/rand/v2"
	"testing"

	"feikong/protocol"
)

// One answer of three may be wrong in any digit, and the register may run at any speed: what is taken is never outside
// what the register showed meanwhile.
func TestOneWrongAnswerOfThreeIsNeverBelieved(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 645))
	for range 20_000 {
		speed := rng.Int64N(3) * rng.Int64N(5000)
		true0 := rng.Int64N(1_000_000)
		truth := []int64{true0, true0 + speed, true0 + 2*speed}
		wrong, n := rng.IntN(3), 0
		rs, err := Call{Twice: true}.twice(func() ([]protocol.Reading, error) {
			v := truth[n]
			if n == wrong {
				v = rng.Int64N(2_000_000)
			}
			n++
			return []protocol.Reading{{Quantity: protocol.ActiveImport, Value: v}}, nil
		}, true)
		if errors.Is(err, ErrDisagree) {
			continue
		}
		if v := rs[0].Value; err != nil || v < truth[0] || v > truth[2] {
			t.Fatalf("took %d, %v; the register showed %v, answer %d was wrong", v, err, truth, wrong)
		}
	}
}
