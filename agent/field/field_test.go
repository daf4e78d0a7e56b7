package field

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNumbersAreExact(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "5.00": "5.00", "1234.56": "1234.56", "0001.10": "1.10", "0.05": "0.05"} {
		if n, err := ParseNumber(in); err != nil || n.String() != want {
			t.Errorf("%s: got %s, %v", in, n, err)
		}
	}
	for _, in := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "１", "1234567890123", "1.1234567", " 1"} {
		if n, err := ParseNumber(in); err == nil {
			t.Errorf("%q was taken as %s", in, n)
		}
	}
	if v, ok := number(t, "1234.56").MilliwattHours(); !ok || v != 1_234_560_000 {
		t.Errorf("got %d, %t", v, ok)
	}
}

func TestRatiosComeOutEven(t *testing.T) {
	for in, want := range map[string]string{"1": "1", "40": "40", "200/5": "40", "200/5*10000/100": "4000", "200/5x10000/100": "4000", "5/2": "2.5"} {
		if n, err := ParseRatio(in); err != nil || n.String() != want {
			t.Errorf("%s: got %s, %v", in, n, err)
		}
	}
	for _, in := range []string{"", "0", "-1", "1/0", "1/3", "a", "1/2/3", "1000001", strings.Repeat("1000000*", 20) + "1"} {
		if n, err := ParseRatio(in); err == nil {
			t.Errorf("%q was taken as %s", in, n)
		}
	}
}

func TestImplausibleRegistersAreDoubted(t *testing.T) {
	hour := int64(time.Hour / time.Millisecond)
	at := func(v string, ms int64) Register { return Register{KWh: number(t, v), By: ByEye, At: ms} }
	known := Known{number(t, "1000.00"), t0}
	for _, row := range []struct {
		name string
		r    Register
		odd  bool
	}{
		{"the same", at("1000.00", t0+hour), false},
		{"fewer digits shown", at("1000", t0+hour), false},
		{"a day's use", at("1024.5", t0+24*hour), false},
		{"falls", at("999.99", t0+hour), true},
		{"jumps", at("1200.00", t0+hour), true},
		{"was more before", at("1000.01", t0-hour), true},
		{"was less before", at("990.00", t0-hour), false},
	} {
		err := Judge(row.r, known)
		var doubt *Doubt
		if (err != nil) != row.odd || row.odd && (!errors.As(err, &doubt) || !errors.Is(err, ErrImplausible)) {
			t.Errorf("%s: got %v", row.name, err)
		}
	}
	for v, odd := range map[string]bool{"1200.9": false, "1200": false, "1200.8": true, "1199": true, "1200.97": true} {
		if err := Judge(at(v, t0+hour), Known{number(t, "1200.98"), t0}); (err != nil) != odd {
			t.Errorf("a display that reads %s while the wire says 1200.98: got %v", v, err)
		}
	}
	if err := JudgeSum(registers(t, ByEye, t0, "602", "100", "200", "300")); err != nil {
		t.Errorf("rates cut off to whole kWh: %v", err)
	}
	if JudgeStart(at("0.50", t0)) != nil || JudgeStart(at("100.01", t0)) == nil {
		t.Error("first registers are judged wrongly")
	}
	if err := JudgeSum(registers(t, ByEye, t0, "600.00", "100.00", "200.00", "300.01")); err != nil {
		t.Error(err)
	}
	if err := JudgeSum(registers(t, ByEye, t0, "600.00", "100.00", "200.00", "290.00")); err == nil {
		t.Error("rates that do not add up were taken")
	}
	dlt645 := LimitsOf("dlt645")
	for v, ok := range map[string]bool{"999999.99": true, "1000000.00": false, "1.2345": true, "1.23456": false} {
		if err := dlt645.JudgeDigits(0, number(t, v)); (err == nil) != ok {
			t.Errorf("%s: got %v", v, err)
		}
	}
}

