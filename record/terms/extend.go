package terms

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxUpdate bounds the text of one edition, in bytes.
const MaxUpdate = 4 << 20

// Extend returns the edition after t. The text has lines "slot TAB system TAB
// code TAB flags TAB ar TAB ckb TAB en", and lines of facts. A code that is new
// becomes a row at the end of its slot; for one that is there already, in the
// same slot, the words and flags are changed, and its number stays. No code has
// two rows in one text. A fact takes the place of what was said before. It owes
// ErrTable.
func (t *Table) Extend(text string) (*Table, error) {
	if len(text) > MaxUpdate || !utf8.ValidString(text) || text != "" && !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("edition %d: %w", t.Edition+1, ErrTable)
	}
	next := &Table{
		Edition: t.Edition + 1, Digest: sha256.Sum256(append(t.Digest[:], text...)), index: t.index.clone(),
		facts: facts{maps.Clone(t.facts.maps), maps.Clone(t.facts.masses), maps.Clone(t.facts.lines), maps.Clone(t.facts.also)},
	}
	for s := range next.rows {
		next.rows[s] = slices.Clone(t.rows[s])
	}
	n, seen := 0, make(map[Code]bool)
	for line := range strings.Lines(text) {
		n++
		if err := next.extend(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), seen); err != nil {
			return nil, fmt.Errorf("edition %d, line %d: %w", next.Edition, n, err)
		}
	}
	return next, nil
}

func (t *Table) extend(f []string, seen map[Code]bool) error {
	if known, err := t.fact(f); known {
		return err
	}
	if len(f) != 7 {
		return ErrTable
	}
	slot, ok := SlotByName(f[0])
	row := Row{Scale: -1}
	if !ok || !row.words(f[1:]) {
		return ErrTable
	}
	if seen[row.Code] {
		return fmt.Errorf("%s twice: %w", row.Code, ErrTable)
	}
	seen[row.Code] = true
	p, known := t.index.get(row.Code)
	if !known {
		return t.add(slot, row)
	}
	if p.slot != slot {
		return fmt.Errorf("%s in another slot: %w", row.Code, ErrTable)
	}
	t.rows[slot][p.number].Term = row.Term
	return nil
}
