package envelope

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// subjects are those of the given persons on p's card.
func (p patient) subjects(tb testing.TB, persons ...uint8) Subjects {
	tb.Helper()
	var list []Subject
	for _, person := range persons {
		s, err := p.roots.Subject(p.subject.Patient, p.subject.Epoch, person)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, s)
	}
	s, err := NewSubjects(list...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestPersonsAreApart: no person's key opens another's entry, and an entry
// passes for nobody but the person whom its header names.
func TestPersonsAreApart(t *testing.T) {
	p := newPatient(t)
	family := p.subjects(t, 0, 1, 2)
	raw := p.seal(t)
	for person := range uint8(MaxPerson + 1) {
		keys, err := p.roots.Person(person)
		if err != nil {
			t.Fatal(err)
		}
		s := p.open(t, raw)
		_, err = s.Open(keys, record.SectionClinical)
		if person == 2 && err != nil || person != 2 && !errors.Is(err, ErrKeyMismatch) {
			t.Errorf("person 2's entry with the keys of %d: %v", person, err)
		}
		subject, err := family.Of(person)
		if person > 2 {
			if !errors.Is(err, ErrPerson) {
				t.Errorf("subject of person %d: %v", person, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(subject, p.public); person != 2 && !errors.Is(err, ErrKeyMismatch) {
			t.Errorf("person 2's entry as that of %d: %v", person, err)
		}
		// The header changed as well: the signature is over another subject.
		s.header.info = s.header.info&^0xf | uint64(person)
		if err := s.Verify(subject, p.public); person != 2 && !errors.Is(err, ErrSignature) {
			t.Errorf("person 2's entry renamed to %d: %v", person, err)
		}
	}
	s := p.open(t, raw)
	s.header.info = s.header.info&^0xf | 3
	if _, err := s.Open(p.keys, record.SectionClinical); !errors.Is(err, ErrDecrypt) {
		t.Errorf("renamed behind the check: %v", err)
	}
}

func TestPersonOf(t *testing.T) {
	p := newPatient(t)
	for _, epoch := range []uint8{0, 1, 2, 15, 16, 255} {
		for person := range uint8(MaxPerson + 1) {
			keys, err := p.roots.Person(person)
			if err != nil {
				t.Fatal(err)
			}
			subject, err := NewSubject(p.subject.Patient, epoch, person, keys)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := Seal(subject, keys, p.author, Meta{Person: person, Time: visit}, someSections(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := PersonOf(raw); !ok || got != person {
				t.Errorf("epoch %d, person %d: %d, %v", epoch, person, got, ok)
			}
		}
	}
	for _, raw := range [][]byte{nil, {0x85, 0, 0}, {0x86, 0, 0, 0}, {0x85, 0x1a, 0, 0}} {
		if _, ok := PersonOf(raw); ok {
			t.Errorf("%x is taken for an entry", raw)
		}
	}
}

func TestRoots(t *testing.T) {
	p := newPatient(t)
	again, err := ParseRoots(p.roots.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for person := range uint8(MaxPerson + 1) {
		x, err := p.roots.Person(person)
		if err != nil {
			t.Fatal(err)
		}
		y, err := again.Person(person)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range record.AllSections() {
			a, _ := x.Get(section)
			b, _ := y.Get(section)
			if !bytes.Equal(a, b) || seen[string(a)] || bytes.Contains(p.roots.Bytes(), a) {
				t.Errorf("key of person %d, %s", person, section)
			}
			seen[string(a)] = true
		}
	}
	if _, err := p.roots.Person(16); !errors.Is(err, ErrPerson) {
		t.Errorf("person 16: %v", err)
	}
	if _, err := ParseRoots(make([]byte, RootsSize-1)); !errors.Is(err, ErrFormat) {
		t.Errorf("short: %v", err)
	}
	if out := fmt.Sprintf("%v %+v %#v", again, *again, again); out != "[redacted] [redacted] [redacted]" {
		t.Errorf("roots print as %s", out)
	}
	again.Wipe()
	if len(again.Bytes()) != 0 {
		t.Error("wiped roots are there")
	}
}

func TestSubjectsRoundTrip(t *testing.T) {
	p := newPatient(t)
	all := make([]uint8, MaxPerson+1)
	for i := range all {
		all[i] = uint8(i)
	}
	for _, persons := range [][]uint8{{0}, {0, 1}, {3, 0, 7}, all} {
		for _, epoch := range []uint8{0, 23, 24, 255} {
			p.subject.Epoch = epoch
			s := p.subjects(t, persons...)
			raw := s.Bytes()
			back, err := ParseSubjects(raw)
			if err != nil || !bytes.Equal(back.Bytes(), raw) || back.Epoch != epoch || back.Patient != s.Patient {
				t.Fatalf("persons %v, epoch %d: %v", persons, epoch, err)
			}
			if got := back.Persons(); !slices.IsSorted(got) || len(got) != len(persons) {
				t.Errorf("persons %v of %v", got, persons)
			}
			for _, person := range persons {
				want, _ := s.Of(person)
				if got, err := back.Of(person); err != nil || got != want {
					t.Errorf("person %d: %v", person, err)
				}
			}
		}
	}
	whole := p.subjects(t, all...)
	raw := whole.Bytes()
	if len(raw) > MaxSubjects {
		t.Errorf("all persons take %d bytes", len(raw))
	}
	for i := range raw {
		if _, err := ParseSubjects(raw[:i]); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := ParseSubjects(make([]byte, MaxSubjects+1)); !errors.Is(err, ErrFormat) {
		t.Errorf("too long: %v", err)
	}
}

func TestSubjectsRefuse(t *testing.T) {
	id, six := make([]byte, 8), make([]byte, 96)
	for name, v := range map[string]any{
		"no holder":     []any{id, 0, map[int]any{1: six}},
		"nobody":        []any{id, 0, map[int]any{}},
		"person 16":     []any{id, 0, map[int]any{0: six, 16: six}},
		"person 256":    []any{id, 0, map[int]any{0: six, 256: six}},
		"five keys":     []any{id, 0, map[int]any{0: six[:80]}},
		"short patient": []any{id[:7], 0, map[int]any{0: six}},
		"epoch 256":     []any{id, 256, map[int]any{0: six}},
	} {
		raw, err := cose.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseSubjects(raw); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, q := newPatient(t), newPatient(t)
	holder, err := p.roots.Subject(p.subject.Patient, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	stranger := q.subject
	stranger.Patient[0]++
	later := p.subject
	later.Epoch++
	for name, list := range map[string][]Subject{
		"nobody": nil, "no holder": {p.subject}, "one twice": {holder, p.subject, p.subject},
		"a stranger": {holder, stranger}, "another epoch": {holder, later},
	} {
		if _, err := NewSubjects(list...); !errors.Is(err, ErrPerson) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseSubjects(f *testing.F) {
	seed := newPatient(f).subjects(f, 0, 1, 15)
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseSubjects(raw)
		if err == nil && !bytes.Equal(s.Bytes(), raw) {
			t.Fatalf("%x is written again as %x", raw, s.Bytes())
		}
	})
}

func BenchmarkRootsPerson(b *testing.B) {
	roots, err := NewRoots(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := roots.Person(3); err != nil {
			b.Fatal(err)
		}
	}
}
