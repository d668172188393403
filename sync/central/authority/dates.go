package authority

import (
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// HistoryWindow is how long after it has issued a patient's newest card a
// personalisation station may send entries that are older than the station.
const HistoryWindow = 7 * 24 * time.Hour

// OpenDated reports whether the trust list sets an author's key no beginning:
// it is a personalisation station's, which signs an imported history under the
// times of its visits. What such a key has signed is asked of Dates.
func OpenDated(key *trust.Key) bool { return !key.NotBefore.After(record.Epoch) }

// Dates tells which old entries of keys without a beginning are an imported
// history. It serves one batch within one View.
type Dates struct {
	reader   store.Reader
	now      time.Time
	enrolled map[[4]byte]time.Time
	newest   map[record.PatientID]store.Card
}

// NewDates returns what judges the entries of a batch that came in at now.
func NewDates(r store.Reader, now time.Time) *Dates {
	return &Dates{reader: r, now: now, enrolled: make(map[[4]byte]time.Time), newest: make(map[record.PatientID]store.Card)}
}

// Backdated reports whether an entry is older than the enrolment of its
// author's key and cannot be imported history: the patient's newest card is
// another facility's, or was issued longer ago than HistoryWindow.
func (d *Dates) Backdated(key *trust.Key, patient record.PatientID, at time.Time) (bool, error) {
	enrolled, err := d.enrolment(key.KID)
	if err != nil {
		return false, err
	}
	if !enrolled.IsZero() && !at.Before(enrolled.Add(-clockSlack)) {
		return false, nil
	}
	card, err := d.newestCard(patient)
	if err != nil {
		return false, err
	}
	return card.Issued.IsZero() || card.Facility != key.Facility || d.now.Sub(card.Issued) > HistoryWindow, nil
}

// enrolment returns when a key was enrolled, or zero for one that the registry
// does not have.
func (d *Dates) enrolment(kid [4]byte) (time.Time, error) {
	if at, found := d.enrolled[kid]; found {
		return at, nil
	}
	ws, err := d.reader.WorkstationByAuthor(kid)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return time.Time{}, fmt.Errorf("look up enrolment: %w", err)
	}
	d.enrolled[kid] = ws.Created
	return ws.Created, nil
}

// newestCard returns a patient's newest card, or an empty one.
func (d *Dates) newestCard(patient record.PatientID) (store.Card, error) {
	if card, found := d.newest[patient]; found {
		return card, nil
	}
	cards, err := d.reader.CardsOf(patient)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Card{}, fmt.Errorf("look up cards: %w", err)
	}
	var card store.Card
	if n := len(cards); n > 0 {
		card = cards[n-1]
	}
	d.newest[patient] = card
	return card, nil
}
