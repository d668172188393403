package card

import (
	"crypto/ecdh"
	"time"
)

// UseEphemeral fixes the host's key of Chip Authentication, so that a
// transcript can be repeated.
func (s *Session) UseEphemeral(key *ecdh.PrivateKey) {
	s.ephemeral = func() (*ecdh.PrivateKey, error) { return key, nil }
}

// UseClock fixes the time that the host tells the card.
func (s *Session) UseClock(now func() time.Time) { s.now = now }
