package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// draftMax bounds a draft: it is a record that is not complete.
const draftMax = 64 << 10

// ErrDraft is wrapped when a draft cannot be read; it is then no loss to begin anew.
var ErrDraft = errors.New("draft")

// draftPath is data/drafts/KIND-LINE-ADDRESS-CHANNEL.json; names of lines hold no slash, and what else is odd is replaced.
func draftPath(data, kind string, m Ref) string {
	name := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, fmt.Sprintf("%s-%s-%s-%d", kind, m.Line, m.Address, m.Channel))
	return filepath.Join(data, "drafts", name+".json")
}

// SaveDraft keeps work that is not finished; when it returns, the draft is on disk, and an older one is replaced whole.
func SaveDraft(data, kind string, m Ref, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	path := draftPath(data, kind, m)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	temp, err := os.CreateTemp(dir, leftover+"*")
	if err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	_, err = temp.Write(b)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	return nil
}

// LoadDraft reads a draft into v; false when there is none. A draft that cannot be read is ErrDraft.
func LoadDraft(data, kind string, m Ref, v any) (bool, error) {
	path := draftPath(data, kind, m)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read draft: %w", err)
	}
	if info.Size() > draftMax {
		return false, tell(ErrDraft, "草稿 %s 有 %d 字节，至多 %d；用 --restart 重新开始", "draft %s has %d bytes, the limit is %d; --restart begins anew", path, info.Size(), draftMax)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("read draft: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return false, because(ErrDraft, err, "草稿 %s 读不懂，用 --restart 重新开始", "draft %s cannot be read, --restart begins anew", path)
	}
	return true, nil
}

// ErrDraftBusy says that another command works on the same draft.
var ErrDraftBusy = errors.New("another command is at work on this meter")

// LockDraft makes this process the only one to work on a draft, until release or its end.
func LockDraft(data, kind string, m Ref) (release func(), err error) {
	path := strings.TrimSuffix(draftPath(data, kind, m), ".json") + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock draft: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock draft: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, tell(ErrDraftBusy, "另一条命令正在为电表 %s 换表，等它结束", "another command is exchanging meter %s; wait until it ends", m.Address)
		}
		return nil, fmt.Errorf("lock draft: %w", err)
	}
	return func() { f.Close() }, nil
}

// DropDraft forgets a draft.
func DropDraft(data, kind string, m Ref) error {
	if err := os.Remove(draftPath(data, kind, m)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove draft: %w", err)
	}
	return nil
}
