package softcard

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// Sizes of what is kept of a reference, in bytes.
const (
	pinCellSize    = 2 + card.PINLen
	fingerHeader   = 2 + 1 // persons, finger
	fingerCellSize = fingerHeader + minutiaLen*card.MaxMinutiae
)

// Data objects of references (ISO/IEC 7816-11, biometric information
// template, and the card format of ISO/IEC 19794-2).
const (
	tagPersons    tlv.Tag = 0x80
	tagPIN        tlv.Tag = 0x81
	tagGroup      tlv.Tag = 0x7F61
	tagCount      tlv.Tag = 0x02
	tagTemplate   tlv.Tag = 0x7F60
	tagReference  tlv.Tag = 0x83
	tagScore      tlv.Tag = 0x85
	tagDiscretion tlv.Tag = 0x53
	tagHeader     tlv.Tag = 0xA1
	tagParameters tlv.Tag = 0xB1
	tagBiometric  tlv.Tag = 0x7F2E
	tagMinutiae   tlv.Tag = 0x81
)

func (s *state) mountReferences(m *nvm) error {
	pin := mem.pin.get(m)
	if len(pin) != 0 && len(pin) != pinCellSize {
		return fmt.Errorf("mount PIN: %d bytes", len(pin))
	}
	s.hasPIN = len(pin) != 0
	for i, finger := range mem.bio {
		switch n := len(finger.get(m)); {
		case n == 0:
		case n < fingerHeader+minutiaLen*card.MinMinutiae, (n-fingerHeader)%minutiaLen != 0:
			return fmt.Errorf("mount finger: %d bytes", n)
		default:
			s.fingers |= 1 << i
		}
	}
	for k := range s.tries {
		raw := mem.tries[k].get(m)
		switch {
		case raw == nil:
			s.tries[k] = fullTries[k]
		case len(raw) != triesSize || raw[0] > fullTries[k].left || raw[1] > fullTries[k].interrupted || raw[2] > 1:
			return fmt.Errorf("mount tries: % X", raw)
		default:
			s.tries[k] = tries{left: raw[0], interrupted: raw[1], running: raw[2] == 1}.settled()
		}
	}
	return nil
}

// reference is what VERIFY compares with: for whom it verifies, and the PIN or
// the minutiae.
type reference struct {
	persons uint16
	data    []byte
}

// pin returns the PIN's reference. It owes the status word 6A88.
func (c *Card) pin() (reference, error) {
	raw := mem.pin.get(&c.nvm)
	if len(raw) != pinCellSize {
		return reference{}, refuse(apdu.SWReferenceNotFound)
	}
	return reference{binary.BigEndian.Uint16(raw), raw[2:]}, nil
}

// finger returns the reference of an enrolled finger. It owes the status word
// 6A88.
func (c *Card) finger(ref byte) (reference, error) {
	i := int(ref) - card.FirstFinger
	if i < 0 || i >= card.MaxFingers || c.state.fingers>>i&1 == 0 {
		return reference{}, refuse(apdu.SWReferenceNotFound)
	}
	raw := mem.bio[i].get(&c.nvm)
	return reference{binary.BigEndian.Uint16(raw), raw[fingerHeader:]}, nil
}

// putPIN stores {80 persons u16, 81 PIN}, with all its tries.
func (c *Card) putPIN(raw []byte) error {
	f, err := tlv.Fields(raw, tagPersons, tagPIN)
	if err != nil || len(f[0]) != 2 || bytes.Equal(f[0], []byte{0, 0}) || !isPIN(f[1]) {
		return refuse(apdu.SWWrongData)
	}
	if err := c.note(card.AuditPINReset, 0); err != nil {
		return err
	}
	return c.storePIN(binary.BigEndian.Uint16(f[0]), f[1])
}

// storePIN makes a PIN count, with all its tries. The tries come last: a cut
// before leaves the new PIN with the tries of the old one.
func (c *Card) storePIN(persons uint16, pin []byte) error {
	raw := binary.BigEndian.AppendUint16(make([]byte, 0, pinCellSize), persons)
	if err := mem.pin.putTwice(&c.nvm, append(raw, pin...)); err != nil {
		return err
	}
	c.state.hasPIN = true
	return c.setTries(kindPIN, fullTries[kindPIN])
}

// isPIN reports whether p is a PIN in its fixed form: 4 to 8 ASCII digits,
// filled up with FF to eight bytes.
func isPIN(p []byte) bool {
	if len(p) != card.PINLen {
		return false
	}
	digits := bytes.TrimRight(p, "\xFF")
	for _, d := range digits {
		if d < '0' || d > '9' {
			return false
		}
	}
	return len(digits) >= card.MinPIN
}

