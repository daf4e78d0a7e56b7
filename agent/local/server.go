package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/protocol"
)

// Desk is what the running agent puts at a technician's disposal.
type Desk struct {
	Agent   string
	Relay   string // relay mode of the configuration; "off" forbids relays by hand too
	Drivers map[protocol.MeterRef]meter.Driver
	Lines   map[string]Tracer
	Box     Box
	Hands   Hands
	Status  func() protocol.Status
	Trusted func() bool // whether the agent's clock is trusted now

	// ReadBack are the pauses before each try to read a relay back; nil: 0.4, 1.5 and 3 s.
	ReadBack []time.Duration
}

// Tracer tells what happens on a line; *line.Line.
type Tracer interface {
	Trace(func(line.TraceEvent)) (stop func())
}

// Box is the outbox; *outbox.Box.
type Box interface {
	Append([]protocol.Entry) error
	AppendRecord(protocol.FieldRecord, []protocol.Reading) error
	Newest(count int) ([]protocol.Entry, error)
	HasRoom(n int64) bool
	Lanes() []protocol.LaneState
}

// Hands keeps a hand and the gateway's orders from one switch; *relay.Executor.
type Hands interface {
	Hand(ctx context.Context, ref protocol.MeterRef, act func(context.Context) error) error
}

// retryListen is how long a socket that could not be made is left alone: a full disk is not emptied in a second, and the
// agent's work does not depend on it.
const retryListen = 30 * time.Second

// Server answers the technician's commands.
type Server struct {
	data  string
	desk  Desk
	log   *slog.Logger
	mode  mode
	start time.Time
	fatal chan error // of the outbox: the agent must end
}

// New makes a server for the data directory; it opens nothing.
func New(data string, desk Desk, log *slog.Logger) *Server {
	if desk.ReadBack == nil {
		desk.ReadBack = []time.Duration{400 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second}
	}
	return &Server{data: data, desk: desk, log: log, start: time.Now(), fatal: make(chan error, 1)}
}

// Run serves until ctx ends, and waits for what it began: a relay that is being moved is read back and its record written.
// Errors are ErrRunning and those of an outbox that can no longer be trusted; a socket that cannot be made is tried again.
func (s *Server) Run(ctx context.Context) error {
	for told := slog.LevelError; ; told = slog.LevelDebug { // once is enough
		l, err := listen(s.data)
		if err == nil {
			return s.serve(ctx, l)
		}
		if errors.Is(err, ErrRunning) {
			return err
		}
		s.log.Log(ctx, told, "no control socket, commands on this machine cannot reach the agent", "error", err)
		if !wait(ctx, retryListen) {
			return nil
		}
	}
}

func (s *Server) serve(ctx context.Context, l *socket) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	closed := make(chan struct{})
	wg.Go(func() {
		defer close(closed)
		<-ctx.Done()
		if err := l.Close(); err != nil {
			s.log.Warn("control socket not removed", "error", err)
		}
	})
	wg.Go(func() { s.expire(ctx) })
	wg.Go(func() { s.accept(ctx, l, &wg) })
	var err error
	select {
	case err = <-s.fatal:
	case <-ctx.Done():
	}
	cancel()
	wg.Wait()
	return err
}

func (s *Server) accept(ctx context.Context, l net.Listener, wg *sync.WaitGroup) {
	places := make(chan struct{}, clientsMax)
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return
		}
		if err != nil { // out of file descriptors, say
			s.log.Warn("control socket", "error", err)
			if !wait(ctx, time.Second) {
				return
			}
			continue
		}
		select {
		case places <- struct{}{}:
			wg.Go(func() {
				defer func() { <-places }()
				s.client(ctx, c)
			})
		default:
			send(c, Reply{Version: Version, Fault: fault(CodeBusy, "已有 %d 个命令连接着采集终端；先结束其中一个", "%d commands are connected to the agent already; end one of them first", clientsMax)})
			c.Close()
		}
	}
}

