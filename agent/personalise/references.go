package personalise

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/record"
)

// ErrTemplate is returned for a template that cannot go onto a card.
var ErrTemplate = errors.New("no template for a card")

// Fingers makes the templates of a card from finger minutiae records of
// ISO/IEC 19794-2: one for each finger, of its best view. Persons is left
// empty, for the holder. It owes ErrTemplate.
func Fingers(records ...[]byte) ([]card.Template, error) {
	var out []card.Template
	for _, raw := range records {
		t, err := fmr.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
		}
		for _, best := range bestViews(t) {
			finger := card.Position(t.Views[best].Position)
			compact, err := fmr.AppendCard(nil, t, best, fmr.Compact, card.MaxMinutiae)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
			case finger == 0:
				return nil, fmt.Errorf("%w: it does not say which finger it is", ErrTemplate)
			case len(compact) < card.MinMinutiae*card.MinutiaLen:
				return nil, fmt.Errorf("%w: %v has fewer than %d minutiae", ErrTemplate, t.Views[best].Position, card.MinMinutiae)
			case len(out) == card.MaxFingers:
				return nil, fmt.Errorf("%w: more than %d fingers", ErrTemplate, card.MaxFingers)
			}
			ref := uint8(card.FirstFinger + len(out)) // #nosec G115 -- at most MaxFingers
			out = append(out, card.Template{Finger: card.Finger{Ref: ref, Finger: finger}, Compact: compact})
		}
	}
	return out, nil
}

// Records makes of finger minutiae records what the centre keeps to find people
// who are enrolled twice: a record of one view for each finger, the best of all
// records, in the order in which the fingers came. It owes ErrTemplate.
func Records(records ...[]byte) ([][]byte, error) {
	var out []*fmr.Template
	at := make(map[fmr.Position]int)
	for _, raw := range records {
		t, err := fmr.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
		}
		for _, best := range bestViews(t) {
			one := *t
			view := t.Views[best]
			view.Number, view.Extensions = 0, nil
			one.Device, one.Views = 0, []fmr.View{view}
			n, seen := at[view.Position]
			switch {
			case view.Position == fmr.Unknown:
				return nil, fmt.Errorf("%w: it does not say which finger it is", ErrTemplate)
			case !seen:
				at[view.Position] = len(out)
				out = append(out, &one)
			case view.Quality > out[n].Views[0].Quality:
				out[n] = &one
			}
		}
	}
	list := make([][]byte, len(out))
	for i, t := range out {
		var err error
		if list[i], err = fmr.Marshal(t); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
		}
	}
	return list, nil
}

// bestViews returns of each finger the view of the best quality, in the order
// of the record.
func bestViews(t *fmr.Template) []int {
	var out []int
	at := make(map[fmr.Position]int)
	for i, v := range t.Views {
		n, seen := at[v.Position]
		switch {
		case !seen:
			at[v.Position] = len(out)
			out = append(out, i)
		case v.Quality > t.Views[out[n]].Quality:
			out[n] = i
		}
	}
	return out
}

// writeReferences gives the card the holder's PIN and fingers, which count for
// those whom the holder answers for as well.
func (w *work) writeReferences(ctx context.Context, blank *card.Blank) error {
	if w.s.PIN == nil && len(w.s.Fingers) == 0 {
		return nil
	}
	who, err := w.answersFor()
	if err != nil {
		return err
	}
	for _, t := range w.s.Fingers {
		t.Persons = who
		if err := blank.PutFinger(ctx, t); err != nil {
			return err
		}
	}
	if w.s.PIN == nil {
		return nil
	}
	pin, err := w.s.PIN(w.id)
	if err != nil {
		return err
	}
	return blank.PutPIN(ctx, who, []byte(pin.Reveal()))
}

// answersFor returns for whom the holder may verify.
func (w *work) answersFor() (record.Persons, error) {
	if w.order.Bundle != nil {
		return w.order.Bundle.Identity.VerifiesFor(0), nil
	}
	file, err := w.s.Trust.Identity(w.grant.IDFile)
	if err != nil {
		return 0, err
	}
	identity, err := record.DecodeIdentity(file.Identity)
	if err != nil {
		return 0, fmt.Errorf("identity: %w", err)
	}
	return identity.VerifiesFor(0), nil
}
