package envelope

import (
	"crypto/rand"
	"testing"
)

func BenchmarkSeal(b *testing.B) {
	p, sections := newPatient(b), someSections()
	for b.Loop() {
		if _, err := Seal(p.subject, p.keys, p.author, Meta{Person: 2, Time: visit}, sections, rand.Reader); err != nil {
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
