package soft

import (
	"context"
	"image"
	"time"
)

// ask is what a scanner waits for.
type ask uint8

const (
	askNothing ask = iota
	askFinger
	askLift
)

// asker is a protocol that tells what it waits for: that of the U.are.U does.
type asker interface{ wants() ask }

func (u *uru) wants() ask {
	switch u.mode {
	case 0x10:
		return askFinger
	case 0x12:
		return askLift
	default:
		return askNothing
	}
}

// Obey puts next's finger on whenever the scanner waits for one, and takes it
// off when the scanner waits for that, until ctx ends. A nil image is nobody
// there. Only a U.are.U tells what it waits for; at another model nothing
// happens.
func (s *Scanner) Obey(ctx context.Context, next func() *image.Gray) {
	defer s.Lift()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch s.wants() {
		case askFinger:
			if img := next(); img != nil {
				s.Touch(img)
			}
		case askLift:
			s.Lift()
		case askNothing:
		}
	}
}

func (s *Scanner) wants() ask {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.proto.(asker); ok && s.owner != nil {
		return a.wants()
	}
	return askNothing
}
