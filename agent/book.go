package agent

import (
	"context"
	"fmt"

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
	return b, nil
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

// putBook replaces a book, also where the visit shows it.
func (r *reader) putBook(c *openCard, b *book) {
	c.books[b.person()] = b
	if c.book.person() == b.person() {
		c.book = b
	}
	r.a.visits.put(c.visit, b)
}
