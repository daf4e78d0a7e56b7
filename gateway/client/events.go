package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"feikong/gateway/api/wire"
)

// eventMax bounds one line of the event stream: 200 account IDs are far below it.
const eventMax = 64 << 10

// Watch calls f once when the stream stands (with an empty commit) and then for each commit, until ctx ends, f returns an error,
// or the gateway drops the stream; then the caller looks at everything again and comes back.
func (c *Client) Watch(ctx context.Context, f func(wire.Commit) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/events", nil)
	if err != nil {
		return fmt.Errorf("watch the gateway: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := (&http.Client{Transport: c.http.Transport}).Do(req) // no time limit: the stream is quiet when nothing happens
	if err != nil {
		return fmt.Errorf("watch the gateway: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &Error{wire.Problem{Title: res.Status, Status: res.StatusCode}}
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, eventMax)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var commit wire.Commit
		if err := json.Unmarshal([]byte(data), &commit); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		if err := f(commit); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("watch the gateway: %w", err)
	}
	return nil
}
