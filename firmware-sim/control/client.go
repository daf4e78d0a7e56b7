package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Client speaks to a running street.
type Client struct {
	base string
	http *http.Client
}

// At is a client for the control address that `serve` printed.
func At(control string) *Client {
	return &Client{base: control, http: &http.Client{Timeout: 10 * time.Second}}
}

// Find reads DIR/sim.json, which a running street keeps there.
func Find(dir string) (*Client, Endpoint, error) {
	var e Endpoint
	data, err := os.ReadFile(filepath.Join(dir, EndpointFile))
	if err != nil {
		return nil, e, fmt.Errorf("find the street in %s (is `firmware-sim serve --dir %s` running?): %w", dir, dir, err)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, e, fmt.Errorf("find the street in %s: %w", dir, err)
	}
	return At(e.Control), e, nil
}

// Meters lists all meters, lines in the scenario's order.
func (c *Client) Meters(ctx context.Context) (out []Meter, err error) {
	return out, c.call(ctx, http.MethodGet, "/meters", nil, &out)
}

// Lines lists the lines.
func (c *Client) Lines(ctx context.Context) (out []Line, err error) {
	return out, c.call(ctx, http.MethodGet, "/lines", nil, &out)
}

// Frames lists a line's frames with a number above after, oldest first; the street keeps the last 20,000.
func (c *Client) Frames(ctx context.Context, line string, after uint64) (out []Frame, err error) {
	q := url.Values{"line": {line}, "after": {strconv.FormatUint(after, 10)}}
	return out, c.call(ctx, http.MethodGet, "/frames?"+q.Encode(), nil, &out)
}

// Freezes lists what a DL/T 645 meter has frozen daily, newest first, at most n.
func (c *Client) Freezes(ctx context.Context, line, address string, n int) (out []Freeze, err error) {
	return out, c.call(ctx, http.MethodGet, "/meters/"+url.PathEscape(line)+"/"+url.PathEscape(address)+"/freezes?n="+strconv.Itoa(n), nil, &out)
}

// Lockouts lists a meter's password levels with the wrong passwords they have seen.
func (c *Client) Lockouts(ctx context.Context, line, address string) (out []Lockout, err error) {
	return out, c.call(ctx, http.MethodGet, "/meters/"+url.PathEscape(line)+"/"+url.PathEscape(address)+"/lockouts", nil, &out)
}

// Meter does a verb to a meter and gives the meter after it.
func (c *Client) Meter(ctx context.Context, line, address, verb string, o Order) (out Meter, err error) {
	return out, c.call(ctx, http.MethodPost, "/meters/"+url.PathEscape(line)+"/"+url.PathEscape(address)+"/"+verb, o, &out)
}

// Line does a verb to a line and gives the line after it.
func (c *Client) Line(ctx context.Context, line, verb string, o Order) (out Line, err error) {
	return out, c.call(ctx, http.MethodPost, "/lines/"+url.PathEscape(line)+"/"+verb, o, &out)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("ask the street: %w", err)
		}
	}
	q, err := http.NewRequestWithContext(ctx, method, c.base+path, &body)
	if err != nil {
		return fmt.Errorf("ask the street: %w", err)
	}
	r, err := c.http.Do(q)
	if err != nil {
		return fmt.Errorf("ask the street (is `firmware-sim serve` still running?): %w", err)
	}
	defer r.Body.Close()
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<20)) // 20,000 frames of 267 bytes in hex
	if r.StatusCode != http.StatusOK {
		var p problem
		if err := d.Decode(&p); err != nil || p.Error == "" {
			return fmt.Errorf("ask the street: %s", r.Status)
		}
		return fmt.Errorf("the street refused: %s", p.Error)
	}
	if err := d.Decode(out); err != nil {
		return fmt.Errorf("read the street's answer: %w", err)
	}
	return nil
}
