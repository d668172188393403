package home

import (
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// settleAfter is how long after its issue an edition's rows are named by number
// in what is written here: a clinic that was without the centre for so long has
// it by then (docs/formats/content.md).
const settleAfter = 60 * 24 * time.Hour

// vocabulary is the line of editions that this workstation follows.
type vocabulary struct {
	mu    sync.Mutex
	table *terms.Table // nil for the first edition
}

// accept takes a signed edition into use and returns the number of the one in
// use. It owes what trust.Store.Edition and terms.Table.Follow owe.
func (v *vocabulary) accept(keys *trust.Store, raw []byte, now time.Time) (uint64, error) {
	e, err := keys.Edition(raw)
	if err != nil {
		return 0, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	table := v.table
	if table == nil {
		table = terms.Base()
	}
	next, err := table.Follow(terms.Step{Edition: e.Number, Before: e.Before, After: e.After, Rows: e.Rows, Text: e.Text})
	if err != nil {
		return uint64(table.Edition), err
	}
	v.table = next
	terms.Use(next)
	if now.Sub(e.Issued) >= settleAfter {
		terms.Settle(next.Edition)
	}
	return uint64(next.Edition), nil
}
