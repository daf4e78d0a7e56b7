//go:build !linux

package outbox

// Release does nothing here: what DONTNEED means differs by system.
func (b *Box) Release() error { return nil }
