package softcard

import (
	"crypto/ecdh"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// Life-cycle bytes of the application (ISO/IEC 7816-4:2020, table 14).
const (
	lifeCreation    byte = 0x01
	lifeOperational byte = 0x05
	lifeBlocked     byte = 0x04
	lifeTerminated  byte = 0x0C
)

const headLen = card.HeadLen

// state is what the card knows from its memory. mount reads it at power-on,
// and every write keeps it in step.
type state struct {
	mounted bool  // mount made this
	broken  error // memory contradicts itself: the card answers 6581 only

	id       card.ID
	life     byte
	log      logState
	headSlot int // slot that holds log
	key      *ecdh.PrivateKey
	anchors  []*cvc.Certificate // newest first, maxAnchors at most
	date     cvc.Date
	persons  uint16        // whose section keys are there, bit by person
	length   [numFiles]int // of EF.CardSecurity, EF.ID and EF.PHOTO; 0: never written
	hasPIN   bool
	fingers  uint16 // which finger references are there, bit by number
	tries    [2]tries
	audit    uint32 // number of the newest line of EF.AUDIT
}

// mount reads the memory. A contradiction is told by state.broken.
func mount(m *nvm) state {
	s := state{mounted: true}
	s.broken = errors.Join(s.mountCells(m), s.mountHead(m), s.mountSummary(m), s.mountReferences(m))
	s.mountAudit(m)
	return s
}

func (s *state) mountCells(m *nvm) error {
	id, life := mem.id.get(m), mem.life.get(m)
	if len(id) != len(s.id) || len(life) != 1 {
		return errors.New("mount card: no identifier or life cycle")
	}
	copy(s.id[:], id)
	s.life = life[0]
	switch s.life {
	case lifeCreation, lifeOperational, lifeBlocked, lifeTerminated:
	default:
		return fmt.Errorf("mount card: life cycle %02X", s.life)
	}
	if raw := mem.key.get(m); raw != nil {
		key, err := ecdh.P256().NewPrivateKey(raw)
		if err != nil {
			return fmt.Errorf("mount card key: %w", err)
		}
		s.key = key
	}
	if raw := mem.trust.get(m); raw != nil {
		anchors, err := parseAnchors(raw)
		if err != nil {
			return fmt.Errorf("mount trust anchors: %w", err)
		}
		s.anchors, s.date = anchors, anchors[len(anchors)-1].From
	}
	if raw := mem.date.get(m); raw != nil {
		date, err := cvc.ParseDate(raw)
		if err != nil {
			return fmt.Errorf("mount date: %w", err)
		}
		s.date = date
	}
	s.anchors = living(s.anchors, s.date)
	for p, keys := range mem.keys {
		switch raw := keys.get(m); len(raw) {
		case 0:
		case keySetSize:
			s.persons |= 1 << p
		default:
			return fmt.Errorf("mount section keys: %d bytes", len(raw))
		}
	}
	return s.mountSizes(m)
}

func (s *state) mountSizes(m *nvm) error {
	raw := mem.sizes.get(m)
	if raw == nil {
		return nil
	}
	if len(raw) != mem.sizes.size {
		return fmt.Errorf("mount file lengths: %d bytes", len(raw))
	}
	for f := fileSecurity; f <= filePhoto; f++ {
		n := int(binary.BigEndian.Uint16(raw[sizesIndex(f):]))
		if n > files[f].size {
			return fmt.Errorf("mount %s: length %d", files[f].name, n)
		}
		s.length[f] = n
	}
	return nil
}

// newer says which of two head slots was written last: each write raises one
// of these numbers and lowers none, in this order.
func newer(a, b card.Head) bool {
	if a.Seq != b.Seq {
		return a.Seq > b.Seq
	}
	if a.SummaryVersion != b.SummaryVersion {
		return a.SummaryVersion > b.SummaryVersion
	}
	return a.StartSeq > b.StartSeq
}

// mountHead finds the valid head slot that was written last.
func (s *state) mountHead(m *nvm) error {
	s.headSlot = -1
	for i := range mem.heads {
		log, ok := readHead(m, i)
		if ok && (s.headSlot < 0 || newer(log.head, s.log.head)) {
			s.log, s.headSlot = log, i
		}
	}
	if s.headSlot < 0 {
		return errors.New("mount log: no valid head")
	}
	return nil
}

func (s *state) mountSummary(m *nvm) error {
	version := s.log.head.SummaryVersion
	if version == 0 {
		return nil
	}
	if _, ok := readSummary(m, version); !ok {
		return errors.New("mount summary: no valid slot")
	}
	return nil
}

// readHead reads a head slot.
func readHead(m *nvm, slot int) (logState, bool) {
	return decodeLogState(m.b[mem.heads[slot]:][:slotLen])
}

// writeHead writes a head slot. It owes errPower.
func writeHead(m *nvm, slot int, log logState) error {
	raw, err := log.encode()
	if err != nil {
		return fmt.Errorf("write head: %w", err)
	}
	return m.write(mem.heads[slot], raw)
}

// publish makes log the state of the log: the older slot is written, so that
// until its last byte stands the newer slot holds what was true before. It owes
// errPower.
func (c *Card) publish(log logState) error {
	slot := 1 - c.state.headSlot
	if c.opts.singleHead {
		slot = c.state.headSlot
	}
	if err := writeHead(&c.nvm, slot, log); err != nil {
		return err
	}
	c.state.log, c.state.headSlot = log, slot
	return nil
}

// emptyLog forgets all entries and the summary. Until the second slot is
// written the old head counts, then the empty one. It owes errPower.
func (c *Card) emptyLog() error {
	if c.state.log.head.IsZero() {
		return nil
	}
	if err := c.publish(logState{}); err != nil {
		return err
	}
	return c.publish(logState{})
}

// A summary slot: length u16 | its complement u16 | sealed summary. The head's
// summary version says which slot counts: odd versions lie in slot 1.
func summaryAt(version uint32) int {
	return mem.files[fileSummary] + int(version&1)*summarySlot
}

// readSummary returns the summary of a version, a part of the memory.
func readSummary(m *nvm, version uint32) ([]byte, bool) {
	raw := m.b[summaryAt(version):][:summarySlot]
	n, complement := binary.BigEndian.Uint16(raw), binary.BigEndian.Uint16(raw[2:])
	if n != ^complement || n == 0 || int(n) > summaryMax {
		return nil, false
	}
	return raw[4 : 4+n], true
}

// writeSummary writes the slot of a version. It owes errPower.
func writeSummary(m *nvm, version uint32, sealed []byte) error {
	n := uint16(len(sealed)) // #nosec G115 -- at most summaryMax
	raw := binary.BigEndian.AppendUint16(make([]byte, 0, 4+len(sealed)), n)
	raw = binary.BigEndian.AppendUint16(raw, ^n)
	return m.write(summaryAt(version), append(raw, sealed...))
}

// The log is a ring: the byte at a logical offset lies at that offset modulo
// logSize.

// readLog copies the bytes from a logical offset on.
func readLog(m *nvm, at uint32, n int) []byte {
	ring := m.b[mem.files[fileLog]:][:logSize]
	from := int(at % logSize)
	out := append(make([]byte, 0, n), ring[from:min(from+n, logSize)]...)
	return append(out, ring[:n-len(out)]...)
}

// writeLog writes p at a logical offset. It owes errPower.
func writeLog(m *nvm, at uint32, p []byte) error {
	from := int(at % logSize)
	n := min(len(p), logSize-from)
	if err := m.write(mem.files[fileLog]+from, p[:n]); err != nil {
		return err
	}
	return m.write(mem.files[fileLog], p[n:])
}
