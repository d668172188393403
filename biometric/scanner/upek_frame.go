package scanner

import (
	"encoding/binary"
	"fmt"
)

// A message of the UPEK TouchChip.
//
//	"Ciao" 4 | type 1 | sequence 4 bits, length 12 bits: 2 | payload | CRC 2, little-endian
//
// The CRC is CRC-16/XMODEM over type, length and payload.
const (
	upekMagic  = "Ciao"
	upekHeader = 7
	upekCRC    = 2

	upekCommand  = 0 // the only type that raises the sequence
	upekGreeting = 4
	upekEnding   = 7
)

func encodeUPEK(kind, seq byte, payload []byte) []byte {
	msg := make([]byte, 0, upekHeader+len(payload)+upekCRC)
	msg = append(msg, upekMagic...)
	msg = append(msg, kind, seq<<4|byte(len(payload)>>8), byte(len(payload))) //nolint:gosec // under 4,096
	msg = append(msg, payload...)
	return binary.LittleEndian.AppendUint16(msg, crcUPEK(msg[len(upekMagic):]))
}

// lenUPEK is the whole length of the message that raw begins with.
func lenUPEK(raw []byte) (int, error) {
	if len(raw) < upekHeader+upekCRC || string(raw[:len(upekMagic)]) != upekMagic {
		return 0, fmt.Errorf("%w: no message in %d bytes", ErrProtocol, len(raw))
	}
	return upekHeader + int(raw[5]&0x0F)<<8 + int(raw[6]) + upekCRC, nil
}

// decodeUPEK takes a whole message apart.
func decodeUPEK(msg []byte) (kind byte, payload []byte, err error) {
	want, err := lenUPEK(msg)
	if err != nil {
		return 0, nil, err
	}
	if len(msg) != want {
		return 0, nil, fmt.Errorf("%w: %d of %d bytes", ErrProtocol, len(msg), want)
	}
	end := len(msg) - upekCRC
	if crcUPEK(msg[len(upekMagic):end]) != binary.LittleEndian.Uint16(msg[end:]) {
		return 0, nil, fmt.Errorf("%w: wrong checksum", ErrProtocol)
	}
	return msg[4], msg[upekHeader:end], nil
}

// statusUPEK reads a status message.
func statusUPEK(payload []byte) (byte, error) {
	if len(payload) < 12 || payload[0] != upekStatus {
		return 0, fmt.Errorf("%w: no status in %d bytes", ErrProtocol, len(payload))
	}
	switch code := payload[11]; code {
	case upekNoFinger, upekKeep, upekPresent, upekTooShort:
		return code, nil
	default:
		return 0, fmt.Errorf("%w: status %#x", ErrProtocol, code)
	}
}

// partUPEK takes the pixels out of a part of an image: the first has ten more
// bytes in front, the last one four behind.
func partUPEK(payload []byte, first bool) (pix []byte, last bool, err error) {
	skip, drop := 1, 0
	switch {
	case len(payload) == 0:
		return nil, false, fmt.Errorf("%w: empty part", ErrProtocol)
	case payload[0] == upekFirstPart && first:
		skip += 10
	case payload[0] == upekPart && !first:
	case payload[0] == upekLastPart && !first:
		drop, last = 4, true
	default:
		return nil, false, fmt.Errorf("%w: part %#x out of order", ErrProtocol, payload[0])
	}
	if len(payload) <= skip+drop {
		return nil, false, fmt.Errorf("%w: part of %d bytes", ErrProtocol, len(payload))
	}
	return payload[skip : len(payload)-drop], last, nil
}

// crcTable holds the CRC of every byte.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()

func crcUPEK(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^b]
	}
	return crc
}
