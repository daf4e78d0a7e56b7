// Package websocket stands in the place of gorilla/websocket in builds for boards (tools/build-all.sh). The MQTT library can also speak over
// websockets; our agent takes tcp:// and ssl:// brokers alone and refuses any other when it reads its configuration. Left out, its HTTP
// client, compression and tables of international names spare a concentrator 0.4 MB.
package websocket

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// BinaryMessage as in the library.
const BinaryMessage = 2

var errLeftOut = errors.New("MQTT over websockets is not in this build")

// Dialer has the fields that the MQTT library sets.
type Dialer struct {
	Proxy                           func(*http.Request) (*url.URL, error)
	TLSClientConfig                 *tls.Config
	HandshakeTimeout                time.Duration
	ReadBufferSize, WriteBufferSize int
	Subprotocols                    []string
	EnableCompression               bool
}

// Dial never connects.
func (*Dialer) Dial(string, http.Header) (*Conn, *http.Response, error) {
	return nil, nil, errLeftOut
}

// Conn has the methods that the MQTT library calls; none is ever made.
type Conn struct{ net.Conn }

// WriteMessage never writes.
func (*Conn) WriteMessage(int, []byte) error { return errLeftOut }

// NextReader never reads.
func (*Conn) NextReader() (int, io.Reader, error) { return 0, nil, errLeftOut }
