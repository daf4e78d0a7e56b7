package headend

import (
	"context"
	"errors"
	"fmt"

	"feikong/gateway/cache"
	"feikong/gateway/identity"
	"feikong/gateway/store/bolt"
)

// ResetPassword gives the administrator a new one-time password in the file of a stopped gateway; the audit chain says so. Who may write
// that file could do worse, so it asks for nothing more. Errors wrap store.ErrLocked while the gateway runs, and store.ErrNotFound.
func ResetPassword(ctx context.Context, data string) (password string, err error) {
	regions, err := cache.New(cache.Options{})
	if err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	defer regions.Close()
	engine, err := OpenStore(data, regions, bolt.Options{NoCreate: true})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	return identity.OneTime(ctx, engine, identity.Administrator, "command line")
}
