package softcard

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
)

// contents is everything on a card that a clinic could lose.
type contents struct {
	head    card.Head
	entries string // all records, oldest first
	summary string
}

// contentsOf reads a card's memory without its commands: it walks the log back
// from the tail and checks the chain against the head.
func contentsOf(c *Card) (contents, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := mount(&c.nvm)
	if s.broken != nil {
		return contents{}, s.broken
	}
	var sealed [][]byte
	for at := s.head.Tail; at > s.head.Start; {
		if at < 2 {
			return contents{}, fmt.Errorf("trailer outside the log")
		}
		n := uint32(binary.BigEndian.Uint16(readLog(&c.nvm, at-2, 2)))
		if n+2 > at {
			return contents{}, fmt.Errorf("entry outside the log")
		}
		sealed = append(sealed, readLog(&c.nvm, at-2-n, int(n)))
		at -= n + 2
	}
	out := contents{head: s.head}
	var h card.Head
	for _, entry := range slices.Backward(sealed) {
		h = h.Next(entry)
		out.entries += string(entry) + "|"
	}
	if h.Chain != s.head.Chain || h.Seq != s.head.Seq {
		return contents{}, errors.New("chain does not match the log")
	}
	if s.head.SummaryVersion > 0 {
		summary, _ := readSummary(&c.nvm, s.head.SummaryVersion)
		out.summary = string(summary)
	}
	return out, nil
}

// write is one thing that a visit writes; it stops at the first error.
type write struct {
	name string
	do   func(ctx context.Context, s *card.Session, h card.Head) error
}

func appending(n int, seed byte) write {
	return write{fmt.Sprintf("append %d bytes", n), func(ctx context.Context, s *card.Session, h card.Head) error {
		_, err := s.Append(ctx, h.Seq, filled(n, seed))
		return err
	}}
}

func summarising(n int, seed byte) write {
	return write{fmt.Sprintf("summary of %d bytes", n), func(ctx context.Context, s *card.Session, h card.Head) error {
		_, err := s.WriteSummary(ctx, h.SummaryVersion, filled(n, seed))
		return err
	}}
}

// visit opens a card, authenticates and writes.
func visit(ctx context.Context, c *Card, pub *ecdh.PublicKey, t card.Terminal, w write) error {
	s, err := card.Open(ctx, c.Transport())
	if err != nil {
		return err
	}
	if err := s.Authenticate(ctx, pub, t); err != nil {
		return err
	}
	h, err := s.Head(ctx)
	if err != nil {
		return err
	}
	return w.do(ctx, s, h)
}

// cutAt cuts the power at the point of the given number; it counts the points
// in seen.
func cutAt(k int, seen *int) func(CutPoint) bool {
	return func(p CutPoint) bool {
		*seen = p.Index + 1
		return p.Index == k
	}
}

