//go:build !cgo && !windows

package pcsc

import (
	"context"
	"log/slog"

	"github.com/dhamani-iq/dhamani/card"
)

// Service stands in for the PC/SC service in a program built without cgo:
// every call answers ErrNoCgo.
type Service struct{}

// New returns a Service whose calls all fail with ErrNoCgo.
func New(*slog.Logger) *Service { return &Service{} }

// Names fails with ErrNoCgo.
func (*Service) Names(context.Context) ([]string, error) { return nil, ErrNoCgo }

// Free fails with ErrNoCgo.
func (*Service) Free(context.Context) ([]string, error) { return nil, ErrNoCgo }

// List fails with ErrNoCgo.
func (*Service) List(context.Context) ([]Reader, error) { return nil, ErrNoCgo }

// Watch fails with ErrNoCgo.
func (*Service) Watch(context.Context, func(card.Event)) error { return ErrNoCgo }

// Connect fails with ErrNoCgo.
func (*Service) Connect(context.Context, string) (card.Transport, error) { return nil, ErrNoCgo }
