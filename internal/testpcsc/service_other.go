//go:build !linux || !cgo

package testpcsc

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Service stands in where there is no virtual reader.
type Service struct{}

// Use skips the test: the virtual readers exist on Linux with cgo only.
func Use(tb testing.TB) *Service {
	tb.Helper()
	missing(tb, "the virtual readers need Linux and cgo")
	return nil
}

// Kill is never reached: Use does not return.
func (*Service) Kill() {}

// Restart is never reached: Use does not return.
func (*Service) Restart() {}

// WaitReaders fails: there are no virtual readers here.
func WaitReaders(context.Context, time.Duration) error {
	return errors.New("the virtual readers need Linux and cgo")
}
