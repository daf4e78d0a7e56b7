package oracle_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"feikong/billing/oracle"
)

// TestCasesThatOnceDiffered prices the rows of testdata, one for each time that engine and oracle differed, whoever was right, and the worked
// bills of the rules, which the oracle must give by itself.
func TestCasesThatOnceDiffered(t *testing.T) {
	file, err := os.Open("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	totals := map[string]int{"125127.02": 0, "234.65": 0}
	rows := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		strict := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		strict.DisallowUnknownFields()
		if err := strict.Decode(new(row)); err != nil {
			t.Fatalf("row %d: %v", rows+1, err)
		}
		r, err := decode(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		rows++
		if !valid(&r.Version) {
			t.Errorf("row %d: no document makes this version: %s", rows, r.Why)
		}
		if diff := differs(&r.Version, &r.Usage); diff != "" {
			t.Errorf("row %d: %s\n%s", rows, r.Why, diff)
		}
		c := oracle.Price(&r.Version, &r.Usage)
		totals[c.Total.String()]++
	}
	if err := lines.Err(); err != nil || rows < 20 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	for _, worked := range []string{"125127.02", "234.65"} {
		if totals[worked] != 1 {
			t.Errorf("no row costs %s", worked)
		}
	}
}

// Every power factor by every table.
func TestEveryPowerFactor(t *testing.T) {
	seen := map[int]bool{}
	for _, standard := range []int{90, 85, 80} {
		for reactive := range 2200 {
			r := factorOf(standard, reactive)
			if diff := differs(&r.Version, &r.Usage); diff != "" {
				t.Fatalf("standard %d, %d kvarh: %s", standard, reactive, diff)
			}
			c := oracle.Price(&r.Version, &r.Usage)
			seen[c.Cos] = true
		}
	}
	if len(seen) != 101 {
		t.Errorf("%d of 101 power factors were seen", len(seen))
	}
}
