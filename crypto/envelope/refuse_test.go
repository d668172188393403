package envelope

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

func TestSealRefuses(t *testing.T) {
	p := newPatient(t)
	for name, c := range map[string]struct {
		meta     Meta
		sections map[record.Section][]byte
		author   Author
		want     error
	}{
		"another person":  {Meta{Person: 1, Time: visit}, someSections(), p.author, ErrMeta},
		"person 16":       {Meta{Person: 16, Time: visit}, someSections(), p.author, ErrMeta},
		"before 2000":     {Meta{Person: 2, Time: visit.AddDate(-40, 0, 0)}, someSections(), p.author, ErrMeta},
		"no time":         {Meta{Person: 2}, someSections(), p.author, ErrMeta},
		"far future":      {Meta{Person: 2, Time: visit.AddDate(300, 0, 0)}, someSections(), p.author, ErrMeta},
		"no section":      {Meta{Person: 2, Time: visit}, nil, p.author, ErrMeta},
		"empty section":   {Meta{Person: 2, Time: visit}, map[record.Section][]byte{0: {}}, p.author, ErrMeta},
		"unknown section": {Meta{Person: 2, Time: visit}, map[record.Section][]byte{6: {1}}, p.author, ErrMeta},
		"too large":       {Meta{Person: 2, Time: visit}, map[record.Section][]byte{0: make([]byte, MaxSealed)}, p.author, ErrTooLarge},
		"far too large":   {Meta{Person: 2, Time: visit}, map[record.Section][]byte{0: make([]byte, MaxSealed+1)}, p.author, ErrTooLarge},
		"no signer":       {Meta{Person: 2, Time: visit}, someSections(), Author{}, ErrMeta},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Seal(p.subject, p.keys, c.author, c.meta, c.sections, rand.Reader); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	origin, sig := make([]byte, 10), make([]byte, 64)
	text := make([]byte, 17)
	for name, v := range map[string]any{
		"info of 13 bits":    []any{0x1000, 0, origin, map[int]any{0: text}, sig},
		"time of 28 bits":    []any{0, 1 << 27, origin, map[int]any{0: text}, sig},
		"negative time":      []any{0, -1, origin, map[int]any{0: text}, sig},
		"null for a number":  []any{nil, 0, origin, map[int]any{0: text}, sig},
		"short origin":       []any{0, 0, origin[:9], map[int]any{0: text}, sig},
		"list for origin":    []any{0, 0, make([]int, 10), map[int]any{0: text}, sig},
		"long origin":        []any{0, 0, make([]byte, 11), map[int]any{0: text}, sig},
		"no section":         []any{0, 0, origin, map[int]any{}, sig},
		"section 6":          []any{0, 0, origin, map[int]any{6: text}, sig},
		"negative section":   []any{0, 0, origin, map[int]any{-1: text}, sig},
		"empty section":      []any{0, 0, origin, map[int]any{0: text[:16]}, sig},
		"null section":       []any{0, 0, origin, map[int]any{0: nil}, sig},
		"text for a section": []any{0, 0, origin, map[int]any{0: strings.Repeat("a", 17)}, sig},
		"short signature":    []any{0, 0, origin, map[int]any{0: text}, sig[:63]},
		"six elements":       []any{0, 0, origin, map[int]any{0: text}, sig, 0},
		"four elements":      []any{0, 0, origin, map[int]any{0: text}},
		"map":                map[int]any{0: 0},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := cose.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(raw); !errors.Is(err, ErrFormat) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := Parse(make([]byte, MaxSealed+1)); !errors.Is(err, ErrFormat) {
		t.Errorf("too long: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	p := newPatient(f)
	f.Add(p.seal(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if again := s.encode(); !bytes.Equal(again, raw) {
			t.Fatalf("%x is written again as %x", raw, again)
		}
		_ = s.Verify(p.subject, p.public)
	})
}
