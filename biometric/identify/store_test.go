package identify

import (
	"bytes"
	"errors"
	"testing"
)

func TestStore(t *testing.T) {
	x := filled(t, 2, 12)
	x.Delete(4)
	var saved bytes.Buffer
	if err := x.Save(&saved); err != nil {
		t.Fatal(err)
	}
	y, err := Load(bytes.NewReader(saved.Bytes()), 3)
	if err != nil {
		t.Fatal(err)
	}
	if y.Len() != 11 {
		t.Errorf("%d people", y.Len())
	}
	hits, err := y.Search(t.Context(), 1, person(9, 1)...)
	if err != nil || len(hits) != 1 || hits[0].Person != 9 {
		t.Errorf("hits %v, error %v", hits, err)
	}
	raw := saved.Bytes()
	twice := append(bytes.Clone(raw[:len(raw)-9]), raw[len(magic):]...)
	for name, b := range map[string][]byte{
		"nothing":   nil,
		"magic":     append([]byte("X"), raw[1:]...),
		"cut":       raw[:len(raw)-1],
		"half":      raw[:len(raw)/2],
		"left over": append(bytes.Clone(raw), 0),
		"count":     append(bytes.Clone(raw[:len(raw)-1]), 12),
		"twice":     twice,
		"fingers":   append([]byte(magic), 1, 0, 0, 0, 0, 0, 0, 0, 1, 11),
		"template":  append([]byte(magic), 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0),
	} {
		if _, err := Load(bytes.NewReader(b), 1); !errors.Is(err, ErrSaved) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzLoad: no bytes make Load fail otherwise than it owes, and what it reads
// can be saved again.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(magic + "\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(append([]byte(magic), 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Load(bytes.NewReader(b), 1)
		if err != nil {
			if !errors.Is(err, ErrSaved) {
				t.Fatal(err)
			}
			return
		}
		var again bytes.Buffer
		if err := x.Save(&again); err != nil || again.Len() != len(b) {
			t.Fatalf("%d bytes of %d, error %v", again.Len(), len(b), err)
		}
	})
}
