package soft

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Bus is a bus that soft scanners are plugged into. The zero value is empty.
type Bus struct {
	mu       sync.Mutex // guards what follows
	scanners map[string]*Scanner
	down     error
}

var _ scanner.Bus = (*Bus)(nil)

// Plug plugs a scanner in under a name.
func (b *Bus) Plug(name string, s *Scanner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.scanners == nil {
		b.scanners = make(map[string]*Scanner)
	}
	b.scanners[name] = s
}

// Unplug pulls a scanner out.
func (b *Bus) Unplug(name string) {
	b.mu.Lock()
	s := b.scanners[name]
	delete(b.scanners, name)
	b.mu.Unlock()
	if s != nil {
		s.Unplug()
	}
}

// Break makes the bus fail with err until it is nil.
func (b *Bus) Break(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// List names the scanners that are plugged in, sorted.
func (b *Bus) List(ctx context.Context) ([]scanner.Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return nil, b.down
	}
	devices := make([]scanner.Device, 0, len(b.scanners))
	for name, s := range b.scanners {
		devices = append(devices, s.Device(name))
	}
	slices.SortFunc(devices, func(x, y scanner.Device) int { return strings.Compare(x.Name, y.Name) })
	return devices, ctx.Err()
}

// Open takes a scanner.
func (b *Bus) Open(ctx context.Context, name string) (scanner.Transport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	s := b.scanners[name]
	down := b.down
	b.mu.Unlock()
	switch {
	case down != nil:
		return nil, down
	case s == nil:
		return nil, fmt.Errorf("open soft scanner %s: %w", name, scanner.ErrUnplugged)
	}
	return s.Open()
}
