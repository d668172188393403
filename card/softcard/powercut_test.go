package softcard

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// contents is everything on a card that a clinic could lose.
type contents struct {
	head    card.Head
	marks   string
	entries string // all records, oldest first
	summary string
	date    cvc.Date
}

// contentsOf reads a card's memory without its commands: it walks the log back
// from the tail and checks the chain and the marks against the head.
func contentsOf(c *Card) (contents, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := mount(&c.nvm)
	if s.broken != nil {
		return contents{}, s.broken
	}
	head := s.log.head
	var sealed [][]byte
	for at := head.Tail; at > head.Start; {
		if at-head.Start < 2 {
			return contents{}, fmt.Errorf("trailer outside the log")
		}
		n := uint32(binary.BigEndian.Uint16(readLog(&c.nvm, at-2, 2)))
		if n+2 > at-head.Start {
			return contents{}, fmt.Errorf("entry outside the log")
		}
		sealed = append(sealed, readLog(&c.nvm, at-2-n, int(n)))
		at -= n + 2
	}
	out := contents{head: head, date: s.date}
	h := card.Head{Seq: head.StartSeq, Tail: head.Start, Chain: head.StartChain}
	marks := s.log.marks
	var log strings.Builder
	for _, entry := range slices.Backward(sealed) {
		if len(marks) > 0 && marks[0] == (card.Mark{Seq: h.Seq, Offset: h.Tail, Chain: h.Chain}) {
			marks = marks[1:]
		}
		h = h.Next(entry)
		log.Write(entry)
		log.WriteByte('|')
	}
	if h.Chain != head.Chain || h.Seq != head.Seq {
		return contents{}, errors.New("chain does not match the log")
	}
	if len(marks) > 0 {
		return contents{}, errors.New("marks do not match the log")
	}
	out.entries = log.String()
	for _, m := range s.log.marks {
		out.marks += fmt.Sprint(m)
	}
	if head.SummaryVersion > 0 {
		summary, _ := readSummary(&c.nvm, head.SummaryVersion)
		out.summary = string(summary)
	}
	return out, nil
}

// write is one thing that a visit writes. It may be done again: it looks for
// itself on the card first.
type write struct {
	name string
	do   func(ctx context.Context, s *card.Session, d *deskModel) error
}

// deskModel is the write path of a workstation without its files: what it has
// seen of the card, and how many of the visit's writes are settled.
type deskModel struct {
	pub     *ecdh.PublicKey
	term    card.Terminal
	known   card.Head       // the head at the last whole tap
	held    map[string]bool // entries that were read or written
	settled int
}

func appending(n int, seed byte) write {
	return write{fmt.Sprintf("append %d bytes", n), func(ctx context.Context, s *card.Session, d *deskModel) error {
		sealed := filled(n, seed)
		if d.held[string(sealed)] {
			return nil
		}
		h, err := s.Append(ctx, d.known.Seq, sealed)
		if err == nil {
			d.known, d.held[string(sealed)] = h, true
		}
		return err
	}}
}

func summarising(n int, seed byte) write {
	return write{fmt.Sprintf("summary of %d bytes", n), func(ctx context.Context, s *card.Session, d *deskModel) error {
		now, err := s.ReadFile(ctx, card.FileSummary)
		if err != nil || bytes.Equal(now, filled(n, seed)) {
			return err
		}
		h, err := s.WriteSummary(ctx, d.known.SummaryVersion, filled(n, seed))
		if err == nil {
			d.known = h
		}
		return err
	}}
}

func freeing(r card.LogReceipt) write {
	return write{"free", func(ctx context.Context, s *card.Session, d *deskModel) error {
		h, err := s.Free(ctx, r)
		if err == nil {
			d.known = h
		}
		return err
	}}
}

// tap reads what is new on a card and goes on with the writes where the last
// tap left off.
func (d *deskModel) tap(ctx context.Context, c *Card, writes []write) error {
	s, err := card.Open(ctx, c.Transport())
	if err != nil {
		return err
	}
	if err := s.Authenticate(ctx, d.pub, d.term); err != nil {
		return err
	}
	h, err := s.Head(ctx)
	if err != nil {
		return err
	}
	fresh := make(map[string]bool)
	if err := s.Entries(ctx, h, d.known, func(_ uint32, sealed []byte) error { fresh[string(sealed)] = true; return nil }); err != nil {
		return err
	}
	d.known = h
	for e := range fresh {
		d.held[e] = true
	}
	for d.settled < len(writes) {
		if err := writes[d.settled].do(ctx, s, d); err != nil {
			return err
		}
		d.settled++
	}
	return nil
}

