// Package envelope seals and opens one entry: each section encrypted under a
// key of its own, all of them signed once by the author, in the compact form
// of docs/formats/entry.md.
//
// The standard structures are rebuilt from the compact form and not carried:
// what is signed is the Sig_structure of a COSE_Sign1 (RFC 9052 section 4.4),
// and each section is the ciphertext of a COSE_Encrypt0 (section 5). Whoever
// holds one section's key checks the author's signature without the others.
package envelope

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// MaxSealed bounds a sealed entry, in bytes. A card takes less, and says how
// much.
const MaxSealed = 16 << 10

// MaxPerson is the highest number of a person on a card; 0 is the holder.
const MaxPerson = 15

const (
	kidSize  = 4
	saltSize = 6
	// originSize is the length of both: they go together, in one string.
	originSize = kidSize + saltSize
	tagSize    = 16        // of AES-256-GCM
	maxTime    = 1<<27 - 1 // minutes, into the year 2255
)

// epochZero is the origin of the minute count.
var epochZero = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Sentinels on which callers branch.
var (
	// ErrFormat: the bytes are no sealed entry.
	ErrFormat = errors.New("malformed sealed entry")
	// ErrSignature: the entry is not the author's, not this person's, or
	// was changed.
	ErrSignature = errors.New("entry signature does not verify")
	// ErrDecrypt: a section does not decrypt under its key.
	ErrDecrypt = errors.New("entry section does not decrypt")
	// ErrNoKey: the key of the section is not at hand.
	ErrNoKey = errors.New("section key is not at hand")
	// ErrNoSection: the entry has no such section.
	ErrNoSection = errors.New("entry has no such section")
	// ErrKeyMismatch: a key is not the one that the subject commits to, or
	// the entry is of another key epoch or person than the subject.
	ErrKeyMismatch = errors.New("section key is not the person's")
	// ErrNotVerified: Open was called before Verify.
	ErrNotVerified = errors.New("entry has not been verified")
	// ErrTooLarge: the entry would exceed MaxSealed.
	ErrTooLarge = errors.New("entry is too large")
	// ErrMeta: person, time or sections cannot be sealed.
	ErrMeta = errors.New("entry cannot be sealed")
)

// Author is the key that signs, a professional's or the workstation's.
type Author struct {
	KID    [4]byte
	Signer crypto.Signer
}

// Meta is what an entry tells without a key.
type Meta struct {
	Person uint8     // the subject's: 0 is the card's holder, 1 to 15 the family
	Time   time.Time // start of the encounter, kept to the minute
}

// header is the part that every derived key and every tag covers.
type header struct {
	info uint64 // epoch<<4 | person
	time uint64 // minutes since 2000-01-01T00:00Z
	kid  [kidSize]byte
	salt [saltSize]byte
}

func (h *header) append(dst []byte) []byte {
	dst = cose.AppendUint(cose.AppendUint(dst, h.info), h.time)
	var origin [originSize]byte
	copy(origin[copy(origin[:], h.kid[:]):], h.salt[:])
	return cose.AppendBytes(dst, origin[:])
}

// Sealed is a parsed sealed entry:
//
//	[ info uint, time uint, origin bstr(10) = kid || salt,
//	  { section uint => ciphertext bstr }, signature bstr(64) ]
//
// It is not for concurrent use.
type Sealed struct {
	raw       []byte
	header    header
	sections  [record.NumSections][]byte // nil where there is none
	signature []byte
	verified  *Subject // set by Verify, demanded by Open
}

type sealedWire struct {
	_         struct{} `cbor:",toarray"`
	Info      uint64
	Time      uint64
	Origin    []byte
	Sections  map[uint64][]byte
	Signature []byte
}

// Parse reads a sealed entry; it keeps raw and does not change it. It owes
// ErrFormat.
func Parse(raw []byte) (*Sealed, error) {
	if len(raw) > MaxSealed {
		return nil, fmt.Errorf("sealed entry of %d bytes: %w", len(raw), ErrFormat)
	}
	var w sealedWire
	if err := cose.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("read sealed entry: %w: %w", ErrFormat, err)
	}
	if w.Info > 0xfff || w.Time > maxTime || len(w.Origin) != originSize ||
		len(w.Sections) == 0 || !cose.LowS(w.Signature) {
		return nil, fmt.Errorf("read sealed entry: header or signature: %w", ErrFormat)
	}
	s := &Sealed{raw: raw, signature: w.Signature}
	s.header = header{
		info: w.Info, time: w.Time, kid: [kidSize]byte(w.Origin[:kidSize]), salt: [saltSize]byte(w.Origin[kidSize:]),
	}
	for section, ciphertext := range w.Sections {
		if section >= record.NumSections || len(ciphertext) <= tagSize {
			return nil, fmt.Errorf("read sealed entry: section: %w", ErrFormat)
		}
		s.sections[section] = ciphertext
	}
	return s, nil
}

