package authority

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// What can be decided of a review.
const (
	DecisionSame      = "same"      // one person with two identities
	DecisionDifferent = "different" // two people
	DecisionUndecided = "undecided" // nobody can tell; other fingers of either may raise it again
)

// Decisions lists them.
func Decisions() []string { return []string{DecisionSame, DecisionDifferent, DecisionUndecided} }

// MaxNote bounds the note of a decision, in bytes.
const MaxNote = 500

// What the lines of who looked at reviews say; that of a decision has the
// decision behind it.
const (
	lookList       = "list"
	lookShow       = "show"
	lookIdentities = "show with identities"
	lookClose      = "close as "
)

// Double is somebody who may be the same person as the one looked for.
type Double struct {
	Patient record.PatientID
	Score   float64 // of all fingers together, as store.Review
	People  uint64  // among whom was looked
	Fingers []store.FingerScore
}

// ScoreOf puts a finger's score, the negative decimal logarithm of a false match
// rate, into the form of a review.
func ScoreOf(at fmr.Position, score float64) store.FingerScore {
	return store.FingerScore{Finger: uint8(at), Score: uint16(math.Round(100 * min(max(score, 0), math.MaxUint16/100)))} // #nosec G115 -- bounded
}

// Raise notes that fingers were looked for, and raises a review for each double,
// in one transaction: all of it, or nothing when other fingers have taken their
// place since or somebody else has noted it. Two patients have one review, unless
// the last one ended undecided. It returns how many it raised.
func (a *Authority) Raise(ctx context.Context, searched store.Fingers, found []Double) (raised int, err error) {
	err = a.store.Update(ctx, func(w store.Writer) error {
		now, err := w.Fingers(searched.Patient)
		if err != nil || now.Number != searched.Number || now.Searched {
			return err
		}
		for _, d := range found {
			again, err := raises(w, searched.Patient, d.Patient)
			if err != nil {
				return err
			}
			if !again {
				continue
			}
			err = w.AddReview(store.Review{
				Raised: time.Now(), Patient: searched.Patient, Other: d.Patient, Score: d.Score, People: d.People, Fingers: d.Fingers,
			})
			if err != nil {
				return err
			}
			raised++
		}
		return w.MarkSearched(searched.Patient, searched.Number)
	})
	if err != nil {
		return 0, fmt.Errorf("raise reviews: %w", err)
	}
	return raised, nil
}

// raises tells whether two patients need a review: the other one still has
// fingers, and no review stands between them.
func raises(w store.Writer, patient, other record.PatientID) (bool, error) {
	f, err := w.Fingers(other)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(f.Sealed) == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	before, err := w.ReviewsOf(patient, other)
	return len(before) == 0 || !before[0].Closed.IsZero() && before[0].Decision == DecisionUndecided, err
}

// Reviews lists reviews as store.Reader does, and notes that who, an account at
// the centre, looked.
func (a *Authority) Reviews(ctx context.Context, who string, before uint64, limit int, open bool) (list []store.Review, err error) {
	err = a.store.Update(ctx, func(w store.Writer) error {
		if list, err = w.Reviews(before, limit, open); err != nil {
			return err
		}
		return w.AddLook(store.Look{At: time.Now(), Who: who, What: lookList})
	})
	if err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	return list, nil
}

// Reviewed is a review with what is known of its two patients.
type Reviewed struct {
	store.Review
	Text     string // the note, opened
	Patients [2]ReviewedPatient
}

// ReviewedPatient is one of the two; Identity is nil unless it was asked for.
type ReviewedPatient struct {
	ID       record.PatientID
	Created  time.Time
	Cards    []store.Card
	Fingers  bool // has templates
	Identity *record.Identity
}

// Review returns a review, with the identities of both patients when they are
// asked for, and notes that who looked. It owes store.ErrNotFound.
func (a *Authority) Review(ctx context.Context, who string, number uint64, identities bool) (*Reviewed, error) {
	var out Reviewed
	what := lookShow
	if identities {
		what = lookIdentities
	}
	err := a.store.Update(ctx, func(w store.Writer) (err error) {
		if out.Review, err = w.Review(number); err != nil {
			return err
		}
		note, err := openUnder(a.fingers, "note", noteAAD(number), out.Note)
		if err != nil {
			return err
		}
		out.Text = string(note)
		for i, id := range []record.PatientID{out.Patient, out.Other} {
			if out.Patients[i], err = a.reviewedPatient(w, id, identities); err != nil {
				return err
			}
		}
		return w.AddLook(store.Look{At: time.Now(), Who: who, What: what, Review: number})
	})
	if err != nil {
		return nil, fmt.Errorf("show review %d: %w", number, err)
	}
	return &out, nil
}

func (a *Authority) reviewedPatient(r store.Reader, id record.PatientID, identity bool) (ReviewedPatient, error) {
	out := ReviewedPatient{ID: id}
	p, err := r.Patient(id)
	if err != nil {
		return out, err
	}
	out.Created = p.Created
	if out.Cards, err = r.CardsOf(id); err != nil {
		return out, err
	}
	f, err := r.Fingers(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return out, err
	}
	out.Fingers = len(f.Sealed) > 0
	if !identity {
		return out, nil
	}
	raw, _, err := a.Content(p)
	if err != nil {
		return out, err
	}
	if out.Identity, err = record.DecodeIdentity(raw); err != nil {
		return out, fmt.Errorf("stored identity: %w: %w", store.ErrCorrupt, err)
	}
	return out, nil
}

// Closing is a decision on a review.
type Closing struct {
	Decision string // one of Decisions
	By       string // who decided, 1 to wire.MaxName bytes
	Note     string // at most MaxNote bytes
}

func (c *Closing) check() error {
	switch {
	case !slices.Contains(Decisions(), c.Decision):
		return fmt.Errorf("decision: none that there is: %w", ErrRequest)
	case c.By == "" || len(c.By) > wire.MaxName || !plainText(c.By):
		return fmt.Errorf("who decided: 1 to %d bytes of text: %w", wire.MaxName, ErrRequest)
	case len(c.Note) > MaxNote || !plainText(c.Note):
		return fmt.Errorf("note: at most %d bytes of text: %w", MaxNote, ErrRequest)
	}
	return nil
}

func plainText(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// CloseReview writes a decision down, once, and notes that who did. Nothing else
// follows from it: cards are blocked by those who may. It owes
// store.ErrNotFound, ErrDecided and ErrRequest.
func (a *Authority) CloseReview(ctx context.Context, who string, number uint64, c Closing) (store.Review, error) {
	var v store.Review
	if err := c.check(); err != nil {
		return v, fmt.Errorf("close review %d: %w", number, err)
	}
	err := a.store.Update(ctx, func(w store.Writer) (err error) {
		if v, err = w.Review(number); err != nil {
			return err
		}
		if !v.Closed.IsZero() {
			return fmt.Errorf("as %s by %s: %w", v.Decision, v.By, ErrDecided)
		}
		v.Closed, v.Decision, v.By = time.Now(), c.Decision, c.By
		if v.Note, err = sealUnder(a.fingers, noteAAD(number), []byte(c.Note)); err != nil {
			return err
		}
		if err := w.PutReview(v); err != nil {
			return err
		}
		return w.AddLook(store.Look{At: v.Closed, Who: who, What: lookClose + c.Decision, Review: number})
	})
	if err != nil {
		return v, fmt.Errorf("close review %d: %w", number, err)
	}
	return v, nil
}

func noteAAD(review uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(fingersContext+"\x00note\x00"), review)
}