// putFinger stores one template in its biometric information template:
//
//	7F60 { 83 reference, 53 persons u16, A1 header, 7F2E { 81 minutiae } }
func (c *Card) putFinger(raw []byte) error {
	inner, err := tlv.Field(raw, tagTemplate)
	if err != nil {
		return refuse(apdu.SWWrongData)
	}
	f, err := tlv.Fields(inner, tagReference, tagDiscretion, tagHeader, tagBiometric)
	if err != nil || len(f[0]) != 1 || len(f[1]) != 2 || bytes.Equal(f[1], []byte{0, 0}) {
		return refuse(apdu.SWWrongData)
	}
	i := int(f[0][0]) - card.FirstFinger
	subtype, ok := fingerSubtype(f[2])
	minutiae, err := tlv.Field(f[3], tagMinutiae)
	if i < 0 || i >= card.MaxFingers || !ok || err != nil {
		return refuse(apdu.SWWrongData)
	}
	if _, err := parseMinutiae(minutiae); err != nil {
		return refuse(apdu.SWWrongData)
	}
	if err := c.note(card.AuditFinger, uint16(f[0][0])<<8); err != nil {
		return err
	}
	value := append(append(append([]byte{}, f[1]...), subtype), minutiae...)
	if err := mem.bio[i].putTwice(&c.nvm, value); err != nil {
		return err
	}
	c.state.fingers |= 1 << i
	return nil
}

// header is the header of every biometric information template here: type
// fingerprint, a finger, JTC 1/SC 37's compact card format.
func header(subtype byte) []byte {
	return tlv.Make(tagHeader, tlv.Make(0x81, []byte{0x08}), tlv.Make(0x82, []byte{subtype}),
		tlv.Make(0x87, []byte{0x01, 0x01}), tlv.Make(0x88, []byte{0x00, 0x05}))
}

// fingerSubtype reads the finger out of a header's content.
func fingerSubtype(raw []byte) (byte, bool) {
	f, err := tlv.Fields(raw, 0x81, 0x82, 0x87, 0x88)
	if err != nil || len(f[1]) != 1 || !bytes.Equal(tlv.Make(tagHeader, raw), header(f[1][0])) {
		return 0, false
	}
	finger, hand := f[1][0]>>2, f[1][0]&3
	return f[1][0], finger >= 1 && finger <= 5 && (hand == 1 || hand == 2)
}

// fingerGroup returns which fingers are enrolled, for GET DATA:
//
//	7F61 { 02 number, 7F60 { 83 reference, 53 persons, A1 header, B1 { 81 least, most minutiae } } … }
func (c *Card) fingerGroup() []byte {
	var list []byte
	n := byte(0)
	for i := range mem.bio {
		if raw := c.template(i); raw != nil {
			list = tlv.Append(list, tagTemplate, c.about(i, raw),
				tlv.Make(tagParameters, tlv.Make(0x81, []byte{card.MinMinutiae, card.MaxMinutiae})))
			n++
		}
	}
	return tlv.Make(tagGroup, tlv.Make(tagCount, []byte{n}), list)
}

// templates returns the content of EF.BIO: every template as it was put.
func (c *Card) templates() []byte {
	var out []byte
	for i := range mem.bio {
		if raw := c.template(i); raw != nil {
			out = tlv.Append(out, tagTemplate, c.about(i, raw), tlv.Make(tagBiometric, tlv.Make(tagMinutiae, raw[fingerHeader:])))
		}
	}
	return out
}

func (c *Card) template(i int) []byte {
	if c.state.fingers>>i&1 == 0 {
		return nil
	}
	return mem.bio[i].get(&c.nvm)
}

func (c *Card) about(i int, raw []byte) []byte {
	out := tlv.Make(tagReference, []byte{byte(card.FirstFinger + i)}) // #nosec G115 -- eight of them
	out = tlv.Append(out, tagDiscretion, raw[:2])
	return append(out, header(raw[2])...)
}

// forgetReferences drops PIN and fingers of an earlier personalisation.
func (c *Card) forgetReferences() error {
	if c.state.hasPIN {
		if err := mem.pin.putTwice(&c.nvm, nil); err != nil {
			return err
		}
		c.state.hasPIN = false
	}
	for i := range mem.bio {
		if c.state.fingers>>i&1 == 0 {
			continue
		}
		if err := mem.bio[i].putTwice(&c.nvm, nil); err != nil {
			return err
		}
		c.state.fingers &^= 1 << i
	}
	for k, full := range fullTries {
		if c.state.tries[k] == full {
			continue
		}
		if err := c.setTries(kind(k), full); err != nil { // #nosec G115 -- two kinds
			return err
		}
	}
	return nil
}
