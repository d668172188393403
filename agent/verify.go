package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// Proof is what a person at the desk shows to their card: the PIN, or a finger.
type Proof struct {
	PIN redact.String
	// Finger is the card's reference of an enrolled finger, and Minutiae are
	// those of the finger on the scanner in the compact card format of ISO/IEC
	// 19794-2. They count when PIN is empty.
	Finger   uint8
	Minutiae redact.Bytes
}

// Verify has the card of an open visit compare a PIN or a finger. Afterwards
// the visit shows what the role may see of the persons for whom it counts: a
// physician the sensitive section too.
//
// It owes ErrNoVisit, *card.VerifyError, card.ErrVerifyBlocked,
// card.ErrNoReference, card.ErrPINForm and the errors of the card.
func (a *Agent) Verify(ctx context.Context, visitID string, proof Proof) error {
	v, ok := a.visits.get(visitID)
	if !ok {
		return ErrNoVisit
	}
	return a.atReader(ctx, v.Reader, func(r *reader) error {
		// A try that is cut short is lost.
		return r.prove(context.WithoutCancel(ctx), visitID, proof.show, func(*Visit) {})
	})
}

// prove carries out one verification on the card in the reader, and reads the
// section keys anew. Mark notes on the visit what proved it.
func (r *reader) prove(ctx context.Context, visit string, show func(context.Context, *card.Session) error, mark func(*Visit)) error {
	c := r.open
	if r.who.gen != r.a.actor().gen {
		return ErrNoVisit // it ended with its operator's time
	}
	if c == nil || c.visit != visit {
		return fmt.Errorf("verify: %w", card.ErrRemoved)
	}
	err := show(ctx, c.session)
	if err == nil {
		err = r.unlock(ctx, c)
	}
	r.a.visits.update(c.visit, func(v *Visit) {
		v.Stats = c.session.Stats()
		if err == nil {
			v.Verified = true
			mark(v)
		}
	})
	if err != nil {
		r.a.cfg.Log.InfoContext(ctx, "verification failed", logkey.Reader, r.name, logkey.Code, Classify(err).Code)
		return err
	}
	r.a.publish(Event{Kind: KindRecordsChanged, Reader: r.name, Visit: c.visit})
	return nil
}

// show shows the card the proof.
func (p Proof) show(ctx context.Context, s *card.Session) error {
	if p.PIN.IsZero() {
		return s.VerifyFinger(ctx, p.Finger, p.Minutiae.Reveal())
	}
	pin := []byte(p.PIN.Reveal())
	defer clear(pin)
	return s.VerifyPIN(ctx, pin)
}

// unlock asks the card for the keys of every open book again, and opens what
// they now open.
func (r *reader) unlock(ctx context.Context, c *openCard) error {
	for person, old := range c.books {
		raw, err := c.session.Keys(ctx, person)
		if err != nil {
			return err
		}
		keys, err := envelope.KeysFromMap(raw, old.subject)
		wipe(raw)
		if err != nil {
			return err
		}
		r.putBook(c, &book{subject: old.subject, keys: keys, summary: old.summary, closed: old.closed})
	}
	return r.show(ctx, c)
}

// VerifyLeft returns how many tries an error of Verify leaves; ok is false for
// an error that is about something else.
func VerifyLeft(err error) (left int, ok bool) {
	if failed, wrong := errors.AsType[*card.VerifyError](err); wrong {
		return failed.Left, true
	}
	return 0, errors.Is(err, card.ErrVerifyBlocked)
}