// cutEverywhere runs a series of writes once without and then with a power cut
// at every single point, and counts what the cuts led to.
func cutEverywhere(t *testing.T, single bool) (points, kept, done, lost int) {
	t.Helper()
	p, c, pub := issued(t, Options{})
	term := p.physician(t)
	later := p.terminal(t, 1<<2, 3, "2026-04-01", "2026-06-01")
	writes := []write{
		appending(1, 1), summarising(1, 2), appending(61, 3), appending(62, 4), appending(900, 5),
		summarising(2044, 6), summarising(600, 7), appending(2000, 8), appending(300, 9),
	}
	image := c.Image()
	for i, w := range writes {
		if i == len(writes)/2 {
			term = later // moves the card's date: one more write in the session
		}
		load := func(opts Options) *Card {
			opts.singleHead = single
			c, err := Load(image, opts)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		total := 0
		whole := load(Options{Cut: cutAt(-1, &total)})
		before, err := contentsOf(whole)
		if err != nil {
			t.Fatal(err)
		}
		if err := visit(t.Context(), whole, pub, term, w); err != nil {
			t.Fatal(err)
		}
		after, err := contentsOf(whole)
		if err != nil || after == before {
			t.Fatalf("%s: nothing changed, %v", w.name, err)
		}
		for k := range total {
			seen := 0
			torn := load(Options{Cut: cutAt(k, &seen)})
			if err := visit(t.Context(), torn, pub, term, w); !errors.Is(err, card.ErrRemoved) {
				t.Fatalf("%s, cut %d: %v", w.name, k, err)
			}
			if seen != k+1 {
				t.Fatalf("%s: the card worked on after cut %d", w.name, k)
			}
			points++
			got, err := contentsOf(torn)
			switch {
			case err == nil && got == before:
				kept++
			case err == nil && got == after:
				done++
			default:
				lost++
				if !single {
					t.Errorf("%s, cut %d: neither old nor new: %v", w.name, k, err)
				}
				continue
			}
			// What was saved must load, and the write must go through when
			// it is tried again from where the card stands.
			again, err := Load(torn.Image(), Options{singleHead: single})
			if err != nil {
				t.Fatalf("%s, cut %d: %v", w.name, k, err)
			}
			if got == before && k%7 == 0 {
				if err := visit(t.Context(), again, pub, term, w); err != nil {
					t.Fatalf("%s again after cut %d: %v", w.name, k, err)
				}
				if got, err := contentsOf(again); err != nil || got != after {
					t.Fatalf("%s again after cut %d: %v", w.name, k, err)
				}
			}
		}
		image = whole.Image()
	}
	return points, kept, done, lost
}

// TestPowerCut is the promise of the format: whenever the power goes, the card
// holds exactly what it held before, or exactly what was being written.
func TestPowerCut(t *testing.T) {
	points, kept, done, lost := cutEverywhere(t, false)
	t.Logf("%d cut points over appends and summaries: %d left the old state, %d the new one, %d neither", points, kept, done, lost)
	if lost != 0 || kept == 0 || done == 0 {
		t.Fail()
	}
}

// TestPowerCutControl shows that the test above can fail: a card that writes
// its head in place loses its log.
func TestPowerCutControl(t *testing.T) {
	points, kept, done, lost := cutEverywhere(t, true)
	t.Logf("control with one head slot: of %d cut points %d left the old state, %d the new one, %d lost the log", points, kept, done, lost)
	if lost == 0 {
		t.Fatal("a single head slot survived every power cut")
	}
}

// TestPowerCutPersonalising cuts the power at every point of personalisation:
// the card can always be personalised from the beginning.
func TestPowerCutPersonalising(t *testing.T) {
	p := newProgramme(t)
	p.photo, p.identity, p.summary = filled(100, 1), filled(300, 2), filled(100, 3)
	blank := New(Options{}).Image()
	load := func(image []byte, opts Options) *Card {
		c, err := Load(image, opts)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	total := 0
	p.personalise(t, load(blank, Options{Cut: cutAt(-1, &total)}))
	for k := range total {
		seen := 0
		c := load(blank, Options{Cut: cutAt(k, &seen)})
		if _, err := p.tryPersonalise(c); !errors.Is(err, card.ErrRemoved) {
			t.Fatalf("cut %d: %v", k, err)
		}
		again := load(c.Image(), Options{})
		if again.state.life == lifeOperational {
			continue // the cut came after ACTIVATE
		}
		pub, err := p.tryPersonalise(again)
		if err != nil {
			t.Fatalf("personalise after cut %d: %v", k, err)
		}
		if k%29 == 0 {
			s := open(t, again, pub, p.physician(t))
			if got, err := s.ReadFile(t.Context(), card.FileID); err != nil || !bytes.Equal(got, p.identity) {
				t.Fatalf("cut %d: %v", k, err)
			}
		}
	}
	t.Logf("%d cut points over a personalisation", total)
}

// TestCutKinds shows what each kind of cut leaves of a write.
func TestCutKinds(t *testing.T) {
	for kind, want := range map[CutKind][]byte{
		CutBeforeWrite: {0, 0, 0, 0}, CutHalfWrite: {1, 2, 0, 0}, CutTornWrite: {1, 2, 0xFF, 0xFF},
	} {
		m := nvm{b: make([]byte, 4*pageSize), meter: new(meter), cut: func(p CutPoint) bool {
			return p.Kind == kind && p.Offset == pageSize
		}}
		err := m.write(pageSize-2, []byte{9, 9, 1, 2, 3, 4})
		if !errors.Is(err, errPower) || !bytes.Equal(m.b[pageSize-2:pageSize+5], append(append([]byte{9, 9}, want...), 0)) {
			t.Errorf("%v: % X, %v", kind, m.b[pageSize-2:pageSize+5], err)
		}
	}
}
