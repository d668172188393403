package card

import "crypto/ecdh"

// UseEphemeral fixes the host's key of Chip Authentication, so that a
// transcript can be repeated.
func (s *Session) UseEphemeral(key *ecdh.PrivateKey) {
	s.ephemeral = func() (*ecdh.PrivateKey, error) { return key, nil }
}
