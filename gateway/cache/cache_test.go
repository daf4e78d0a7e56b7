package cache

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	"feikong/gateway/account"

	"github.com/google/go-cmp/cmp"
)

func open(t testing.TB) *Cache {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func documents(t testing.TB) []account.Document {
	var docs []account.Document
	for _, d := range []struct{ region, name string }{
		{"tariff", "tariff-flat.yaml"}, {"tariff", "tariff-shandong-household.yaml"}, {"policy", "policies.yaml"},
		{"audit", "audit.yaml"}, {"parameter", "parameters.yaml"},
	} {
		body, err := os.ReadFile("../../configs/street/" + d.name)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, account.Document{Region: d.region, Name: d.name, Body: body})
	}
	return docs
}

func TestDocumentsAreParsedOnce(t *testing.T) {
	c := open(t)
	docs := documents(t)
	first, err := Loader(c)(docs)
	if err != nil {
		t.Fatal(err)
	}
	if first.Timezone != "Asia/Shanghai" || len(first.Tariffs) != 2 || len(first.Policies) == 0 {
		t.Errorf("configuration %+v", first)
	}
	for _, r := range c.regions {
		r.local.settled()
	}
	second, err := Loader(c)(docs)
	if err != nil {
		t.Fatal(err)
	}
	if second.Timezone != first.Timezone || len(second.Tariffs) != len(first.Tariffs) || len(second.Policies) != len(first.Policies) || !cmp.Equal(second.Audit, first.Audit) {
		t.Error("the second configuration differs")
	}
	want := map[string]Ratio{Tariffs: {2, 2}, Policies: {1, 1}, AuditRules: {1, 1}, Parameters: {1, 1}, Profiles: {}, Balances: {}}
	if d := cmp.Diff(want, c.Ratios()); d != "" {
		t.Errorf("ratios (-want +got):\n%s", d)
	}
}

func TestDocumentsAreRefusedByName(t *testing.T) {
	street := documents(t)
	for name, c := range map[string]struct {
		docs []account.Document
		want string
	}{
		"unknown region":  {[]account.Document{{Region: "prices", Name: "p.yaml"}}, `p.yaml: region "prices" is not known`},
		"two parameters":  {[]account.Document{street[4], {Region: "parameter", Name: "z.yaml", Body: street[4].Body}}, "z.yaml: system parameters are in parameters.yaml already"},
		"tariff twice":    {[]account.Document{street[0], {Region: "tariff", Name: "z.yaml", Body: street[0].Body}}, "are in tariff-flat.yaml already"},
		"no zone":         {[]account.Document{{Region: "parameter", Name: "z.yaml", Body: []byte("timezone: Asia/Nowhere\n")}}, "z.yaml: line 1: timezone"},
		"unknown setting": {[]account.Document{{Region: "parameter", Name: "z.yaml", Body: []byte("timzone: UTC\n")}}, "z.yaml: line 1"},
	} {
		if _, err := Loader(open(t))(c.docs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
}

func TestValueUnderAnotherKeyIsAMiss(t *testing.T) {
	c := open(t)
	r := c.Region(Balances)
	key := Key{"1001", 7, sha256.Sum256([]byte("x"))}
	r.Put(key, "12.00", 10)
	r.local.settled()
	if v, ok := r.Get(key); !ok || v != "12.00" {
		t.Errorf("got %v %v", v, ok)
	}
	other := key
	other.Version++
	r.local.put(other.text(), entry{key, "12.00"}, 1) // a cache that lies
	r.local.settled()
	if _, ok := r.Get(other); ok {
		t.Error("a value under another's key was believed")
	}
	if got := c.Ratios()[Balances]; got != (Ratio{1, 1}) {
		t.Errorf("ratio %+v", got)
	}
	if c.Region("other") != nil {
		t.Error("there is a seventh region")
	}
}
