package scenario

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"feikong/firmware-sim/bus"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// The pages name every key and every fault, and their examples are read as they stand.
func TestThePagesTellTheTruth(t *testing.T) {
	for _, page := range []string{"../../docs/firmware-sim.md", "../../docs/firmware-sim.zh.md"} {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for _, of := range []any{file{}, fileLine{}, fileMeter{}, fileDTU{}, fileMoney{}, fileProfile{}, bus.Faults{}} {
			for field := range reflect.TypeOf(of).Fields() {
				if key := field.Tag.Get("yaml"); key != "" && !strings.Contains(text, "`"+key+"`") {
					t.Errorf("%s: the key %s of %T is not explained", page, key, of)
				}
			}
		}
		blocks := yamlBlock.FindAllStringSubmatch(text, -1)
		if len(blocks) == 0 {
			t.Errorf("%s: no example", page)
		}
		for _, b := range blocks {
			if _, err := Read(page, []byte(b[1])); err != nil {
				t.Errorf("%v", err)
			}
		}
	}
}
