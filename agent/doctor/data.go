package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"feikong/agent/local"
	"feikong/agent/outbox"
)

const (
	// freeLeast must be free on the disk besides what the outbox may still grow: logs, the system's own.
	freeLeast = 32 << 20
	// waitingShare of the outbox that waits, in percent, is worth a word.
	waitingShare = 50
)

// disk looks at the data directory.
func (d *doctor) disk() {
	dir := d.Config.Data
	c := Check{Name: CheckDisk, State: OK}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = filepath.Dir(dir) // it is made at the first start
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		c.State, c.Fault, c.Finding = Fail, FaultDisk, say("不能写入 %s：%v", "cannot write to %s: %v", dir, err)
		c.Remedy = say("检查目录的所有者、磁盘是否只读（mount）和是否已满（df -h）", "look at the directory's owner, whether the disk is mounted read-only (mount), and whether it is full (df -h)")
		d.add(c)
		return
	}
	free, err := outbox.DiskFree(dir)
	if err != nil {
		c.Finding = say("%s 可写", "%s can be written", dir)
		d.add(c)
		return
	}
	used := int64(0)
	if info, err := os.Stat(filepath.Join(d.Config.Data, local.OutboxName)); err == nil {
		used = info.Size()
	}
	// The file holds what is stored and as much again while it is rewritten.
	need := max(0, 2*d.Config.Outbox.MaxBytes-used) + freeLeast
	c.Finding = say("%s 可写，剩余 %s", "%s can be written, %s free", dir, size(free))
	switch {
	case free < freeLeast:
		c.State, c.Fault = Fail, FaultDiskFull
		c.Remedy = say("磁盘将满，读数会丢失：删除旧日志（journalctl --vacuum-size=50M），或换大一些的盘", "the disk is nearly full and readings will be lost: delete old logs (journalctl --vacuum-size=50M) or use a larger one")
	case free < need:
		c.State, c.Fault = Warn, FaultDiskFull
		c.Remedy = say("暂存满时还要 %s：腾出空间，或调小 outbox.max_bytes", "a full outbox needs %s more: free some, or lower outbox.max_bytes", size(need))
	}
	d.add(c)
}

// size of bytes as people say it.
func size(n int64) string {
	switch {
	case n >= 10<<30:
		return strconv.FormatInt(n>>30, 10) + " GiB"
	case n >= 10<<20:
		return strconv.FormatInt(n>>20, 10) + " MiB"
	}
	return strconv.FormatInt(n>>10, 10) + " KiB"
}

// outbox looks into it: through the agent that has it open, or by opening it as the agent would.
func (d *doctor) outbox() {
	c := Check{Name: CheckOutbox, State: OK}
	defer func() { d.add(c) }()
	judge := func(bytes, limit int64, waiting, dropped uint64) {
		c.Finding = say("%s / %s，%d 条等待网关，%d 条未存", "%s of %s, %d entries wait for the gateway, %d were not stored", size(bytes), size(limit), waiting, dropped)
		switch {
		case dropped > 0:
			c.State, c.Fault = Fail, FaultOutboxFull
			c.Remedy = say("暂存已满，抄表未存，缺口已记名：让它连上网关，或加大 outbox.max_bytes", "the outbox is full, polls are not stored and the gap is named: let it reach the gateway, or raise outbox.max_bytes")
		case waiting > 0 && limit > 0 && 100*bytes/limit > waitingShare:
			c.State, c.Fault = Warn, FaultOutboxFull
			c.Remedy = say("等待的数据已过半：检查与网关的连接", "more than half of it waits: look at the connection to the gateway")
		}
	}
	if s := d.running; s != nil {
		judge(s.Outbox.Bytes, s.Outbox.Limit, s.Outbox.Readings+s.Outbox.Evidence, s.Outbox.Dropped)
		return
	}
	path := filepath.Join(d.Config.Data, local.OutboxName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		c.Finding = say("还没有，首次运行时建立", "not there yet; the first start makes it")
		return
	}
	box, err := outbox.Open(path, d.Config.Outbox)
	switch {
	case errors.Is(err, outbox.ErrLocked):
		c.State, c.Finding = Skip, say("被另一个进程打开，未检查", "another process has it open; not examined")
		return
	case err != nil:
		c.State, c.Fault, c.Finding = Fail, FaultOutbox, err.Error()
		c.Remedy = say("把 %s 移走保存（不要删），然后重新启动；缺口会被记名", "move %s away and keep it (do not delete it), then start again; the gap will be named", path)
		return
	}
	defer box.Close()
	bytes, limit, _, dropped := box.Usage()
	waiting := uint64(0)
	for _, l := range box.Lanes() {
		waiting += l.Next - 1 - min(l.Acked, l.Next-1)
	}
	judge(bytes, limit, waiting, dropped)
}

// printable keeps a text that came from outside from moving the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return '?'
		}
		return r
	}, s)
}
