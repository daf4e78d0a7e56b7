package story

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Terminals connects a terminal for each account of the street's archive that has one.
func Terminals(r *Rig) (map[string]*Terminal, error) {
	data, err := os.ReadFile(filepath.Join(r.Dir, "archive.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	var book struct {
		Accounts []struct {
			ID       string `yaml:"id"`
			Terminal string `yaml:"terminal"`
		} `yaml:"accounts"`
	}
	if err := yaml.Unmarshal(data, &book); err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	all := map[string]*Terminal{}
	for _, a := range book.Accounts {
		if a.Terminal != "" {
			all[a.ID] = NewTerminal("tcp://"+r.MQTT, "default", a.ID, a.Terminal)
		}
	}
	return all, nil
}
