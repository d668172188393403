package identify

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

func person(seed uint64, impression int) []*fmr.Template {
	return []*fmr.Template{synth.Person(seed, fmr.RightIndex, impression), synth.Person(seed, fmr.LeftIndex, impression)}
}

func filled(t *testing.T, shards, people int) *Index {
	t.Helper()
	x := New(shards)
	for p := range uint64(people) {
		if err := x.Enrol(p, person(p, 0)...); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func TestSearch(t *testing.T) {
	const people = 150
	x := filled(t, 3, people)
	found := 0
	for p := uint64(0); p < people; p += 10 {
		hits, err := x.Search(t.Context(), 5, person(p, 1)...)
		if err != nil {
			t.Fatal(err)
		}
		if len(hits) > 5 {
			t.Fatalf("%d hits", len(hits))
		}
		for i, h := range hits[:max(len(hits)-1, 0)] {
			if h.Score < hits[i+1].Score {
				t.Fatal("hits out of order")
			}
		}
		if len(hits) > 0 && hits[0].Person == p && float64(hits[0].Score) >= Alarm(people) {
			found++
			if each := hits[0].Each; len(each) != 2 || max(each[0], each[1]) > hits[0].Score {
				t.Errorf("fingers %v of %v", each, hits[0].Score)
			}
		}
	}
	if found < 14 {
		t.Errorf("%d of 15 mates found first", found)
	}
	for p := uint64(people); p < people+10; p++ {
		hits, err := x.Search(t.Context(), 1, person(p, 0)...)
		if err != nil {
			t.Fatal(err)
		}
		if len(hits) > 0 && float64(hits[0].Score) >= Alarm(people) {
			t.Errorf("stranger %d is taken for %+v", p, hits[0])
		}
	}
}

// TestPosition: fingers of different positions are not compared, those of an
// unknown one with all.
func TestPosition(t *testing.T) {
	x := filled(t, 1, 3)
	moved := person(1, 1)[:1]
	moved[0].Views[0].Position = fmr.RightThumb
	if hits, err := x.Search(t.Context(), 3, moved...); err != nil || len(hits) > 0 {
		t.Errorf("as a thumb: %v, error %v", hits, err)
	}
	moved[0].Views[0].Position = fmr.Unknown
	if hits, err := x.Search(t.Context(), 3, moved...); err != nil || len(hits) == 0 || hits[0].Person != 1 {
		t.Errorf("as any finger: %v, error %v", hits, err)
	}
}

func TestDelete(t *testing.T) {
	x := filled(t, 2, 20)
	if !x.Delete(7) || x.Delete(7) || x.Len() != 19 {
		t.Fatalf("%d people", x.Len())
	}
	hits, err := x.Search(t.Context(), 20, person(7, 0)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hits {
		if h.Person == 7 {
			t.Error("found what was deleted")
		}
	}
	if err := x.Enrol(7, person(7, 0)...); err != nil {
		t.Fatal(err)
	}
	if hits, err := x.Search(t.Context(), 1, person(7, 1)...); err != nil || len(hits) != 1 || hits[0].Person != 7 {
		t.Errorf("enrolled again: %v, error %v", hits, err)
	}
}

func TestRefuses(t *testing.T) {
	x := filled(t, 1, 1)
	many := make([]*fmr.Template, MaxFingers+1)
	for i := range many {
		many[i] = person(3, 0)[0]
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		do   func() error
		want error
	}{
		{"known", func() error { return x.Enrol(0, person(0, 0)...) }, ErrKnown},
		{"no fingers", func() error { return x.Enrol(1) }, ErrFingers},
		{"too many", func() error { return x.Enrol(1, many...) }, ErrFingers},
		{"search of none", func() error { _, err := x.Search(t.Context(), 1); return err }, ErrFingers},
		{"cancelled", func() error { _, err := x.Search(cancelled, 1, person(0, 1)...); return err }, context.Canceled},
		{"malformed", func() error { return x.Enrol(1, &fmr.Template{Views: make([]fmr.View, 1)}) }, fmr.ErrFormat},
		{"bench of nobody", func() error { _, err := RunBench(t.Context(), Trial{Fingers: 1, Searches: 1}); return err }, ErrFingers},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(); !errors.Is(err, c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	if x.Len() != 1 {
		t.Errorf("%d people", x.Len())
	}
}

// TestTogether enrols, searches and deletes at the same time.
func TestTogether(t *testing.T) {
	x := New(2)
	var wg sync.WaitGroup
	for g := range uint64(3) {
		wg.Go(func() {
			for i := range uint64(8) {
				p := g*100 + i
				if err := x.Enrol(p, person(p, 0)...); err != nil {
					t.Error(err)
				}
				if _, err := x.Search(t.Context(), 1, person(p, 1)...); err != nil {
					t.Error(err)
				}
				if i%2 == 1 {
					x.Delete(p)
				}
			}
		})
	}
	wg.Wait()
	if x.Len() != 12 {
		t.Errorf("%d people", x.Len())
	}
}

func TestBench(t *testing.T) {
	captured := Mate{Enrolled: person(1000, 0), Asked: [][]*fmr.Template{person(1000, 1), person(1000, 2)}}
	b, err := RunBench(t.Context(), Trial{People: 40, Fingers: 2, Searches: 5, Real: []Mate{captured}})
	if err != nil {
		t.Fatal(err)
	}
	if b.Real == nil || b.Real.Searches != 2 || b.Real.First < 50 || b.Searches != 5 {
		t.Errorf("captured fingers: %+v", b.Real)
	}
	if b.Found < 80 || b.Strangers > 0 || b.Bytes <= 0 || b.SearchMS <= 0 {
		t.Errorf("%+v", b)
	}
}

func BenchmarkSearch(b *testing.B) {
	x := New(1)
	for p := range uint64(500) {
		if err := x.Enrol(p, person(p, 0)...); err != nil {
			b.Fatal(err)
		}
	}
	asked := person(3, 1)
	for b.Loop() {
		if _, err := x.Search(b.Context(), 1, asked...); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFingerTwice: a finger that is shown in two impressions tells no more than
// in the better of the two.
func TestFingerTwice(t *testing.T) {
	x := New(1)
	kept := synth.Person(1, fmr.RightIndex, 0)
	if err := x.Enrol(1, kept); err != nil {
		t.Fatal(err)
	}
	score := func(fingers ...*fmr.Template) float64 {
		hits, err := x.Search(t.Context(), 1, fingers...)
		if err != nil || len(hits) != 1 {
			t.Fatalf("%v, %v", hits, err)
		}
		return float64(hits[0].Score)
	}
	a, b := synth.Person(1, fmr.RightIndex, 1), synth.Person(1, fmr.RightIndex, 2)
	if one, two := max(score(a), score(b)), score(a, b); two > one {
		t.Errorf("twice %.2f, once %.2f", two, one)
	}
}
