package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// patient is a subject with its keys and an author.
type patient struct {
	subject Subject
	keys    *Keys
	author  Author
	public  *ecdsa.PublicKey
}

func newPatient(tb testing.TB) patient {
	tb.Helper()
	keys, err := NewKeys(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	subject, err := NewSubject(record.PatientID{1, 2, 3, 4, 5, 6, 7, 8}, 1, keys)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return patient{subject, keys, Author{[4]byte{9, 8, 7, 6}, signer}, &signer.PublicKey}
}

func someSections() map[record.Section][]byte {
	return map[record.Section][]byte{
		record.SectionCoverage:   bytes.Repeat([]byte{0xc0}, 20),
		record.SectionMedication: bytes.Repeat([]byte{0xed}, 40),
		record.SectionClinical:   bytes.Repeat([]byte{0xc1}, 60),
	}
}

var visit = time.Date(2026, 11, 22, 9, 41, 30, 0, time.UTC)

func (p patient) seal(tb testing.TB) []byte {
	tb.Helper()
	raw, err := Seal(p.subject, p.keys, p.author, Meta{Person: 2, Time: visit}, someSections(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func BenchmarkSeal(b *testing.B) {
	p, sections := newPatient(b), someSections()
	for b.Loop() {
		if _, err := Seal(p.subject, p.keys, p.author, Meta{Time: visit}, sections, rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	p := newPatient(b)
	raw := p.seal(b)
	for b.Loop() {
		s, err := Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Verify(p.subject, p.public); err != nil {
			b.Fatal(err)
		}
		if _, _, err := s.OpenAll(p.keys); err != nil {
			b.Fatal(err)
		}
	}
}
