package billing_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"feikong/billing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestApportionByLargestRemainder(t *testing.T) {
	for _, test := range []struct {
		name    string
		weights []billing.Energy
		energy  billing.Energy
		want    []billing.Energy
	}{
		{"even", []billing.Energy{1, 1}, 10, []billing.Energy{5, 5}},
		{"the first among equals", []billing.Energy{1, 1, 1}, 2, []billing.Energy{1, 1, 0}},
		{"the largest remainder", []billing.Energy{1, 2, 4}, 10, []billing.Energy{1, 3, 6}},
		{"a landlord's pence", []billing.Energy{120_500_000, 80_200_000}, 9637, []billing.Energy{5786, 3851}},
		{"nothing to give", []billing.Energy{3, 4}, 0, []billing.Energy{0, 0}},
		{"nobody to give to", []billing.Energy{0, 0}, 5, []billing.Energy{0, 0}},
		{"one takes all", []billing.Energy{0, 7, 0}, math.MaxInt64, []billing.Energy{0, math.MaxInt64, 0}},
	} {
		got := make([]billing.Energy, len(test.weights))
		got[0] = 99 // of no meaning
		billing.Apportion(got, test.weights, test.energy)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// The parts add up, and none is a whole unit away from its exact share.
func TestApportionAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) billing.Energy {
			return billing.Energy(rapid.Int64Range(0, math.MaxInt64/8).Draw(t, "weight"))
		}), 1, 8).Draw(t, "weights")
		energy := billing.Energy(rapid.Int64Range(0, math.MaxInt64).Draw(t, "energy"))
		parts := make([]billing.Energy, len(weights))
		billing.Apportion(parts, weights, energy)
		sum, all := billing.Energy(0), big.NewInt(0)
		for i := range parts {
			sum += parts[i]
			all.Add(all, big.NewInt(int64(weights[i])))
		}
		if all.Sign() == 0 {
			return
		}
		if sum != energy {
			t.Fatalf("the parts are %s, want %s", sum, energy)
		}
		for i := range parts {
			share := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(int64(energy)), big.NewInt(int64(weights[i]))), all)
			off := share.Sub(share, new(big.Rat).SetInt64(int64(parts[i])))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("part %d is %s away from its share", i, off)
			}
		}
	})
}

func TestPartOfEnergyIsCut(t *testing.T) {
	for _, test := range []struct {
		e        billing.Energy
		num, den int64
		want     billing.Energy
		err      error
	}{
		{2520 * billing.KWh, 5, 12, 1050 * billing.KWh, nil}, {10, 1, 3, 3, nil}, {-10, 1, 3, -3, nil}, {math.MaxInt64, 2, 2, math.MaxInt64, nil}, {10, 0, 3, 0, nil},
		{math.MaxInt64, 2, 1, 0, billing.ErrOverflow}, {math.MaxInt64, math.MaxInt64, 1, 0, billing.ErrOverflow}, {1, 1, 0, 0, billing.ErrOverflow}, {1, -1, 1, 0, billing.ErrOverflow},
	} {
		if got, err := test.e.Part(test.num, test.den); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%d × %d/%d: got %d, %v, want %d, %v", test.e, test.num, test.den, got, err, test.want, test.err)
		}
	}
	if sum, err := billing.Price(1).Add(2); sum != 3 || err != nil {
		t.Errorf("got %d, %v", sum, err)
	}
}
