//go:build cgo || windows

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
)

// Service is this process's access to PC/SC. It holds nothing open by itself:
// Watch has a context of its own while it runs, and so has every Transport.
type Service struct {
	log       *slog.Logger
	establish func() (waitContext, error) // another in tests

	mu   sync.Mutex
	open map[*transport]struct{} // guarded by mu; connections that were not closed yet
}

// New returns the machine's PC/SC service. It does not touch it: a service
// that does not run is an error of the calls.
func New(log *slog.Logger) *Service {
	return &Service{
		log:  log,
		open: map[*transport]struct{}{},
		establish: func() (waitContext, error) {
			sc, err := establish()
			if err != nil {
				return nil, err
			}
			return sc, nil
		},
	}
}

// establish makes a context. pcsc-lite says that the user is refused also when
// pcscd dies between the connect and the first answer; asking again tells.
func establish() (*scard.Context, error) {
	sc, err := scard.EstablishContext()
	if errors.Is(err, scard.ErrSecurityViolation) {
		sc, err = scard.EstablishContext()
	}
	return sc, err
}

// Names lists the readers that are plugged in, sorted as the service sorts
// them; none is no error. It may be called at any time.
// Errors: card.ErrServiceDown, ErrDenied, ctx.Err().
func (s *Service) Names(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sc, err := s.establish()
	if err != nil {
		return nil, fail("reach the card service", err)
	}
	defer func() { _ = sc.Release() }()
	return listReaders(sc)
}

// List asks for every reader and what is in it, once. While a Watch runs in
// this process it fails with ErrWatching: the watch's events tell the same.
// Errors: those of Names, ErrWatching.
func (s *Service) List(ctx context.Context) ([]Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case waiting <- struct{}{}:
		defer func() { <-waiting }()
	default:
		return nil, ErrWatching
	}
	sc, err := s.establish()
	if err != nil {
		return nil, fail("reach the card service", err)
	}
	defer func() { _ = sc.Release() }()
	names, err := listReaders(sc)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	states := make([]scard.ReaderState, len(names))
	for i, name := range names {
		states[i] = scard.ReaderState{Reader: name, CurrentState: scard.StateUnaware}
	}
	if err := waitChange(sc, states, 0); err != nil && !errors.Is(err, scard.ErrTimeout) {
		return nil, fail("ask the readers", err)
	}
	readers := make([]Reader, len(names))
	for i, st := range states {
		readers[i] = Reader{
			Name:    st.Reader,
			Present: st.EventState&scard.StatePresent != 0,
			Mute:    st.EventState&scard.StateMute != 0,
			InUse:   st.EventState&(scard.StateInuse|scard.StateExclusive) != 0,
		}
		if readers[i].Present {
			readers[i].ATR = bytes.Clone(st.Atr)
		}
	}
	return readers, nil
}

// Free names the readers whose card a program may take without getting in
// another's way: those that this Service has no open connection to and, where
// no Watch runs in this process, nobody else either. Some may be empty.
// Errors: those of Names.
func (s *Service) Free(ctx context.Context) ([]string, error) {
	names, err := s.Names(ctx)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]bool)
	list, err := s.List(ctx)
	if err != nil && !errors.Is(err, ErrWatching) {
		return nil, err
	}
	for _, r := range list {
		taken[r.Name] = r.InUse
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.open {
		taken[t.reader] = true
	}
	return slices.DeleteFunc(names, func(name string) bool { return taken[name] }), nil
}

// Devices says which readers are slots of one device; see the function Devices.
func (s *Service) Devices(names []string) map[string]string { return Devices(names) }

// listReaders lists the readers' names. A reader that appears between the
// binding's two calls makes the buffer too small: it asks again.
func listReaders(sc waitContext) (names []string, err error) {
	defer guard("list readers", &err)
	for range 3 {
		names, err = sc.ListReaders()
		if !errors.Is(err, scard.ErrInsufficientBuffer) {
			break
		}
	}
	if errors.Is(err, scard.ErrNoReadersAvailable) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("list readers", err)
	}
	known := names[:0]
	for _, name := range names {
		if name != "" && !strings.ContainsRune(name, 0) {
			known = append(known, name)
		}
	}
	return known, nil
}

// forget marks the connections to reader's card as gone, so that a handle
// that would go on with the next card is not used again.
func (s *Service) forget(reader string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.open {
		if t.reader == reader {
			_ = t.end(card.ErrRemoved)
		}
	}
}

func (s *Service) track(t *transport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[t] = struct{}{}
}

func (s *Service) untrack(t *transport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
}
