package doctor

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// What an examination needs of MQTT 3.1.1 (OASIS, 29 October 2014): sign in, subscribe, publish once, hear the answer. The
// agent's own connection is agent/uplink; this one tells in which step it failed.

// Packet types (2.2.1).
const (
	packetConnect    = 1
	packetConnack    = 2
	packetPublish    = 3
	packetPuback     = 4
	packetSubscribe  = 8
	packetSuback     = 9
	packetDisconnect = 14
)

// packetMax bounds what is read: an answer to hello is far below.
const packetMax = 1 << 20

// stepMax is how long the broker has for each step.
const stepMax = 10 * time.Second

// errRefused says that the broker knows the protocol and does not want us.
var errRefused = errors.New("refused")

// errPacket says that bytes are no packet.
var errPacket = errors.New("not an MQTT packet")

// session is a signed-in connection.
type session struct {
	conn net.Conn
	in   *bufio.Reader
}

// refusals are the return codes of CONNACK (3.2.2.3).
var refusals = map[byte]string{1: "protocol version", 2: "client id", 3: "server unavailable", 4: "user or password", 5: "not authorised"}

// signIn connects with a clean session.
func signIn(ctx context.Context, conn net.Conn, id, user, password string) (*session, error) {
	s := &session{conn, bufio.NewReader(conn)}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(stepMax)); err != nil {
		return nil, err
	}
	flags := byte(0x02) // clean session
	body := text(nil, "MQTT")
	body = append(body, 4)
	tail := text(nil, id)
	if user != "" {
		flags |= 0x80
		tail = text(tail, user)
		if password != "" { // a password without a user is not allowed (3.1.2.9)
			flags |= 0x40
			tail = text(tail, password)
		}
	}
	body = append(body, flags, 0, 30) // keep alive, s
	if err := s.send(packetConnect<<4, append(body, tail...)); err != nil {
		return nil, err
	}
	head, body, err := s.receive()
	switch {
	case err != nil:
		return nil, err
	case head>>4 != packetConnack || len(body) != 2:
		return nil, fmt.Errorf("answer to connect: %w", errPacket)
	case body[1] != 0:
		why := refusals[body[1]]
		if why == "" {
			why = fmt.Sprintf("code %d", body[1])
		}
		return nil, fmt.Errorf("%w: %s", errRefused, why)
	}
	return s, nil
}

// subscribe asks for one topic.
func (s *session) subscribe(topic string) error {
	body := append(text([]byte{0, 1}, topic), 1)
	if err := s.send(packetSubscribe<<4|2, body); err != nil {
		return err
	}
	for {
		head, body, err := s.receive()
		switch {
		case err != nil:
			return err
		case head>>4 != packetSuback:
			continue
		case len(body) != 3:
			return fmt.Errorf("answer to subscribe: %w", errPacket)
		case body[2] > 2:
			return fmt.Errorf("%w: topic %s", errRefused, topic)
		}
		return nil
	}
}

// publish sends once, and waits for no confirmation.
func (s *session) publish(topic string, payload []byte) error {
	return s.send(packetPublish<<4, append(text(nil, topic), payload...))
}

// next is the payload of the next message.
func (s *session) next(end time.Time) ([]byte, error) {
	if err := s.conn.SetDeadline(end); err != nil {
		return nil, err
	}
	for {
		head, body, err := s.receive()
		if err != nil {
			return nil, err
		}
		if head>>4 != packetPublish {
			continue
		}
		payload, id, err := message(head, body)
		if err != nil {
			return nil, err
		}
		if id != nil {
			if err := s.send(packetPuback<<4, id); err != nil {
				return nil, err
			}
		}
		return payload, nil
	}
}

// message takes a PUBLISH apart: topic, packet id when it wants a confirmation, payload.
func message(head byte, body []byte) (payload, id []byte, err error) {
	if len(body) < 2 {
		return nil, nil, errPacket
	}
	rest := body[2:]
	n := int(binary.BigEndian.Uint16(body))
	if n > len(rest) {
		return nil, nil, errPacket
	}
	rest = rest[n:]
	if head>>1&3 == 0 {
		return rest, nil, nil
	}
	if len(rest) < 2 {
		return nil, nil, errPacket
	}
	return rest[2:], rest[:2], nil
}

// leave says goodbye.
func (s *session) leave() { _ = s.send(packetDisconnect<<4, nil) }

func (s *session) send(head byte, body []byte) error {
	packet := append([]byte{head}, length(len(body))...)
	_, err := s.conn.Write(append(packet, body...))
	return err
}

// receive reads one packet.
func (s *session) receive() (head byte, body []byte, err error) {
	return packet(s.in)
}

// packet reads one packet: type and flags, the length in up to four bytes of seven bits (2.2.3), the rest.
func packet(in io.ByteReader) (head byte, body []byte, err error) {
	if head, err = in.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, shift := 0, 0
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		n |= int(b&0x7F) << shift
		if b&0x80 == 0 {
			break
		}
		if shift += 7; shift > 21 {
			return 0, nil, errPacket
		}
	}
	if n > packetMax {
		return 0, nil, fmt.Errorf("%d bytes: %w", n, errPacket)
	}
	for range n { // not at once: a length is only a claim
		b, err := in.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		body = append(body, b)
	}
	return head, body, nil
}

func length(n int) (out []byte) {
	for {
		b := byte(n & 0x7F)
		if n >>= 7; n > 0 {
			out = append(out, b|0x80)
			continue
		}
		return append(out, b)
	}
}

// text appends a string as MQTT has them: two bytes of length, then the bytes.
func text(dst []byte, s string) []byte {
	s = s[:min(len(s), 0xFFFF)]
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}
