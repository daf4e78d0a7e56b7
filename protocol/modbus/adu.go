// Package modbus frames Modbus RTU for both sides of a line: the agent that asks and the simulated meter that answers.
// It is pure. Sources: "MODBUS Application Protocol Specification V1.1b3" (functions, exceptions) and "MODBUS over Serial
// Line V1.02" (frame, CRC).
package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Functions in use (Application Protocol, chapter 6).
const (
	ReadCoils          byte = 0x01
	ReadDiscreteInputs byte = 0x02
	ReadHolding        byte = 0x03
	ReadInput          byte = 0x04
	WriteCoil          byte = 0x05
	WriteRegister      byte = 0x06
	WriteCoils         byte = 0x0F
	WriteRegisters     byte = 0x10

	exceptionBit byte = 0x80
)

// Limits of one frame (Serial Line 2.3; Application Protocol 6.1 to 6.12).
const (
	MaxFrame     = 256
	MaxRegisters = 125 // read by one request
	MaxWrite     = 123 // registers written by one request
	MaxBits      = 2000
	maxBitsWrite = 1968
)

// Errors of frames and replies.
var (
	ErrShort = errors.New("modbus frame too short")
	ErrLong  = errors.New("modbus frame too long")
	ErrCRC   = errors.New("modbus CRC wrong")
	ErrReply = errors.New("modbus reply does not belong to the request")
)

// ADU is one RTU frame without its CRC. Data is what follows the function code.
type ADU struct {
	Unit byte
	Func byte
	Data []byte
}

// AppendRTU appends the frame with its CRC, low byte first. It allocates nothing when dst has room.
func AppendRTU(dst []byte, a ADU) []byte {
	start := len(dst)
	dst = append(dst, a.Unit, a.Func)
	dst = append(dst, a.Data...)
	return binary.LittleEndian.AppendUint16(dst, CRC(dst[start:]))
}

// DecodeRTU checks one whole frame. Data aliases frame. Errors: ErrShort, ErrLong, ErrCRC.
func DecodeRTU(frame []byte) (ADU, error) {
	if len(frame) < 4 {
		return ADU{}, fmt.Errorf("%w: %d bytes", ErrShort, len(frame))
	}
	if len(frame) > MaxFrame {
		return ADU{}, fmt.Errorf("%w: %d bytes", ErrLong, len(frame))
	}
	if !crcHolds(frame) {
		return ADU{}, ErrCRC
	}
	return ADU{Unit: frame[0], Func: frame[1], Data: frame[2 : len(frame)-2]}, nil
}

// crcHolds checks a frame of at least four bytes.
func crcHolds(frame []byte) bool {
	n := len(frame) - 2
	return CRC(frame[:n]) == binary.LittleEndian.Uint16(frame[n:])
}

// CRC is the CRC-16 of Modbus: polynomial A001H reflected, start FFFFH (Serial Line 6.2.2).
func CRC(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, v := range b {
		crc = crc>>8 ^ crcTable[byte(crc)^v]
	}
	return crc
}

var crcTable = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
		t[i] = crc
	}
	return t
}()

func word(b []byte) int { return int(binary.BigEndian.Uint16(b)) }
