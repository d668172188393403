// Package identify finds a person among many by fingers: an index in memory
// over the minutiae's surroundings, and an exact comparison of those that the
// index proposes.
//
// Every minutia's bits (Minutia Cylinder-Code) are hashed by several functions,
// each of which looks at a few of the bits only; minutiae that are alike fall
// into one bucket of some of them (Cappelli, Ferrara, Maltoni: Fingerprint
// Indexing Based on Minutia Cylinder-Code, IEEE PAMI 33, 2011). What is found is
// a reason to look, never a reason to refuse care.
package identify

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
)

// The index.
const (
	functions  = 24  // hash functions
	hashBits   = 20  // bits that a function looks at
	leastOnes  = 2   // bits set below which a hash says nothing
	minutiae   = 28  // of a finger that are hashed, the best
	bucketBits = 16  // buckets of a function, as a power of two
	chunkLen   = 7   // fingers of a bucket that lie together
	compared   = 32  // people of a shard that are compared exactly
	maxFingers = 1e8 // of a shard
)

// MaxFingers is how many fingers a person may have in the index.
const MaxFingers = 10

// Errors on which callers branch.
var (
	// ErrKnown says that the person is in the index.
	ErrKnown = errors.New("person is in the index already")
	// ErrFingers says that there are no fingers, or too many.
	ErrFingers = errors.New("number of fingers out of range")
	// ErrFull says that the index holds as many as it can.
	ErrFull = errors.New("index is full")
)

// Hit is a person that a search found.
type Hit struct {
	Person uint64
	Score  match.Score   // of all fingers together
	Each   []match.Score // of each finger looked for, in their order; 0 of one that the person lacks
}

// Index holds fingers of people. Many goroutines may use it.
type Index struct {
	shards []*shard
}

// shard holds the people whose number falls on it.
type shard struct {
	mu      sync.RWMutex
	people  map[uint64][]uint32                // person -> fingers
	fingers []finger                           // by number; those deleted have no record
	heads   [functions][1 << bucketBits]uint32 // of each bucket, its newest chunk
	chunks  []chunk                            // the first is none
}

// chunk lists fingers of one bucket, their numbers plus one; 0 is a free place.
type chunk struct {
	fingers [chunkLen]uint32
	next    uint32 // an older chunk of the bucket, 0 of the last
}

type finger struct {
	person uint64
	at     fmr.Position
	record []byte // ISO/IEC 19794-2
}

// New makes an index of a number of shards, which are searched at the same
// time; 0 means as many as there are processors.
func New(shards int) *Index {
	if shards <= 0 {
		shards = runtime.GOMAXPROCS(0)
	}
	x := &Index{}
	for range shards {
		x.shards = append(x.shards, &shard{people: map[uint64][]uint32{}, chunks: make([]chunk, 1)})
	}
	return x
}

func (x *Index) shard(person uint64) *shard {
	return x.shards[spread(person)%uint64(len(x.shards))]
}

// spread mixes a number's bits (the finaliser of SplitMix64).
func spread(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Enrol adds a person with the first view of each template. It owes ErrKnown,
// ErrFingers and ErrFull; nothing is added then.
func (x *Index) Enrol(person uint64, fingers ...*fmr.Template) error {
	if len(fingers) == 0 || len(fingers) > MaxFingers {
		return ErrFingers
	}
	var ready []finger
	var probes []*match.Probe
	for _, t := range fingers {
		p, err := match.Prepare(t, 0)
		if err != nil {
			return err
		}
		raw, err := fmr.Marshal(t)
		if err != nil {
			return err
		}
		ready = append(ready, finger{person, t.Views[0].Position, raw})
		probes = append(probes, p)
	}
	s := x.shard(person)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.people[person]; known {
		return ErrKnown
	}
	if len(s.fingers)+len(ready) > maxFingers {
		return ErrFull
	}
	for i, f := range ready {
		n := uint32(len(s.fingers)) // #nosec G115 -- at most maxFingers
		s.fingers = append(s.fingers, f)
		s.people[person] = append(s.people[person], n)
		hashes(probes[i], func(f int, key uint32) { s.put(&s.heads[f][bucketOf(key)], n+1) })
	}
	return nil
}

// put adds a finger to a bucket, once.
func (s *shard) put(head *uint32, n uint32) {
	if *head != 0 {
		c := &s.chunks[*head]
		for i, old := range c.fingers {
			switch old {
			case n:
				return
			case 0:
				c.fingers[i] = n
				return
			}
		}
	}
	s.chunks = append(s.chunks, chunk{fingers: [chunkLen]uint32{n}, next: *head})
	*head = uint32(len(s.chunks) - 1) // #nosec G115 -- less than the fingers times their hashes
}

// Delete takes a person out of the index and reports whether they were in it.
// Their places in the buckets stay and lead to nothing.
func (x *Index) Delete(person uint64) bool {
	s := x.shard(person)
	s.mu.Lock()
	defer s.mu.Unlock()
	fingers, known := s.people[person]
	for _, n := range fingers {
		s.fingers[n] = finger{}
	}
	delete(s.people, person)
	return known
}

// Len returns how many people are in the index.
func (x *Index) Len() int {
	n := 0
	for _, s := range x.shards {
		s.mu.RLock()
		n += len(s.people)
		s.mu.RUnlock()
	}
	return n
}

// Search returns at most k people whose fingers are most like the ones given,
// the most alike first, with a score above zero. Fingers of a known position
// are compared with fingers of that position and of unknown ones. It owes
// ErrFingers and ctx's error.
func (x *Index) Search(ctx context.Context, k int, fingers ...*fmr.Template) ([]Hit, error) {
	if len(fingers) == 0 || len(fingers) > MaxFingers {
		return nil, ErrFingers
	}
	asked := make([]query, 0, len(fingers))
	for _, t := range fingers {
		p, err := match.Prepare(t, 0)
		if err != nil {
			return nil, err
		}
		asked = append(asked, query{p, t.Views[0].Position})
	}
	found := make([][]Hit, len(x.shards))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range x.shards {
		group.Go(func() error {
			var err error
			found[i], err = s.search(ctx, asked)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, func(a, b Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Person, b.Person)) })
	return all[:min(max(k, 0), len(all))], nil
}
