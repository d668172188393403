package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/record"
)

// Envelope is a sealed entry with the patient that it belongs to:
//
//	[patient bstr .size 8, sealed bstr .size (1..MaxSealed)]
type Envelope struct {
	_       struct{} `cbor:",toarray"`
	Patient record.PatientID
	Sealed  []byte
}

// ID returns the entry's identifier, the SHA-256 of the sealed bytes.
func (e *Envelope) ID() record.EntryID { return sha256.Sum256(e.Sealed) }

func (e *Envelope) check() error { return bound("sealed entry", len(e.Sealed), 1, MaxSealed) }

// PushRequest brings up to MaxItems entries to the centre. Batch is a random
// number that stays the same when the batch is sent again: the centre then
// answers with the receipt that it gave the first time.
//
//	{1: batch bstr .size 16, 2: [1*500 Envelope]}
type PushRequest struct {
	Batch [16]byte   `cbor:"1,keyasint"`
	Items []Envelope `cbor:"2,keyasint"`
}

func (m *PushRequest) check() error {
	if err := bound("list of entries", len(m.Items), 1, MaxItems); err != nil {
		return err
	}
	for i := range m.Items {
		if err := m.Items[i].check(); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

// Status says what became of one entry.
type Status uint8

// The statuses. Only StatusRejected lets an entry leave the outbox without
// the centre having it: it goes to the clinic's quarantine with its code.
const (
	StatusNew      Status = iota // durable since this batch
	StatusDup                    // durable before this batch
	StatusRejected               // refused for good; Result.Code says why
)

// String returns the status in one word.
func (s Status) String() string {
	switch s {
	case StatusNew:
		return "new"
	case StatusDup:
		return "dup"
	case StatusRejected:
		return "rejected"
	default:
		return fmt.Sprintf("status(%d)", uint8(s))
	}
}

// Result answers one entry of a push, in the order of the request:
//
//	[id bstr .size 32, status 0..2, code tstr]
type Result struct {
	_      struct{} `cbor:",toarray"`
	ID     record.EntryID
	Status Status
	Code   string // one of the Reject codes; empty unless StatusRejected
}

// PushResponse acknowledges a push. Receipt is signed by the centre over the
// batch and the identifiers of all its entries that are durable (new and dup);
// it is empty when none is.
//
//	{1: receipt bstr, 2: [1*500 Result]}
type PushResponse struct {
	Receipt []byte   `cbor:"1,keyasint"`
	Results []Result `cbor:"2,keyasint"`
}

func (m *PushResponse) check() error {
	if err := bound("receipt", len(m.Receipt), 0, MaxReceipt); err != nil {
		return err
	}
	if err := bound("list of results", len(m.Results), 1, MaxItems); err != nil {
		return err
	}
	for i, r := range m.Results {
		if r.Status > StatusRejected || (r.Status == StatusRejected) != (r.Code != "") {
			return fmt.Errorf("result %d: status %d with code of length %d: %w", i, r.Status, len(r.Code), ErrMalformed)
		}
		if err := bound("code", len(r.Code), 0, MaxCode); err != nil {
			return fmt.Errorf("result %d: %w", i, err)
		}
	}
	return nil
}

// Change is an entry in the change feed. Pos rises by at least one from one
// change to the next.
//
//	[pos uint, patient bstr .size 8, sealed bstr]
type Change struct {
	_       struct{} `cbor:",toarray"`
	Pos     uint64
	Patient record.PatientID
	Sealed  []byte
}

// Envelope returns the entry without its place in the feed.
func (c *Change) Envelope() Envelope { return Envelope{Patient: c.Patient, Sealed: c.Sealed} }

// ChangesPage is one page of the change feed. Next is where the next request
// begins, also when the page is empty; More is set when it will not wait.
//
//	{1: epoch uint, 2: [*500 Change], 3: next tstr, 4: more bool}
type ChangesPage struct {
	Epoch uint64   `cbor:"1,keyasint"`
	Items []Change `cbor:"2,keyasint"`
	Next  Cursor   `cbor:"3,keyasint"`
	More  bool     `cbor:"4,keyasint"`
}

// Envelopes returns the entries of the page without their places.
func (m *ChangesPage) Envelopes() []Envelope {
	out := make([]Envelope, len(m.Items))
	for i := range m.Items {
		out[i] = m.Items[i].Envelope()
	}
	return out
}

func (m *ChangesPage) check() error {
	if err := bound("list of changes", len(m.Items), 0, MaxItems); err != nil {
		return err
	}
	epoch, pos, err := m.Next.Split()
	if err != nil {
		return err
	}
	if epoch != m.Epoch {
		return fmt.Errorf("cursor of epoch %d in epoch %d: %w", epoch, m.Epoch, ErrMalformed)
	}
	var last uint64
	for i := range m.Items {
		c := &m.Items[i]
		if c.Pos <= last || c.Pos > pos {
			return fmt.Errorf("change %d at position %d: %w", i, c.Pos, ErrMalformed)
		}
		last = c.Pos
		if err := bound("sealed entry", len(c.Sealed), 1, MaxSealed); err != nil {
			return fmt.Errorf("change %d: %w", i, err)
		}
	}
	return nil
}

// PatientResponse is one page of a patient's records, oldest first, with what
// the centre last issued for the patient. Digest is over all the records that
// the centre holds; Next, when not zero, is QueryAfter of the next page.
//
//	{1: subjects bstr, 2: [*500 sealed bstr], 3: identity bstr, 4: cover bstr,
//	 5: digest bstr .size 16, 6: next uint}
type PatientResponse struct {
	Subjects []byte   `cbor:"1,keyasint"`
	Items    [][]byte `cbor:"2,keyasint"`
	Identity []byte   `cbor:"3,keyasint"`
	Cover    []byte   `cbor:"4,keyasint"`
	Digest   [16]byte `cbor:"5,keyasint"`
	Next     uint64   `cbor:"6,keyasint"`
}

func (m *PatientResponse) check() error {
	if err := bound("list of entries", len(m.Items), 0, MaxItems); err != nil {
		return err
	}
	for i, sealed := range m.Items {
		if err := bound("sealed entry", len(sealed), 1, MaxSealed); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	if err := bound("subjects", len(m.Subjects), 1, MaxSubjects); err != nil {
		return err
	}
	if err := bound("identity", len(m.Identity), 0, MaxIdentity); err != nil {
		return err
	}
	return bound("cover", len(m.Cover), 0, MaxIdentity)
}

// Digest returns the digest of a set of entries: the first 16 bytes of the
// SHA-256 over the identifiers, sorted, without duplicates. Clinic and centre
// compare it to see whether they hold the same entries of a patient. The order
// of ids is changed.
func Digest(ids []record.EntryID) [16]byte {
	slices.SortFunc(ids, func(a, b record.EntryID) int { return slices.Compare(a[:], b[:]) })
	h := sha256.New()
	for _, id := range slices.Compact(ids) {
		h.Write(id[:])
	}
	return [16]byte(h.Sum(nil))
}

// DigestText returns a digest as QueryDigest carries it.
func DigestText(digest [16]byte) string { return hex.EncodeToString(digest[:]) }

// ParseDigest reads QueryDigest. It owes ErrMalformed.
func ParseDigest(s string) ([16]byte, error) {
	var digest [16]byte
	if len(s) != 2*len(digest) {
		return digest, fmt.Errorf("digest of %d characters: %w", len(s), ErrMalformed)
	}
	if _, err := hex.Decode(digest[:], []byte(s)); err != nil {
		return digest, fmt.Errorf("digest: %w", ErrMalformed)
	}
	return digest, nil
}