func TestPhotoLeavesTheDiskToReadings(t *testing.T) {
	was := diskFree
	defer func() { diskFree = was }()
	dir := t.TempDir()
	file := filepath.Join(dir, "p.jpg")
	if err := os.WriteFile(file, []byte(jpeg), 0o600); err != nil {
		t.Fatal(err)
	}
	for free, ok := range map[int64]bool{photoReserve: false, photoReserve + int64(len(jpeg)): true} {
		diskFree = func(string) (int64, error) { return free, nil }
		if _, err := KeepPhoto(dir, file); (err == nil) != ok || err != nil && (!errors.Is(err, ErrPhoto) || !strings.Contains(err.Error(), "photos")) {
			t.Errorf("%d bytes free: got %v", free, err)
		}
	}
}

const jpeg = "\xff\xd8\xff\xe0 a picture of a display"

func TestPhotoIsKeptUnderItsOwnSum(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "IMG_1.JPG")
	if err := os.WriteFile(file, []byte(jpeg), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(jpeg))
	for range 2 {
		p, err := KeepPhoto(data, file)
		if err != nil || p.Name != hex.EncodeToString(sum[:])+".jpg" || p.Bytes != int64(len(jpeg)) || p.check() != nil {
			t.Fatalf("got %+v, %v", p, err)
		}
		got, err := os.ReadFile(filepath.Join(data, "photos", p.Name))
		if err != nil || string(got) != jpeg {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if all, _ := os.ReadDir(filepath.Join(data, "photos")); len(all) != 1 {
		t.Errorf("%d files", len(all))
	}
}

func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, s string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	big := write("big.jpg", jpeg)
	if err := os.Truncate(big, PhotoMax+1); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(dir, "none.jpg"), write("text.jpg", "hello"), write("empty.png", ""), big, dir, "/dev/zero"} {
		if p, err := KeepPhoto(dir, file); !errors.Is(err, ErrPhoto) {
			t.Errorf("%s: got %+v, %v", file, p, err)
		}
	}
	if all, _ := os.ReadDir(filepath.Join(dir, "photos")); len(all) != 0 {
		t.Errorf("%d files were left", len(all))
	}
}

func TestCopyThatWasCutOffIsSwept(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "photos")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old, fresh := filepath.Join(dir, leftover+"1"), filepath.Join(dir, leftover+"2")
	for _, f := range []string{old, fresh} {
		if err := os.WriteFile(f, bytes.Repeat([]byte("x"), 100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Now(), time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sweep(dir)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil { // another command may be writing it
		t.Errorf("the fresh one: %v", err)
	}
}

func TestDraftsComeBackWholeOrNotAtAll(t *testing.T) {
	data := t.TempDir()
	type draft struct{ A, B string }
	var got draft
	if found, err := LoadDraft(data, "exchange", meter, &got); found || err != nil {
		t.Errorf("none: %t, %v", found, err)
	}
	for _, want := range []draft{{"1", ""}, {"1", "2"}} {
		if err := SaveDraft(data, "exchange", meter, want); err != nil {
			t.Fatal(err)
		}
		if found, err := LoadDraft(data, "exchange", meter, &got); !found || err != nil || got != want {
			t.Errorf("got %+v, %t, %v", got, found, err)
		}
	}
	if err := os.WriteFile(draftPath(data, "exchange", meter), []byte(`{"A":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDraft(data, "exchange", meter, &got); !errors.Is(err, ErrDraft) {
		t.Errorf("damaged: %v", err)
	}
	for range 2 {
		if err := DropDraft(data, "exchange", meter); err != nil {
			t.Error(err)
		}
	}
	odd := Ref{Line: "../..", Address: "a/b"}
	if path := draftPath(data, "exchange", odd); filepath.Dir(path) != filepath.Join(data, "drafts") {
		t.Errorf("a draft would lie at %s", path)
	}
}
