package personalise

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/wait"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Item is one patient who is to get a card.
type Item struct {
	Source string // file of the Bundle, for people
	Digest Digest // of the file
	Load   func() (*fhir.Bundle, error)
}

// Presented is a card that lies in a reader.
type Presented struct {
	Reader string
	Info   card.Info
}

// Batch personalises cards one after the other and keeps the journal.
type Batch struct {
	Station Station // Begun and Granted are the batch's own
	Journal *Journal
	// Next waits for a card that is not among the spent ones. Its error ends
	// the batch.
	Next func(ctx context.Context, spent func(card.ID) bool) (Presented, error)
	// Tries is how many cards a patient may use up. With 0 or 1 the first card
	// that fails ends the batch with its error.
	Tries int
	// Hold leaves the cards complete but not activated.
	Hold bool
	// Tell, when set, is called after each patient, and with StateBegun and a
	// problem after each card that failed.
	Tell func(o Outcome, done, total int)
}

// Outcome is what became of one patient.
type Outcome struct {
	Source  string           `json:"source"`
	State   State            `json:"state"`
	Already bool             `json:"already,omitempty"` // done before this run
	Card    card.ID          `json:"card,omitzero"`
	Patient record.PatientID `json:"patient,omitzero"`
	Entries int              `json:"entries"`
	OnCard  int              `json:"on_card"`
	Fingers int              `json:"fingers,omitempty"`          // how many the centre has taken
	LeftOut []string         `json:"fingers_left_out,omitempty"` // why it has not taken others
	Problem string           `json:"problem,omitempty"`
}

// Report is what became of all.
type Report struct {
	Total   int       `json:"total"`
	Made    int       `json:"made"`
	Already int       `json:"already"`
	Failed  int       `json:"failed"`
	Left    int       `json:"left"` // not come to, because the batch ended early
	Items   []Outcome `json:"items"`
}

// Run personalises a card for each item that has none yet. It goes on after an
// item whose Bundle is at fault and after a card that fails; it ends early, with
// what it has done in the Report, when the centre or the cards are out of
// reach. Run again, it goes on where it ended.
func (b *Batch) Run(ctx context.Context, items []Item) (Report, error) {
	report := Report{Total: len(items), Left: len(items), Items: []Outcome{}}
	spent := make(map[card.ID]bool)
	for i, item := range items {
		out, err := b.one(ctx, item, spent, i, len(items))
		if err != nil {
			return report, err
		}
		report.Left--
		switch {
		case out.Already:
			report.Already++
		case out.State.Done():
			report.Made++
		default:
			report.Failed++
		}
		report.Items = append(report.Items, out)
		b.tell(out, i+1, len(items))
	}
	return report, nil
}

func (b *Batch) tell(out Outcome, done, total int) {
	if b.Tell != nil {
		b.Tell(out, done, total)
	}
}

// errItem marks what another card would not change.
var errItem = errors.New("patient cannot be personalised")

func (b *Batch) one(ctx context.Context, item Item, spent map[card.ID]bool, done, total int) (Outcome, error) {
	out := Outcome{Source: item.Source}
	if p := b.Journal.Of(item.Digest); p.State.Done() {
		out.State, out.Already = p.State, true
		out.Card, out.Patient, out.Entries, out.OnCard = p.Card, p.Patient, p.Entries, p.OnCard
		return out, nil
	}
	bundle, err := item.Load()
	if err != nil {
		return out, b.fail(item, &out, err)
	}
	for try, waited := 0, 0; try < max(b.Tries, 1); {
		got, err := b.Next(ctx, func(id card.ID) bool { return spent[id] })
		if err != nil {
			return out, err
		}
		counts, err := b.onto(ctx, item, bundle, got, &out)
		switch {
		case err == nil && out.State.Done():
			spent[got.Info.ID] = true
			return out, nil
		case errors.Is(err, errItem):
			return out, b.fail(item, &out, err)
		case busy(err) > 0 && waited < maxWaits:
			waited++
			if err := wait.For(ctx, busy(err)); err != nil {
				return out, err
			}
			continue
		case err != nil && (b.Tries <= 1 || stops(ctx, err)):
			return out, err
		case err != nil:
			out.State, out.Card, out.Problem = StateBegun, got.Info.ID, err.Error()
			b.tell(out, done, total)
		}
		if counts {
			try++
		}
		if unusable(err) {
			spent[got.Info.ID] = true
		}
	}
	return out, b.fail(item, &out, errors.New(out.Problem))
}

