package bolt

import (
	"bytes"
	"encoding/binary"

	"feikong/gateway/account"

	"go.etcd.io/bbolt"
)

// Reading what a transaction sees: shared by the facts of a settlement and the views.

func getReceipt(tx *bbolt.Tx, key string) (account.Receipt, bool, error) {
	if key == "" {
		return account.Receipt{}, false, nil
	}
	var r receiptRecord
	found, err := getJSON(tx, bucketKeys, []byte(key), &r)
	if err != nil || !found {
		return account.Receipt{}, false, err
	}
	out, err := r.receipt(key)
	return out, err == nil, err
}

// scan calls f for each sealed value whose key begins with prefix, in order, until f says stop. key and payload are valid
// inside f only.
func scan(tx *bbolt.Tx, b bucket, prefix []byte, f func(key, payload []byte) (more bool, err error)) error {
	c := tx.Bucket([]byte(bucketNames[b])).Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if more, err := visit(b, k, v, f); err != nil || !more {
			return err
		}
	}
	return nil
}

// scanBack is scan over a whole bucket from its end.
func scanBack(tx *bbolt.Tx, b bucket, f func(key, payload []byte) (more bool, err error)) error {
	c := tx.Bucket([]byte(bucketNames[b])).Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		if more, err := visit(b, k, v, f); err != nil || !more {
			return err
		}
	}
	return nil
}

func visit(b bucket, k, v []byte, f func(key, payload []byte) (bool, error)) (bool, error) {
	payload, err := unseal(b, k, v)
	if err != nil {
		return false, err
	}
	return f(k, payload)
}

// list reads the JSON values under prefix.
func list[T any](tx *bbolt.Tx, b bucket, prefix []byte) ([]T, error) {
	var out []T
	err := scan(tx, b, prefix, func(key, payload []byte) (bool, error) {
		out = append(out, *new(T))
		return true, parse(b, key, payload, &out[len(out)-1])
	})
	return out, err
}

// newest reads the last values of a list, newest first; limit 0 means all.
func newest[T any](tx *bbolt.Tx, b bucket, limit int) ([]T, error) {
	var out []T
	err := scanBack(tx, b, func(key, payload []byte) (bool, error) {
		out = append(out, *new(T))
		return limit <= 0 || len(out) < limit, parse(b, key, payload, &out[len(out)-1])
	})
	return out, err
}

// indexed reads the values of b whose keys stand in the index.
func indexed[T any](tx *bbolt.Tx, index, b bucket, prefix []byte) ([]T, error) {
	var out []T
	err := scan(tx, index, prefix, func(key, _ []byte) (bool, error) {
		out = append(out, *new(T))
		found, err := getJSON(tx, b, key, &out[len(out)-1])
		if err == nil && !found {
			err = damaged("%s names %x, which is not in %s", bucketNames[index], key, bucketNames[b])
		}
		return true, err
	})
	return out, err
}

func prefixNo(no account.No) []byte { return binary.BigEndian.AppendUint64(nil, uint64(no)) }

func openFindings(tx *bbolt.Tx, no account.No) ([]account.Finding, error) {
	return indexed[account.Finding](tx, bucketOpenFind, bucketFindings, prefixNo(no))
}
