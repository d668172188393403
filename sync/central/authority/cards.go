package authority

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// keyEpoch is the epoch of the section keys that are made now. Epochs count
// the times that a patient's keys were changed.
const keyEpoch = 0

// Station is the workstation that asks for a card.
type Station struct {
	Facility uint32
	Author   [4]byte // key identifier of its author key
}

// IssueCard issues a card: for a new patient with a new identifier and new
// root keys, for a known one with those that the patient has, so that a card
// that is rebuilt opens all entries. The keys that leave are those of the
// persons on the card, as the identity names them; the root keys stay. A card that is replaced is blocked
// in the same transaction. The same request again, after a lost answer, is
// granted again. Each time a record of the release of the keys is written
// before they are returned (store.Release). Fingers are kept in the same
// transaction, to be looked for afterwards (package dedup). It owes store.ErrNotFound for a patient or a card that the
// centre did not issue, ErrConflict for a card that is issued already, is
// blocked, belongs to someone else, or whose holder has another one that is
// not being replaced, and ErrRequest.
func (a *Authority) IssueCard(ctx context.Context, station Station, req *wire.CardRequest) (*wire.CardGrant, error) {
	public, err := ecdh.P256().NewPublicKey(req.CardKey[:])
	if err != nil {
		return nil, fmt.Errorf("issue card: card key is no point on P-256: %w", ErrRequest)
	}
	c := &cardIssue{a: a, station: station, req: req, public: public, now: time.Now()}
	if err := c.checkContent(); err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	if err := a.store.Update(ctx, c.enter); err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	grant, err := c.grant()
	if err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	if err := a.Reload(ctx); err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	return grant, nil
}

// cardIssue is a CardRequest on its way to the grant.
type cardIssue struct {
	a       *Authority
	station Station
	req     *wire.CardRequest
	public  *ecdh.PublicKey
	now     time.Time

	patient  store.Patient
	roots    *envelope.Roots
	subjects envelope.Subjects // of all persons that the patient's cards ever carried
	persons  []uint8           // of them, those on this card
	identity []byte
	cover    []byte
	notAfter time.Time

	security, idFile []byte
	templates        [][]byte // of the request, those that are kept
	fingers          []byte   // what became of each
}

// checkContent refuses an identity or a cover that no card program could read,
// and leaves out fingers that nobody could compare.
func (c *cardIssue) checkContent() error {
	if len(c.req.Identity) > 0 {
		if _, err := record.DecodeIdentity(c.req.Identity); err != nil {
			return fmt.Errorf("identity: %w: %w", ErrRequest, err)
		}
	}
	if len(c.req.Cover) > 0 {
		if _, err := record.DecodeCover(c.req.Cover); err != nil {
			return fmt.Errorf("cover: %w: %w", ErrRequest, err)
		}
	}
	c.templates, c.fingers = usable(c.req.Fingers)
	return nil
}

