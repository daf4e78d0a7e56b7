package tariff

// Sum is the hash of a version as Parse computes it.
func Sum(v *Version) [32]byte {
	if v.Kind == Composed {
		return v.sumComposed()
	}
	return v.sum()
}
