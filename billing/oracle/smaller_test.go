package oracle_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// row is a case in testdata: what a document would make of the version, and the period.
type row struct {
	Why     string
	Offset  int // seconds east of UTC
	Version tariff.Version
	Usage   rate.Usage
}

// encode writes a case for a row of testdata, without what is zero.
func encode(v *tariff.Version, u *rate.Usage) string {
	_, offset := u.From.In(v.Location()).Zone()
	r := row{Offset: offset, Version: *v, Usage: *u}
	r.Version.Zone = nil
	var tree any
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err == nil {
		text, err = json.Marshal(prune(tree))
	}
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func decode(text []byte) (r row, err error) {
	if err = json.Unmarshal(text, &r); err == nil {
		r.Version.Zone = time.FixedZone("", r.Offset)
	}
	return r, err
}

// prune leaves out of maps what is zero.
func prune(tree any) any {
	switch x := tree.(type) {
	case map[string]any:
		for k, v := range x {
			if x[k] = prune(v); zero(k, x[k]) {
				delete(x, k)
			}
		}
	case []any:
		for i := range x {
			x[i] = prune(x[i])
		}
	}
	return tree
}

// arrays are the keys whose lists have a length of their own, so that zeros need not be written.
var arrays = []string{"Bands", "LossBands", "Hash", "ByMonth"}

func zero(key string, x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case map[string]any:
		return false // a pointer to an empty thing is not nil
	case []any:
		return slices.Contains(arrays, key) && !slices.ContainsFunc(x, func(e any) bool { return !zero("", e) })
	case string:
		return slices.Contains([]string{"", "0", "0.00", "0.0000", "0001-01-01T00:00:00Z"}, x)
	}
	return reflect.ValueOf(x).IsZero()
}

// shorter is what may become of a number.
var shorter = []func(int64) int64{
	func(int64) int64 { return 0 },
	func(x int64) int64 { return x / 2 },
	func(x int64) int64 { return x - x%1_000_000 },
}

// smaller makes a failing case as plain as it stays one: components, bands, tiers and facts go, numbers become short.
func smaller(v *tariff.Version, u rate.Usage) (*tariff.Version, rate.Usage) {
	for range 30 {
		before := encode(v, &u)
		for i := len(v.Components) - 1; i >= 0; i-- {
			try := clone(v, &u)
			try.Version.Components = append(try.Version.Components[:i], try.Version.Components[i+1:]...)
			v, u = keep(try, v, u)
		}
		for n := 0; ; n++ {
			left := 0
			for _, how := range shorter {
				try := clone(v, &u)
				spots := numbers(&try)
				if left = len(spots); n >= left {
					break
				}
				if x := spots[n].Int(); how(x) != x {
					spots[n].SetInt(how(x))
					v, u = keep(try, v, u)
				}
			}
			if n >= left {
				break
			}
		}
		if encode(v, &u) == before {
			break
		}
	}
	return v, u
}

func clone(v *tariff.Version, u *rate.Usage) row {
	r, err := decode([]byte(encode(v, u)))
	if err != nil {
		panic(fmt.Sprintf("a case does not survive its encoding: %v", err))
	}
	return r
}

// keep is the case to go on with.
func keep(try row, v *tariff.Version, u rate.Usage) (*tariff.Version, rate.Usage) {
	if valid(&try.Version) && differs(&try.Version, &try.Usage) != "" {
		return &try.Version, try.Usage
	}
	return v, u
}

// valid tells whether Parse could have made v.
func valid(v *tariff.Version) bool {
	rests := 0
	for i := range v.Components {
		c := &v.Components[i]
		switch {
		case c.Energy != nil:
			e := c.Energy
			if len(e.Prices) == 0 && len(e.Tiers) == 0 {
				return false
			}
			if e.Share == nil {
				rests++
			} else if e.Share.Ratio == 0 && e.Share.Amount == 0 {
				return false
			}
			for k := 1; k < len(e.Tiers)-1; k++ {
				if e.Tiers[k].UpTo <= e.Tiers[k-1].UpTo {
					return false
				}
			}
			if len(e.Tiers) > 0 && (e.Mode == 0 || len(e.Tiers) > 1 && e.Tiers[0].UpTo == 0 || v.Cycle.Check() != nil) {
				return false
			}
			if e.Free != nil && e.Free.PerDay+e.Free.PerMonth == 0 {
				return false
			}
		case c.Fixed != nil && c.Fixed.PerDay == 0 && c.Fixed.PerMonth == 0:
			return false
		case c.Basic != nil && (c.Basic.PerKVA == 0 || c.Basic.PerKW == 0 || c.Basic.DaysOfMonth < 28 || c.Basic.Tolerance < 1e6 || c.Basic.HighFactor > 0 && c.Basic.HighUse == 0):
			return false
		case c.Factor != nil && c.Factor.Standard != 80 && c.Factor.Standard != 85 && c.Factor.Standard != 90:
			return false
		}
		for _, of := range names(c) {
			found := false
			for k := range i {
				found = found || v.Components[k].Code == of
			}
			if !found {
				return false
			}
		}
	}
	if v.Kind == tariff.Tiered {
		for k := 0; k < len(v.Tiers)-1; k++ {
			if v.Tiers[k].UpTo == 0 || k > 0 && v.Tiers[k].UpTo <= v.Tiers[k-1].UpTo {
				return false
			}
		}
	}
	return v.Kind != tariff.Composed || rests == 1
}

func names(c *tariff.Component) []string {
	switch {
	case c.Factor != nil:
		return c.Factor.Of
	case c.Percent != nil:
		return c.Percent.Of
	}
	return nil
}

// numbers are the places of all int64 of a case that may change.
func numbers(r *row) (spots []reflect.Value) {
	var walk func(x reflect.Value)
	walk = func(x reflect.Value) {
		switch x.Kind() {
		case reflect.Pointer:
			if !x.IsNil() {
				walk(x.Elem())
			}
		case reflect.Struct:
			if x.Type() == reflect.TypeFor[time.Time]() || x.Type() == reflect.TypeFor[time.Location]() {
				return
			}
			for i := range x.NumField() {
				walk(x.Field(i))
			}
		case reflect.Slice, reflect.Array:
			for i := range x.Len() {
				walk(x.Index(i))
			}
		case reflect.Int64:
			if x.CanSet() && x.Int() != 0 {
				spots = append(spots, x)
			}
		}
	}
	walk(reflect.ValueOf(&r.Version))
	walk(reflect.ValueOf(&r.Usage))
	return spots
}
