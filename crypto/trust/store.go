package trust

import (
	"crypto/ecdsa"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Store holds the newest trust list and block list. Readers never wait: an
// update swaps a whole list at once. It is safe for concurrent use.
type Store struct {
	root   *ecdsa.PublicKey
	update sync.Mutex // one update at a time
	trust  atomic.Pointer[table]
	block  atomic.Pointer[blocks]
}

// NewStore returns a store without lists, in which no key counts, for lists
// signed by root.
func NewStore(root *ecdsa.PublicKey) *Store { return &Store{root: root} }

// UpdateTrust takes a signed trust list over. The version at hand again
// changes nothing. It owes ErrFormat, ErrSignature and ErrRollback, and then
// the list at hand stays.
func (s *Store) UpdateTrust(raw []byte) error {
	t, err := openTable(raw, s.root)
	if err != nil {
		return err
	}
	s.update.Lock()
	defer s.update.Unlock()
	if old := s.trust.Load(); old != nil {
		if t.version < old.version {
			return fmt.Errorf("trust list %d under %d: %w", t.version, old.version, ErrRollback)
		}
		if t.version == old.version {
			return nil
		}
	}
	s.trust.Store(t)
	return nil
}

// UpdateBlock takes a signed block list over, as UpdateTrust does.
func (s *Store) UpdateBlock(raw []byte) error {
	b, err := openBlocks(raw, s.root)
	if err != nil {
		return err
	}
	s.update.Lock()
	defer s.update.Unlock()
	if old := s.block.Load(); old != nil {
		if b.version < old.version {
			return fmt.Errorf("block list %d under %d: %w", b.version, old.version, ErrRollback)
		}
		if b.version == old.version {
			return nil
		}
	}
	s.block.Store(b)
	return nil
}

// Versions returns the versions at hand, 0 for a list that is not there.
func (s *Store) Versions() (trust, block uint64) {
	if t := s.trust.Load(); t != nil {
		trust = t.version
	}
	if b := s.block.Load(); b != nil {
		block = b.version
	}
	return trust, block
}

// Age tells how fresh the lists are.
type Age struct {
	Trust   time.Duration // since the trust list was issued; 0 without one
	Block   time.Duration // since the block list was issued; 0 without one
	Missing bool          // one of the lists is not there
	Expired bool          // the trust list is past the date of its successor
}

// Age tells how fresh the lists are at now. Nothing is refused for it.
func (s *Store) Age(now time.Time) Age {
	var a Age
	t, b := s.trust.Load(), s.block.Load()
	a.Missing = t == nil || b == nil
	if t != nil {
		a.Trust, a.Expired = now.Sub(t.issued), now.After(t.expires)
	}
	if b != nil {
		a.Block = now.Sub(b.issued)
	}
	return a
}

// Author returns the key of an author, a workstation or a person (Key.Usage
// says which), who says to have signed at a time. A key
// revoked later than that still counts, so that a professional's old entries
// stay good; who takes a new entry in (the centre) compares Key.Revoked with
// the time of arrival too, because a thief would write an old date. It owes
// ErrUnknownKey, ErrKeyRevoked and ErrKeyExpired.
func (s *Store) Author(kid [4]byte, at time.Time) (Key, error) {
	return s.valid(kid, at, UsageAuthor, UsageOperator)
}

// Centre returns a key of the centre that says to have signed at a time. It
// owes what Author owes.
func (s *Store) Centre(kid [4]byte, at time.Time) (Key, error) { return s.valid(kid, at, UsageCentre) }

// valid returns a key of one of the usages that was valid at a time.
func (s *Store) valid(kid [4]byte, at time.Time, usages ...Usage) (Key, error) {
	k, err := s.trust.Load().find(kid, usages...)
	if err != nil {
		return Key{}, err
	}
	if !k.Revoked.IsZero() && !at.Before(k.Revoked) {
		return Key{}, fmt.Errorf("%s key %x since %s: %w", k.Usage, kid, k.Revoked.Format(time.RFC3339), ErrKeyRevoked)
	}
	if at.Before(k.NotBefore) || at.After(k.NotAfter) {
		return Key{}, fmt.Errorf("%s key %x: %w", k.Usage, kid, ErrKeyExpired)
	}
	return k, nil
}

// issuer returns an issuer's key. Its period limits what it signs, not how
// long the cards last that it signed; a revoked issuer counts for no card.
func (s *Store) issuer(kid [4]byte) (Key, error) {
	k, err := s.trust.Load().find(kid, UsageIssuer)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrUnknownIssuer, err)
	}
	if !k.Revoked.IsZero() {
		return Key{}, fmt.Errorf("%w: %w", ErrUnknownIssuer, ErrKeyRevoked)
	}
	return k, nil
}

// Blocked reports whether a card is on the block list.
func (s *Store) Blocked(card [8]byte) bool {
	b := s.block.Load()
	if b == nil {
		return false
	}
	_, found := b.rows.find(card[:])
	return found
}
