//go:build !race

// Ten thousand visits to a card that nobody else talks to: the race detector
// has nothing to find in them and makes them twenty times as long.

package softcard

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// pairsEach is how many second cuts follow each first one, spread over the tap
// that settles it.
const pairsEach = 28

// TestPowerCut is the promise of the format. The power goes at every write step
// (before, amid, torn), before every command and behind every command whose
// answer is then lost, over a visit of five appends with summaries and a free;
// and again in the tap that settles it. Each time the card holds exactly what
// it held before or exactly what was being written, and the next whole tap
// leaves the very bytes of a visit without a cut: nothing is lost, nothing is
// there twice.
func TestPowerCut(t *testing.T) {
	r := newRig(t, false)
	total := r.points(t, r.memory, r.desk)
	workers := max(2, runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	var wg sync.WaitGroup
	single, pairs := 0, 0
	for w := range workers {
		wg.Go(func() {
			for k := w; k < total; k += workers {
				second, err := r.cutTwice(t.Context(), k)
				mu.Lock()
				single++
				pairs += second
				mu.Unlock()
				if err != nil {
					t.Errorf("cut %d: %v", k, err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d cut points: %d in the visit, %d pairs with a second cut in the tap behind it; nothing lost, nothing twice", single+pairs, single, pairs)
	if single != total || single+pairs < 10_000 {
		t.Fatalf("only %d cut points", single+pairs)
	}
}

// cutTwice cuts at point k of the visit, settles it, and then does the same
// with a second cut at points spread over the settling tap.
func (r *rig) cutTwice(ctx context.Context, k int) (pairs int, err error) {
	d := r.desk.clone()
	torn, over, err := r.cut(ctx, r.memory, d, k)
	if err != nil || over {
		return 0, errors.Join(err, r.after(torn, d))
	}
	if err := r.after(torn, d); err != nil {
		return 0, err
	}
	memory, seen := torn.nvm.b, 0
	settled := r.card(memory, cutAt(-1, &seen))
	if err := r.whole(ctx, settled, d.clone()); err != nil {
		return 0, err
	}
	for i := range pairsEach {
		at := (i*seen + k%pairsEach) / pairsEach // other points each time
		again := d.clone()
		c, over, err := r.cut(ctx, memory, again, at)
		if err == nil && !over {
			pairs++
			if err = r.after(c, again); err == nil {
				err = r.whole(ctx, c, again)
			}
		}
		if err != nil {
			return pairs, fmt.Errorf("and cut %d of %d behind it: %w", at, seen, err)
		}
	}
	return pairs, nil
}

// TestPowerCutControl shows that the test above can fail: a card that writes
// its head in place loses its log.
func TestPowerCutControl(t *testing.T) {
	r := newRig(t, true)
	total, lost := r.points(t, r.memory, r.desk), 0
	for k := range total {
		d := r.desk.clone()
		torn, _, err := r.cut(t.Context(), r.memory, d, k)
		if err != nil || r.after(torn, d) != nil {
			lost++
		}
	}
	t.Logf("control with one head slot: of %d cut points %d lost the log", total, lost)
	if lost == 0 {
		t.Fatal("a single head slot survived every power cut")
	}
}
