package headend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Access is how a program of the same user reaches a running gateway. It is written at each start and removed at a clean end, so what
// is found may be out of date: a gateway that was killed leaves it behind.
type Access struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// Names of the files in the data directory.
const (
	storeFile  = "feikong.db"
	accessFile = "cli.json"
)

// StorePath is the store's file in a data directory.
func StorePath(data string) string { return filepath.Join(data, storeFile) }

// ReadAccess reads how to reach the gateway of a data directory; ok is false when none left word.
func ReadAccess(data string) (a Access, ok bool, err error) {
	body, err := os.ReadFile(filepath.Join(data, accessFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("find the running gateway: %w", err)
	}
	if err := json.Unmarshal(body, &a); err != nil || a.URL == "" || a.Token == "" {
		return a, false, fmt.Errorf("find the running gateway: %s is not readable; remove it and start the gateway again", filepath.Join(data, accessFile))
	}
	return a, true, nil
}

// writeAccess leaves word for this user alone, whole or not at all.
func writeAccess(data string, a Access) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write %s: %w", accessFile, err)
	}
	path := filepath.Join(data, accessFile)
	part := path + ".part"
	if err := os.WriteFile(part, append(body, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", accessFile, err)
	}
	// WriteFile keeps the mode of a file that is there already.
	if err := os.Chmod(part, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", accessFile, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("write %s: %w", accessFile, err)
	}
	return nil
}

func removeAccess(data string) error {
	err := os.Remove(filepath.Join(data, accessFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
