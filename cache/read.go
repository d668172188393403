package cache

import (
	"bytes"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Read is all that one tap of a card brought.
type Read struct {
	Patient       record.PatientID
	Subjects      []byte // envelope.Subjects
	Card          [8]byte
	IDFile        []byte
	Security      []byte
	SummarySealed []byte
	Head          []byte     // the card's head, 52 bytes
	Entries       [][]byte   // sealed, those not yet in the cache at least
	Keys          KeySet     // of Patient
	Log           []LogEntry // places in the card's log that the tap has shown
	Audit         Audit
}

func (r *Read) check() error {
	switch {
	case r.Patient.IsZero():
		return invalid("no patient")
	case r.Card == [8]byte{}:
		return invalid("no card")
	case len(r.Keys.Persons) > 0 && r.Keys.Patient != r.Patient:
		return invalid("section keys of another patient")
	}
	return r.Keys.check()
}

// PutRead keeps what a tap brought, in one transaction. An entry that it shows
// is on the card from then on, whatever was known of its write; a pending write
// of it, or one of unknown outcome, stays until it is settled. It owes
// ErrInvalid.
func (c *Cache) PutRead(r Read) error {
	return c.update("keep read", func(t *tx) error {
		if err := r.check(); err != nil {
			return err
		}
		if err := t.putCard(&r); err != nil {
			return err
		}
		if err := c.putKeys(t, &r.Keys); err != nil {
			return err
		}
		for _, sealed := range r.Entries {
			if _, err := t.putEntry(r.Patient, sealed, OnCard); err != nil {
				return err
			}
		}
		if err := t.putLog(r.Card, r.Log); err != nil {
			return err
		}
		return t.audit(r.Audit, r.Patient)
	})
}

func (t *tx) putCard(r *Read) error {
	card := &cardRow{
		Patient: r.Patient, Head: r.Head, Security: r.Security, IDFile: r.IDFile,
		Summary: r.SummarySealed, Read: t.now.Unix(),
	}
	if err := t.put(bucketCards, t.box.name(kindCard, r.Card[:]), card); err != nil {
		return err
	}
	if len(r.Subjects) == 0 {
		return nil
	}
	var old patientRow
	key := t.box.name(kindPatient, r.Patient[:])
	ok, err := t.get(bucketPatients, key, &old)
	if err != nil || ok && bytes.Equal(old.Subjects, r.Subjects) {
		return err
	}
	return t.put(bucketPatients, key, &patientRow{Patient: r.Patient, Subjects: r.Subjects})
}

// CardState is what the cache knows of a card since it was last read.
type CardState struct {
	Patient       record.PatientID
	Subjects      []byte
	Head          []byte
	Security      []byte
	IDFile        []byte
	SummarySealed []byte
	Read          time.Time
}

// Card returns what is known of a card; ok is false when it was never read.
func (c *Cache) Card(card [8]byte) (state CardState, ok bool, err error) {
	err = c.view("look up card", func(t *tx) error {
		var r cardRow
		var err error
		if ok, err = t.get(bucketCards, t.box.name(kindCard, card[:]), &r); err != nil || !ok {
			return err
		}
		state = CardState{
			Patient: r.Patient, Head: r.Head, Security: r.Security, IDFile: r.IDFile,
			SummarySealed: r.Summary, Read: fromPOSIX(r.Read),
		}
		state.Subjects, err = t.subjects(r.Patient)
		return err
	})
	return state, ok, err
}

// EachCard calls f with every card that is known, in no order, and ends with
// the first error that f returns. What f is given is its own.
func (c *Cache) EachCard(f func(CardState) error) error {
	return c.view("look through cards", func(t *tx) error {
		return t.bucket(bucketCards).ForEach(func(key, value []byte) error {
			var r cardRow
			if err := t.decode(bucketCards, key, value, &r); err != nil {
				return err
			}
			return f(CardState{
				Patient: r.Patient, Head: r.Head, Security: r.Security, IDFile: r.IDFile,
				SummarySealed: r.Summary, Read: fromPOSIX(r.Read),
			})
		})
	})
}

// Subjects returns those of a patient's card, or nil when they are not known.
func (c *Cache) Subjects(p record.PatientID) (subjects []byte, err error) {
	err = c.view("look up patient", func(t *tx) error {
		subjects, err = t.subjects(p)
		return err
	})
	return subjects, err
}

func (t *tx) subjects(p record.PatientID) ([]byte, error) {
	var r patientRow
	if ok, err := t.get(bucketPatients, t.box.name(kindPatient, p[:]), &r); err != nil || !ok {
		return nil, err
	}
	return r.Subjects, nil
}
