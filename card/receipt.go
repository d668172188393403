package card

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// MarkLen is the length of an encoded mark in bytes.
const MarkLen = 4 + 4 + 16

// segmentSize is the number of bytes of the log that are freed together.
const segmentSize = LogSize / Segments

// Mark is a place at which the log may be cut: the state of the log before the
// first entry that begins in a segment.
//
//	seq u32 | offset u32 | chain 16
type Mark struct {
	Seq    uint32   // entries appended before it
	Offset uint32   // logical offset of the first entry behind it
	Chain  [16]byte // chain value after entry Seq
}

// Segment returns the number of the segment in which a logical offset lies,
// counted from 0 and ever rising.
func Segment(offset uint32) uint32 { return offset / segmentSize }

// AppendBinary implements encoding.BinaryAppender.
func (m Mark) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, m.Seq)
	b = binary.BigEndian.AppendUint32(b, m.Offset)
	return append(b, m.Chain[:]...), nil
}

// ParseMarks reads up to four marks, oldest first, of the log that head
// describes. It owes ErrHead for marks that contradict it or one another.
func ParseMarks(raw []byte, head Head) ([]Mark, error) {
	if len(raw)%MarkLen != 0 || len(raw) > Segments*MarkLen {
		return nil, fmt.Errorf("%w: marks of %d bytes", ErrHead, len(raw))
	}
	var out []Mark
	before := Mark{Seq: head.StartSeq, Offset: head.Start}
	for ; len(raw) > 0; raw = raw[MarkLen:] {
		m := Mark{binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:]), [16]byte(raw[8:])}
		entries, size := uint64(m.Seq)-uint64(before.Seq), uint64(m.Offset)-uint64(before.Offset)
		switch {
		case m.Seq <= before.Seq, m.Seq >= head.Seq, m.Offset >= head.Tail, Segment(m.Offset) <= Segment(before.Offset),
			entries*minRecord > size, size > entries*(MaxEntry+LenLength):
			return nil, fmt.Errorf("%w: a mark outside the log", ErrHead)
		}
		out = append(out, m)
		before = m
	}
	return out, nil
}

// Marks reads the places at which the log that Head gave last may be cut,
// oldest first. It needs a clinic role, and owes ErrMalformed besides what
// Head owes.
func (s *Session) Marks(ctx context.Context) ([]Mark, error) {
	raw, err := s.link.do(ctx, apdu.Command{INS: insGetData, P1: DataMarks >> 8, P2: DataMarks & 0xFF, Ne: Segments * MarkLen}, sm.MACOnly)
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	marks, err := ParseMarks(raw, s.head)
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", malformed("%w", err))
	}
	return marks, nil
}

// LogReceipt is the centre's word that it holds every entry of one card's log
// up to Seq durably. Signature is ES256, r || s, over ReceiptInput, by the key
// of the last certificate.
type LogReceipt struct {
	Seq          uint32
	Chain        [16]byte // chain value after entry Seq
	Signature    []byte
	Certificates [][]byte // CV certificates, child of the card's anchor first
}

// receiptDomain keeps the signature apart from all others of the same key.
const receiptDomain = "dhamani log receipt v1"

// ReceiptInput returns what the centre signs:
//
//	"dhamani log receipt v1" || CardID 8 || seq u32 || chain 16
func ReceiptInput(id ID, seq uint32, chain [16]byte) []byte {
	return slices.Concat([]byte(receiptDomain), id[:], binary.BigEndian.AppendUint32(nil, seq), chain[:])
}

// Free shows the card a receipt of the centre. The card frees the entries up
// to Seq, which must be that of a mark, and answers its new head; when it has
// freed them before, nothing changes.
//
// It owes ErrSequence when the card has no mark with this number and chain;
// *AuthError when it refuses a certificate, ErrSecurityStatus when it refuses
// the signature or what the certificates allow; and what Append owes for a
// lost answer: a receipt may be shown again.
func (s *Session) Free(ctx context.Context, r LogReceipt) (Head, error) {
	h, err := s.free(ctx, r)
	if err != nil {
		return Head{}, fmt.Errorf("free log: %w", err)
	}
	s.head = h
	return h, nil
}

func (s *Session) free(ctx context.Context, r LogReceipt) (Head, error) {
	if len(r.Signature) != cose.SignatureSize {
		return Head{}, errors.New("receipt without a signature")
	}
	certs, err := parseChain(r.Certificates)
	if err != nil {
		return Head{}, err
	}
	if err := s.present(ctx, certs); err != nil {
		return Head{}, err
	}
	data := slices.Concat(binary.BigEndian.AppendUint32(nil, r.Seq), r.Chain[:], r.Signature)
	raw, err := s.link.do(ctx, putData(DataMarks, data, HeadLen), sm.Encrypted)
	if err != nil {
		return Head{}, err
	}
	h, err := parseHead(raw)
	switch {
	case err != nil:
		return Head{}, err
	case h.StartSeq != r.Seq, h.StartChain != r.Chain, !s.head.IsZero() && !h.freedFrom(s.head):
		return Head{}, ErrChain
	}
	return h, nil
}

// freedFrom reports whether h is before, but for entries at its begin that are
// not there any more.
func (h Head) freedFrom(before Head) bool {
	if h.StartSeq < before.StartSeq || h.Start < before.Start {
		return false
	}
	h.StartSeq, h.Start, h.StartChain = before.StartSeq, before.Start, before.StartChain
	return h == before
}

// Freeable returns the newest mark, up to which a receipt would free the log,
// and how many bytes that is; 0 when the log has no mark.
func Freeable(head Head, marks []Mark) (Mark, int) {
	if len(marks) == 0 {
		return Mark{}, 0
	}
	newest := marks[len(marks)-1]
	return newest, int(newest.Offset - head.Start)
}
