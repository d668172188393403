package scanner

import (
	"context"
	"time"
)

// A machine that sleeps takes the power off its scanners. The system's clocks
// tell: one of them runs on in sleep, another does not.
const (
	sleptFor  = time.Second            // less is no sleep but two clocks read one after the other
	awakeTick = 500 * time.Millisecond // how often a capture looks
)

// vigil notices that the machine has slept since it began.
type vigil struct {
	asleep func() time.Duration // how long the machine has slept, since any beginning
	before time.Duration
}

func newVigil(asleep func() time.Duration) *vigil {
	if asleep == nil {
		asleep = systemAsleep
	}
	return &vigil{asleep: asleep, before: asleep()}
}

func (v *vigil) slept() bool { return v.asleep()-v.before > sleptFor }

// again tells slept, and begins anew.
func (v *vigil) again() bool {
	slept := v.slept()
	v.before = v.asleep()
	return slept
}

// guard ends the context that it gives with ErrSlept when the machine sleeps.
// Whoever is done calls stop, which waits for its goroutine.
func (v *vigil) guard(ctx context.Context) (guarded context.Context, stop func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(awakeTick)
		defer tick.Stop()
		for {
			select {
			case <-guarded.Done():
				return
			case <-tick.C:
				if v.slept() {
					cancel(ErrSlept)
				}
			}
		}
	}()
	return guarded, func() {
		cancel(nil)
		<-done
	}
}
