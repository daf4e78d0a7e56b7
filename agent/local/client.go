package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"feikong/agent/field"
	"feikong/internal/daemon"
)

// ErrNotRunning says that no agent serves the data directory.
var ErrNotRunning = errors.New("no agent is running on this data directory")

// ErrHungUp says that the agent went away before it answered: what was asked may have been done.
var ErrHungUp = errors.New("the agent went away before it answered")

// callMax bounds the wait for one answer: longer than the server allows itself.
const callMax = 90 * time.Second

// Client is one connection to the running agent. One goroutine at a time uses it.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
}

// Dial connects to the agent that serves the data directory. ErrNotRunning: there is none.
func Dial(data string) (*Client, error) {
	var conn net.Conn
	err := through(data, func(dir string) (err error) {
		conn, err = net.DialTimeout("unix", filepath.Join(dir, SocketName), 5*time.Second)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTSOCK):
		return nil, fmt.Errorf("%s: %w", data, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf(daemon.Say(daemon.Lang(), "连接采集终端：%w（它以另一用户运行，用 sudo -u 该用户 运行本命令）", "reach the agent: %w (it runs as another user: run this command with sudo -u THAT-USER)"), err)
	case err != nil:
		return nil, fmt.Errorf("reach the agent: %w", err)
	}
	return &Client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Status asks the agent how it is.
func (c *Client) Status() (*Status, error) {
	out := new(Status)
	return out, c.ask(Request{Verb: VerbStatus}, out)
}

// Read asks a meter through the agent's line; see ReadRequest. Errors of the meter are *Fault.
func (c *Client) Read(m field.Ref, what string) (*ReadReply, error) {
	out := new(ReadReply)
	return out, c.ask(Request{Verb: VerbRead, Read: &ReadRequest{m, what}}, out)
}

// Record queues a record; nil: it is on the agent's disk.
func (c *Client) Record(r field.Record) error {
	fr, err := field.Encode(r)
	if err != nil {
		return err
	}
	return c.ask(Request{Verb: VerbRecord, Record: &RecordRequest{fr.Body}}, new(Stored))
}

// Relay moves a relay by hand and gives the record of the result.
func (c *Client) Relay(r RelayRequest) (*field.RelayTest, error) {
	out := new(field.RelayTest)
	return out, c.ask(Request{Verb: VerbRelay, Relay: &r}, out)
}

// Maintain changes a setting of a meter by hand and gives the record of the result.
func (c *Client) Maintain(r MaintainRequest) (*field.Maintenance, error) {
	out := new(field.Maintenance)
	return out, c.ask(Request{Verb: VerbMaintain, Maintain: &r}, out)
}

// Mode switches commissioning mode.
func (c *Client) Mode(r ModeRequest) (*ModeReply, error) {
	out := new(ModeReply)
	return out, c.ask(Request{Verb: VerbMode, Mode: &r}, out)
}

// Trace calls f with what happens on a line until f says false, the agent ends or the client is closed. The connection is of
// no other use afterwards.
func (c *Client) Trace(line string, f func(TraceEvent) bool) error {
	if err := c.send(Request{Verb: VerbTrace, Trace: &TraceRequest{line}}); err != nil {
		return err
	}
	for {
		r, err := c.reply(0)
		switch {
		case err != nil:
			return err
		case r.Event == nil:
			return errors.New("the agent answered a trace with something else")
		case !f(*r.Event):
			return nil
		}
	}
}

func (c *Client) ask(r Request, into any) error {
	if err := c.send(r); err != nil {
		return err
	}
	got, err := c.reply(callMax)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got.OK, into); err != nil {
		return fmt.Errorf("understand the agent's answer: %w", err)
	}
	return nil
}

func (c *Client) send(r Request) error {
	r.Version = Version
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("ask the agent: %w", err)
	}
	if len(b) >= requestMax {
		return fmt.Errorf("ask the agent: %d bytes, the limit is %d", len(b), requestMax)
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeMax)); err != nil {
		return fmt.Errorf("ask the agent: %w", err)
	}
	if _, err := c.conn.Write(append(b, '\n')); err != nil && !errors.Is(err, syscall.EPIPE) { // why it hung up is in what it sent before
		return fmt.Errorf("ask the agent: %w", err)
	}
	return nil
}

// reply reads one line; a fault is its error. limit 0 waits without end.
func (c *Client) reply(limit time.Duration) (*Reply, error) {
	var until time.Time
	if limit > 0 {
		until = time.Now().Add(limit)
	}
	if err := c.conn.SetReadDeadline(until); err != nil {
		return nil, fmt.Errorf("hear the agent: %w", err)
	}
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		if line = append(line, part...); len(line) > replyMax {
			return nil, fmt.Errorf("hear the agent: an answer above %d bytes", replyMax)
		}
		if err == nil {
			break
		}
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return nil, ErrHungUp
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("hear the agent: %w", err)
		}
	}
	r := new(Reply)
	if err := json.Unmarshal(line, r); err != nil {
		return nil, fmt.Errorf("understand the agent's answer: %w", err)
	}
	if r.Fault != nil {
		return nil, r.Fault
	}
	return r, nil
}
