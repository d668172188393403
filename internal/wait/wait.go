// Package wait lets a goroutine rest without outliving its context.
package wait

import (
	"context"
	"time"
)

// For returns nil after d, or ctx's error as soon as ctx ends. A context that
// has ended already is never waited for, also when d is zero.
func For(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