// enter writes patient, card and block list; it runs in a transaction.
func (c *cardIssue) enter(w store.Writer) error {
	known, err := w.Card(c.req.Card)
	switch {
	case err == nil:
		if err := c.again(&known); err != nil {
			return err
		}
		c.notAfter = known.NotAfter
		if err := c.loadPatient(w, known.Patient); err != nil {
			return err
		}
		if len(c.req.Identity) > 0 && (!bytes.Equal(c.req.Identity, c.identity) || !bytes.Equal(c.req.Cover, c.cover)) {
			return fmt.Errorf("card is issued to someone else: %w", ErrConflict)
		}
		if err := c.sameHolder(w); err != nil {
			return err
		}
		return c.release(w)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	c.notAfter = c.now.AddDate(cardYears, 0, 0)
	if c.req.Patient.IsZero() && c.req.Replaces == ([8]byte{}) {
		err = c.newPatient(w)
	} else {
		err = c.knownPatient(w)
	}
	if err != nil {
		return err
	}
	err = w.AddCard(store.Card{
		ID: c.req.Card, Patient: c.patient.ID, Facility: c.station.Facility, Key: c.req.CardKey, Issued: c.now, NotAfter: c.notAfter,
	})
	if err != nil {
		return stored(err, "card")
	}
	return c.release(w)
}

// release signs the files, keeps the fingers and writes down who gets the keys.
func (c *cardIssue) release(w store.Writer) error {
	if err := c.sign(); err != nil {
		return err
	}
	if err := c.keepFingers(w); err != nil {
		return err
	}
	return w.AddRelease(store.Release{
		At: c.now, Facility: c.station.Facility, Author: c.station.Author, Card: c.req.Card, Patient: c.patient.ID,
	})
}

// again reports whether a known card is the one of this very request.
func (c *cardIssue) again(known *store.Card) error {
	same := known.Key == c.req.CardKey && known.Facility == c.station.Facility && known.Blocked.IsZero() &&
		(c.req.Patient.IsZero() || c.req.Patient == known.Patient)
	if !same {
		return fmt.Errorf("card is issued: %w", ErrConflict)
	}
	return nil
}

// sameHolder refuses a card to replace that is not the loaded patient's.
func (c *cardIssue) sameHolder(w store.Writer) error {
	if c.req.Replaces == ([8]byte{}) || c.req.Replaces == wire.ReplaceAll {
		return nil
	}
	old, err := w.Card(c.req.Replaces)
	if err != nil {
		return fmt.Errorf("card to replace: %w", err)
	}
	if old.Patient != c.patient.ID {
		return fmt.Errorf("card to replace is someone else's: %w", ErrConflict)
	}
	return nil
}

func (c *cardIssue) newPatient(w store.Writer) error {
	if len(c.req.Identity) == 0 {
		return fmt.Errorf("new patient without an identity: %w", ErrRequest)
	}
	var err error
	if c.roots, err = envelope.NewRoots(rand.Reader); err != nil {
		return err
	}
	c.identity, c.cover = c.req.Identity, c.req.Cover
	for range 8 {
		var id record.PatientID
		if _, err := rand.Read(id[:]); err != nil {
			return fmt.Errorf("draw patient identifier: %w", err)
		}
		if id.IsZero() {
			continue
		}
		c.patient = store.Patient{ID: id, Created: c.now, Updated: c.now}
		if err := c.carry(); err != nil {
			return err
		}
		if c.patient.Keys, err = c.a.seal(kindKeys, id, c.roots.Bytes()); err != nil {
			return err
		}
		if err := c.sealContent(); err != nil {
			return err
		}
		if err := w.AddPatient(c.patient); !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	return errors.New("draw patient identifier: all are taken")
}

// knownPatient takes the patient's keys, blocks the cards that are replaced, and
// keeps a new identity or cover.
func (c *cardIssue) knownPatient(w store.Writer) error {
	holder := c.req.Patient
	if holder.IsZero() {
		old, err := w.Card(c.req.Replaces)
		if err != nil {
			return fmt.Errorf("card to replace: %w", err)
		}
		holder = old.Patient
	}
	if err := c.loadPatient(w, holder); err != nil {
		return err
	}
	if err := c.sameHolder(w); err != nil {
		return err
	}
	cards, err := w.CardsOf(c.patient.ID)
	if err != nil {
		return err
	}
	for _, card := range cards {
		switch {
		case c.req.Replaces == wire.ReplaceAll || card.ID == c.req.Replaces:
			if err := c.a.blockIssued(w, card.ID, c.now); err != nil {
				return err
			}
		case card.Blocked.IsZero() && c.now.Before(card.NotAfter):
			return fmt.Errorf("the patient has card %x, which is not blocked and not replaced: %w", card.ID, ErrConflict)
		}
	}
	if len(c.req.Identity) > 0 {
		if err := c.keepNumbers(); err != nil {
			return err
		}
		c.identity = c.req.Identity
		if err := c.carry(); err != nil {
			return err
		}
	}
	if len(c.req.Cover) > 0 {
		c.cover = c.req.Cover
	}
	c.patient.Updated = c.now
	if err := c.sealContent(); err != nil {
		return err
	}
	return w.PutPatient(c.patient)
}

func (c *cardIssue) loadPatient(w store.Writer, id record.PatientID) (err error) {
	if c.patient, err = w.Patient(id); err != nil {
		return err
	}
	p, err := c.a.opened(c.patient)
	if err != nil {
		return err
	}
	c.subjects, c.roots = p.subjects, p.roots
	if c.identity, c.cover, err = c.a.Content(c.patient); err != nil {
		return err
	}
	return c.carry()
}

func (c *cardIssue) sealContent() (err error) {
	if c.patient.Identity, err = c.a.seal(kindIdentity, c.patient.ID, c.identity); err != nil {
		return err
	}
	c.patient.Cover, err = c.a.seal(kindCover, c.patient.ID, c.cover)
	return err
}

// sign makes the two signed files. It runs in the transaction, so that a
// content that does not fit on a card leaves nothing behind.
func (c *cardIssue) sign() (err error) {
	on, err := c.subjectsOf(c.persons)
	if err != nil {
		return err
	}
	c.security, err = trust.SignCardSecurity(c.a.issuer, trust.CardSecurity{Card: c.req.Card, Public: c.public, NotAfter: c.notAfter})
	if err != nil {
		return err
	}
	c.idFile, err = trust.SignIdentity(c.a.issuer, trust.IDFile{
		Card: c.req.Card, Subjects: on, Identity: c.identity, Cover: c.cover, Issued: c.now,
	})
	if errors.Is(err, trust.ErrFormat) {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return err
}

func (c *cardIssue) grant() (*wire.CardGrant, error) {
	grant := &wire.CardGrant{
		Patient: c.patient.ID, Security: c.security, IDFile: c.idFile, Anchors: c.a.cardAnchors(c.now),
		Subjects: c.subjects.Bytes(), Fingers: c.fingers,
	}
	for _, person := range c.persons {
		keys, err := c.roots.Person(person)
		if err != nil {
			return nil, err
		}
		grant.Persons = append(grant.Persons, wire.MakePersonKeys(person, keys.Map()))
		keys.Wipe()
	}
	return grant, nil
}
