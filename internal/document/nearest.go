package document

import (
	"fmt"
	"strings"
)

// nearest is the hint behind an unknown key: the key that takes the fewest
// changes of letters, or all keys when none is near.
func nearest(key string, all []string) string {
	best, least := "", len(key)
	for _, k := range all {
		if n := distance(key, k); n < least {
			best, least = k, n
		}
	}
	// More than half the letters changed is another word, not a slip.
	if best == "" || least > (len(best)+1)/2 {
		return "the keys here are " + strings.Join(all, ", ")
	}
	return fmt.Sprintf("nearest is %q", best)
}

// distance counts the letters to insert, remove, replace or swap with their
// neighbour to make b of a. Keys longer than any of ours count as far away.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var before, last, row [longest + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
