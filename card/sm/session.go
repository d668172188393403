package sm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"

	"github.com/aead/cmac"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// Tags of the secure messaging data objects (ISO/IEC 7816-4 10.2).
const (
	TagPlain      tlv.Tag = 0x81 // plain value, authenticated only (even INS)
	TagPlainTLV   tlv.Tag = 0xB3 // plain BER-TLV value, authenticated only (odd INS)
	TagCryptogram tlv.Tag = 0x87 // padding indicator 01, then the cryptogram (even INS)
	TagCryptoTLV  tlv.Tag = 0x85 // cryptogram of a BER-TLV value (odd INS)
	TagLe         tlv.Tag = 0x97 // Ne of the plain command
	TagSW         tlv.Tag = 0x99 // status word of the plain response
	TagMAC        tlv.Tag = 0x8E // the first eight bytes of the CMAC
)

// ClassSM are the bits of CLA that say: secure messaging, header authenticated.
const ClassSM byte = 0x0C

// MACLen is the length of the truncated CMAC in bytes.
const MACLen = 8

// Errors of this package. After any of them but ErrTooLong the session has
// ended, on the card as on the host.
var (
	// ErrMissing says that a message lacks a data object that it must have;
	// a message without any protection is the usual case. A card answers 6987.
	ErrMissing = errors.New("secure messaging objects missing")
	// ErrIncorrect says that the MAC, the padding or the coding is wrong. A
	// card answers 6988.
	ErrIncorrect = errors.New("incorrect secure messaging objects")
	// ErrEnded is returned for every use after a failure or End.
	ErrEnded = errors.New("secure messaging session ended")
	// ErrTooLong says that a message does not fit; the session goes on.
	ErrTooLong = errors.New("message too long for secure messaging")
)

// maxPlain is the largest data field that is protected, far above what the
// application uses; it keeps every length in two bytes.
const maxPlain = 32 << 10

// Mode says how the data field of a message is protected.
type Mode uint8

// The two modes.
const (
	Encrypted Mode = iota // DO87 or DO85: secret and authentic
	MACOnly               // DO81 or DOB3: authentic; for data that is sealed already
)

// Session is one side of a secure messaging session: the host wraps commands
// and unwraps responses, the card does the reverse. Both start their send
// sequence counter at zero and add one before every message.
//
// A Session is not safe for concurrent use.
type Session struct {
	enc   cipher.Block
	mac   hash.Hash
	ssc   [aes.BlockSize]byte
	ended bool
}

// New starts a session with a counter of zero.
func New(k Keys) *Session {
	enc, err := aes.NewCipher(k.Enc[:])
	if err != nil {
		panic("sm: internal error: " + err.Error())
	}
	blk, err := aes.NewCipher(k.MAC[:])
	if err != nil {
		panic("sm: internal error: " + err.Error())
	}
	mac, err := cmac.NewWithTagSize(blk, MACLen)
	if err != nil {
		panic("sm: internal error: " + err.Error())
	}
	return &Session{enc: enc, mac: mac}
}

// End ends the session and lets go of its keys.
func (s *Session) End() {
	s.ended = true
	s.enc, s.mac = nil, nil
}

// Ended reports whether the session has ended.
func (s *Session) Ended() bool { return s.ended }

// fail ends the session and returns the error that the caller owes.
func (s *Session) fail(err error, what string) error {
	s.End()
	return fmt.Errorf("%w: %s", err, what)
}

// step adds one to the send sequence counter.
func (s *Session) step() {
	for i := len(s.ssc) - 1; i >= 0; i-- {
		s.ssc[i]++
		if s.ssc[i] != 0 {
			return
		}
	}
}

// iv returns E(KSenc, SSC), the initialisation vector of the current message.
func (s *Session) iv() []byte {
	iv := make([]byte, aes.BlockSize)
	s.enc.Encrypt(iv, s.ssc[:])
	return iv
}

var padding = [aes.BlockSize]byte{0x80}

// sum returns the eight-byte CMAC over
//
//	SSC || padded header || padded data objects
//
// where a response has no header, and an absent part is not padded either.
func (s *Session) sum(header, objects []byte) []byte {
	s.mac.Reset()
	s.mac.Write(s.ssc[:])
	for _, part := range [2][]byte{header, objects} {
		if len(part) > 0 {
			s.mac.Write(part)
			s.mac.Write(padding[:aes.BlockSize-len(part)%aes.BlockSize])
		}
	}
	return s.mac.Sum(nil)
}

