package daemon

import (
	"fmt"
	"os"

	"feikong/internal/document"
)

// configMax bounds a configuration file: a site of 10,000 meters is well below it, and a wrong path (a log, a device) is not read whole.
const configMax = 16 << 20

// Load reads a YAML file strictly into into, a pointer to a raw configuration struct: an unknown key is refused with its line and the
// nearest valid key, a duplicate key with both lines. Checking the values is the caller's next step; only what was checked travels on.
func Load(path string, into any) error {
	data, err := ReadFile(path)
	if err != nil {
		return err
	}
	if err := document.Decode(path, data, into); err != nil {
		return err
	}
	return nil
}

// ReadFile reads a configuration file within the bound.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read configuration %s: not a regular file", path)
	}
	if info.Size() > configMax {
		return nil, fmt.Errorf("read configuration %s: %d bytes, the limit is %d", path, info.Size(), configMax)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return data, nil
}
