package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// visits are n entries by three authors, not all in the order of their times.
func (p patient) visits(tb testing.TB, n int) []*Sealed {
	tb.Helper()
	var out []*Sealed
	authors := []patient{p}
	for i := range byte(2) {
		other := p
		signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		other.author, other.public = Author{[4]byte{i, 1, 2, 3}, signer}, &signer.PublicKey
		authors = append(authors, other)
	}
	for i := range n {
		by := authors[i%len(authors)]
		texts := map[record.Section][]byte{record.Section(i % record.NumSections): fmt.Appendf(nil, "visit %d of many, all alike", i)} // #nosec G115 -- six
		texts[record.SectionClinical] = []byte("the clinical part of a visit")
		at := visit.Add(time.Duration(i*7%11) * 24 * time.Hour)
		raw, err := Seal(p.subject, p.keys, by.author, Meta{Person: 2, Time: at}, texts, rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, by.open(tb, raw))
	}
	return out
}

func TestArchive(t *testing.T) {
	p := newPatient(t)
	for _, n := range []int{1, 2, 40} {
		entries := p.visits(t, n)
		raw, err := Archive(p.subject, p.keys, entries, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, s := range entries {
			total += len(s.Raw())
		}
		t.Logf("%d entries of %d bytes, archive of %d", n, total, len(raw))
		if n == 40 && len(raw) > n*85 {
			t.Errorf("%d bytes an entry", len(raw)/n)
		}
		back, err := Unarchive(p.subject, p.keys, raw)
		if err != nil || len(back) != n {
			t.Fatalf("%d entries, %v", len(back), err)
		}
		for i := range back {
			if !bytes.Equal(back[i], entries[i].Raw()) {
				t.Errorf("entry %d came back as another", i)
			}
		}
	}
}

func TestArchiveRefuses(t *testing.T) {
	p, other := newPatient(t), newPatient(t)
	entries := p.visits(t, 3)
	raw, err := Archive(p.subject, p.keys, entries, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	some := &Keys{}
	key, _ := p.keys.Get(record.SectionClinical)
	if err := some.Set(record.SectionClinical, key); err != nil {
		t.Fatal(err)
	}
	unverified, err := Parse(entries[0].Raw())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		keys    *Keys
		subject Subject
		entries []*Sealed
		want    error
	}{
		"no entries":     {p.keys, p.subject, nil, ErrTooLarge},
		"one key":        {some, p.subject, entries, ErrNoKey},
		"not verified":   {p.keys, p.subject, []*Sealed{unverified}, ErrNotVerified},
		"other keys":     {other.keys, p.subject, entries, ErrKeyMismatch},
		"another person": {p.keys, other.subject, entries, ErrKeyMismatch},
	} {
		if _, err := Archive(c.subject, c.keys, c.entries, rand.Reader); !errors.Is(err, c.want) {
			t.Errorf("archive, %s: %v", name, err)
		}
	}
	epoch := p.subject
	epoch.Epoch++
	for name, c := range map[string]struct {
		keys    *Keys
		subject Subject
		raw     []byte
		want    error
	}{
		"nothing":         {p.keys, p.subject, nil, ErrFormat},
		"trailing":        {p.keys, p.subject, append(bytes.Clone(raw), 0), ErrFormat},
		"too long":        {p.keys, p.subject, make([]byte, MaxArchive+1), ErrFormat},
		"one key":         {some, p.subject, raw, ErrNoKey},
		"other keys":      {other.keys, p.subject, raw, ErrDecrypt},
		"another patient": {p.keys, other.subject, raw, ErrDecrypt},
		"another epoch":   {p.keys, epoch, raw, ErrKeyMismatch},
	} {
		if _, err := Unarchive(c.subject, c.keys, c.raw); !errors.Is(err, c.want) {
			t.Errorf("unarchive, %s: %v", name, err)
		}
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, err := Unarchive(p.subject, p.keys, bad); err == nil {
			t.Errorf("byte %d changed and not noticed", i)
		}
	}
}

// FuzzUnarchive gives unpack what only a holder of all keys could have sealed.
func FuzzUnarchive(f *testing.F) {
	p := newPatient(f)
	entries := p.visits(f, 2)
	packed, err := pack(p.subject, p.keys, entries)
	if err != nil {
		f.Fatal(err)
	}
	var plain []byte
	for _, s := range entries {
		plain = append(append(plain, s.header.salt[:]...), s.signature...)
	}
	f.Add(2, append(plain, packed...))
	f.Add(1, []byte{})
	f.Fuzz(func(t *testing.T, count int, plain []byte) {
		if count < 1 || count > 16 {
			return
		}
		raws, err := unpack(p.subject, p.keys, plain, count)
		if err != nil {
			return
		}
		for _, raw := range raws {
			s, err := Parse(raw)
			if err != nil {
				continue // its signature may have any form
			}
			if s.Person() != p.subject.Person || s.Epoch() != p.subject.Epoch {
				t.Fatal("an entry of another person or epoch")
			}
		}
	})
}

func BenchmarkArchive(b *testing.B) {
	p := newPatient(b)
	entries := p.visits(b, 30)
	for b.Loop() {
		if _, err := Archive(p.subject, p.keys, entries, rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}
