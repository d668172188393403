package identify

import (
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

// Trial sizes a trial of the index.
type Trial struct {
	People   int // of nobody, in the index
	Fingers  int // of each
	Searches int // for people of nobody in the index, and for as many strangers
	Real     []Mate
}

// Mate is a person whose fingers were captured several times: in the index with
// the one, looked for with the others.
type Mate struct {
	Enrolled []*fmr.Template
	Asked    [][]*fmr.Template
}

// Rates tell how often people who are in the index were found.
type Rates struct {
	Searches int     `json:"searches"`
	First    float64 `json:"first"` // percent found first
	Found    float64 `json:"found"` // percent found among the first ten
	Alarm    float64 `json:"alarm"` // percent found first with the score that raises a review
}

// Bench is what a trial found.
type Bench struct {
	People  int `json:"people"`
	Fingers int `json:"fingers"` // of each
	Rates
	Real       *Rates  `json:"real,omitempty"` // of fingers that were captured
	Strangers  float64 `json:"strangers"`      // percent of strangers who reach the alarm's score
	SearchMS   float64 `json:"search_ms"`      // median
	PeopleRate float64 `json:"people_rate"`    // people looked through a second
	EnrolRate  float64 `json:"enrol_rate"`     // people enrolled a second
	Bytes      int     `json:"bytes"`          // of memory a person
}

// Alarm is the score at which a search among n people is worth a person's
// look: one false alarm in a hundred searches.
func Alarm(n int) float64 { return math.Log10(float64(max(n, 1))) + 2 }

// benchFingers are those that are enrolled, in this order.
var benchFingers = [MaxFingers]fmr.Position{
	fmr.RightIndex, fmr.LeftIndex, fmr.RightThumb, fmr.LeftThumb, fmr.RightMiddle,
	fmr.LeftMiddle, fmr.RightRing, fmr.LeftRing, fmr.RightLittle, fmr.LeftLittle,
}

// Place names the n-th finger of a trial.
func Place(n int) fmr.Position { return benchFingers[n%MaxFingers] }

// firstMate is the number of the first captured person; those of nobody lie
// below.
const firstMate = 1 << 32

// RunBench enrols people and looks for others' impressions of some of them, and
// of strangers. It owes ErrFingers and ctx's error.
func RunBench(ctx context.Context, t Trial) (Bench, error) {
	if t.People < 1 || t.Fingers < 1 || t.Fingers > MaxFingers || t.Searches < 1 {
		return Bench{}, ErrFingers
	}
	b := Bench{People: t.People, Fingers: t.Fingers}
	before := heap()
	x := New(0)
	start := time.Now()
	if err := b.enrol(ctx, x); err != nil {
		return b, err
	}
	b.EnrolRate = math.Round(float64(t.People) / time.Since(start).Seconds())
	b.Bytes = int((heap() - before) / uint64(t.People)) // #nosec G115 -- positive
	for i, m := range t.Real {
		if err := x.Enrol(firstMate+uint64(i), m.Enrolled...); err != nil { // #nosec G115 -- positive
			return b, err
		}
	}
	if err := b.search(ctx, x, t.Searches); err != nil {
		return b, err
	}
	if len(t.Real) == 0 {
		return b, nil
	}
	all := counts{alarm: Alarm(x.Len())}
	for i, m := range t.Real {
		for _, asked := range m.Asked {
			if err := all.ask(ctx, x, firstMate+uint64(i), asked); err != nil { // #nosec G115 -- positive
				return b, err
			}
		}
	}
	r := all.rates()
	b.Real = &r
	return b, nil
}

// search looks for people of nobody, and for strangers.
func (b *Bench) search(ctx context.Context, x *Index, searches int) error {
	all, strangers := counts{alarm: Alarm(x.Len())}, 0
	for i := range searches {
		person := uint64(i) * uint64(b.People) / uint64(searches) // #nosec G115 -- positive
		if err := all.ask(ctx, x, person, templates(person, b.Fingers, 1)); err != nil {
			return err
		}
		hits, err := x.Search(ctx, 1, templates(uint64(b.People)+person+1, b.Fingers, 1)...) // #nosec G115 -- positive
		if err != nil {
			return err
		}
		if len(hits) > 0 && float64(hits[0].Score) >= all.alarm {
			strangers++
		}
	}
	slices.Sort(all.took)
	b.Rates, b.Strangers = all.rates(), percent(strangers, searches)
	b.SearchMS = math.Round(all.took[len(all.took)/2]*100) / 100
	b.PeopleRate = math.Round(float64(b.People) / all.took[len(all.took)/2] * 1e3)
	return nil
}

// counts add up what searches for people in the index found.
type counts struct {
	alarm                 float64
	first, found, alarmed int
	took                  []float64 // milliseconds
}

func (c *counts) ask(ctx context.Context, x *Index, person uint64, asked []*fmr.Template) error {
	start := time.Now()
	hits, err := x.Search(ctx, 10, asked...)
	if err != nil {
		return err
	}
	c.took = append(c.took, time.Since(start).Seconds()*1e3)
	switch at := slices.IndexFunc(hits, func(h Hit) bool { return h.Person == person }); {
	case at > 0:
		c.found++
	case at == 0:
		c.found++
		c.first++
		if float64(hits[0].Score) >= c.alarm {
			c.alarmed++
		}
	}
	return nil
}

func (c *counts) rates() Rates {
	n := len(c.took)
	return Rates{n, percent(c.first, n), percent(c.found, n), percent(c.alarmed, n)}
}

func percent(n, of int) float64 { return math.Round(float64(n)*1000/float64(max(of, 1))) / 10 }

func (b *Bench) enrol(ctx context.Context, x *Index) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	const lot = 256
	for from := 0; from < b.People; from += lot {
		group.Go(func() error {
			for p := from; p < min(from+lot, b.People); p++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := x.Enrol(uint64(p), templates(uint64(p), b.Fingers, 0)...); err != nil { // #nosec G115 -- positive
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func templates(person uint64, fingers, impression int) []*fmr.Template {
	all := make([]*fmr.Template, 0, fingers)
	for n := range fingers {
		all = append(all, synth.Person(person, Place(n), impression))
	}
	return all
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
