package authority

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/standing"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// What is read of a patient's entries at a time, and at most.
const (
	standingItems = 500
	standingBytes = 4 << 20
	standingPages = 64
)

// Standing says what was charged for a person in the programme's year of now,
// by the coverage sections of the entries that the centre holds; nothing else
// of them is opened, and that only when something has changed since it was asked
// last, or the last answer is ten minutes old. It owes store.ErrNotFound for a patient whom the centre
// does not know, and envelope.ErrPerson.
func (a *Authority) Standing(ctx context.Context, id record.PatientID, person uint8, now time.Time) ([]byte, error) {
	raw, err := a.standing(ctx, id, person, now)
	if err != nil {
		return nil, fmt.Errorf("sign standing: %w", err)
	}
	return raw, nil
}

func (a *Authority) standing(ctx context.Context, id record.PatientID, person uint8, now time.Time) ([]byte, error) {
	p, err := a.openPatient(ctx, id)
	if err != nil {
		return nil, err
	}
	defer p.roots.Wipe()
	subject, keys, err := p.keys(person)
	if err != nil {
		return nil, err
	}
	defer keys.Wipe()
	_, cover, err := a.Content(p.Patient)
	if err != nil {
		return nil, err
	}
	schedule, err := a.coverInForce(ctx)
	if err != nil {
		return nil, err
	}
	rules := schedule.At(now)
	year, name := rules.Year(now), wordName{id, person}
	state, err := a.stateOf(ctx, p, cover, year) // before the entries are read: one that comes now makes it old
	if err != nil {
		return nil, err
	}
	if sealed, ok := a.words.find(name, state, now); ok {
		return sealed, nil
	}
	l := coverReader{trust: a.trust, subject: subject, keys: keys, since: rules.YearStart(year), till: rules.YearStart(year + 1)}
	if err := a.eachEntry(ctx, id, l.read); err != nil {
		return nil, err
	}
	s := entitle.Gather(rules, year, person, l.seen)
	s.At, s.Cover, s.CoverAt = now, cover, p.Updated
	centre, err := publicOf(a.receipt)
	if err != nil {
		return nil, err
	}
	sealed, err := standing.Seal(subject, keys, envelope.Author{Signer: a.receipt, KID: trust.KIDOf(centre)}, s, rand.Reader)
	if err != nil {
		return nil, err
	}
	a.words.keep(name, word{state, now, sealed}, now)
	return sealed, nil
}

// eachEntry reads a patient's entries, oldest first.
func (a *Authority) eachEntry(ctx context.Context, id record.PatientID, fn func(sealed []byte)) error {
	after := uint64(0)
	for range standingPages {
		page, err := a.store.Patient(ctx, id, after, standingItems, standingBytes)
		if err != nil {
			return err
		}
		for _, sealed := range page.Items {
			fn(sealed)
		}
		if after = page.Next; after == 0 {
			return nil
		}
	}
	return fmt.Errorf("patient with more than %d pages: %w", standingPages, store.ErrCorrupt)
}

// coverReader opens the coverage sections of one person's entries: those of the
// year, and of any year what may be an amendment, since that may have moved a
// visit out of this one. What does not pass its checks is no charge, here as at
// a clinic.
type coverReader struct {
	trust       *trust.Store
	subject     envelope.Subject
	keys        *envelope.Keys
	since, till time.Time
	seen        []entitle.Seen
}

func (l *coverReader) read(raw []byte) {
	sealed, err := envelope.Parse(raw)
	if err != nil || sealed.Person() != l.subject.Person {
		return
	}
	size := sealed.Length(record.SectionCoverage)
	if charged := !sealed.Time().Before(l.since) && sealed.Time().Before(l.till); size == 0 || !charged && size < record.MinAmending {
		return
	}
	author, err := l.trust.Author(sealed.KID(), sealed.Time())
	if err != nil || sealed.Verify(l.subject, author.Public) != nil {
		return
	}
	text, err := sealed.Open(l.keys, record.SectionCoverage)
	if err != nil {
		return
	}
	sections := map[record.Section][]byte{record.SectionCoverage: text}
	for _, s := range sealed.Sections()[1:] {
		sections[s] = nil // there, and nobody's business here
	}
	entry, err := record.Decode(record.Meta{Person: sealed.Person(), Start: sealed.Time()}, sections)
	if err != nil {
		return
	}
	l.seen = append(l.seen, entitle.Seen{ID: sealed.ID(), Facility: author.Facility, Entry: entry})
}
