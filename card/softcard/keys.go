package softcard

import (
	"bytes"
	"encoding/binary"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

const (
	tagPerson tlv.Tag = 0x83 // the person that a command means, one byte
	tagTime   tlv.Tag = 0x84 // the terminal's time, seconds since 1970, u32
)

// getKeys is GET DATA 0150: {83 person [, 84 time u32]} gives 53 {80+section
// key, ...}, the keys of that person's sections that the role may open. The
// line in EF.AUDIT stands before they leave.
func (c *Card) getKeys(cl call) (answer, error) {
	mode, err := c.allow(cl, actGet, objKeys)
	if err != nil {
		return answer{}, err
	}
	person, at, err := keyRequest(cl.Data)
	switch {
	case err != nil:
		return answer{}, err
	case !c.state.carries(person):
		return answer{}, refuse(apdu.SWReferenceNotFound)
	}
	if at != 0 {
		c.ram.session.time = at
	}
	given := c.sectionsFor(person)
	a, err := whole(cl, tlv.Make(0x53, c.keysOf(person, given)), mode)
	if err != nil {
		return answer{}, err
	}
	return a, c.noteKeys(person, given)
}

// keyRequest reads {83 person [, 84 time u32]}. It owes the status word 6A80.
func keyRequest(raw []byte) (person uint8, at uint32, err error) {
	items, err := tlv.All(raw)
	if err != nil || len(items) == 0 || len(items) > 2 || items[0].Tag != tagPerson {
		return 0, 0, refuse(apdu.SWWrongData)
	}
	if len(items) == 2 {
		if items[1].Tag != tagTime || len(items[1].Value) != 4 {
			return 0, 0, refuse(apdu.SWWrongData)
		}
		at = binary.BigEndian.Uint32(items[1].Value)
	}
	person, err = personOf(items[0].Value)
	return person, at, err
}

// noteKeys writes the line for keys that are about to be given out, once a
// session and person, and again when the sensitive one is among them for the
// first time.
func (c *Card) noteKeys(person uint8, given sectionSet) error {
	s, bit := &c.ram.session, uint16(1)<<person
	detail := uint16(person)<<8 | uint16(given)
	switch {
	case given == 0:
		return nil
	case given.has(record.SectionSensitive) && s.sensitive&bit == 0:
		if err := c.note(card.AuditSensitive, detail); err != nil {
			return err
		}
		s.sensitive |= bit
		s.noted |= bit
	case s.noted&bit == 0:
		if err := c.breakGlass(); err != nil {
			return err
		}
		if err := c.note(card.AuditRead, detail); err != nil {
			return err
		}
		s.noted |= bit
	}
	return nil
}

// personOf reads the number of a person. It owes the status word 6A80.
func personOf(raw []byte) (uint8, error) {
	if len(raw) != 1 || raw[0] >= card.MaxPersons {
		return 0, refuse(apdu.SWWrongData)
	}
	return raw[0], nil
}

// carries reports whether the card holds section keys of a person.
func (s *state) carries(person uint8) bool { return s.persons>>person&1 != 0 }

// sectionSet is a set of sections, bit by number.
type sectionSet uint8

func (s sectionSet) has(section record.Section) bool { return s>>section&1 != 0 }

// sectionsFor returns the sections of a person that the role of this session
// may open, the sensitive one after verification only.
func (c *Card) sectionsFor(person uint8) sectionSet {
	var out sectionSet
	for _, s := range record.AllSections() {
		verified := s != record.SectionSensitive || c.ram.session.verified>>person&1 != 0
		if sectionRoles[s]&c.ram.session.roles != 0 && verified {
			out |= 1 << s
		}
	}
	return out
}

// keysOf returns {80+section, key} of the given sections of a person.
func (c *Card) keysOf(person uint8, given sectionSet) []byte {
	set := mem.keys[person].get(&c.nvm)
	if len(set) != keySetSize {
		return nil
	}
	var out []byte
	for _, s := range record.AllSections() {
		if given.has(s) {
			out = tlv.Append(out, sectionTag(s), set[int(s)*keySize:][:keySize])
		}
	}
	return out
}

func sectionTag(s record.Section) tlv.Tag { return 0x80 + tlv.Tag(s) }

// putKeys stores a person's keys: {83 person, 80 key, 81 key, ... 85 key}. The
// holder's come first. Keys that replace others begin log and summary anew, and
// the holder's make the card forget all family members, PIN and fingers.
func (c *Card) putKeys(raw []byte) error {
	tags := []tlv.Tag{tagPerson}
	for _, s := range record.AllSections() {
		tags = append(tags, sectionTag(s))
	}
	f, err := tlv.Fields(raw, tags...)
	if err != nil {
		return refuse(apdu.SWWrongData)
	}
	person, err := personOf(f[0])
	if err != nil {
		return err
	}
	for _, k := range f[1:] {
		if len(k) != keySize {
			return refuse(apdu.SWWrongData)
		}
	}
	if person != 0 && !c.state.carries(0) {
		return refuse(apdu.SWConditions)
	}
	if err := c.forgetKeys(person); err != nil {
		return err
	}
	if err := mem.keys[person].put(&c.nvm, bytes.Join(f[1:], nil)); err != nil {
		return err
	}
	c.state.persons |= 1 << person
	return nil
}

// forgetKeys makes room for a person's keys. What an earlier personalisation
// left in log and summary is sealed under other keys and goes first: a cut
// leaves old keys, no entries. It owes errPower.
func (c *Card) forgetKeys(person uint8) error {
	if !c.state.carries(person) {
		return nil
	}
	if err := c.emptyLog(); err != nil || person != 0 {
		return err
	}
	if err := c.forgetReferences(); err != nil {
		return err
	}
	for p := uint8(1); p < card.MaxPersons; p++ {
		if !c.state.carries(p) {
			continue
		}
		if err := mem.keys[p].putTwice(&c.nvm, nil); err != nil {
			return err
		}
		c.state.persons &^= 1 << p
	}
	return nil
}
