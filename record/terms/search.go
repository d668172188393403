package terms

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxQuery bounds what is searched for, in bytes.
const MaxQuery = 200

// fold maps letters that people write one for another to one of them, and every
// other to itself.
var fold = func() (m [0x700]rune) {
	for i := range m {
		m[i] = rune(i)
	}
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
		if r = unicode.ToLower(r); int(r) < len(fold) {
			r = fold[r]
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Hit is a row that a search has found, with the slot in which it stands.
type Hit struct {
	Slot Slot
	*Row
}

// Query says what is searched for.
type Query struct {
	Text    string   // at most MaxQuery bytes
	Limit   int      // of what is found
	Slots   []Slot   // none are all
	Systems []System // none are all
}

// Search returns the terms that a query names, as Query does.
func (t *Table) Search(query string, limit int, slots ...Slot) []Term {
	var out []Term
	for _, h := range t.Query(Query{Text: query, Limit: limit, Slots: slots}) {
		out = append(out, h.Term)
	}
	return out
}

// Query returns the rows that a query names, the best first: those of which
// every word of the query begins a word, in any one language or in the code;
// then, when there are fewer than the limit, those that differ by a slip of the
// hand in a word of four letters or more. Of equals the commoner come first.
func (t *Table) Query(q Query) []Hit {
	if len(q.Text) > MaxQuery {
		return nil
	}
	words := strings.Fields(Fold(q.Text))
	if len(words) == 0 {
		return nil
	}
	code := strings.Join(words, "")
	index := t.lexicon()
	type hit struct {
		at   int32
		cost int
	}
	var hits []hit
	taken := make(map[int32]bool)
	for _, slips := range []bool{false, true} {
		for _, i := range index.candidates(words, code, slips, func(i int32) bool {
			return !taken[i] && t.wanted(&index.rows[i], &q)
		}) {
			x := &index.rows[i]
			if cost := x.cost(words, code, slips); cost >= 0 {
				hits, taken[i] = append(hits, hit{i, cost}), true
			}
		}
		if len(hits) >= q.Limit {
			break
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.cost - b.cost })
	var out []Hit
	for _, h := range hits[:min(max(q.Limit, 0), len(hits))] {
		x := &index.rows[h.at]
		out = append(out, Hit{x.slot, &t.rows[x.slot][x.number]})
	}
	return out
}

func (t *Table) wanted(x *indexed, q *Query) bool {
	return (len(q.Slots) == 0 || slices.Contains(q.Slots, x.slot)) &&
		(len(q.Systems) == 0 || slices.Contains(q.Systems, t.rows[x.slot][x.number].Code.System))
}

// Costs of a match: of a name that goes on, of a word that is only begun, of words in another order
// than the query's or after others, of words that are not the table's display,
// and of a slip.
const (
	costGoing = 1
	costBegun = 2
	costLater = 4
	costOther = 6
	costSlip  = 100
)

// articles begin Arabic words, folded, that are written with and without them.
var articles = [...]string{"وال", "بال", "ال", "لل"}

// bare returns a folded word without its article, and the word itself when it
// has none or one letter would be left.
func bare(w string) string {
	for _, a := range articles {
		if rest, ok := strings.CutPrefix(w, a); ok && utf8.RuneCountInString(rest) >= 2 {
			return rest
		}
	}
	return w
}

// far returns how far a word wanted is from one at hand, -1 for not at all.
func far(w, h string, slips bool) int {
	switch {
	case h == w:
		return 0
	case strings.HasPrefix(h, w):
		return costBegun
	case slips && near(w, h):
		return costSlip
	}
	return -1
}

// match returns how far the words wanted are from those at hand, -1 for not
// at all. An article is nothing that words differ by.
func match(want, have []string, slips bool) int {
	total := 0
	for i, w := range want {
		best := -1
		for j, h := range have {
			cost := far(w, h, slips)
			if v, g := bare(w), bare(h); cost != 0 && (v != w || g != h) {
				if c := far(v, g, slips); c >= 0 && (cost < 0 || c < cost) {
					cost = c
				}
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
	if total == 0 && len(have) > len(want) {
		return costGoing
	}
	return total
}

// near reports whether the words differ by one letter left out, put in,
// changed, or swapped with the next. Both have four letters at least. What
// follows in the longer word does not count when it is only begun.
func near(a, b string) bool {
	i := 0 // bytes that are alike, to the start of a letter
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && (i < len(a) && !utf8.RuneStart(a[i]) || i < len(b) && !utf8.RuneStart(b[i])) {
		i--
	}
	restA, restB := a[i:], b[i:]
	firstA, n := utf8.DecodeRuneInString(restA)
	firstB, m := utf8.DecodeRuneInString(restB)
	behindA, behindB := restA[n:], restB[m:]
	alike := restA == "" || restB == "" && behindA == "" ||
		restB != "" && (strings.HasPrefix(behindB, behindA) || strings.HasPrefix(behindB, restA) || strings.HasPrefix(restB, behindA))
	if !alike && restB != "" {
		secondA, n := utf8.DecodeRuneInString(behindA)
		secondB, m := utf8.DecodeRuneInString(behindB)
		alike = n > 0 && m > 0 && firstA == secondB && secondA == firstB && strings.HasPrefix(behindB[m:], behindA[n:])
	}
	if !alike {
		return false
	}
	long, other := utf8.RuneCountInString(a), utf8.RuneCountInString(b)
	return long >= 4 && other >= 4 && other >= long-1
}
