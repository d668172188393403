package sqlite

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// job is one piece of work for the writing connection.
type job struct {
	entries int // for the bounds and for the drain time
	bytes   int
	run     func(context.Context) error // within the transaction
	guarded bool                        // may fail by itself: runs in a savepoint
	err     error
	turn    chan bool // true: lead the next commit; false: the job is done
}

// queue coalesces commits. There is no goroutine: whoever brings a job while
// nobody commits leads, commits everything that is waiting in one transaction,
// and hands the lead to the first that came meanwhile.
type queue struct {
	mu      sync.Mutex
	waiting []*job
	entries int
	bytes   int
	leading bool
	closed  bool
	idle    *sync.Cond // signalled when leading ends; made by close
	rate    float64    // entries committed per second, smoothed
}

// enter queues a job and reports whether the caller leads.
func (q *queue) enter(j *job, maxEntries, maxBytes int) (leads bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, store.ErrClosed
	}
	if len(q.waiting) > 0 && (q.entries+j.entries > maxEntries || q.bytes+j.bytes > maxBytes) {
		return false, &store.BusyError{After: q.drainLocked()}
	}
	q.waiting = append(q.waiting, j)
	q.entries += j.entries
	q.bytes += j.bytes
	if q.leading {
		return false, nil
	}
	q.leading = true
	return true, nil
}

// drainLocked estimates how long the queue takes to drain.
func (q *queue) drainLocked() time.Duration {
	seconds := float64(q.entries+1) / math.Max(q.rate, 1)
	return time.Duration(seconds * float64(time.Second))
}

// take removes the jobs of the next commit: at least one, then as many as fit
// into maxEntries.
func (q *queue) take(maxEntries int) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, entries, size := 0, 0, 0
	for n < len(q.waiting) && (n == 0 || entries+q.waiting[n].entries <= maxEntries) {
		entries += q.waiting[n].entries
		size += q.waiting[n].bytes
		n++
	}
	taken := append([]*job(nil), q.waiting[:n]...)
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting = q.waiting[:rest]
	q.entries -= entries
	q.bytes -= size
	return taken
}

// leave ends the caller's lead: it goes to the first job that waits.
func (q *queue) leave(entries int, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if entries > 0 && took > 0 {
		q.rate += 0.2 * (float64(entries)/took.Seconds() - q.rate)
	}
	if q.closed {
		for _, j := range q.waiting {
			j.err = store.ErrClosed
			j.turn <- false
		}
		q.waiting = nil
	}
	if len(q.waiting) > 0 {
		q.waiting[0].turn <- true
		return
	}
	q.leading = false
	if q.idle != nil {
		q.idle.Broadcast()
	}
}

// close refuses further jobs and waits until nobody leads.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.idle = sync.NewCond(&q.mu)
	for q.leading {
		q.idle.Wait()
	}
}
