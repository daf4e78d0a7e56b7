package bolt

import (
	"path/filepath"
	"testing"

	"feikong/gateway/store"
	"feikong/gateway/store/storetest"
)

func TestEngineKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string, fault func(string) error) store.Store {
		e, err := Open(filepath.Join(dir, "gateway.db"), Options{Fault: fault})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
