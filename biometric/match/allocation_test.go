//go:build !race

// Under the race detector a pool forgets what it holds on purpose.

package match

import "testing"

// TestNoAllocation: a comparison works in memory that is there.
func TestNoAllocation(t *testing.T) {
	a, b := prepare(t, people()[0][0]), prepare(t, people()[0][1])
	Compare(a, b)
	if n := testing.AllocsPerRun(50, func() { Compare(a, b) }); n > 0.5 {
		t.Errorf("%v allocations a comparison", n)
	}
}
