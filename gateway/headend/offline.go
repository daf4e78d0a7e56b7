package headend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"feikong/gateway/account"
	"feikong/gateway/api"
	"feikong/gateway/cache"
	"feikong/gateway/identity"
	"feikong/gateway/store/bolt"
	"feikong/gateway/verify"
)

// ErrNotRunning: what was asked for changes something, and only a running gateway may.
var ErrNotRunning = errors.New("the gateway is not running; start it first")

// closed is the door of a stopped gateway.
type closed struct{}

func (closed) Submit(context.Context, account.Event) (account.Receipt, error) {
	return account.Receipt{}, ErrNotRunning
}

// Offline serves the file of a stopped gateway, read-only, to this process alone: on a loopback port of its own, behind a token made for
// it. So a stopped gateway is asked the same questions, and answers in the same words. Errors wrap those of the store. end releases
// the file.
func Offline(data, version string) (a Access, end func() error, err error) {
	regions, err := cache.New(cache.Options{})
	if err != nil {
		return a, nil, fmt.Errorf("make the cache: %w", err)
	}
	engine, err := OpenStore(data, regions, bolt.Options{ReadOnly: true, NoCreate: true})
	if err != nil {
		regions.Close()
		return a, nil, err
	}
	server, listener, token, err := offline(engine, version)
	if err != nil {
		regions.Close()
		return a, nil, errors.Join(err, engine.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	end = func() error {
		err := server.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		regions.Close()
		return errors.Join(err, engine.Close())
	}
	return Access{URL: "http://" + listener.Addr().String(), Token: token}, end, nil
}

func offline(engine *bolt.Engine, version string) (*http.Server, net.Listener, string, error) {
	who := identity.New(identity.Options{Store: engine})
	rest, err := api.New(api.Options{Store: engine, Door: closed{}, Identity: who, Verify: verify.Run, Version: version, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, "", fmt.Errorf("serve the file of a stopped gateway: %w", err)
	}
	mux := http.NewServeMux()
	rest.Mount(mux)
	return rest.HTTPServer(mux), listener, who.Internal("command line"), nil
}
