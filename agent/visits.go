package agent

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// visitKeep is how long a visit stays readable after its card has gone.
const visitKeep = 20 * time.Minute

// visits holds the visits that can still be read: one for each reader, until
// the reader's next card or the end of visitKeep. A Visit is replaced as a
// whole; its slices are never changed in place, so copies may be handed out.
type visits struct {
	mu       sync.Mutex
	byReader map[string]*heldVisit
	gen      uint64 // of the actor whose visits may be open
}

type heldVisit struct {
	Visit
	subjects envelope.Subjects
	issued   time.Time        // when identity and cover were signed
	books    map[uint8]*book  // of the persons who were shown
	retired  []*envelope.Keys // of books that were replaced by others
	left     time.Time        // when the card was taken away; zero while it is there
	told     map[uint8]told   // of each person on the card; not for copies
}

// told is what holds of one person of a visit, and not of the others on the card.
type told struct {
	attested *Attested
	refusals int // of fingers
}

// show shows what was told of the person who is shown.
func (h *heldVisit) show() {
	t := h.told[h.Person]
	h.Attested, h.FingerRefusals = t.attested, t.refusals
}

func newVisits() *visits { return &visits{byReader: make(map[string]*heldVisit)} }

// book is that of the person who is shown.
func (h *heldVisit) book() *book { return h.books[h.Person] }

// open replaces the reader's visit by v, with the books that were opened. It
// reports false, and opens nothing, for an actor whose time is over.
func (s *visits) open(v *Visit, subjects envelope.Subjects, issued time.Time, books map[uint8]*book, gen uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gen < s.gen {
		return false
	}
	place := v.Reader
	if v.Cardless { // it is at no reader
		place = "cardless:" + v.ID
	}
	if old := s.byReader[place]; old != nil {
		old.wipe()
	}
	s.byReader[place] = &heldVisit{Visit: *v, subjects: subjects, issued: issued, books: maps.Clone(books), told: make(map[uint8]told)}
	return true
}

// end forgets every visit of the actors before gen.
func (s *visits) end(gen uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen = gen
	for _, h := range s.byReader {
		h.wipe()
	}
	clear(s.byReader)
}

// wipe forgets the keys of a visit that has ended.
func (h *heldVisit) wipe() {
	for _, b := range h.books {
		b.keys.Wipe()
	}
	for _, keys := range h.retired {
		keys.Wipe()
	}
}

// turn shows the person of a book; it reports false when the visit has ended.
func (s *visits) turn(id string, b *book, entries []VisitEntry, problems []Failure) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil {
		return false
	}
	h.books[b.person()] = b
	h.Entries, h.Problems = entries, problems
	h.turn(b)
	h.show()
	return true
}

// held returns a visit with what it was opened with.
func (s *visits) held(id string) (heldVisit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil {
		return heldVisit{}, false
	}
	return h.clone(), true
}

func (h *heldVisit) clone() heldVisit {
	out := *h
	out.books, out.told = maps.Clone(h.books), nil
	return out
}

// put keeps a book of a visit, and shows its summary if the visit shows its
// person.
func (s *visits) put(id string, b *book) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil {
		return
	}
	if old := h.books[b.person()]; old != nil && old.keys != b.keys {
		h.retired = append(h.retired, old.keys) // somebody may be opening entries with them
	}
	h.books[b.person()] = b
	if h.Person == b.person() {
		h.turn(b)
	}
}

// refill replaces the entries of a visit, unless it shows another person by
// now, and reports whether that shows.
func (s *visits) refill(id string, person uint8, entries []VisitEntry, problems []Failure) bool {
	changed := false
	s.update(id, func(v *Visit) {
		if v.Person != person {
			return
		}
		changed = !slices.EqualFunc(v.Entries, entries, func(x, y VisitEntry) bool {
			return x.ID == y.ID && slices.Equal(x.Where, y.Where) && slices.Equal(x.Locked, y.Locked) &&
				slices.Equal(x.AmendedBy, y.AmendedBy)
		}) || len(v.Problems) != len(problems)
		v.Entries = entries
		if changed {
			v.recheck()
		}
		if len(problems) > 0 {
			v.Problems = problems
		}
	})
	return changed
}

// update changes the visit with this identifier under the lock; it reports
// false when the visit has ended.
func (s *visits) update(id string, change func(*Visit)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil {
		return false
	}
	change(&h.Visit)
	return true
}

// tell changes what is told of a person of a visit, whoever is shown by now; it
// reports false when the visit has ended.
func (s *visits) tell(id string, person uint8, change func(*told)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil {
		return false
	}
	t := h.told[person]
	change(&t)
	h.told[person] = t
	h.show()
	return true
}

func (s *visits) find(id string) *heldVisit {
	for _, h := range s.byReader {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// leave notes that the reader's card has gone and returns its visit, if any.
func (s *visits) leave(reader string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.byReader[reader]
	if h == nil || !h.Present {
		return ""
	}
	h.Present, h.left = false, time.Now()
	return h.ID
}

func (s *visits) get(id string) (Visit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.find(id); h != nil {
		return h.Visit, true
	}
	return Visit{}, false
}

func (s *visits) all() []heldVisit {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]heldVisit, 0, len(s.byReader))
	for _, h := range s.byReader {
		out = append(out, h.clone())
	}
	slices.SortFunc(out, func(x, y heldVisit) int { return y.Opened.Compare(x.Opened) })
	return out
}

// of returns the visits of one patient whose record has been read.
func (s *visits) of(p record.PatientID) []heldVisit {
	return slices.DeleteFunc(s.ready(), func(h heldVisit) bool { return h.Patient != p })
}

// ready returns the visits whose record has been read.
func (s *visits) ready() []heldVisit {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []heldVisit
	for _, h := range s.byReader {
		if h.Ready {
			out = append(out, h.clone())
		}
	}
	return out
}

// cardless returns a visit without a card that the actor of gen has opened, and
// whose time is not over.
func (s *visits) cardless(id string, gen uint64, now time.Time) (heldVisit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(id)
	if h == nil || !h.Cardless || !h.Ready || gen != s.gen || now.After(h.Until) {
		return heldVisit{}, false
	}
	return h.clone(), true
}

// sweep forgets the visits whose card left more than visitKeep ago, and those
// without a card whose time is over.
func (s *visits) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, h := range s.byReader {
		if h.Cardless && now.After(h.Until) || !h.Present && !h.left.IsZero() && now.Sub(h.left) > visitKeep {
			h.wipe()
			delete(s.byReader, name)
		}
	}
}
