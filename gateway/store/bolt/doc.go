// Package bolt is the embedded engine of the store: one bbolt file, one writer, nothing to install.
//
// Account states are resident. Each commit appends the readings and the new images of the touched states in chunks (the
// journal) and rewrites a slice of the pages that hold all states in order of number (the rolling checkpoint), in one
// transaction of one file. Start-up loads the pages and replays the images written since the last whole sweep. Ledger,
// receipts, orders, notices, bills and audit have buckets of their own and are never dropped.
//
// bbolt is named in this folder only. It was chosen because it is one file, has run for a decade, and its commit is a
// copy-on-write of pages with a checksummed root: a torn write leaves the commit before. It knows no checksums of values,
// and it panics on a damaged tree; both are answered here (seal.go, tree.go).
package bolt
