package agent

import (
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// book is the record of one person on a card: what its entries are checked
// against, the keys that the card gave for it, and its summary. It is replaced
// as a whole and never changed, but for its keys, which are wiped at its end.
type book struct {
	subject envelope.Subject
	keys    *envelope.Keys
	summary *record.Summary
	closed  bool // there is a summary, but it cannot be opened here
}

func (b *book) person() uint8 { return b.subject.Person }

// bookOf returns the book of a person on the card, and asks the card for the
// keys the first time. It owes envelope.ErrPerson.
func (r *reader) bookOf(ctx context.Context, c *openCard, person uint8) (*book, error) {
	if b := c.books[person]; b != nil {
		return b, nil
	}
	subject, err := c.id.Subjects.Of(person)
	if err != nil {
		return nil, err
	}
	raw, err := c.session.Keys(ctx, person)
	if err != nil {
		return nil, err
	}
	defer wipe(raw)
	keys, err := envelope.KeysFromMap(raw, subject)
	if err != nil {
		return nil, err
	}
	b := &book{subject: subject, keys: keys}
	r.openSummary(c, b)
	c.books[person] = b
	r.a.visits.put(c.visit, b)
	return b, nil
}

// keySet is what the card gave for some persons, to be kept for the operator
// who earned it.
func (r *reader) keySet(c *openCard, persons ...uint8) cache.KeySet {
	set := cache.KeySet{Patient: c.id.Subjects.Patient, Holder: r.who.holder(), Keep: cache.MaxKeysKept}
	for _, person := range persons {
		if b := c.books[person]; b != nil {
			held := b.keys.Map()
			clear(held[record.SectionSensitive]) // it is for as long as the person is here
			delete(held, record.SectionSensitive)
			set.Persons = append(set.Persons, cache.PersonKeys{Person: person, Keys: held})
		}
	}
	return set
}

func wipeSet(set cache.KeySet) {
	for _, p := range set.Persons {
		wipe(p.Keys)
	}
}

// forgetIfOver takes back the keys that were kept for an operator who signed
// out meanwhile.
func (r *reader) forgetIfOver() error {
	if r.a.actor().gen == r.who.gen {
		return nil
	}
	return r.a.cfg.Cache.ForgetKeys(r.who.id)
}

func wipe(keys map[record.Section][]byte) {
	for _, key := range keys {
		clear(key)
	}
}

// openSummary fills in a new book's summary, as far as EF.SUM has been read.
func (r *reader) openSummary(c *openCard, b *book) {
	if c.sumsClosed {
		b.closed = true
		return
	}
	raw := c.sums.Of(b.person())
	if raw == nil {
		return
	}
	var err error
	if b.summary, err = OpenSummary(r.a.cfg.Trust, raw, &c.id.Subjects, b.keys); err != nil {
		b.closed = true
		c.problems = append(c.problems, Classify(fmt.Errorf("summary: %w", err)))
	}
}

// wipe forgets the keys of a card of which no visit was made.
func (c *openCard) wipe() {
	for _, b := range c.books {
		b.keys.Wipe()
	}
}

// putBook replaces a book, also where the visit shows it.
func (r *reader) putBook(c *openCard, b *book) {
	c.books[b.person()] = b
	if c.book.person() == b.person() {
		c.book = b
	}
	r.a.visits.put(c.visit, b)
}
