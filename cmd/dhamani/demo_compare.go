package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/wait"
	"github.com/dhamani-iq/dhamani/record"
)

// idSet is the set of entries that one place holds.
type idSet map[record.EntryID]struct{}

func (s idSet) missing(from idSet) (n int) {
	for id := range from {
		if _, ok := s[id]; !ok {
			n++
		}
	}
	return n
}

func (s idSet) equal(o idSet) bool { return s.missing(o) == 0 && o.missing(s) == 0 }

func setOf(ids []record.EntryID) idSet {
	s := make(idSet, len(ids))
	for _, id := range ids {
		s[id] = struct{}{}
	}
	return s
}

// compare asks every place which entries it holds. The centre and both agents
// hold all; the card holds the newest that fit, and the comparison says which.
func (d *demo) compare(ctx context.Context) (string, error) {
	w := d.world
	want := setOf(w.issued.Entries)
	onCard, err := w.cardEntries(ctx)
	if err != nil {
		return "", err
	}
	atCentre, err := w.centreEntries(ctx)
	if err != nil {
		return "", err
	}
	first, err := w.agentEntries(ctx, w.first, want)
	if err != nil {
		return "", err
	}
	second, err := w.agentEntries(ctx, w.second, want)
	if err != nil {
		return "", err
	}
	newest := setOf(w.issued.Entries[len(w.issued.Entries)-len(onCard):])
	cardFits := onCard.equal(newest)
	d.report.Entries, d.report.OnCard = len(atCentre), len(onCard)
	d.report.Identical = cardFits && atCentre.equal(want) && first.equal(want) && second.equal(want)
	d.say("           centre:   %d entries%s", len(atCentre), verdict(atCentre.equal(want)))
	d.say("           agent 1:  %d entries%s", len(first), verdict(first.equal(want)))
	d.say("           agent 2:  %d entries%s", len(second), verdict(second.equal(want)))
	d.say("           card:     %d entries%s", len(onCard), verdict(cardFits))
	if older := len(want) - len(onCard); older > 0 {
		d.say("           the card holds the summary and the newest %d; the %d oldest are at the centre only", len(onCard), older)
	}
	if !d.report.Identical {
		return "not identical", nil
	}
	return "identical", nil
}

func verdict(ok bool) string {
	if ok {
		return ", as they must be"
	}
	return ", NOT as they must be"
}

// cardEntries reads the log of the card itself, past all that the agents may
// have kept: from a copy of its memory, so that the card in the reader goes on
// undisturbed.
func (w *world) cardEntries(ctx context.Context) (ids idSet, err error) {
	station, err := home.Load(w.stationDir())
	if err != nil {
		return nil, err
	}
	twin, err := softcard.Load(w.card.Image(), softcard.Options{})
	if err != nil {
		return nil, err
	}
	session, err := card.Open(ctx, twin.Transport())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	raw, err := session.Security(ctx)
	if err != nil {
		return nil, err
	}
	security, err := station.Trust.CardSecurity(raw, time.Now())
	if err != nil {
		return nil, err
	}
	if err := session.Authenticate(ctx, security.Public, station.Terminal); err != nil {
		return nil, err
	}
	head, err := session.Head(ctx)
	if err != nil {
		return nil, err
	}
	ids = make(idSet)
	err = session.Entries(ctx, head, card.Head{}, func(_ uint32, sealed []byte) error {
		ids[envelope.IDOf(sealed)] = struct{}{}
		return nil
	})
	return ids, err
}

// centreEntries asks the centre for all that it holds of the patient.
func (w *world) centreEntries(ctx context.Context) (idSet, error) {
	station, err := home.Load(w.stationDir())
	if err != nil {
		return nil, err
	}
	centre, err := station.Client(nil, w.log)
	if err != nil {
		return nil, err
	}
	held, err := centre.Patient(ctx, w.issued.Patient, [16]byte{})
	if err != nil {
		return nil, err
	}
	ids := make(idSet)
	for _, sealed := range held.Items {
		ids[envelope.IDOf(sealed)] = struct{}{}
	}
	return ids, nil
}

// agentEntries waits until an agent shows as many entries as are wanted: what
// is not on the card comes from the centre, a moment later.
func (w *world) agentEntries(ctx context.Context, ws *workstation, want idSet) (idSet, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		visits, err := ws.api.Visits(ctx)
		if err != nil {
			return nil, err
		}
		ids := make(idSet)
		if i := slices.IndexFunc(visits, func(v agent.Visit) bool { return v.Patient == w.issued.Patient }); i >= 0 {
			for _, e := range visits[i].Entries {
				ids[e.ID] = struct{}{}
			}
		}
		if ids.equal(want) {
			return ids, nil
		}
		switch err := wait.For(ctx, 20*time.Millisecond); {
		case errors.Is(err, context.DeadlineExceeded):
			return ids, nil // the comparison tells what is missing
		case err != nil:
			return nil, err
		}
	}
}
