package terms

import (
	"slices"
	"strings"
	"unicode"
)

// MaxQuery bounds what is searched for, in bytes.
const MaxQuery = 200

// fold maps letters that people write one for another to one of them.
var fold = func() map[rune]rune {
	m := make(map[rune]rune)
	for _, group := range []string{
		"اأإآٱ", "يىئیێ", "هةەھ", "كک", "وؤۆ", "رڕ", "لڵ", "0٠۰", "1١۱", "2٢۲", "3٣۳", "4٤۴", "5٥۵", "6٦۶", "7٧۷", "8٨۸", "9٩۹",
		"aàáâä", "eèéêë", "iìíîï", "oòóôö", "uùúûü", "cç", "nñ",
	} {
		letters := []rune(group)
		for _, r := range letters[1:] {
			m[r] = letters[0]
		}
	}
	return m
}()

// Fold returns s as it is compared in a search: lower case, one of the letters
// that are written one for another, no vowel signs, no stretching and no
// joiners, digits 0 to 9, and one space between words.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		switch {
		case r >= 0x064b && r <= 0x0652, r == 0x0670, r == 0x0640, r == 0x200c, r == 0x200d:
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		r = unicode.ToLower(r)
		if to, ok := fold[r]; ok {
			r = to
		}
		b.WriteRune(r)
	}
	return b.String()
}

// indexed is a row's words for searching, folded: those of each language, and
// the code.
type indexed struct {
	slot   Slot
	number uint32
	words  [numLanguages + 1][]string
}

// indexes returns every row in the form in which it is searched.
func (t *Table) indexes() []indexed {
	t.once.Do(func() {
		for s := range NumSlots {
			for n := range t.rows[s] {
				row := &t.rows[s][n]
				x := indexed{slot: s, number: uint32(n)} // #nosec G115 -- at most MaxRows
				for i, d := range row.Display {
					x.words[i] = strings.Fields(Fold(d))
				}
				// A code is one word: E11.9 is found by e119 and by E11.
				x.words[numLanguages] = []string{strings.ReplaceAll(Fold(row.Code.Value), " ", "")}
				t.search = append(t.search, x)
			}
		}
	})
	return t.search
}

// Search returns the terms that a query names, at most limit, the best first:
// those of which every word of the query begins a word, in any one language or
// in the code; then, when there are fewer than limit, those that differ by a
// slip of the hand in a word of four letters or more. Of equals the commoner
// come first. No slots are all slots.
func (t *Table) Search(query string, limit int, slots ...Slot) []Term {
	if len(query) > MaxQuery {
		return nil
	}
	words := strings.Fields(Fold(query))
	code := strings.Join(words, "")
	if len(words) == 0 {
		return nil
	}
	type hit struct {
		at, cost int
	}
	var hits []hit
	index := t.indexes()
	taken := make([]bool, len(index))
	for _, slips := range []bool{false, true} {
		for i := range index {
			x := &index[i]
			if len(slots) > 0 && !slices.Contains(slots, x.slot) || taken[i] {
				continue
			}
			best := -1
			for lang, have := range x.words {
				want := words
				if lang == int(numLanguages) {
					want = []string{code}
				}
				if cost := match(want, have, slips && lang < int(numLanguages)); cost >= 0 && (best < 0 || cost < best) {
					best = cost
				}
			}
			if best >= 0 {
				hits, taken[i] = append(hits, hit{i, best}), true
			}
		}
		if len(hits) >= limit {
			break
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.cost - b.cost })
	var out []Term
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, t.rows[index[h.at].slot][index[h.at].number].Term)
	}
	return out
}

// Costs of a match: of a word that is only begun, of words in another order
// than the query's or after others, and of a slip.
const (
	costBegun = 1
	costLater = 2
	costSlip  = 100
)

// match returns how far the words wanted are from those at hand, -1 for not
// at all.
func match(want, have []string, slips bool) int {
	total := 0
	for i, w := range want {
		best := -1
		for j, h := range have {
			cost := -1
			switch {
			case h == w:
				cost = 0
			case strings.HasPrefix(h, w):
				cost = costBegun
			case slips && near(w, h):
				cost = costSlip
			}
			if cost >= 0 && i != j {
				cost += costLater
			}
			if cost >= 0 && (best < 0 || cost < best) {
				best = cost
			}
		}
		if best < 0 {
			return -1
		}
		total += best
	}
	return total
}

// near reports whether the words differ by one letter left out, put in,
// changed, or swapped with the next. Both have four letters at least. What
// follows in the longer word does not count when it is only begun.
func near(a, b string) bool {
	if a[0] != b[0] && a[len(a)-1] != b[len(b)-1] && !strings.Contains(b, a[len(a)/2:]) {
		return false // most words: too far to look closer
	}
	x, y := []rune(a), []rune(b)
	if len(x) < 4 || len(y) < 4 || len(y) < len(x)-1 {
		return false
	}
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	begins := func(p, q []rune) bool { return len(p) <= len(q) && slices.Equal(p, q[:len(p)]) }
	switch {
	case i >= len(x):
		return true
	case i >= len(y):
		return i == len(x)-1
	case begins(x[i+1:], y[i+1:]), begins(x[i:], y[i+1:]), begins(x[i+1:], y[i:]):
		return true
	default:
		return i+1 < len(x) && i+1 < len(y) && x[i] == y[i+1] && x[i+1] == y[i] && begins(x[i+2:], y[i+2:])
	}
}
