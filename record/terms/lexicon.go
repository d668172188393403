package terms

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// indexed is a row's words for searching, folded: the code, which is one word,
// those of each language, and other words for the same.
type indexed struct {
	slot   Slot
	number uint32
	words  [][]string
}

// cost returns how far a row is from what is wanted, -1 for not at all.
func (x *indexed) cost(words []string, code string, slips bool) int {
	best := -1
	for i, have := range x.words {
		want := words
		if i == 0 {
			want = []string{code}
		}
		cost := match(want, have, slips && i > 0)
		if i > int(numLanguages) && cost >= 0 {
			cost += costOther
		}
		if cost >= 0 && (best < 0 || cost < best) {
			best = cost
		}
	}
	return best
}

// lexicon is the table's words in order, each with the rows that have it.
type lexicon struct {
	rows  []indexed
	words []string
	in    [][]int32 // rows of each word, ascending
	tails []int32   // the words in the order of what follows their first letter
}

// lexicon returns the words of the table; they are gathered for the first search.
func (t *Table) lexicon() *lexicon {
	t.once.Do(func() { t.search.gather(t) })
	return &t.search
}

func (l *lexicon) gather(t *Table) {
	in := make(map[string][]int32)
	for s := range NumSlots {
		for n := range t.rows[s] {
			row := &t.rows[s][n]
			x := indexed{slot: s, number: uint32(n)} // #nosec G115 -- at most MaxRows
			// A code is one word: E11.9 is found by e119 and by E11.
			x.words = append(x.words, []string{strings.ReplaceAll(Fold(row.Code.Value), " ", "")})
			for _, d := range row.Display {
				x.words = append(x.words, strings.Fields(Fold(d)))
			}
			for _, d := range t.facts.also[row.Code] {
				x.words = append(x.words, strings.Fields(Fold(d)))
			}
			at := int32(len(l.rows)) // #nosec G115 -- five slots of MaxRows
			for _, words := range x.words {
				for _, word := range words {
					for _, w := range [...]string{word, bare(word)} {
						if list := in[w]; len(list) == 0 || list[len(list)-1] != at {
							in[w] = append(list, at)
						}
					}
				}
			}
			l.rows = append(l.rows, x)
		}
	}
	l.words = slices.Sorted(maps.Keys(in))
	for _, w := range l.words {
		l.tails = append(l.tails, int32(len(l.in))) // #nosec G115 -- five slots of MaxRows, few words each
		l.in = append(l.in, in[w])
	}
	slices.SortFunc(l.tails, func(a, b int32) int { return strings.Compare(tailOf(l.words[a]), tailOf(l.words[b])) })
}

// begin returns the range of the words that begin with a prefix.
func (l *lexicon) begin(prefix string) (from, to int) {
	from, _ = slices.BinarySearch(l.words, prefix)
	to = from
	for to < len(l.words) && strings.HasPrefix(l.words[to], prefix) {
		to++
	}
	return from, to
}

// maxCandidates bounds the rows that a search looks at closely; a query of one
// letter would look at all of them. Rows that have a whole word of the query
// come before that bound.
const maxCandidates = 1000

// candidates returns the rows, ascending, among which are all that match: those
// that have the rarest of the words, or with slips the longest, and those whose
// code begins so.
func (l *lexicon) candidates(words []string, code string, slips bool, wanted func(int32) bool) []int32 {
	best := words[0]
	fewest := -1
	for _, w := range words {
		n := 0
		if slips {
			n = MaxQuery - len(w)
		} else {
			from, to := l.begin(bare(w))
			for i := from; i < to; i++ {
				n += len(l.in[i])
			}
		}
		if fewest < 0 || n < fewest {
			best, fewest = w, n
		}
	}
	const begun, whole = 1, 2
	marks := make([]uint8, len(l.rows))
	mark := func(word int, as uint8) {
		for _, row := range l.in[word] {
			marks[row] |= as
		}
	}
	for _, word := range []string{best, bare(best), code} {
		from, to := l.begin(word)
		for i := from; i < to; i++ {
			if l.words[i] == word {
				mark(i, whole)
			} else {
				mark(i, begun)
			}
		}
	}
	if slips {
		l.slips(best, func(word int) { mark(word, begun) })
		if b := bare(best); b != best {
			l.slips(b, func(word int) { mark(word, begun) })
		}
	}
	var out []int32
	room := maxCandidates
	for row, m := range marks {
		if m == 0 || m < whole && room == 0 || !wanted(int32(row)) { // #nosec G115 -- five slots of MaxRows
			continue
		}
		if m < whole {
			room--
		}
		out = append(out, int32(row)) // #nosec G115 -- five slots of MaxRows
	}
	return out
}

// slips tells the words that a slip of the hand makes of a word. The slip is in
// the first letter, and the words that begin or end so are found in order, or
// behind it, and the words have that letter in common.
func (l *lexicon) slips(word string, tell func(word int)) {
	check := func(i int) {
		if near(word, l.words[i]) {
			tell(i)
		}
	}
	first, n := utf8.DecodeRuneInString(word)
	behind := word[n:]
	second, m := utf8.DecodeRuneInString(behind)
	for _, prefix := range []string{string(first), behind, string(second) + string(first) + behind[m:]} {
		if prefix == "" {
			continue
		}
		from, to := l.begin(prefix)
		for i := from; i < to; i++ {
			check(i)
		}
	}
	for _, prefix := range []string{behind, word} {
		from := sort.Search(len(l.tails), func(i int) bool { return l.tail(i) >= prefix })
		for i := from; i < len(l.tails) && strings.HasPrefix(l.tail(i), prefix); i++ {
			check(int(l.tails[i]))
		}
	}
}

// tail is a word without its first letter, in the order of such.
func (l *lexicon) tail(i int) string { return tailOf(l.words[l.tails[i]]) }

func tailOf(word string) string {
	_, n := utf8.DecodeRuneInString(word)
	return word[n:]
}
