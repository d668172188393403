// Package personalise fills a blank card for a patient: the chip makes its
// key, the centre issues the card, the history is signed, sealed and sent to
// the centre, and the card gets the summary and the newest entries that fit.
// A card is rebuilt the same way from what the centre holds.
//
// Every step may be interrupted and the whole be begun again: the card keeps
// its key, the centre grants the same request again, and what of a history it
// holds already is not sealed a second time.
package personalise

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

var (
	// ErrRejected is returned when the centre refuses an entry of the history.
	ErrRejected = errors.New("centre refuses an entry of the history")
	// ErrIncomplete is returned when the centre sends other entries than it
	// says to hold: a card rebuilt from them might lack some.
	ErrIncomplete = errors.New("centre does not send all that it holds of the patient")
)

// Centre is what a station needs of the centre; *client.Client is one.
type Centre interface {
	// IssueCard registers a card and its key. It owes client.ErrOffline and
	// *client.ServerError.
	IssueCard(ctx context.Context, req wire.CardRequest) (*wire.CardGrant, error)
	// Push sends entries and returns what became of each. It owes the same.
	Push(ctx context.Context, items []wire.Envelope) ([]wire.Result, error)
	// Patient returns all that the centre holds of a patient, oldest first. It
	// owes the same.
	Patient(ctx context.Context, id record.PatientID, digest [16]byte) (*wire.PatientResponse, error)
}

// Station is a personalisation desk: a workstation of an issuing facility.
type Station struct {
	Readers card.Readers
	Centre  Centre
	Author  envelope.Author // signs the imported history
	// Trust says whose entries go onto a card that is rebuilt. A station
	// without it issues only.
	Trust *trust.Store
	// PIN, when set, is called for the PIN of each card before the card gets
	// it; without it a card has none. Fingers are those of the holder, for the
	// card; Records are the same for the centre, as Records makes them.
	PIN     func(card.ID) (redact.String, error)
	Fingers []card.Template
	Records [][]byte
	// Progress, when set, is called at the begin of each step, and within the
	// long ones with how much is done.
	Progress func(step string, done, total int)
	// Begun and Granted, when set, are called before the centre is asked for a
	// card and after it has granted one; an error ends the personalisation.
	Begun   func(card.ID) error
	Granted func(card.ID, record.PatientID) error
}

// Order says whose card a blank one is to become.
type Order struct {
	// Bundle is what is known of the patient; nil stands for what the centre
	// holds of a patient it knows.
	Bundle *fhir.Bundle
	// Patient is zero for a new patient, and for the holder of a card replaced.
	Patient record.PatientID
	// Replaces are cards that the new one may replace, the likeliest first;
	// those that the centre does not know are passed over. The first that it
	// knows is blocked. wire.ReplaceAll stands for all of a named patient.
	Replaces []card.ID
	// Hold leaves the card complete but not activated.
	Hold bool
}

// Result tells what was put where.
type Result struct {
	Card       card.ID          `json:"card"`
	Patient    record.PatientID `json:"patient"`
	Entries    []record.EntryID `json:"entries"`                    // the whole history, oldest first
	OnCard     int              `json:"on_card"`                    // how many of them, the newest, the card holds
	Bytes      int              `json:"bytes"`                      // of the log in use
	Sent       int              `json:"sent"`                       // how many the centre did not hold before
	Unverified int              `json:"unverified,omitempty"`       // entries at the centre whose author does not count; not on the card
	Fingers    int              `json:"fingers,omitempty"`          // how many the centre has taken
	LeftOut    []string         `json:"fingers_left_out,omitempty"` // why it has not taken others, as wire.FingersLeftOut
	Active     bool             `json:"active"`
}

// Issue personalises the blank card in the named reader for the patient of a
// Bundle. Nothing is written to the card before the centre has all of the
// history. It owes the errors of card.OpenBlank and of Centre, and ErrRejected.
func (s *Station) Issue(ctx context.Context, reader string, patient *fhir.Bundle) (Result, error) {
	return s.Fill(ctx, reader, Order{Bundle: patient})
}

// Fill personalises the blank card in the named reader as ordered. It owes what
// Issue owes, and ErrIncomplete.
func (s *Station) Fill(ctx context.Context, reader string, order Order) (Result, error) {
	if order.Bundle == nil && s.Trust == nil {
		return Result{}, errors.New("rebuild card: the station has no trust list")
	}
	s.progress("connect", 0, 0)
	transport, err := s.Readers.Connect(ctx, reader)
	if err != nil {
		return Result{}, fmt.Errorf("connect to card: %w", err)
	}
	blank, err := card.OpenBlank(ctx, transport)
	if err != nil {
		return Result{}, errors.Join(fmt.Errorf("open blank card: %w", err), transport.Close())
	}
	res, err := s.fillBlank(ctx, blank, order)
	return res, errors.Join(err, blank.Close())
}