// maxWaits is how often in a row a batch waits for a centre that asks it to.
const maxWaits = 20

// busy returns how long the centre asked to wait before the next try, or zero.
func busy(err error) time.Duration {
	if server, ok := errors.AsType[*client.ServerError](err); ok {
		return min(server.RetryAfter, time.Minute)
	}
	return 0
}

// onto personalises the card presented. counts is false for a card that was
// not blank, which costs nobody a try.
func (b *Batch) onto(ctx context.Context, item Item, bundle *fhir.Bundle, got Presented, out *Outcome) (counts bool, err error) {
	p := b.Journal.Of(item.Digest)
	if got.Info.State != card.StateCreation {
		if got.Info.State == card.StateOperational && p.Card == got.Info.ID && !p.Patient.IsZero() {
			// Activated last time, and the answer was lost. Nothing activates a
			// card here before all of it was written.
			out.State, out.Card, out.Patient = StateWhole, p.Card, p.Patient
			out.Problem = ""
			return true, b.Journal.Note(Line{Bundle: item.Digest, Source: item.Source, State: StateWhole, Card: p.Card, Patient: p.Patient})
		}
		return false, fmt.Errorf("card %s: %w", got.Info.ID, notBlank(got.Info.State))
	}
	note := func(state State, id card.ID, patient record.PatientID) error {
		return b.Journal.Note(Line{Bundle: item.Digest, Source: item.Source, State: state, Card: id, Patient: patient})
	}
	station := b.Station
	station.Begun = func(id card.ID) error { return note(StateBegun, id, record.PatientID{}) }
	station.Granted = func(id card.ID, patient record.PatientID) error { return note(StateGranted, id, patient) }
	res, err := station.Fill(ctx, got.Reader, Order{Bundle: bundle, Patient: p.Patient, Replaces: p.Cards, Hold: b.Hold})
	if err != nil {
		if ofBundle(err) {
			err = fmt.Errorf("%w: %w", errItem, err)
		}
		return true, err
	}
	line := Line{
		Bundle: item.Digest, Source: item.Source, State: StateWhole, Card: res.Card, Patient: res.Patient,
		Entries: len(res.Entries), OnCard: res.OnCard,
	}
	if !res.Active {
		line.State = StateHeld
	}
	*out = Outcome{
		Source: item.Source, State: line.State, Card: res.Card, Patient: res.Patient, Entries: line.Entries, OnCard: line.OnCard,
		Fingers: res.Fingers, LeftOut: res.LeftOut,
	}
	return true, b.Journal.Note(line)
}

func notBlank(s card.State) error {
	if err := s.Err(); err != nil {
		return err
	}
	return card.ErrNotBlank
}

func (b *Batch) fail(item Item, out *Outcome, err error) error {
	out.State, out.Problem = StateFailed, err.Error()
	return b.Journal.Note(Line{Bundle: item.Digest, Source: item.Source, State: StateFailed, Problem: clip(out.Problem)})
}

// clip keeps a problem within a line of the journal.
func clip(text string) string {
	const most = 500
	return text[:min(len(text), most)]
}

// ofBundle reports an error that is the Bundle's: no other card helps.
func ofBundle(err error) bool {
	server, ok := errors.AsType[*client.ServerError](err)
	return errors.Is(err, ErrRejected) || errors.Is(err, record.ErrInvalid) || ok && server.Code == wire.CodeBadRequest
}

// unusable reports that the card will serve nobody else: it is personalised,
// or the centre has issued it to another patient.
func unusable(err error) bool {
	server, ok := errors.AsType[*client.ServerError](err)
	return ok && server.Code == wire.CodeConflict ||
		slices.ContainsFunc([]error{card.ErrNotBlank, card.ErrBlocked, card.ErrTerminated}, func(is error) bool { return errors.Is(err, is) })
}

// stops reports an error that ends the batch: another card would fail as well.
func stops(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, client.ErrOffline) || errors.Is(err, client.ErrProtocol) ||
		errors.Is(err, card.ErrServiceDown) || errors.Is(err, ErrIncomplete) || errors.Is(err, ErrJournal) {
		return true
	}
	server, ok := errors.AsType[*client.ServerError](err)
	return ok && server.Code != wire.CodeConflict
}
