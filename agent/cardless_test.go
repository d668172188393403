package agent

import (
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
)

// TestCardlessEnds: a visit without a card is written to by its operator until
// its time is over, and is forgotten then.
func TestCardlessEnds(t *testing.T) {
	until := time.Now().Add(time.Minute)
	s := newVisits()
	if !s.open(&Visit{ID: "v", Cardless: true, Ready: true, Until: until}, envelope.Subjects{}, time.Time{}, nil, 0) {
		t.Fatal("the visit is not opened")
	}
	for name, c := range map[string]struct {
		gen  uint64
		now  time.Time
		want bool
	}{
		"in time":          {0, until.Add(-time.Second), true},
		"time is over":     {0, until.Add(time.Second), false},
		"another operator": {1, until.Add(-time.Second), false},
	} {
		if _, ok := s.cardless("v", c.gen, c.now); ok != c.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
	s.sweep(until.Add(-time.Second))
	if _, ok := s.get("v"); !ok {
		t.Error("the visit is forgotten before its end")
	}
	s.sweep(until.Add(time.Second))
	if _, ok := s.get("v"); ok {
		t.Error("the visit is there after its end")
	}
}
