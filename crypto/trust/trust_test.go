package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// listed describes a key that is valid for a year on either side of now.
func listed(pub *ecdsa.PublicKey, usage Usage, name string) Key {
	return Key{
		Public: pub, Usage: usage, Facility: 7, Name: name,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}
}

// bigList makes a signed list of n authors.
func bigList(tb testing.TB, root *ecdsa.PrivateKey, n int) []byte {
	tb.Helper()
	l := List{Version: 1, Issued: now, Expires: now.AddDate(0, 0, 30)}
	seen := make(map[[4]byte]bool)
	for len(l.Keys) < n {
		pub := &newKey(tb).PublicKey
		if kid := KIDOf(pub); !seen[kid] {
			seen[kid] = true
			l.Keys = append(l.Keys, listed(pub, UsageAuthor, "Dr Somebody of Somewhere"))
		}
	}
	raw, err := SignList(root, l)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func BenchmarkUpdateTrust100k(b *testing.B) {
	root := newKey(b)
	raw := bigList(b, root, 100_000)
	b.ReportMetric(float64(len(raw)), "list-bytes")
	for b.Loop() {
		if err := NewStore(&root.PublicKey).UpdateTrust(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthor100k(b *testing.B) {
	root := newKey(b)
	raw := bigList(b, root, 100_000)
	s := NewStore(&root.PublicKey)
	if err := s.UpdateTrust(raw); err != nil {
		b.Fatal(err)
	}
	rows := s.trust.Load().rows
	i := 0
	for b.Loop() {
		i = (i + 1) % rows.len()
		if _, err := s.Author([4]byte(rows.row(i)), now); err != nil {
			b.Fatal(err)
		}
	}
}
