package softcard

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// logState is what the card knows of its log. It lies in a head slot as
//
//	head 52 | four marks of 24, unused ones zero | CRC-32 (IEEE) of what stands before
//
// so that head and marks are always of one moment.
type logState struct {
	head  card.Head
	marks []card.Mark // of the segments behind the one in which the log begins, oldest first
}

const (
	slotLen     = headLen + card.Segments*card.MarkLen + 4
	receiptLen  = 4 + 16 + cose.SignatureSize
	receiptSeq  = 4
	receiptBody = receiptSeq + 16
)

// next returns the state after an append. The first entry that begins in a
// segment leaves a mark; the one at which the log begins is in the head.
func (s logState) next(sealed []byte) logState {
	newest := s.head.Start
	if n := len(s.marks); n > 0 {
		newest = s.marks[n-1].Offset
	}
	marks := slices.Clone(s.marks)
	if card.Segment(s.head.Tail) > card.Segment(newest) {
		marks = append(marks, card.Mark{Seq: s.head.Seq, Offset: s.head.Tail, Chain: s.head.Chain})
	}
	return logState{head: s.head.Next(sealed), marks: marks}
}

// freed returns the state without the entries before a mark.
func (s logState) freed(seq uint32, chain [16]byte) (logState, bool) {
	i := slices.IndexFunc(s.marks, func(m card.Mark) bool { return m.Seq == seq && m.Chain == chain })
	if i < 0 {
		return s, false
	}
	m := s.marks[i]
	s.head.StartSeq, s.head.Start, s.head.StartChain = m.Seq, m.Offset, m.Chain
	s.marks = slices.Clone(s.marks[i+1:])
	return s, true
}

// encode writes a head slot.
func (s logState) encode() ([]byte, error) {
	raw, err := s.head.AppendBinary(make([]byte, 0, slotLen))
	if err != nil {
		return nil, err
	}
	for _, m := range s.marks {
		if raw, err = m.AppendBinary(raw); err != nil {
			return nil, err
		}
	}
	raw = append(raw, make([]byte, slotLen-4-len(raw))...)
	return binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw)), nil
}

// decodeLogState reads a head slot; ok is false when it is torn, or never was
// written.
func decodeLogState(raw []byte) (s logState, ok bool) {
	body := raw[:slotLen-4]
	if binary.BigEndian.Uint32(raw[len(body):]) != crc32.ChecksumIEEE(body) || s.head.UnmarshalBinary(body[:headLen]) != nil {
		return logState{}, false
	}
	marks := body[headLen:]
	for len(marks) >= card.MarkLen && binary.BigEndian.Uint32(marks[len(marks)-card.MarkLen:]) == 0 {
		marks = marks[:len(marks)-card.MarkLen] // entry 0 has no mark
	}
	var err error
	s.marks, err = card.ParseMarks(marks, s.head)
	return s, err == nil
}

// getMarks is GET DATA 0154: the marks, oldest first.
func (c *Card) getMarks(cl call) (answer, error) {
	mode, err := c.allow(cl, actGet, objMarks)
	if err != nil {
		return answer{}, err
	}
	var raw []byte
	for _, m := range c.state.log.marks {
		if raw, err = m.AppendBinary(raw); err != nil {
			return answer{}, err
		}
	}
	return whole(cl, raw, mode)
}

// putReceipt is PUT DATA 0154: {seq u32, chain, signature} by the centre gives
// the new head. The certificate verified last must be of the terminal kind,
// have the right receipt and no role; the number and chain must be those of a
// mark. What was freed before is freed again without effect.
func (c *Card) putReceipt(cl call) (answer, error) {
	mode, err := c.allow(cl, actPut, objMarks)
	if err != nil {
		return answer{}, err
	}
	s := &c.ram.session
	leaf := s.chain.Leaf
	switch {
	case len(cl.Data) != receiptLen:
		return answer{}, refuse(apdu.SWWrongLength)
	case leaf == nil || leaf.Kind != cvc.KindTerminal || leaf.Roles != 0 || !s.chain.Rights.Has(cvc.RightReceipt),
		leaf != nil && leaf.To.Before(c.state.date):
		return answer{}, refuse(apdu.SWSecurityStatus)
	}
	seq, chain := binary.BigEndian.Uint32(cl.Data), [16]byte(cl.Data[receiptSeq:])
	signed := card.ReceiptInput(c.state.id, seq, chain)
	c.meter.sha(len(signed))
	c.meter.crypto(timeVerify)
	if err := cose.VerifyES256(leaf.Public, signed, cl.Data[receiptBody:]); err != nil {
		return answer{}, refuse(apdu.SWSecurityStatus)
	}
	log := c.state.log
	if seq == log.head.StartSeq && chain == log.head.StartChain {
		raw, err := log.head.MarshalBinary()
		return answer{data: raw, mode: mode}, err
	}
	log, ok := log.freed(seq, chain)
	if !ok {
		return answer{}, refuse(apdu.SWConditions)
	}
	if err := c.note(card.AuditFree, uint16(seq)); err != nil { // #nosec G115 -- the low half
		return answer{}, err
	}
	return c.published(log, mode)
}
