package scenario

import (
	"fmt"
	"os"
	"path/filepath"

	"feikong/internal/document"
	"feikong/protocol/modbusmap"
)

// modelsMax bounds the model files of one scenario, as the agent's.
const modelsMax = 100

// catalogue is the built-in Modbus models and those of the user's files, which lie beside the scenario. dir is empty for a scenario that
// is no file.
func catalogue(dir string, files []string) (modbusmap.Catalogue, error) {
	var own []modbusmap.Model
	switch {
	case len(files) > modelsMax:
		return modbusmap.Catalogue{}, fmt.Errorf("models: %d files, at most %d", len(files), modelsMax)
	case len(files) > 0 && dir == "":
		return modbusmap.Catalogue{}, fmt.Errorf("models: only a scenario in a file can name others")
	}
	for _, name := range files {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		at, err := os.Stat(name)
		if err != nil {
			return modbusmap.Catalogue{}, fmt.Errorf("models: %w", err)
		}
		if !at.Mode().IsRegular() || at.Size() > document.SizeMax {
			return modbusmap.Catalogue{}, fmt.Errorf("models: %s is no model, a text file of a few kilobytes", name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return modbusmap.Catalogue{}, fmt.Errorf("models: %w", err)
		}
		m, err := modbusmap.Parse(name, text)
		if err != nil {
			return modbusmap.Catalogue{}, fmt.Errorf("models: %w", err)
		}
		own = append(own, m)
	}
	c, err := modbusmap.NewCatalogue(own...)
	if err != nil {
		return c, fmt.Errorf("models: %w", err)
	}
	return c, nil
}
