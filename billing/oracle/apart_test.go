package oracle_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared is what the oracle may take from the packages that it judges: types, their constants, and what a line is called.
var shared = []string{
	"billing.Energy", "billing.Money", "billing.Price", "billing.Quantity", "billing.Unit", "billing.UnitDay", "billing.UnitKVA", "billing.UnitKW", "billing.UnitMoney", "billing.UnitMonth",
	"rate.Usage", "rate.Facts", "rate.LinesMax",
}

func TestTheOracleSharesNoArithmetic(t *testing.T) {
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	for _, name := range names {
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(path, "feikong/") && !slices.Contains([]string{"feikong/billing", "feikong/billing/rate", "feikong/billing/tariff"}, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, is := n.(*ast.CallExpr); is {
				if method, is := call.Fun.(*ast.SelectorExpr); is && slices.Contains([]string{"CycleOf", "Around", "Part", "Times", "Prices", "PriceRange"}, method.Sel.Name) {
					t.Errorf("%s: calls %s", set.Position(n.Pos()), method.Sel.Name)
				}
			}
			s, is := n.(*ast.SelectorExpr)
			if !is {
				return true
			}
			if of, is := s.X.(*ast.Ident); is && (of.Name == "billing" || of.Name == "rate") && !slices.Contains(shared, of.Name+"."+s.Sel.Name) {
				t.Errorf("%s: %s.%s is not data", set.Position(s.Pos()), of.Name, s.Sel.Name)
			}
			return true
		})
	}
	if len(names) < 5 {
		t.Fatalf("only %d files were read", len(names))
	}
}
