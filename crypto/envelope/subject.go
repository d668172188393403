package envelope

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// ErrPerson is returned for a person whom the card does not carry.
var ErrPerson = errors.New("person is not on the card")

// Commitment binds a person's section key without telling it:
// SHA-256("dhamani key commitment v1" || section || person key)[:16].
type Commitment [16]byte

// Commitments are those to the six keys of one person.
type Commitments [record.NumSections]Commitment

const (
	commitmentLabel  = "dhamani key commitment v1"
	commitmentsBytes = record.NumSections * len(Commitment{})
)

func commit(s record.Section, key []byte) Commitment {
	h := sha256.New()
	h.Write([]byte(commitmentLabel))
	h.Write([]byte{byte(s)})
	h.Write(key)
	return Commitment(h.Sum(nil))
}

// Subject says of which person these entries are and under which six keys they
// are sealed. Every entry's signature covers it, and the issuer signs it in
// EF.ID, so it is what ties author, person and keys together.
//
//	[ patient bstr(8), epoch uint, [ 6 x commitment bstr(16) ] ]
type Subject struct {
	Patient     record.PatientID
	Epoch       uint8 // counts the patient's key sets, from 0
	Person      uint8 // 0 is the holder; the commitments stand for it in Bytes
	Commitments Commitments
}

// NewSubject commits to a full set of one person's keys. It owes ErrNoKey and
// ErrPerson.
func NewSubject(patient record.PatientID, epoch, person uint8, keys *Keys) (Subject, error) {
	if person > MaxPerson {
		return Subject{}, fmt.Errorf("commit to the keys of person %d: %w", person, ErrPerson)
	}
	defer keys.use()()
	s := Subject{Patient: patient, Epoch: epoch, Person: person}
	for _, section := range record.AllSections() {
		key, ok := keys.get(section)
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

// check reports whether key is the one to which the subject commits.
func (s *Subject) check(section record.Section, key []byte) error {
	c := commit(section, key)
	if subtle.ConstantTimeCompare(c[:], s.Commitments[section][:]) != 1 {
		return fmt.Errorf("%s key: %w", section, ErrKeyMismatch)
	}
	return nil
}
