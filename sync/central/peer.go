package central

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// peer is the workstation behind a request, as the registry knows it.
type peer struct {
	facility uint32
	role     string  // of the facility: wire.RoleClinic or wire.RoleIssuer
	author   [4]byte // key identifier of its author key
}

// errRevoked is returned for a workstation that is not, or no longer, enrolled.
var errRevoked = errors.New("workstation is not enrolled")

const (
	// peerLife is how long a revocation may take to be felt.
	peerLife    = 2 * time.Second
	peerCacheOf = 20_000
)

// peerCache keeps the registry's answers for a moment.
type peerCache struct {
	mu      sync.Mutex
	entries map[[32]byte]peerEntry
}

type peerEntry struct {
	peer peer
	err  error // nil or errRevoked
	at   time.Time
}

// identify finds the workstation of a verified client certificate. The
// certificate alone is not enough: the registry has to hold its key, under the
// facility that the certificate names. It owes errRevoked.
func (s *Server) identify(ctx context.Context, cert *x509.Certificate) (peer, error) {
	key := authority.TLSKeyID(cert)
	now := time.Now()
	s.peers.mu.Lock()
	entry, found := s.peers.entries[key]
	s.peers.mu.Unlock()
	if found && now.Sub(entry.at) < peerLife {
		return entry.peer, entry.err
	}
	p, err := s.lookUp(ctx, key, cert)
	if err != nil && !errors.Is(err, errRevoked) {
		return peer{}, err
	}
	s.peers.mu.Lock()
	defer s.peers.mu.Unlock()
	if s.peers.entries == nil || len(s.peers.entries) >= peerCacheOf {
		s.peers.entries = make(map[[32]byte]peerEntry)
	}
	s.peers.entries[key] = peerEntry{p, err, now}
	return p, err
}

func (s *Server) lookUp(ctx context.Context, key [32]byte, cert *x509.Certificate) (p peer, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		ws, err := r.Workstation(key)
		if errors.Is(err, store.ErrNotFound) {
			return errRevoked
		}
		if err != nil {
			return err
		}
		f, err := r.Facility(ws.Facility)
		if err != nil {
			return err
		}
		name := strconv.FormatUint(uint64(f.Number), 10)
		if !ws.Revoked.IsZero() || !f.Revoked.IsZero() || cert.Subject.CommonName != name {
			return errRevoked
		}
		p = peer{facility: f.Number, role: f.Role, author: ws.Author}
		return nil
	})
	if err != nil {
		return peer{}, fmt.Errorf("look up workstation: %w", err)
	}
	return p, nil
}

// rateTable holds two token buckets for each facility.
type rateTable struct {
	mu      sync.Mutex
	buckets map[uint32]*buckets
}

type buckets struct{ requests, entries bucket }

// bucket is a token bucket: level rises by rate a second up to burst.
type bucket struct {
	level float64
	at    time.Time
}

// take takes n tokens, or says how long until there will be as many.
func (b *bucket) take(n, rate, burst float64, now time.Time) (wait time.Duration) {
	if b.at.IsZero() {
		b.level = burst
	} else if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.level = math.Min(burst, b.level+passed*rate)
	}
	b.at = now
	if n = math.Min(n, burst); b.level < n {
		return time.Duration((n - b.level) / rate * float64(time.Second))
	}
	b.level -= n
	return 0
}

// request takes one request of a facility, entries takes some entries.
func (s *Server) allowRequest(facility uint32) time.Duration {
	s.rates.mu.Lock()
	defer s.rates.mu.Unlock()
	return s.rates.of(facility).requests.take(1, s.limits.RequestsPerSecond, s.limits.BurstRequests, time.Now())
}

func (s *Server) allowEntries(facility uint32, n int) time.Duration {
	s.rates.mu.Lock()
	defer s.rates.mu.Unlock()
	return s.rates.of(facility).entries.take(float64(n), s.limits.EntriesPerSecond, s.limits.BurstEntries, time.Now())
}

// of returns a facility's buckets. Only enrolled facilities come here, so the
// table is as long as the registry.
func (t *rateTable) of(facility uint32) *buckets {
	if t.buckets == nil {
		t.buckets = make(map[uint32]*buckets)
	}
	b := t.buckets[facility]
	if b == nil {
		b = new(buckets)
		t.buckets[facility] = b
	}
	return b
}
