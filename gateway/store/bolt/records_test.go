package bolt

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"feikong/billing/ledger"
	"feikong/gateway/account"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/records.golden anew")

// kinds is every record that is stored as JSON.
var kinds = []struct {
	name string
	make func() any
}{
	{"cursor", func() any { return new(account.Cursor) }},
	{"profile", func() any { return new(account.Profile) }},
	{"document", func() any { return new(account.Document) }},
	{"order", func() any { return new(account.OrderRecord) }},
	{"notice", func() any { return new(account.NoticeRecord) }},
	{"bill", func() any { return new(account.Bill) }},
	{"finding", func() any { return new(account.Finding) }},
	{"quarantine", func() any { return new(account.Quarantined) }},
	{"gap", func() any { return new(account.GapRecord) }},
	{"alarm", func() any { return new(account.AlarmRecord) }},
	{"field work", func() any { return new(account.FieldWork) }},
	{"receipt", func() any { return new(receiptRecord) }},
	{"head", func() any { return new(head) }},
	{"pace", func() any { return new(pace) }},
}

// The golden file holds a full record of each kind as the format stores it. A field that was renamed, or took another
// meaning, fails here: then the format version goes up and the old form stays readable. A new field is a new line.
func TestStoredRecordsKeepTheirForm(t *testing.T) {
	var now bytes.Buffer
	for _, k := range kinds {
		v, n := k.make(), int64(0)
		fillValue(t, reflect.ValueOf(v).Elem(), &n)
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		now.WriteString(k.name + " " + string(data) + "\n")
	}
	const path = "testdata/records.golden"
	if *update {
		if err := os.WriteFile(path, now.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(golden), "\n"), strings.Split(now.String(), "\n")); d != "" {
		t.Errorf("stored form changed (-golden +now):\n%s", d)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(golden)), "\n") {
		name, data, _ := strings.Cut(line, " ")
		for _, k := range kinds {
			if k.name != name {
				continue
			}
			v := k.make()
			if err := parse(bucketMeta, nil, []byte(data), v); err != nil {
				t.Errorf("a stored %s cannot be read: %v", name, err)
			}
			if again, err := json.Marshal(v); err != nil || string(again) != data {
				t.Errorf("a stored %s comes back as %s (%v), want %s", name, again, err, data)
			}
		}
	}
}

// fillValue sets everything below v to something that is not zero.
func fillValue(t *testing.T, v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(t, v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(t, v.Index(0), n)
	case reflect.Array:
		for i := range v.Len() {
			fillValue(t, v.Index(i), n)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(strconv.FormatInt(*n, 10))
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(*n % 100)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n)%250 + 1)
	default:
		t.Fatalf("a field of kind %s: teach this test", v.Kind())
	}
}

func TestLedgerAndAuditComeBackAsTheyWereStored(t *testing.T) {
	e := ledger.NewPayment(1234, "key", 99)
	var c ledger.Chain
	c.Append(7, &e)
	c.Append(7, &e)
	got, err := decodeEntry(appendEntry(nil, &e))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e, got); d != "" {
		t.Errorf("entry (-want +got):\n%s", d)
	}
	r, n := account.AuditRecord{}, int64(0)
	fillValue(t, reflect.ValueOf(&r).Elem(), &n)
	record := appendAudit(nil, &r)
	prev := [32]byte{1}
	hash := auditHash(prev, record)
	p, h, back, err := decodeAudit(append(append(append([]byte(nil), prev[:]...), hash[:]...), record...))
	if err != nil || p != prev || h != hash {
		t.Errorf("audit record: %v", err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Errorf("audit record (-want +got):\n%s", d)
	}
}
