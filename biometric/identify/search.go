package identify

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
)

// query is one finger that is looked for.
type query struct {
	probe *match.Probe
	at    fmr.Position
}

// chosen are the bits that each function looks at: words and shifts.
var chosen = func() (c [functions][hashBits][2]uint8) {
	seed := uint64(0x1D)
	for f := range c {
		var taken [match.Slices * 64]bool
		for i := 0; i < hashBits; {
			seed += 0x9E3779B97F4A7C15
			bit := spread(seed) % (match.Slices * 64)
			// The corners of the square lie outside the circle.
			u, v := float64(bit%8)-3.5, float64(bit/8%8)-3.5
			if taken[bit] || u*u+v*v > 16 {
				continue
			}
			taken[bit] = true
			c[f][i] = [2]uint8{uint8(bit / 64), uint8(bit % 64)} // #nosec G115 -- small
			i++
		}
	}
	return c
}()

// hashes calls yield with every hash of the probe's best minutiae.
func hashes(p *match.Probe, yield func(function int, key uint32)) {
	p.Bits(minutiae, func(words *[match.Slices]uint64) {
		for f := range chosen {
			var key uint32
			for i, b := range chosen[f] {
				key |= uint32(words[b[0]]>>b[1]&1) << i // #nosec G115 -- one bit
			}
			if bits.OnesCount32(key) >= leastOnes {
				yield(f, key)
			}
		}
	})
}

// bucketOf folds a hash.
func bucketOf(key uint32) uint32 { return uint32(spread(uint64(key)+1) >> (64 - bucketBits)) } // #nosec G115 -- bucketBits

// candidate is a finger and what the hashes that it shares with one looked for weigh.
type candidate struct {
	finger uint32
	votes  uint32
}

// mostVotes bounds the votes of a finger.
const mostVotes = 60000

// search compares what the index proposes for any of the fingers, person by
// person, with all of them.
func (s *shard) search(ctx context.Context, asked []query) ([]Hit, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	// Votes of a person are those of all fingers together.
	people := map[uint64]uint32{}
	votes := make([]uint16, len(s.fingers))
	var touched []uint32
	for _, q := range asked {
		touched = touched[:0]
		hashes(q.probe, func(f int, key uint32) {
			// The more bits are set, the rarer is the hash.
			ones := uint16(bits.OnesCount32(key)) // #nosec G115 -- at most hashBits
			for at := s.heads[f][bucketOf(key)]; at != 0; at = s.chunks[at].next {
				for _, n := range s.chunks[at].fingers {
					if n == 0 {
						break
					}
					n--
					if votes[n] == 0 {
						touched = append(touched, n)
					}
					votes[n] = min(votes[n]+ones*ones, mostVotes)
				}
			}
		})
		for _, c := range strongest(touched, votes, 4*compared) {
			if f := &s.fingers[c.finger]; f.record != nil && suits(q.at, f.at) {
				people[f.person] += c.votes
			}
		}
		for _, n := range touched {
			votes[n] = 0
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	type standing struct {
		person uint64
		votes  uint32
	}
	best := make([]standing, 0, len(people))
	for p, v := range people {
		best = append(best, standing{p, v})
	}
	slices.SortFunc(best, func(a, b standing) int {
		return cmp.Or(cmp.Compare(b.votes, a.votes), cmp.Compare(a.person, b.person))
	})
	var hits []Hit
	for _, b := range best[:min(len(best), compared)] {
		each, err := s.compare(asked, b.person)
		if err != nil {
			return nil, err
		}
		if score := fuse(asked, each); score > 0 {
			hits = append(hits, Hit{b.person, score, each})
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// strongest returns the n fingers of most votes, in no order.
func strongest(touched []uint32, votes []uint16, n int) []candidate {
	var count [1 << 10]int
	level := func(f uint32) int { return min(int(votes[f]), len(count)-1) }
	for _, f := range touched {
		count[level(f)]++
	}
	least, sum := len(count), 0
	for least > 1 && sum+count[least-1] <= n {
		least--
		sum += count[least]
	}
	all := make([]candidate, 0, sum)
	for _, f := range touched {
		if level(f) >= least {
			all = append(all, candidate{f, uint32(votes[f])})
		}
	}
	return all
}

// suits reports whether fingers of two positions may be one.
func suits(a, b fmr.Position) bool { return a == b || a == fmr.Unknown || b == fmr.Unknown }

// fuse makes one score of those of the fingers that were looked for. One that
// was shown several times tells nothing independent each time: of its
// impressions the best counts.
func fuse(asked []query, each []match.Score) match.Score {
	var shown [fmr.LeftLittle + 1][]match.Score
	var scores []match.Score
	for i, q := range asked {
		if q.at == fmr.Unknown || q.at > fmr.LeftLittle {
			scores = append(scores, each[i])
			continue
		}
		shown[q.at] = append(shown[q.at], each[i])
	}
	for _, impressions := range shown {
		if len(impressions) > 0 {
			scores = append(scores, match.Impressions(impressions...))
		}
	}
	return match.Fingers(scores...)
}

// compare compares every finger that is looked for with the person's: one whose
// position is not known with all, of which the best counts.
func (s *shard) compare(asked []query, person uint64) ([]match.Score, error) {
	scores := make([]match.Score, 0, len(asked))
	for _, q := range asked {
		var each []match.Score
		for _, n := range s.people[person] {
			f := &s.fingers[n]
			if !suits(q.at, f.at) {
				continue
			}
			t, err := fmr.Parse(f.record)
			if err != nil {
				return nil, err
			}
			p, err := match.Prepare(t, 0)
			if err != nil {
				return nil, err
			}
			each = append(each, match.Compare(q.probe, p))
		}
		scores = append(scores, match.Impressions(each...))
	}
	return scores, nil
}
