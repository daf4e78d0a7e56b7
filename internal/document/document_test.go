package document_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/internal/document"

	"github.com/google/go-cmp/cmp"
)

type shelf struct {
	At     document.Line
	Title  string             `yaml:"title"`
	Price  document.Of[price] `yaml:"price"`
	Count  int                `yaml:"count"`
	Open   bool               `yaml:"open"`
	Wait   time.Duration      `yaml:"wait"`
	Inner  *inner             `yaml:"inner"`
	Things []inner            `yaml:"things"`
	Amount billing.Money      `yaml:"amount"`
}

type price = billing.Price

type inner struct {
	At   document.Line
	Name string `yaml:"name"`
}

func TestDecodeKeepsTextExactAndLines(t *testing.T) {
	got := shelf{Count: 3}
	err := document.Decode("shelf.yaml", []byte(`title: 阶梯
price: 0.42362500
open: true
wait: 72h
inner: {name: a}
things:
  - name: b
  - {name: c}
amount: -0.0001
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := shelf{
		At: 1, Title: "阶梯", Price: document.Of[price]{Value: 42_362_500, Line: 2}, Count: 3, Open: true, Wait: 72 * time.Hour,
		Inner: &inner{5, "a"}, Things: []inner{{7, "b"}, {8, "c"}}, Amount: -1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got.Price.Present() {
		t.Error("the price is said to be absent")
	}
}

func TestDecodeTakesJSON(t *testing.T) {
	var got shelf
	if err := document.Decode("shelf.json", []byte(`{"title": "x", "price": "0.5"}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Price.Value != 50_000_000 {
		t.Errorf("got price %v, want 0.5", got.Price.Value)
	}
}

func TestDecodeRefusesWithLineAndRemedy(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"misspelt key", "title: x\nprise: 1", `d: line 2: unknown key "prise", nearest is "price"`},
		{"swapped letters", "tilte: x", `nearest is "title"`},
		{"unlike every key", "frequency: 50", "the keys here are title, price,"},
		{"inner key", "things:\n - name: a\n - nam: b", `d: line 3: unknown key "nam", nearest is "name"`},
		{"repeated key", "title: a\ncount: 1\ntitle: b", `line 3: key "title" stands here again, first on line 1; keep one`},
		{"exponent", "price: 1e-2", "line 1: price: not a decimal number"},
		{"too many decimals", "price: 0.123456789", "line 1: price: too many decimals"},
		{"whole number", "count: 1.5", `line 1: count: "1.5" is not a whole number`},
		{"bool", "open: yes", `line 1: open: "yes" is neither true nor false`},
		{"span", "wait: 3 days", `line 1: wait: "3 days" is not a time span; write it like 7s, 30m or 72h`},
		{"no value", "title:", "line 1: title: has no value"},
		{"list wanted", "things: {name: a}", "line 1: things: want a list"},
		{"value wanted", "title: [a]", "line 1: title: want one value"},
		{"keys wanted", "inner: 5", "line 1: inner: want keys with values, from: name"},
		{"root is a list", "- a", "line 1: want keys with values, from: title"},
		{"alias", "title: &a x\nprice: *a", "line 1: anchors and aliases are not allowed"},
		{"merge", "inner: {<<: {name: a}}", `unknown key "<<"`},
		{"empty", "", "d: document is empty"},
		{"comment only", "# nothing\n", "document is empty"},
		{"two documents", "title: a\n---\ntitle: b", "line 2: a second document begins here"},
		{"broken", "title: [", "line 1: not readable as YAML"},
		{"broken later", "title: a\n\tcount: 1", "line 2: not readable as YAML"},
		{"too deep", strings.Repeat("[", 20_000), "not readable as YAML: exceeded max depth"},
		{"deeper than we read", "things: " + strings.Repeat("[", 40) + strings.Repeat("]", 40), "line 1: things: want keys"},
		{"huge", strings.Repeat("#", document.SizeMax+1), "document has 1048577 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out shelf
			err := document.Decode("d", []byte(test.in), &out)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestErrorsCarryTheLine(t *testing.T) {
	var out shelf
	err := document.Decode("d", []byte("title: a\nprise: 1"), &out)
	var fault *document.Error
	if !errors.As(err, &fault) || fault.Line != 2 || fault.Name != "d" {
		t.Errorf("got %#v, want a fault on line 2 of d", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("title: x\nthings:\n - name: a\nprice: 0.5"))
	f.Add([]byte("a: &a [*a, *a]"))
	f.Add([]byte("title: x\n---\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var out shelf
		_ = document.Decode("fuzz", data, &out)
	})
}
