package field

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"feikong/agent/outbox"
)

// PhotoMax bounds a photo: what a telephone takes, several times over.
const PhotoMax = 20 << 20

// photoReserve is what a photo leaves free on the disk: readings go before pictures, and nobody empties a concentrator's disk
// for months.
const photoReserve = 32 << 20

// ErrPhoto is wrapped when a file is no photo that can be kept.
var ErrPhoto = errors.New("photo")

// Photo is a picture kept in data/photos under the name of its own SHA-256: the same picture twice is one file, and a
// changed one is found.
type Photo struct {
	SHA256 string `json:"sha256"` // hex
	Name   string `json:"name"`   // of the file in data/photos
	Bytes  int64  `json:"bytes"`
}

func (p *Photo) check() error {
	if b, err := hex.DecodeString(p.SHA256); err != nil || len(b) != sha256.Size || !strings.HasPrefix(p.Name, p.SHA256+".") || len(p.Name) > len(p.SHA256)+5 || p.Bytes < 1 || p.Bytes > PhotoMax {
		return wrong("photo %q is not named by its SHA-256", p.Name)
	}
	return text("photo", p.Name, 80)
}

// pictureMagics are the first bytes of what telephones and cameras write.
var pictureMagics = []struct {
	ext   string
	at    int
	magic string
}{
	{".jpg", 0, "\xff\xd8\xff"}, {".png", 0, "\x89PNG\r\n\x1a\n"}, {".webp", 8, "WEBP"},
	{".heic", 4, "ftypheic"}, {".heic", 4, "ftypheix"}, {".heic", 4, "ftypmif1"}, {".heic", 4, "ftyphevc"},
}

// leftover is the name of a copy that was cut off.
const leftover = ".new-"

// KeepPhoto copies a picture into data/photos; when it returns, the copy is on disk. A copy that was cut off leaves a
// file that the next one removes.
func KeepPhoto(data, file string) (*Photo, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, because(ErrPhoto, err, "照片 %s 打不开（先拍照，再写文件名）", "photo %s cannot be opened (take it first, then name the file)", file)
	}
	defer in.Close()
	info, err := in.Stat()
	switch {
	case err != nil:
		return nil, because(ErrPhoto, err, "照片 %s 读不出", "photo %s cannot be read", file)
	case !info.Mode().IsRegular():
		return nil, tell(ErrPhoto, "%s 不是文件", "%s is not a file", file)
	case info.Size() > PhotoMax:
		return nil, tell(ErrPhoto, "照片 %s 有 %d 字节，至多 %d；先缩小", "photo %s has %d bytes, the limit is %d; make it smaller", file, info.Size(), PhotoMax)
	}
	head := make([]byte, 16)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, because(ErrPhoto, err, "照片 %s 读不出", "photo %s cannot be read", file)
	}
	ext := pictureOf(head[:n])
	if ext == "" {
		return nil, tell(ErrPhoto, "%s 不是 JPEG、PNG、WebP 或 HEIC 照片", "%s is not a JPEG, PNG, WebP or HEIC picture", file)
	}
	dir := filepath.Join(data, "photos")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep photo: %w", err)
	}
	sweep(dir)
	if free, err := diskFree(dir); err == nil && free < info.Size()+photoReserve {
		return nil, because(ErrPhoto, syscall.ENOSPC, "磁盘只剩 %d MiB，其中 %d MiB 留给示数：删去 %s 中旧照片，或不带照片", "%d MiB are free on the disk, of which %d MiB are for readings: remove old photos from %s, or go on without one", free>>20, photoReserve>>20, dir)
	}
	p, err := copyPhoto(dir, ext, io.MultiReader(bytes.NewReader(head[:n]), in))
	if err != nil {
		return nil, fmt.Errorf("keep photo %s: %w", file, err)
	}
	return p, nil
}

// diskFree is how much an ordinary user may still write where dir is; a variable, because no test fills a disk.
var diskFree = outbox.DiskFree

func pictureOf(head []byte) string {
	for _, m := range pictureMagics {
		if len(head) >= m.at+len(m.magic) && string(head[m.at:m.at+len(m.magic)]) == m.magic {
			return m.ext
		}
	}
	return ""
}

func copyPhoto(dir, ext string, in io.Reader) (*Photo, error) {
	temp, err := os.CreateTemp(dir, leftover+"*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(temp, sum), io.LimitReader(in, PhotoMax+1))
	if err == nil && n > PhotoMax {
		err = fmt.Errorf("%w: it grows while it is read", ErrPhoto)
	}
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return nil, err
	}
	name := hex.EncodeToString(sum.Sum(nil))
	p := &Photo{SHA256: name, Name: name + ext, Bytes: n}
	if err := os.Rename(temp.Name(), filepath.Join(dir, p.Name)); err != nil {
		return nil, err
	}
	return p, syncDir(dir)
}

// sweep removes copies that were cut off an hour ago or earlier; a failure is of no consequence.
func sweep(dir string) {
	names, err := filepath.Glob(filepath.Join(dir, leftover+"*"))
	if err != nil {
		return
	}
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(name)
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