func (s *Station) fillBlank(ctx context.Context, blank *card.Blank, order Order) (Result, error) {
	s.progress("key", 0, 0)
	key, err := cardKey(ctx, blank)
	if err != nil {
		return Result{}, fmt.Errorf("generate card key: %w", err)
	}
	w := &work{s: s, order: order, id: blank.Info().ID}
	res := Result{Card: w.id}
	for _, step := range []func(context.Context, *ecdh.PublicKey) error{w.register, w.fetch, w.seal, w.send, w.choose} {
		if err := step(ctx, key); err != nil {
			return res, err
		}
		if w.grant != nil {
			res.Patient = w.grant.Patient
		}
	}
	res.Fingers = bytes.Count(w.grant.Fingers, []byte{wire.FingerKept})
	res.LeftOut = wire.FingersLeftOut(w.grant.Fingers)
	for _, raw := range w.all {
		res.Entries = append(res.Entries, envelope.IDOf(raw))
	}
	res.Sent, res.Unverified, res.OnCard = len(w.fresh), w.unverified, len(w.log)
	for _, raw := range w.log {
		res.Bytes += len(raw) + card.LenLength
	}
	if err := w.write(ctx, blank); err != nil {
		return res, err
	}
	res.Active = !order.Hold
	return res, nil
}

// cardKey returns the key that the card has made before, or has it make one: a
// card that was begun keeps the key that the centre has registered.
func cardKey(ctx context.Context, blank *card.Blank) (*ecdh.PublicKey, error) {
	key, err := blank.PublicKey(ctx)
	if errors.Is(err, card.ErrDataNotFound) || errors.Is(err, card.ErrUnsupported) {
		return blank.GenerateKey(ctx)
	}
	return key, err
}

// register has the centre issue the card. The cards that the order may replace
// are offered one after the other until the centre knows one.
func (w *work) register(ctx context.Context, key *ecdh.PublicKey) error {
	w.s.progress("issue", 0, 0)
	req := wire.CardRequest{Patient: w.order.Patient, Card: w.id, CardKey: [65]byte(key.Bytes()), Fingers: w.s.Records}
	if b := w.order.Bundle; b != nil {
		var err error
		if req.Identity, err = b.Identity.Encode(); err != nil {
			return fmt.Errorf("encode identity: %w", err)
		}
		if b.Cover != nil {
			if req.Cover, err = b.Cover.Encode(); err != nil {
				return fmt.Errorf("encode cover: %w", err)
			}
		}
	}
	if w.s.Begun != nil {
		if err := w.s.Begun(w.id); err != nil {
			return err
		}
	}
	var err error
	if w.grant, err = w.ask(ctx, req); err != nil {
		return fmt.Errorf("issue card: %w", err)
	}
	if err := w.takeKeys(); err != nil {
		return fmt.Errorf("issue card: %w", err)
	}
	if w.s.Granted != nil {
		return w.s.Granted(w.id, w.grant.Patient)
	}
	return nil
}

// takeKeys checks the keys of each person on the card against what is signed.
func (w *work) takeKeys() error {
	var err error
	if w.subjects, err = envelope.ParseSubjects(w.grant.Subjects); err != nil {
		return err
	}
	w.persons = make(map[uint8]person, len(w.grant.Persons))
	for i := range w.grant.Persons {
		granted := &w.grant.Persons[i]
		var p person
		if p.subject, err = w.subjects.Of(granted.Person); err != nil {
			return err
		}
		if p.keys, err = envelope.KeysFromMap(granted.Keys.Map(), p.subject); err != nil {
			return err
		}
		w.persons[granted.Person] = p
	}
	return nil
}

func (w *work) ask(ctx context.Context, req wire.CardRequest) (*wire.CardGrant, error) {
	var unknown error
	for _, old := range w.order.Replaces {
		if old == w.id {
			continue
		}
		req.Replaces = old
		grant, err := w.s.Centre.IssueCard(ctx, req)
		server, ok := errors.AsType[*client.ServerError](err)
		if !ok || server.Code != wire.CodeNoPatient {
			return grant, err
		}
		unknown = err
	}
	if unknown != nil && (w.order.Bundle == nil || !req.Patient.IsZero()) {
		return nil, unknown
	}
	req.Replaces = card.ID{}
	return w.s.Centre.IssueCard(ctx, req)
}

func (s *Station) progress(step string, done, total int) {
	if s.Progress != nil {
		s.Progress(step, done, total)
	}
}
