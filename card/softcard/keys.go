package softcard

import (
	"bytes"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

const tagPerson tlv.Tag = 0x83 // the person that a command means, one byte

// getKeys is GET DATA 0150: {83 person} gives 53 {80+section key, ...}, the
// keys of that person's sections that the role may open.
func (c *Card) getKeys(cl call) (answer, error) {
	mode, err := c.allow(cl, actGet, objKeys)
	if err != nil {
		return answer{}, err
	}
	raw, err := tlv.Field(cl.Data, tagPerson)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	person, err := personOf(raw)
	switch {
	case err != nil:
		return answer{}, err
	case !c.state.carries(person):
		return answer{}, refuse(apdu.SWReferenceNotFound)
	}
	return whole(cl, tlv.Make(0x53, c.keysFor(person, c.ram.session.roles)), mode)
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

// keysFor returns {80+section, key} of every section that roles may open.
func (c *Card) keysFor(person uint8, roles cvc.Roles) []byte {
	set := mem.keys[person].get(&c.nvm)
	if len(set) != keySetSize {
		return nil
	}
	var out []byte
	for _, s := range record.AllSections() {
		if sectionRoles[s]&roles != 0 {
			out = tlv.Append(out, sectionTag(s), set[int(s)*keySize:][:keySize])
		}
	}
	return out
}

func sectionTag(s record.Section) tlv.Tag { return 0x80 + tlv.Tag(s) }

// putKeys stores a person's keys: {83 person, 80 key, 81 key, ... 85 key}. The
// holder's come first. Keys that replace others begin log and summary anew, and
// the holder's make the card forget all family members.
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
	for p := uint8(1); p < card.MaxPersons; p++ {
		if !c.state.carries(p) {
			continue
		}
		for range 2 { // the copy under it as well
			if err := mem.keys[p].put(&c.nvm, nil); err != nil {
				return err
			}
		}
		c.state.persons &^= 1 << p
	}
	return nil
}
