package outbox

import (
	"fmt"
	"unsafe"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Release gives back the pages of the file that reading has mapped into memory: a start checks each value, a gateway that was
// away gets all of them, and the kernel would count the whole file as the agent's until somebody needs the space. What is
// used is mapped again when it is.
func (b *Box) Release() error {
	err := b.db.View(func(tx *bolt.Tx) error { // bbolt does not move the map while somebody reads
		info := b.db.Info()
		file := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&info.Data))), tx.Size())
		return unix.Madvise(file, unix.MADV_DONTNEED)
	})
	if err != nil {
		return fmt.Errorf("release the pages of %s: %w", b.path, err)
	}
	return nil
}