// appendData appends the data object that carries data in the given mode.
func (s *Session) appendData(dst, data []byte, odd bool, mode Mode) []byte {
	switch {
	case len(data) == 0:
		return dst
	case mode == MACOnly && odd:
		return tlv.Append(dst, TagPlainTLV, data)
	case mode == MACOnly:
		return tlv.Append(dst, TagPlain, data)
	}
	padded := len(data) + aes.BlockSize - len(data)%aes.BlockSize
	if odd {
		dst = tlv.AppendHeader(dst, TagCryptoTLV, padded)
	} else {
		dst = tlv.AppendHeader(dst, TagCryptogram, 1+padded)
		dst = append(dst, 0x01)
	}
	start := len(dst)
	dst = append(dst, data...)
	dst = append(dst, padding[:padded-len(data)]...)
	cipher.NewCBCEncrypter(s.enc, s.iv()).CryptBlocks(dst[start:], dst[start:])
	return dst
}

// openData returns the plain data of a data object that the MAC has
// authenticated already. The result is new memory when it was encrypted.
func (s *Session) openData(item tlv.Item) (data []byte, mode Mode, err error) {
	crypt := item.Value
	switch item.Tag {
	case TagPlain, TagPlainTLV:
		return item.Value, MACOnly, nil
	case TagCryptogram:
		if len(crypt) == 0 || crypt[0] != 0x01 {
			return nil, 0, s.fail(ErrIncorrect, "padding indicator")
		}
		crypt = crypt[1:]
	}
	if len(crypt) == 0 || len(crypt)%aes.BlockSize != 0 {
		return nil, 0, s.fail(ErrIncorrect, "cryptogram length")
	}
	plain := make([]byte, len(crypt))
	cipher.NewCBCDecrypter(s.enc, s.iv()).CryptBlocks(plain, crypt)
	end := len(plain) - 1
	for end > len(plain)-aes.BlockSize && plain[end] == 0 {
		end--
	}
	if plain[end] != 0x80 || end == 0 {
		return nil, 0, s.fail(ErrIncorrect, "padding")
	}
	return plain[:end:end], Encrypted, nil
}

// message is what stands in the data field of a protected message.
type message struct {
	data    tlv.Item // tag 0 when there is none
	control []byte   // value of DO97 or DO99
	objects []byte   // everything that the MAC covers
	mac     []byte
}

// split reads [data object] [control object] MAC, in that order and nothing
// else. It only looks at the coding.
func split(raw []byte, odd bool, control tlv.Tag) (m message, err error) {
	rest := raw
	for len(rest) > 0 {
		item, after, err := tlv.Next(rest)
		if err != nil {
			return message{}, fmt.Errorf("%w: %w", ErrIncorrect, err)
		}
		switch {
		case item.Tag == TagMAC:
			if len(item.Value) != MACLen || len(after) > 0 {
				return message{}, fmt.Errorf("%w: mac object", ErrIncorrect)
			}
			m.mac, m.objects = item.Value, raw[:len(raw)-len(rest)]
			return m, nil
		case item.Tag == control && m.control == nil && len(item.Value) > 0:
			m.control = item.Value
		case isData(item.Tag, odd) && m.data.Tag == 0 && m.control == nil && len(item.Value) > 0:
			m.data = item
		default:
			return message{}, fmt.Errorf("%w: unexpected object %v", ErrIncorrect, item.Tag)
		}
		rest = after
	}
	return message{}, fmt.Errorf("%w: no mac object", ErrMissing)
}

func isData(tag tlv.Tag, odd bool) bool {
	if odd {
		return tag == TagCryptoTLV || tag == TagPlainTLV
	}
	return tag == TagCryptogram || tag == TagPlain
}

// verify checks the MAC in constant time.
func (s *Session) verify(header []byte, m message) error {
	if subtle.ConstantTimeCompare(s.sum(header, m.objects), m.mac) != 1 {
		return s.fail(ErrIncorrect, "mac")
	}
	return nil
}

func smHeader(c apdu.Command) []byte {
	return []byte{c.CLA | ClassSM, c.INS, c.P1, c.P2}
}
