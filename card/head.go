package card

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// HeadLen is the length of an encoded head in bytes.
const HeadLen = 52

// minRecord is the shortest record in the log: one byte and its trailer.
const minRecord = 1 + LenLength

// ErrHead is returned for a head that is malformed or contradicts itself.
var ErrHead = errors.New("malformed head of the log")

// Head describes the log of a card and versions its summary.
//
//	seq u32 | startSeq u32 | start u32 | tail u32 | chain 16 | startChain 16 | summaryVersion u32
//
// All numbers are big endian. Offsets are logical: they only ever rise, and
// the byte at offset o lies at o mod 65536 of the ring. The log holds the
// entries StartSeq+1 .. Seq in the bytes Start .. Tail-1.
type Head struct {
	Seq            uint32   // entries ever appended
	StartSeq       uint32   // entries freed so far
	Start          uint32   // offset of the oldest byte held
	Tail           uint32   // offset behind the newest byte
	Chain          [16]byte // chain value after entry Seq
	StartChain     [16]byte // chain value after entry StartSeq
	SummaryVersion uint32   // summaries ever written
}

// NextChain extends a chain by one entry:
//
//	chain_0 = 16 zero bytes; chain_n = SHA-256(chain_{n-1} || SHA-256(sealed))[:16]
func NextChain(chain [16]byte, sealed []byte) [16]byte {
	return extend(chain, sha256.Sum256(sealed))
}

// ExtendChain is NextChain for an entry of which only the identifier, the
// SHA-256 of its sealed bytes, is at hand.
func ExtendChain(chain [16]byte, id [sha256.Size]byte) [16]byte { return extend(chain, id) }

func extend(chain [16]byte, digest [sha256.Size]byte) [16]byte {
	var in [16 + sha256.Size]byte
	copy(in[:16], chain[:])
	copy(in[16:], digest[:])
	sum := sha256.Sum256(in[:])
	return [16]byte(sum[:16])
}

// Next returns what the head must be after sealed has been appended.
func (h Head) Next(sealed []byte) Head {
	h.Seq++
	h.Tail += uint32(len(sealed)) + LenLength // #nosec G115 -- an entry has at most 2,000 bytes
	h.Chain = NextChain(h.Chain, sealed)
	return h
}

// IsZero reports whether h is the head of a card that was never written.
func (h Head) IsZero() bool { return h == Head{} }

// Size returns the number of bytes that the log holds.
func (h Head) Size() int { return int(h.Tail - h.Start) }

// Free returns the number of bytes that the log can still take, trailers
// included.
func (h Head) Free() int { return LogSize - h.Size() }

// Validate checks that the numbers agree with one another. It owes ErrHead.
func (h Head) Validate() error {
	entries, size := uint64(h.Seq)-uint64(h.StartSeq), uint64(h.Tail)-uint64(h.Start)
	switch {
	case h.Seq < h.StartSeq, h.Tail < h.Start, size > LogSize,
		entries*minRecord > size, entries == 0 && size > 0,
		size > entries*(MaxEntry+LenLength),
		entries == 0 && h.Chain != h.StartChain,
		h.StartSeq == 0 && (h.Start != 0 || h.StartChain != [16]byte{}):
		return ErrHead
	}
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (h Head) MarshalBinary() ([]byte, error) { return h.AppendBinary(make([]byte, 0, HeadLen)) }

// AppendBinary implements encoding.BinaryAppender.
func (h Head) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, h.Seq)
	b = binary.BigEndian.AppendUint32(b, h.StartSeq)
	b = binary.BigEndian.AppendUint32(b, h.Start)
	b = binary.BigEndian.AppendUint32(b, h.Tail)
	b = append(b, h.Chain[:]...)
	b = append(b, h.StartChain[:]...)
	return binary.BigEndian.AppendUint32(b, h.SummaryVersion), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. It owes ErrHead.
func (h *Head) UnmarshalBinary(b []byte) error {
	if len(b) != HeadLen {
		return ErrHead
	}
	v := Head{
		Seq:            binary.BigEndian.Uint32(b[0:]),
		StartSeq:       binary.BigEndian.Uint32(b[4:]),
		Start:          binary.BigEndian.Uint32(b[8:]),
		Tail:           binary.BigEndian.Uint32(b[12:]),
		Chain:          [16]byte(b[16:32]),
		StartChain:     [16]byte(b[32:48]),
		SummaryVersion: binary.BigEndian.Uint32(b[48:]),
	}
	if err := v.Validate(); err != nil {
		return err
	}
	*h = v
	return nil
}
