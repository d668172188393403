// Package personalise fills a blank card for a patient: the chip makes its
// key, the centre issues the card, the history is signed, sealed and sent to
// the centre, and the card gets the summary and the newest entries that fit.
package personalise

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// ErrRejected is returned when the centre refuses an entry of the history.
var ErrRejected = errors.New("centre refuses an entry of the history")

// Centre is what a station needs of the centre; *client.Client is one.
type Centre interface {
	// IssueCard registers a card and its key. It owes client.ErrOffline and
	// *client.ServerError.
	IssueCard(ctx context.Context, req wire.CardRequest) (*wire.CardGrant, error)
	// Push sends entries and returns what became of each. It owes the same.
	Push(ctx context.Context, items []wire.Envelope) ([]wire.Result, error)
}

// Station is a personalisation desk: a workstation of an issuing facility.
type Station struct {
	Readers card.Readers
	Centre  Centre
	Author  envelope.Author // signs the imported history
	// Progress, when set, is called at the begin of each step, and within the
	// long ones with how much is done.
	Progress func(step string, done, total int)
}

// Result tells what was put where.
type Result struct {
	Card    card.ID          `json:"card"`
	Patient record.PatientID `json:"patient"`
	Entries []record.EntryID `json:"entries"` // the whole history, oldest first
	OnCard  int              `json:"on_card"` // how many of them, the newest, the card holds
	Bytes   int              `json:"bytes"`   // of the log in use
}

// Issue personalises the blank card in the named reader for the patient of a
// Bundle. Nothing is written to the card before the centre has all of the
// history. It owes the errors of card.OpenBlank and of Centre, and ErrRejected.
func (s *Station) Issue(ctx context.Context, reader string, patient *fhir.Bundle) (Result, error) {
	s.progress("connect", 0, 0)
	transport, err := s.Readers.Connect(ctx, reader)
	if err != nil {
		return Result{}, fmt.Errorf("connect to card: %w", err)
	}
	blank, err := card.OpenBlank(ctx, transport)
	if err != nil {
		return Result{}, errors.Join(fmt.Errorf("open blank card: %w", err), transport.Close())
	}
	res, err := s.issue(ctx, blank, patient)
	return res, errors.Join(err, blank.Close())
}

func (s *Station) issue(ctx context.Context, blank *card.Blank, patient *fhir.Bundle) (Result, error) {
	s.progress("key", 0, 0)
	key, err := blank.GenerateKey(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("generate card key: %w", err)
	}
	s.progress("issue", 0, 0)
	grant, subject, keys, err := s.register(ctx, blank.Info().ID, key, patient)
	if err != nil {
		return Result{}, err
	}
	history, err := s.seal(subject, keys, patient.Entries)
	if err != nil {
		return Result{}, err
	}
	if err := s.push(ctx, grant.Patient, history); err != nil {
		return Result{}, err
	}
	res := Result{Card: blank.Info().ID, Patient: grant.Patient}
	for _, sealed := range history {
		res.Entries = append(res.Entries, envelope.IDOf(sealed))
	}
	fit := newestThatFit(history)
	res.OnCard = len(fit)
	for _, sealed := range fit {
		res.Bytes += len(sealed) + card.LenLength
	}
	return res, s.fill(ctx, blank, grant, subject, keys, patient.Summary, fit)
}

// register has the centre issue the card.
func (s *Station) register(ctx context.Context, id card.ID, key *ecdh.PublicKey, patient *fhir.Bundle) (*wire.CardGrant, envelope.Subject, *envelope.Keys, error) {
	req := wire.CardRequest{Card: id}
	copy(req.CardKey[:], key.Bytes())
	var err error
	if req.Identity, err = patient.Identity.Encode(); err != nil {
		return nil, envelope.Subject{}, nil, fmt.Errorf("encode identity: %w", err)
	}
	if patient.Cover != nil {
		if req.Cover, err = patient.Cover.Encode(); err != nil {
			return nil, envelope.Subject{}, nil, fmt.Errorf("encode cover: %w", err)
		}
	}
	grant, err := s.Centre.IssueCard(ctx, req)
	if err != nil {
		return nil, envelope.Subject{}, nil, fmt.Errorf("issue card: %w", err)
	}
	subject, err := envelope.ParseSubject(grant.Subject)
	if err != nil {
		return nil, envelope.Subject{}, nil, fmt.Errorf("issue card: %w", err)
	}
	keys, err := envelope.KeysFromMap(grant.Keys.Map(), subject)
	if err != nil {
		return nil, envelope.Subject{}, nil, fmt.Errorf("issue card: %w", err)
	}
	return grant, subject, keys, nil
}