func (d *deskModel) clone() *deskModel {
	e := *d
	e.held = make(map[string]bool, len(d.held)+4)
	for k := range d.held {
		e.held[k] = true
	}
	return &e
}

// rig is a card before a visit, the desk that it comes to, and what the visit
// writes.
type rig struct {
	memory []byte
	single bool // with one head slot
	desk   *deskModel
	writes []write
	states []contents // before the first write, and behind each
}

// card returns the card with a memory, as it is when its power comes back.
func (r *rig) card(memory []byte, cut func(CutPoint) bool) *Card {
	c := newCard(Options{singleHead: r.single}, bytes.Clone(memory))
	c.state = mount(&c.nvm)
	c.nvm.cut = cut
	return c
}

// newRig makes a card whose log has gone into its second segment, and a visit
// of five appends with two summaries and a free in between. The third append
// begins a segment, and the facility's certificate moves the card's date.
func newRig(t *testing.T, single bool) *rig {
	t.Helper()
	p, c, pub := issued(t, Options{})
	s := open(t, c, pub, p.physician(t))
	var h card.Head
	var err error
	for i := range 16 {
		if h, err = s.Append(t.Context(), uint32(i), filled(2000, byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	if h, err = s.Append(t.Context(), h.Seq, filled(700, 99)); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	receipt := p.centre(t, cvc.RightReceipt, "2026-02-01", "2027-02-01").receipt(t, c.ID(), marksOf(t, s)[0])
	r := &rig{memory: bytes.Clone(c.nvm.b), single: single, writes: []write{
		appending(20, 101), summarising(600, 102), appending(300, 103), freeing(receipt),
		appending(450, 104), summarising(1200, 105), appending(61, 106), appending(900, 107),
	}}
	term := p.terminal(t, cvc.RolePhysician, cvc.AllRights, "2026-04-01", "2026-06-01")
	term.Chain[0] = p.renewed(t, "2026-04-01").Raw
	r.desk = &deskModel{pub: pub, term: term, known: h, held: make(map[string]bool)}
	whole := r.card(r.memory, nil)
	d := r.desk.clone()
	for n := range len(r.writes) + 1 {
		if err := d.tap(t.Context(), whole, r.writes[:n]); err != nil {
			t.Fatalf("visit without a cut: %v", err)
		}
		now, err := contentsOf(whole)
		if err != nil || n > 0 && now == r.states[n-1] {
			t.Fatalf("write %d changed nothing: %v", n, err)
		}
		r.states = append(r.states, now)
	}
	return r
}

// after reports whether the card holds exactly what it held before the write
// that the desk was at, or exactly what comes of it.
func (r *rig) after(c *Card, d *deskModel) error {
	now, err := contentsOf(c)
	if err != nil {
		return err
	}
	now.date = r.states[0].date // it moves in the authentication, or has not yet
	if now == r.states[d.settled] || d.settled < len(r.writes) && now == r.states[d.settled+1] {
		return nil
	}
	return errors.New("neither the old state nor the new one")
}

// whole taps once more without a cut: the visit is complete then, in the very
// bytes that it has without any cut.
func (r *rig) whole(ctx context.Context, c *Card, d *deskModel) error {
	if err := d.tap(ctx, c, r.writes); err != nil {
		return fmt.Errorf("tap again: %w", err)
	}
	now, err := contentsOf(c)
	if err == nil && now != r.states[len(r.writes)] {
		err = errors.New("the visit is not on the card as it should be")
	}
	return err
}

// cut taps the card and has the power go at point k. It returns the card as
// that leaves it; over is true when the visit ended before.
func (r *rig) cut(ctx context.Context, memory []byte, d *deskModel, k int) (c *Card, over bool, err error) {
	seen := 0
	c = r.card(memory, cutAt(k, &seen))
	err = d.tap(ctx, c, r.writes)
	switch {
	case err == nil && seen <= k:
		return c, true, nil
	case !errors.Is(err, card.ErrRemoved):
		return nil, false, fmt.Errorf("tap in which the power went: %w", err)
	case seen != k+1:
		return nil, false, errors.New("the card worked on after the cut")
	}
	c.nvm.cut = nil
	return c, false, nil
}

// points counts the cut points of a visit from a state on.
func (r *rig) points(t *testing.T, memory []byte, d *deskModel) int {
	t.Helper()
	seen := 0
	if err := d.clone().tap(t.Context(), r.card(memory, cutAt(-1, &seen)), r.writes); err != nil {
		t.Fatal(err)
	}
	return seen
}

// cutAt cuts the power at the point of the given number; it counts the points
// in seen.
func cutAt(k int, seen *int) func(CutPoint) bool {
	return func(p CutPoint) bool {
		*seen = p.Index + 1
		return p.Index == k
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
