package envelope

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// Commitment binds a section key without telling it:
// SHA-256("dhamani key commitment v1" || section || key)[:16].
type Commitment [16]byte

const commitmentLabel = "dhamani key commitment v1"

func commit(s record.Section, key []byte) Commitment {
	h := sha256.New()
	h.Write([]byte(commitmentLabel))
	h.Write([]byte{byte(s)})
	h.Write(key)
	return Commitment(h.Sum(nil))
}

// Subject says whose entries these are and under which six keys they are
// sealed. Every entry's signature covers it, and the issuer signs it in
// EF.ID, so it is what ties author, patient and keys together.
//
//	[ patient bstr(8), epoch uint, [ 6 x commitment bstr(16) ] ]
type Subject struct {
	Patient     record.PatientID
	Epoch       uint8 // counts the patient's key sets, from 0
	Commitments [record.NumSections]Commitment
}

// NewSubject commits to a full set of keys. It owes ErrNoKey.
func NewSubject(patient record.PatientID, epoch uint8, keys *Keys) (Subject, error) {
	s := Subject{Patient: patient, Epoch: epoch}
	for _, section := range record.AllSections() {
		key, ok := keys.Get(section)
		if !ok {
			return Subject{}, fmt.Errorf("commit to the %s key: %w", section, ErrNoKey)
		}
		s.Commitments[section] = commit(section, key)
	}
	return s, nil
}

// Bytes returns the subject's one CBOR form, 114 or 115 bytes.
func (s Subject) Bytes() []byte {
	out := make([]byte, 0, 120)
	out = cose.AppendBytes(cose.AppendArray(out, 3), s.Patient[:])
	out = cose.AppendArray(cose.AppendUint(out, uint64(s.Epoch)), len(s.Commitments))
	for _, c := range s.Commitments {
		out = cose.AppendBytes(out, c[:])
	}
	return out
}

type subjectWire struct {
	_           struct{} `cbor:",toarray"`
	Patient     []byte
	Epoch       uint8
	Commitments [][]byte
}

// ParseSubject reads what Bytes writes. It owes ErrFormat.
func ParseSubject(raw []byte) (Subject, error) {
	var w subjectWire
	if len(raw) > 128 {
		return Subject{}, fmt.Errorf("subject of %d bytes: %w", len(raw), ErrFormat)
	}
	if err := cose.Unmarshal(raw, &w); err != nil {
		return Subject{}, fmt.Errorf("read subject: %w: %w", ErrFormat, err)
	}
	s := Subject{Epoch: w.Epoch}
	if len(w.Patient) != len(s.Patient) || len(w.Commitments) != len(s.Commitments) {
		return Subject{}, fmt.Errorf("read subject: %w", ErrFormat)
	}
	copy(s.Patient[:], w.Patient)
	for i, c := range w.Commitments {
		if len(c) != len(s.Commitments[i]) {
			return Subject{}, fmt.Errorf("read subject: commitment: %w", ErrFormat)
		}
		copy(s.Commitments[i][:], c)
	}
	return s, nil
}

// check reports whether key is the one to which the subject commits.
func (s *Subject) check(section record.Section, key []byte) error {
	c := commit(section, key)
	if subtle.ConstantTimeCompare(c[:], s.Commitments[section][:]) != 1 {
		return fmt.Errorf("%s key: %w", section, ErrKeyMismatch)
	}
	return nil
}
