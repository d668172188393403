package card

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// Data objects of PIN and fingers: ISO/IEC 7816-11, and clause 8 of ISO/IEC
// 19794-2.
const (
	tagPersons    tlv.Tag = 0x80
	tagPIN        tlv.Tag = 0x81
	tagReference  tlv.Tag = 0x83
	tagScore      tlv.Tag = 0x85
	tagCount      tlv.Tag = 0x02
	tagDiscretion tlv.Tag = 0x53
	tagHeader     tlv.Tag = 0xA1
	tagParameters tlv.Tag = 0xB1
	tagGroup      tlv.Tag = 0x7F61
	tagTemplate   tlv.Tag = 0x7F60
	tagBiometric  tlv.Tag = 0x7F2E
	tagMinutiae   tlv.Tag = 0x81
)

// MinutiaLen is the length of one minutia in the compact card format, in bytes.
const MinutiaLen = 3

// appendPersons encodes a set of persons: u16, bit by number.
func appendPersons(who record.Persons) []byte { return binary.BigEndian.AppendUint16(nil, uint16(who)) }

// Position is a finger under its number in ISO/IEC 19794-2: 1 right thumb to 5
// right little finger, 6 left thumb to 10 left little finger.
type Position uint8

// subtype is the biometric subtype of ISO/IEC 19785-3: hand in the two low
// bits, finger above.
func (p Position) subtype() (byte, error) {
	switch {
	case p >= 1 && p <= 5:
		return byte(p)<<2 | 1, nil
	case p >= 6 && p <= 10:
		return byte(p-5)<<2 | 2, nil
	}
	return 0, fmt.Errorf("finger %d: it is 1 to 10", uint8(p))
}

func positionOf(subtype byte) (Position, bool) {
	finger := Position(subtype >> 2)
	switch {
	case finger < 1 || finger > 5:
	case subtype&3 == 1:
		return finger, true
	case subtype&3 == 2:
		return finger + 5, true
	}
	return 0, false
}

// Finger says of an enrolled finger which it is and for whom it counts.
type Finger struct {
	Ref     uint8          // FirstFinger and up
	Persons record.Persons // for whom it counts; a guardian's for the child as well
	Finger  Position
}

// Template is an enrolled finger with its minutiae in the compact card format.
// It prints without them.
type Template struct {
	Finger
	Compact []byte
}

// String gives the finger, without its minutiae.
func (t Template) String() string {
	return fmt.Sprintf("finger %d of persons %v, %d minutiae [redacted]", uint8(t.Finger.Finger), t.Persons.List(), len(t.Compact)/MinutiaLen)
}

// GoString is String.
func (t Template) GoString() string { return t.String() }

// Biometrics tells which fingers are enrolled. Every role may ask.
func (s *Session) Biometrics(ctx context.Context) ([]Finger, error) {
	raw, err := s.link.do(ctx, apdu.Command{INS: insGetData, P1: DataFingers >> 8, P2: DataFingers & 0xFF, Ne: maxGroup}, sm.Encrypted)
	if err != nil {
		return nil, fmt.Errorf("read enrolled fingers: %w", err)
	}
	list, err := parseGroup(raw)
	if err != nil {
		return nil, fmt.Errorf("read enrolled fingers: %w", malformed("biometric information: %w", err))
	}
	return list, nil
}

// maxGroup bounds the answer to Biometrics, in bytes.
const maxGroup = 512

// parseGroup reads 7F61 { 02 number, 7F60 … }.
func parseGroup(raw []byte) ([]Finger, error) {
	inner, err := tlv.Field(raw, tagGroup)
	if err != nil {
		return nil, err
	}
	items, err := tlv.All(inner)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || items[0].Tag != tagCount || len(items[0].Value) != 1 || int(items[0].Value[0]) != len(items)-1 {
		return nil, fmt.Errorf("number of templates")
	}
	var out []Finger
	for _, it := range items[1:] {
		f, err := tlv.Fields(it.Value, tagReference, tagDiscretion, tagHeader, tagParameters)
		if it.Tag != tagTemplate || err != nil {
			return nil, fmt.Errorf("object %v: %w", it.Tag, err)
		}
		finger, err := parseFinger(f)
		if err != nil {
			return nil, err
		}
		if len(out) == MaxFingers || len(out) > 0 && finger.Ref <= out[len(out)-1].Ref {
			return nil, fmt.Errorf("finger %02X out of order", finger.Ref)
		}
		out = append(out, finger)
	}
	return out, nil
}

