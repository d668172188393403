package mix

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

func texts(n int) (out [][]byte) {
	r := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- not a secret
	for i := range n {
		t := fmt.Appendf(nil, "visit %d: sugar %d, pressure %d over %d", i, 90+r.IntN(40), 110+r.IntN(40), 70+r.IntN(20))
		if i%7 == 3 {
			t = nil
		}
		out = append(out, t)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	noise := make([]byte, 5000)
	r := rand.New(rand.NewPCG(3, 4)) // #nosec G404 -- not a secret
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for name, list := range map[string][][]byte{
		"none": {}, "empty": {{}}, "alike": texts(300), "noise": {noise, noise[:100], {}}, "zeros": {make([]byte, 40000)},
	} {
		t.Run(name, func(t *testing.T) {
			e := NewEncoder()
			total := 0
			for i, text := range list {
				e.Put(uint8(i%20), text)
				total += len(text)
			}
			raw := e.Bytes()
			t.Logf("%d bytes become %d", total, len(raw))
			if total > 10000 && len(raw) > total/3 {
				t.Errorf("%d bytes became %d", total, len(raw))
			}
			d := NewDecoder(raw)
			for i, text := range list {
				got, err := d.Next(uint8(i%20), len(text))
				if err != nil || !bytes.Equal(got, text) {
					t.Fatalf("text %d is %q, %v", i, got, err)
				}
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	e := NewEncoder()
	e.Put(1, bytes.Repeat([]byte("abc"), 1000))
	raw := e.Bytes()
	if _, err := NewDecoder(raw).Next(1, 2999); !errors.Is(err, ErrFormat) {
		t.Errorf("text over its limit: %v", err)
	}
	if _, err := NewDecoder(nil).Next(1, 1<<20); err == nil {
		if _, err = NewDecoder(raw[:2]).Next(1, 1<<20); err == nil {
			t.Error("a text out of nothing")
		}
	}
}

func FuzzDecoder(f *testing.F) {
	e := NewEncoder()
	for i, text := range texts(5) {
		e.Put(uint8(i%3), text)
	}
	f.Add(e.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, again := NewDecoder(raw), NewEncoder()
		var list [][]byte
		for i := range 8 {
			text, err := d.Next(uint8(i%3), 2000)
			if err != nil {
				break
			}
			list = append(list, text)
			again.Put(uint8(i%3), text)
		}
		d = NewDecoder(again.Bytes())
		for i, text := range list {
			if got, err := d.Next(uint8(i%3), 2000); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("text %d was %q and is %q, %v", i, text, got, err)
			}
		}
	})
}

func BenchmarkEncoder(b *testing.B) {
	list := texts(300)
	n := int64(0)
	for _, t := range list {
		n += int64(len(t))
	}
	b.SetBytes(n)
	for b.Loop() {
		e := NewEncoder()
		for i, t := range list {
			e.Put(uint8(i%3), t)
		}
		e.Bytes()
	}
}
