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

// Bench is what a trial with people of nobody found.
type Bench struct {
	People     int     `json:"people"`
	Fingers    int     `json:"fingers"`     // of each
	Searches   int     `json:"searches"`    // of people in the index
	First      float64 `json:"first"`       // percent whose mate is found first
	Found      float64 `json:"found"`       // percent whose mate is among the first ten
	Strangers  float64 `json:"strangers"`   // percent of strangers who reach the alarm's score
	SearchMS   float64 `json:"search_ms"`   // median
	PeopleRate float64 `json:"people_rate"` // people looked through a second
	EnrolRate  float64 `json:"enrol_rate"`  // people enrolled a second
	Bytes      int     `json:"bytes"`       // of memory a person
}

// Alarm is the score at which a search among n people is worth a person's
// look: one false alarm in a hundred searches.
func Alarm(n int) float64 { return math.Log10(float64(max(n, 1))) + 2 }

// benchFingers are those that are enrolled, in this order.
var benchFingers = [MaxFingers]fmr.Position{
	fmr.RightIndex, fmr.LeftIndex, fmr.RightThumb, fmr.LeftThumb, fmr.RightMiddle,
	fmr.LeftMiddle, fmr.RightRing, fmr.LeftRing, fmr.RightLittle, fmr.LeftLittle,
}

// RunBench enrols people of nobody with some fingers each and looks for others'
// impressions of some of them, and of strangers. It owes ErrFingers and ctx's
// error.
func RunBench(ctx context.Context, people, fingers, searches int) (Bench, error) {
	if people < 1 || fingers < 1 || fingers > MaxFingers || searches < 1 {
		return Bench{}, ErrFingers
	}
	b := Bench{People: people, Fingers: fingers, Searches: searches}
	before := heap()
	x := New(0)
	start := time.Now()
	if err := b.enrol(ctx, x); err != nil {
		return b, err
	}
	b.EnrolRate = math.Round(float64(people) / time.Since(start).Seconds())
	b.Bytes = int((heap() - before) / uint64(people)) // #nosec G115 -- positive
	var took []float64
	first, found, strangers := 0, 0, 0
	for i := range searches {
		person := uint64(i) * uint64(people) / uint64(searches) // #nosec G115 -- positive
		start := time.Now()
		hits, err := x.Search(ctx, 10, templates(person, fingers, 1)...)
		if err != nil {
			return b, err
		}
		took = append(took, time.Since(start).Seconds()*1e3)
		if at := slices.IndexFunc(hits, func(h Hit) bool { return h.Person == person }); at >= 0 {
			found++
			if at == 0 {
				first++
			}
		}
		hits, err = x.Search(ctx, 1, templates(uint64(people)+person+1, fingers, 1)...) // #nosec G115 -- positive
		if err != nil {
			return b, err
		}
		if len(hits) > 0 && float64(hits[0].Score) >= Alarm(people) {
			strangers++
		}
	}
	slices.Sort(took)
	percent := func(n int) float64 { return math.Round(float64(n)*1000/float64(searches)) / 10 }
	b.First, b.Found, b.Strangers = percent(first), percent(found), percent(strangers)
	b.SearchMS = math.Round(took[len(took)/2]*100) / 100
	b.PeopleRate = math.Round(float64(people) / took[len(took)/2] * 1e3)
	runtime.KeepAlive(x)
	return b, nil
}

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
	for _, at := range benchFingers[:fingers] {
		all = append(all, synth.Person(person, at, impression))
	}
	return all
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
