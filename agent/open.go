package agent

import (
	"context"
	"slices"
	"strconv"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
)

// check parses a sealed entry and verifies its author's signature against the
// person whom it names. It owes envelope.ErrFormat, envelope.ErrPerson,
// envelope.ErrSignature and the errors of trust.Store.Author.
func check(t *trust.Store, raw []byte, subjects *envelope.Subjects) (*envelope.Sealed, trust.Key, error) {
	sealed, err := envelope.Parse(raw)
	if err != nil {
		return nil, trust.Key{}, err
	}
	subject, err := subjects.Of(sealed.Person())
	if err != nil {
		return nil, trust.Key{}, err
	}
	author, err := t.Author(sealed.KID(), sealed.Time())
	if err != nil {
		return nil, trust.Key{}, err
	}
	if err := sealed.Verify(subject, author.Public); err != nil {
		return nil, trust.Key{}, err
	}
	return sealed, author, nil
}

// OpenEntry verifies one sealed entry and decodes the sections that keys can
// open, which are those of the person whom it names; Where is left empty. It
// owes the errors of envelope, of trust.Store.Author and record.ErrFormat.
func OpenEntry(t *trust.Store, raw []byte, subjects *envelope.Subjects, keys *envelope.Keys) (VisitEntry, error) {
	sealed, author, err := check(t, raw, subjects)
	if err != nil {
		return VisitEntry{}, err
	}
	out := VisitEntry{ID: sealed.ID(), Author: author.Name, Signer: SignerDevice, Facility: author.Facility, Where: []string{}, kid: author.KID}
	if author.Usage == trust.UsageOperator {
		out.Signer = SignerOperator
	}
	texts, locked, err := sealed.OpenAll(keys)
	if err != nil {
		return VisitEntry{}, err
	}
	for _, s := range locked {
		out.Locked = append(out.Locked, s.String())
		texts[s] = nil // there, but not to be read
	}
	out.Entry, err = record.Decode(record.Meta{Person: sealed.Person(), Start: sealed.Time()}, texts)
	if err != nil {
		return VisitEntry{}, err
	}
	out.Entry.ID = out.ID
	return out, nil
}

// OpenSummary verifies and decodes a sealed summary. It owes what OpenEntry
// owes.
func OpenSummary(t *trust.Store, raw []byte, subjects *envelope.Subjects, keys *envelope.Keys) (*record.Summary, error) {
	sealed, _, err := check(t, raw, subjects)
	if err != nil {
		return nil, err
	}
	plain, err := sealed.Open(keys, record.SectionSummary)
	if err != nil {
		return nil, err
	}
	return record.DecodeSummary(plain)
}

// show fills the visit with the whole record of the person who is shown: every
// entry that the cache holds, which after keep is all that the card carried.
func (r *reader) show(_ context.Context, c *openCard) error {
	entries, problems, err := r.a.record(r.who, &c.id.Subjects, c.book, nil)
	if err != nil {
		return err
	}
	problems = append(slices.Clone(c.problems), problems...)
	steps, stats := c.steps, c.session.Stats()
	r.a.visits.update(c.visit, func(v *Visit) {
		v.Entries, v.Problems, v.Ready = entries, problems, true
		v.Steps, v.Stats = steps, stats
		v.recheck()
	})
	if err := r.showSpace(c); err != nil {
		return err
	}
	for i := range problems {
		r.a.publish(Event{Kind: KindFailure, Reader: r.name, Visit: c.visit, Failure: &problems[i]})
	}
	return nil
}

// record opens all entries of one person that the cache holds, newest first.
// Those among opened, of the same keys and the same trust list, are taken as
// they are. An entry that does not pass its checks is left out and told as a
// problem. Who reads them says which of them may be corrected.
func (a *Agent) record(who actor, subjects *envelope.Subjects, b *book, opened []VisitEntry) ([]VisitEntry, []Failure, error) {
	stored, err := a.cfg.Cache.History(subjects.Patient)
	if err != nil {
		return nil, nil, err
	}
	known := make(map[record.EntryID]VisitEntry, len(opened))
	for _, e := range opened {
		known[e.ID] = e
	}
	entries := make([]VisitEntry, 0, len(stored))
	var problems []Failure
	for _, s := range stored {
		if person, ok := envelope.PersonOf(s.Sealed); ok && person != b.person() {
			continue
		}
		e, ok := known[s.ID]
		if !ok {
			e, err = OpenEntry(a.cfg.Trust, s.Sealed, subjects, b.keys)
		}
		if err != nil {
			f := Classify(err)
			a.cfg.Log.Warn("entry set aside", logkey.Code, f.Code, logkey.Entry, s.ID.Short())
			problems = append(problems, f)
			continue
		}
		e.Where, e.Kept = places(s), s.Kept
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(x, y VisitEntry) int { return y.Entry.Start.Compare(x.Entry.Start) })
	link(entries)
	a.markCorrectable(who, b, entries)
	return entries, summarise(problems), nil
}

// places names where a cached entry is known to be.
func places(e cache.Entry) []string {
	var where []string
	for _, p := range []struct {
		is   bool
		name string
	}{
		{e.Flags&cache.OnCard != 0, AtCard},
		{e.Flags&cache.CardUnknown != 0, AtUnknown},
		{e.Flags&cache.CardOwed != 0, AtOwed},
		{true, AtCache},
		{e.Queued, AtOutbox},
		{e.Flags&cache.AtCentre != 0, AtCentre},
	} {
		if p.is {
			where = append(where, p.name)
		}
	}
	return where
}

// summarise folds problems of one kind into one, which then tells how many
// there were: a damaged card must not fill the page.
func summarise(problems []Failure) []Failure {
	var out []Failure
	count := make(map[string]int)
	for _, f := range problems {
		if count[f.Code]++; count[f.Code] == 1 {
			out = append(out, f)
		}
	}
	for i := range out {
		if n := count[out[i].Code]; n > 1 {
			text := make(map[string]string, len(out[i].Text))
			for lang, words := range out[i].Text {
				text[lang] = words + " (" + strconv.Itoa(n) + ")"
			}
			out[i].Text = text
		}
	}
	return out
}
