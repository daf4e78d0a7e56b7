package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"feikong/gateway/store"

	"go.etcd.io/bbolt"
)

// Somebody with a bbolt editor changes, exchanges or removes one value of any bucket: the file does not open. Who also mends the seal
// is found by the tallies, which the sealed head carries.
func TestTamperingWithAnyBucketIsFound(t *testing.T) {
	data := sample(t)
	path := filepath.Join(t.TempDir(), "gateway.db")
	for b := range buckets {
		for name, spoil := range map[string]func(in *bbolt.Bucket, k, v []byte) error{
			"changed": func(in *bbolt.Bucket, k, v []byte) error {
				v[len(v)-1] ^= 1
				return in.Put(k, v)
			},
			"changed and sealed": func(in *bbolt.Bucket, k, v []byte) error {
				v = append(v, ' ') // JSON and headers stay readable
				seal(b, k, v)
				return in.Put(k, v)
			},
			"removed": func(in *bbolt.Bucket, k, _ []byte) error { return in.Delete(k) },
			"put under another key": func(in *bbolt.Bucket, k, v []byte) error {
				return errors.Join(in.Delete(k), in.Put(append(append([]byte(nil), k...), 1), v))
			},
		} {
			if b == bucketMeta && name == "changed and sealed" {
				continue // the seals are against faults; the head itself is signed by nobody yet
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := openBolt(path, false)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				in := tx.Bucket([]byte(bucketNames[b]))
				k, v := in.Cursor().First()
				if k == nil {
					t.Fatalf("%s is empty in the sample", bucketNames[b])
				}
				return spoil(in, append([]byte(nil), k...), append([]byte(nil), v...))
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			e, err := Open(path, Options{})
			if err == nil {
				e.Close()
			}
			if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s, a value %s: error %v, want ErrDamaged", bucketNames[b], name, err)
			}
		}
	}
}