// parseFinger reads {83 reference, 53 persons, A1 header}.
func parseFinger(f [][]byte) (Finger, error) {
	if len(f[0]) != 1 || f[0][0] < FirstFinger || f[0][0] >= FirstFinger+MaxFingers || len(f[1]) != 2 {
		return Finger{}, fmt.Errorf("reference or persons of a finger")
	}
	h, err := tlv.Fields(f[2], 0x81, 0x82, 0x87, 0x88)
	if err != nil {
		return Finger{}, err
	}
	if len(h[1]) != 1 || !bytes.Equal(tlv.Make(tagHeader, f[2]), fingerHeader(h[1][0])) {
		return Finger{}, fmt.Errorf("header of a finger")
	}
	position, ok := positionOf(h[1][0])
	if !ok {
		return Finger{}, fmt.Errorf("finger %02X", h[1][0])
	}
	return Finger{f[0][0], record.Persons(binary.BigEndian.Uint16(f[1])), position}, nil
}

// fingerHeader is the header of a template: type fingerprint, subtype, JTC
// 1/SC 37, compact card format.
func fingerHeader(subtype byte) []byte {
	return tlv.Make(tagHeader, tlv.Make(0x81, []byte{0x08}), tlv.Make(0x82, []byte{subtype}),
		tlv.Make(0x87, []byte{0x01, 0x01}), tlv.Make(0x88, []byte{0x00, 0x05}))
}

// Templates reads the enrolled fingers, to compare them on the host. It needs
// the right host-match; none are there when it gives none.
func (s *Session) Templates(ctx context.Context) ([]Template, error) {
	raw, err := s.ReadFile(ctx, FileBio)
	if err != nil {
		return nil, err
	}
	list, err := parseTemplates(raw)
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", FileBio, malformed("%w", err))
	}
	return list, nil
}

// parseTemplates reads the content of EF.BIO.
func parseTemplates(raw []byte) ([]Template, error) {
	items, err := tlv.All(raw)
	if err != nil {
		return nil, err
	}
	var out []Template
	for _, it := range items {
		f, err := tlv.Fields(it.Value, tagReference, tagDiscretion, tagHeader, tagBiometric)
		if it.Tag != tagTemplate || err != nil {
			return nil, fmt.Errorf("object %v: %w", it.Tag, err)
		}
		finger, err := parseFinger(f)
		if err != nil {
			return nil, err
		}
		if len(out) == MaxFingers || len(out) > 0 && finger.Ref <= out[len(out)-1].Ref {
			return nil, fmt.Errorf("finger %02X out of order", finger.Ref)
		}
		compact, err := tlv.Field(f[3], tagMinutiae)
		if err != nil {
			return nil, err
		}
		if err := checkCompact(compact); err != nil {
			return nil, err
		}
		out = append(out, Template{finger, bytes.Clone(compact)})
	}
	return out, nil
}

func checkCompact(compact []byte) error {
	if n := len(compact) / MinutiaLen; len(compact)%MinutiaLen != 0 || n < MinMinutiae || n > MaxMinutiae {
		return fmt.Errorf("template of %d bytes: it has %d to %d minutiae", len(compact), MinMinutiae, MaxMinutiae)
	}
	return nil
}

// SetFinger stores a finger's template on a card in use, in place of the one
// that its reference had. It needs the role issuer and the right unblock.
func (s *Session) SetFinger(ctx context.Context, t Template) error { return setFinger(ctx, s.link, t) }

// PutFinger stores a finger's template, in place of the one that its reference
// had.
func (b *Blank) PutFinger(ctx context.Context, t Template) error { return setFinger(ctx, b.link, t) }

func setFinger(ctx context.Context, l *link, t Template) error {
	subtype, err := t.Finger.Finger.subtype()
	if err != nil {
		return fmt.Errorf("set finger: %w", err)
	}
	if err := checkCompact(t.Compact); err != nil {
		return fmt.Errorf("set finger: %w", err)
	}
	data := tlv.Make(tagTemplate, tlv.Make(tagReference, []byte{t.Ref}), tlv.Make(tagDiscretion, appendPersons(t.Persons)),
		fingerHeader(subtype), tlv.Make(tagBiometric, tlv.Make(tagMinutiae, t.Compact)))
	defer clear(data)
	if err := verifyOver(ctx, l, putData(DataFinger, data, 0)); err != nil {
		return fmt.Errorf("set finger: %w", err)
	}
	return nil
}
