package softcard

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// EF.AUDIT is a ring of slots of half a page:
//
//	slot = line (28 bytes, see docs/formats/card.md) | CRC-32 (IEEE) of it
//
// Line n lies in slot n mod auditSlots. One slot more than the lines that can
// be read: a write that the power tears spoils what nobody reads any more.
const (
	auditSlot  = 32
	auditLine  = auditSlot - 4
	auditSlots = card.MaxAudit + 1
	auditMax   = 1<<24 - 1 // highest number of a line
)

// mountAudit finds the newest line.
func (s *state) mountAudit(m *nvm) {
	for i := range uint32(auditSlots) {
		if line, ok := auditAt(m, i); ok {
			s.audit = max(s.audit, auditNumber(line))
		}
	}
}

// auditAt reads a slot; the line in it is a part of the memory.
func auditAt(m *nvm, slot uint32) ([]byte, bool) {
	raw := m.b[mem.files[fileAudit]+int(slot)*auditSlot:][:auditSlot]
	if binary.BigEndian.Uint32(raw[auditLine:]) != crc32.ChecksumIEEE(raw[:auditLine]) {
		return nil, false
	}
	return raw[:auditLine], auditNumber(raw)%auditSlots == slot
}

func auditNumber(line []byte) uint32 {
	return uint32(line[0])<<16 | uint32(line[1])<<8 | uint32(line[2])
}

// auditLines returns the lines, oldest first.
func (c *Card) auditLines() []byte {
	var out []byte
	newest := c.state.audit
	for n := newest - min(newest, card.MaxAudit) + 1; n <= newest; n++ {
		if line, ok := auditAt(&c.nvm, n%auditSlots); ok && auditNumber(line) == n {
			out = append(out, line...)
		}
	}
	return out
}

// note writes a line about the terminal of this session. What it tells of
// happens afterwards, so that nothing happens untold. A card that is being
// personalised keeps no lines. It owes errPower.
func (c *Card) note(event card.AuditEvent, detail uint16) error {
	if c.state.life == lifeCreation {
		return nil
	}
	if c.state.audit == auditMax {
		return errors.New("write audit line: numbers are used up")
	}
	s, n := &c.ram.session, c.state.audit+1
	slot := make([]byte, 0, auditSlot)
	slot = append(slot, byte(n>>16), byte(n>>8), byte(n)) // #nosec G115 -- three bytes
	slot = binary.BigEndian.AppendUint16(slot, packDate(c.state.date))
	slot = binary.BigEndian.AppendUint32(slot, s.time)
	slot = append(slot, byte(event)<<3|byte(bits.TrailingZeros8(uint8(s.roles))&7)) // #nosec G115 -- one of seven roles
	slot = binary.BigEndian.AppendUint16(slot, detail)
	var holder [16]byte
	copy(holder[:], s.terminal)
	slot = append(slot, holder[:]...)
	slot = binary.BigEndian.AppendUint32(slot, crc32.ChecksumIEEE(slot))
	if err := c.nvm.write(mem.files[fileAudit]+int(n%auditSlots)*auditSlot, slot); err != nil {
		return err
	}
	c.state.audit = n
	return nil
}

// packDate packs a day: 7 bits of year since 2000, 4 of month, 5 of day.
func packDate(d cvc.Date) uint16 {
	return uint16(d[0]*10+d[1])<<9 | uint16(d[2]*10+d[3])<<5 | uint16(d[4]*10+d[5])
}

// breakGlass writes the line of an emergency, once a session, before the
// summary or its key leaves the card. It owes errPower.
func (c *Card) breakGlass() error {
	s := &c.ram.session
	if s.roles != cvc.RoleEmergency || s.glass {
		return nil
	}
	if err := c.note(card.AuditEmergency, 0); err != nil {
		return err
	}
	s.glass = true
	return nil
}
