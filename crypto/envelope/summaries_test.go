package envelope

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
)

// summary seals a summary of so many bytes for a person.
func (p patient) summary(tb testing.TB, person uint8, n int) []byte {
	tb.Helper()
	keys, err := p.roots.Person(person)
	if err != nil {
		tb.Fatal(err)
	}
	subject, err := NewSubject(p.subject.Patient, 255, person, keys)
	if err != nil {
		tb.Fatal(err)
	}
	sections := map[record.Section][]byte{record.SectionSummary: make([]byte, n)}
	raw, err := Seal(subject, keys, p.author, Meta{Person: person, Time: visit}, sections, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestSummaries(t *testing.T) {
	p := newPatient(t)
	s := new(Summaries)
	for _, person := range []uint8{3, 0, 2, 3} {
		var err error
		if s, err = s.With(p.summary(t, person, 20)); err != nil {
			t.Fatal(err)
		}
	}
	back, err := ParseSummaries(s.Bytes())
	if err != nil || !bytes.Equal(back.Bytes(), s.Bytes()) || len(back.list) != 3 {
		t.Fatalf("%d summaries, %v", len(back.list), err)
	}
	for person := range uint8(16) {
		of, ok := PersonOf(back.Of(person))
		if want := person == 0 || person == 2 || person == 3; ok != want || ok && of != person {
			t.Errorf("summary of person %d: %v", person, ok)
		}
	}
	if _, err := s.With(p.summary(t, 0, MaxSummaries)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too long: %v", err)
	}
	if _, err := s.With([]byte{1, 2, 3, 4}); !errors.Is(err, ErrFormat) {
		t.Errorf("no entry: %v", err)
	}
	a, b := p.summary(t, 0, 1), p.summary(t, 1, 1)
	with := func(list ...[]byte) []byte { return (&Summaries{list}).Bytes() }
	for name, raw := range map[string][]byte{
		"out of order": with(b, a), "one twice": with(a, a), "cut": with(a, b)[:len(a)+len(b)], "a length alone": {0, 9},
		"half a length": {0}, "empty": {0, 0}, "trailing byte": append(with(a), 0), "too long": make([]byte, MaxSummaries+1),
	} {
		if _, err := ParseSummaries(raw); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSummaryRoom fills the summaries of cards with every number of persons,
// each as far as Room allows: all fit, and the last is not shut out.
func TestSummaryRoom(t *testing.T) {
	p := newPatient(t)
	for persons := 1; persons <= MaxPerson+1; persons++ {
		s := new(Summaries)
		least := MaxSummaries
		for round := range 2 {
			for person := range uint8(persons) {
				room := s.Room(person, persons)
				if room < 1 {
					t.Fatalf("%d persons, round %d: no room for person %d", persons, round, person)
				}
				next, err := s.With(p.summary(t, person, room))
				if err != nil {
					t.Fatalf("%d persons, round %d, person %d: %v", persons, round, person, err)
				}
				s, least = next, min(least, room)
			}
		}
		t.Logf("%2d persons: at least %d bytes each", persons, least)
	}
}

func FuzzParseSummaries(f *testing.F) {
	p := newPatient(f)
	f.Add((&Summaries{[][]byte{p.summary(f, 0, 9), p.summary(f, 5, 9)}}).Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseSummaries(raw)
		if err == nil && !bytes.Equal(s.Bytes(), raw) {
			t.Fatalf("%x is written again as %x", raw, s.Bytes())
		}
	})
}