// seal signs and seals the history, oldest first. An encounter that is larger
// than one entry may be is split.
func (s *Station) seal(subject envelope.Subject, keys *envelope.Keys, entries []*record.Entry) ([][]byte, error) {
	ordered := slices.Clone(entries)
	slices.SortStableFunc(ordered, func(x, y *record.Entry) int { return x.Start.Compare(y.Start) })
	out := make([][]byte, 0, len(ordered))
	for i, e := range ordered {
		s.progress("seal", i+1, len(ordered))
		for _, part := range record.Split(e, record.MaxContent) {
			sections, err := part.Sections()
			if err != nil {
				return nil, fmt.Errorf("encode encounter: %w", err)
			}
			meta := envelope.Meta{Person: part.Person, Time: part.Meta().Start}
			sealed, err := envelope.Seal(subject, keys, s.Author, meta, sections, rand.Reader)
			if err != nil {
				return nil, fmt.Errorf("seal encounter: %w", err)
			}
			out = append(out, sealed)
		}
	}
	return out, nil
}

func (s *Station) push(ctx context.Context, patient record.PatientID, history [][]byte) error {
	for begin := 0; begin < len(history); begin += wire.MaxItems {
		end := min(begin+wire.MaxItems, len(history))
		items := make([]wire.Envelope, 0, end-begin)
		for _, sealed := range history[begin:end] {
			items = append(items, wire.Envelope{Patient: patient, Sealed: sealed})
		}
		results, err := s.Centre.Push(ctx, items)
		if err != nil {
			return fmt.Errorf("send history: %w", err)
		}
		for _, r := range results {
			if r.Status == wire.StatusRejected {
				return fmt.Errorf("entry %s: %s: %w", r.ID.Short(), r.Code, ErrRejected)
			}
		}
		s.progress("send", end, len(history))
	}
	return nil
}

// fill writes the card and activates it.
func (s *Station) fill(ctx context.Context, blank *card.Blank, grant *wire.CardGrant, subject envelope.Subject, keys *envelope.Keys, summary *record.Summary, log [][]byte) error {
	steps := []struct {
		name string
		do   func() error
	}{
		{"anchor", func() error { return blank.PutAnchor(ctx, grant.Anchor) }},
		{"date", func() error { return blank.PutDate(ctx, time.Now()) }},
		{"section keys", func() error { return blank.PutKeys(ctx, grant.Keys.Map()) }},
		{"card security", func() error { return blank.WriteFile(ctx, card.FileSecurity, grant.Security) }},
		{"identity", func() error { return blank.WriteFile(ctx, card.FileID, grant.IDFile) }},
		{"summary", func() error { return s.writeSummary(ctx, blank, subject, keys, summary) }},
		{"log", func() error { return s.writeLog(ctx, blank, log) }},
		{"activate", func() error { return blank.Activate(ctx) }},
	}
	for _, step := range steps {
		s.progress(step.name, 0, 0)
		if err := step.do(); err != nil {
			return fmt.Errorf("write %s to card: %w", step.name, err)
		}
	}
	return nil
}

func (s *Station) writeSummary(ctx context.Context, blank *card.Blank, subject envelope.Subject, keys *envelope.Keys, summary *record.Summary) error {
	plain, err := summary.Encode()
	if err != nil {
		return err
	}
	sections := map[record.Section][]byte{record.SectionSummary: plain}
	sealed, err := envelope.Seal(subject, keys, s.Author, envelope.Meta{Time: time.Now()}, sections, rand.Reader)
	if err != nil {
		return err
	}
	_, err = blank.WriteSummary(ctx, 0, sealed)
	return err
}

func (s *Station) writeLog(ctx context.Context, blank *card.Blank, log [][]byte) error {
	for i, sealed := range log {
		s.progress("log", i+1, len(log))
		if _, err := blank.Append(ctx, uint32(i), sealed); err != nil { // #nosec G115 -- bounded by the log's size
			return err
		}
	}
	return nil
}

// newestThatFit returns the longest run of newest entries that the card's log
// has room for, oldest first.
func newestThatFit(history [][]byte) [][]byte {
	free := card.LogSize - logReserve
	begin := len(history)
	for begin > 0 {
		size := len(history[begin-1]) + card.LenLength
		if size > free {
			break
		}
		free -= size
		begin--
	}
	return history[begin:]
}

// logReserve is kept free on a new card, so that the next visits can be
// written before any room has to be made.
const logReserve = 8 << 10

func (s *Station) progress(step string, done, total int) {
	if s.Progress != nil {
		s.Progress(step, done, total)
	}
}