// client answers one connection, one request at a time.
func (s *Server) client(ctx context.Context, c net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	requests := make(chan []byte)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer c.Close() // ends the reader
	defer cancel()
	wg.Go(func() { listenTo(ctx, c, requests) })
	for {
		idle := time.NewTimer(idleMax)
		select {
		case <-ctx.Done():
			idle.Stop()
			return
		case <-idle.C:
			return
		case line, open := <-requests:
			idle.Stop()
			if !open || !s.answer(ctx, c, line, requests) {
				return
			}
		}
	}
}

// listenTo hands over a client's lines until it goes away; a line that is too long is handed over cut, one byte over the
// limit, and is the last.
func listenTo(ctx context.Context, c net.Conn, requests chan<- []byte) {
	defer close(requests)
	r := bufio.NewReaderSize(c, 64<<10)
	for {
		var line []byte
		for {
			part, err := r.ReadSlice('\n')
			line = append(line, part[:min(len(part), requestMax+1-len(line))]...)
			if err == nil || len(line) > requestMax {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return
			}
		}
		select {
		case requests <- line:
		case <-ctx.Done():
			return
		}
		if len(line) > requestMax {
			return
		}
	}
}

// answer does one request; false ends the connection.
func (s *Server) answer(ctx context.Context, c net.Conn, line []byte, requests <-chan []byte) bool {
	if len(line) > requestMax {
		send(c, Reply{Version: Version, Fault: fault(CodeTooLarge, "请求超过 %d 字节", "a request of more than %d bytes", requestMax)})
		return false
	}
	r, err := DecodeRequest(line)
	switch {
	case err != nil:
		return send(c, Reply{Version: Version, Fault: fault(CodeBad, "请求不合格式：%v", "%v", err)}) == nil
	case r.Version != Version:
		return send(c, Reply{Version: Version, Fault: fault(CodeVersion, "命令与采集终端的版本不同（%d 与 %d）：用同一版本的程序", "command and agent speak different versions (%d and %d): use the same program for both", r.Version, Version)}) == nil
	case r.Verb == VerbTrace:
		return s.trace(ctx, c, r.Trace, requests)
	}
	v, err := s.do(ctx, r)
	if err != nil {
		var f *Fault
		if !errors.As(err, &f) {
			f = fault(CodeInside, "%v", "%v", err)
		}
		return send(c, Reply{Version: Version, Fault: f}) == nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return send(c, Reply{Version: Version, Fault: fault(CodeInside, "%v", "%v", err)}) == nil
	}
	return send(c, Reply{Version: Version, OK: b}) == nil
}

func (s *Server) do(ctx context.Context, r *Request) (any, error) {
	switch r.Verb {
	case VerbStatus:
		return s.status(), nil
	case VerbRead:
		return s.read(ctx, r.Read)
	case VerbRecord:
		return s.record(r.Record)
	case VerbRelay:
		return s.relay(ctx, r.Relay)
	case VerbMode:
		return s.setMode(r.Mode)
	case VerbMaintain:
		return s.maintain(ctx, r.Maintain)
	}
	return nil, fault(CodeBad, "未知请求 %q", "verb %q is not known", r.Verb)
}

func (s *Server) status() Status {
	st := statusOf(s.desk.Status())
	st.PID, st.UpMS, st.Commissioning = os.Getpid(), time.Since(s.start).Milliseconds(), s.mode.reply(time.Now())
	for _, l := range s.desk.Box.Lanes() {
		waits := l.Next - 1 - l.Acked
		if l.Lane == protocol.LaneEvidence {
			st.Outbox.Evidence = waits
		} else {
			st.Outbox.Readings = waits
		}
	}
	return st
}

// driver is the driver of a meter, or the fault that names the ones there are.
func (s *Server) driver(ref protocol.MeterRef) (meter.Driver, error) {
	if m := s.desk.Drivers[ref]; m != nil {
		return m, nil
	}
	return nil, fault(CodeMeter, "采集终端的配置里没有线路 %s 上的电表 %s（通道 %d）", "the agent's configuration has no meter %[2]s, channel %[3]d, on line %[1]s", ref.Line, ref.Address, ref.Channel)
}

func send(c net.Conn, r Reply) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode reply: %w", err)
	}
	if err := c.SetWriteDeadline(time.Now().Add(writeMax)); err != nil {
		return err
	}
	_, err = c.Write(append(b, '\n'))
	return err
}

// wait pauses; false when ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