// IDOf returns the identifier of sealed bytes: their SHA-256.
func IDOf(raw []byte) record.EntryID { return sha256.Sum256(raw) }

// PersonOf tells which person sealed bytes are about, from their begin alone;
// ok is false for what is surely no sealed entry.
func PersonOf(raw []byte) (person uint8, ok bool) {
	if len(raw) < 4 || raw[0] != 0x85 {
		return 0, false
	}
	switch info := raw[1:4]; {
	case info[0] < 24:
		return info[0] & 0xf, true
	case info[0] == 24: // one byte follows
		return info[1] & 0xf, true
	case info[0] == 25: // two bytes
		return info[2] & 0xf, true
	}
	return 0, false
}

// ID returns the entry's identifier.
func (s *Sealed) ID() record.EntryID { return IDOf(s.raw) }

// Raw returns the bytes that were parsed.
func (s *Sealed) Raw() []byte { return s.raw }

// KID returns the author's key identifier.
func (s *Sealed) KID() [4]byte { return s.header.kid }

// Time returns the start of the encounter, in UTC, to the minute.
func (s *Sealed) Time() time.Time {
	return epochZero.Add(time.Duration(s.header.time) * time.Minute) // #nosec G115 -- at most 27 bits
}

// Person returns the number of the person on the card.
func (s *Sealed) Person() uint8 { return uint8(s.header.info & 0xf) }

// Epoch returns the number of the key set.
func (s *Sealed) Epoch() uint8 { return uint8(s.header.info >> 4) } // #nosec G115 -- at most 12 bits

// Sections lists the sections present, in order.
func (s *Sealed) Sections() []record.Section {
	var out []record.Section
	for i, c := range s.sections {
		if c != nil {
			out = append(out, record.Section(i)) // #nosec G115 -- six
		}
	}
	return out
}

// Length returns how many bytes a section holds, 0 for one that is not there.
func (s *Sealed) Length(section record.Section) int {
	if !section.Valid() {
		return 0
	}
	return max(len(s.sections[section])-tagSize, 0)
}

// Verify checks that the author signed this entry for this person under these
// keys. It owes ErrKeyMismatch (another epoch or person) and ErrSignature.
func (s *Sealed) Verify(subject Subject, author *ecdsa.PublicKey) error {
	if s.Person() != subject.Person {
		return fmt.Errorf("verify entry of person %d against %d: %w", s.Person(), subject.Person, ErrKeyMismatch)
	}
	if s.Epoch() != subject.Epoch {
		return fmt.Errorf("verify entry of key epoch %d against %d: %w", s.Epoch(), subject.Epoch, ErrKeyMismatch)
	}
	message := cose.SigStructure(cose.ProtectedES256, subject.Bytes(), s.payload())
	if err := cose.VerifyES256(author, message, s.signature); err != nil {
		return fmt.Errorf("verify entry: %w: %w", ErrSignature, err)
	}
	s.verified = &subject
	return nil
}

// payload is what is signed:
//
//	[ 1, info, time, origin, { section => SHA-256(ciphertext) } ]
func (s *Sealed) payload() []byte {
	n := 0
	for _, c := range s.sections {
		if c != nil {
			n++
		}
	}
	out := make([]byte, 0, 32+n*(sha256.Size+3))
	out = cose.AppendUint(cose.AppendArray(out, 5), 1)
	out = cose.AppendMap(s.header.append(out), n)
	for i, c := range s.sections {
		if c != nil {
			digest := sha256.Sum256(c)
			out = cose.AppendBytes(cose.AppendUint(out, uint64(i)), digest[:]) // #nosec G115 -- six
		}
	}
	return out
}

// COSE returns the entry's signature as a standard COSE_Sign1 with the payload
// attached, for other programs; the external additional data is the subject's
// bytes.
func (s *Sealed) COSE() []byte {
	return cose.AssembleSign1(s.header.kid[:], s.payload(), s.signature)
}
