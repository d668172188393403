package softcard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/internal/wait"
)

// throughReader plugs a card into a virtual reader and opens it through the
// PC/SC service. The service looks at its readers every 0.4 s only: until then
// vpcd may refuse the card, and the reader look empty or hold the last card.
func throughReader(t *testing.T, c *Card, at testpcsc.Slot) (*Slot, *card.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var slot *Slot
	for {
		var err error
		if slot, err = c.Plug(t.Context(), at.Addr); err == nil {
			break
		}
		if waitErr := wait.For(ctx, 20*time.Millisecond); waitErr != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(slot.Remove)
	for {
		s, err := connect(ctx, c, at.Reader)
		if err == nil {
			t.Cleanup(func() { _ = s.Close() })
			return slot, s
		}
		if !errors.Is(err, card.ErrNoCard) && !errors.Is(err, card.ErrRemoved) {
			t.Fatal(err)
		}
		if waitErr := wait.For(ctx, 20*time.Millisecond); waitErr != nil {
			t.Fatal(err)
		}
	}
}

func connect(ctx context.Context, c *Card, reader string) (*card.Session, error) {
	service := pcsc.New(slog.New(slog.DiscardHandler))
	return new(card.Prober).Open(ctx, reader, func(ctx context.Context) (card.Transport, error) {
		tr, err := service.Connect(ctx, reader)
		if err == nil && !bytes.Equal(tr.ATR(), c.atr) {
			return nil, errors.Join(fmt.Errorf("atr % X", tr.ATR()), tr.Close())
		}
		return tr, err
	})
}

// TestRealReader is a visit through pcscd and vpcd, in two readers at a time.
func TestRealReader(t *testing.T) {
	testpcsc.Use(t)
	p := newProgramme(t)
	var wg sync.WaitGroup
	for i, link := range []Link{LinkContactless424, LinkT1} {
		c := New(Options{Link: link, Extended: i == 0})
		pub := p.personalise(t, c)
		slot, s := throughReader(t, c, testpcsc.Slots()[i])
		term := p.physician(t)
		wg.Go(func() {
			defer slot.Remove()
			start := time.Now()
			if err := s.Authenticate(t.Context(), pub, term); err != nil {
				t.Error(err)
				return
			}
			authenticated := time.Since(start)
			var took []time.Duration
			for seq := range uint32(30) {
				start = time.Now()
				if _, err := s.Append(t.Context(), seq, filled(1000, byte(seq))); err != nil {
					t.Error(err)
					return
				}
				took = append(took, time.Since(start))
			}
			head, err := s.Head(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			start = time.Now()
			entries := 0
			err = s.Entries(t.Context(), head, card.Head{}, func(seq uint32, sealed []byte) error {
				if entries++; !bytes.Equal(sealed, filled(1000, byte(seq-1))) {
					t.Errorf("entry %d differs", seq)
				}
				return nil
			})
			if err != nil || entries != 30 {
				t.Errorf("%d entries, %v", entries, err)
			}
			read := time.Since(start)
			slices.Sort(took)
			stats := s.Stats()
			if short := stats.APDUs > 200; short == (i == 0) {
				t.Errorf("%v: %d commands", link, stats.APDUs)
			}
			t.Logf("%v: authenticate %v, append of 1,000 bytes %v (median), %v (worst), read of 30,000 bytes %v; %d commands",
				link, authenticated, took[len(took)/2], took[len(took)-1], read, stats.APDUs)
			if photo, err := s.ReadFile(t.Context(), card.FilePhoto); err != nil || !bytes.Equal(photo, p.photo) {
				t.Errorf("photo: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestRealT0 is a visit with a card that speaks T=0, through pcscd and vpcd.
func TestRealT0(t *testing.T) {
	testpcsc.Use(t)
	c := New(Options{T0: true})
	p := newProgramme(t)
	tr := card.OverT0(c.Transport())
	pub, err := p.personaliseOver(tr)
	if err != nil {
		t.Fatal(err)
	}
	_, s := throughReader(t, c, testpcsc.Slots()[0])
	if security, err := s.Security(t.Context()); err != nil || !bytes.Equal(security, p.security) {
		t.Fatalf("%d bytes of card security, %v", len(security), err)
	}
	if err := s.Authenticate(t.Context(), pub, p.physician(t)); err != nil {
		t.Fatal(err)
	}
	head, err := s.Append(t.Context(), 0, filled(1000, 1))
	if err != nil {
		t.Fatal(err)
	}
	if entries := readAll(t, s); len(entries) != 1 || !bytes.Equal(entries[0].sealed, filled(1000, 1)) || head.Seq != 1 {
		t.Errorf("%d entries", len(entries))
	}
	if photo, err := s.ReadFile(t.Context(), card.FilePhoto); err != nil || !bytes.Equal(photo, p.photo) {
		t.Errorf("photo: %v", err)
	}
}

// TestRealTear cuts the power amid an append, in a reader: the session says
// that the card is gone, and in the reader again it holds the old state.
func TestRealTear(t *testing.T) {
	testpcsc.Use(t)
	cut := false
	opts := Options{Cut: func(p CutPoint) bool { return cut && p.Kind == CutTornWrite && p.INS == insAppendRecord }}
	p, c, pub := issued(t, opts)
	slot, s := throughReader(t, c, testpcsc.Slots()[0])
	if err := s.Authenticate(t.Context(), pub, p.physician(t)); err != nil {
		t.Fatal(err)
	}
	head, err := s.Append(t.Context(), 0, filled(800, 1))
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	cut = true
	c.mu.Unlock()
	if _, err := s.Append(t.Context(), 1, filled(900, 2)); !errors.Is(err, card.ErrRemoved) {
		t.Fatalf("torn append: %v", err)
	}
	_ = s.Close()
	if err := ended(t, slot); !errors.Is(err, card.ErrRemoved) {
		t.Fatalf("slot: %v", err)
	}
	c.mu.Lock()
	cut = false
	c.mu.Unlock()
	_, s = throughReader(t, c, testpcsc.Slots()[0])
	if err := s.Authenticate(t.Context(), pub, p.physician(t)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Head(t.Context()); err != nil || got != head {
		t.Fatalf("head after the tear: %+v, %v", got, err)
	}
	if _, err := s.Append(t.Context(), 1, filled(900, 2)); err != nil {
		t.Fatal(err)
	}
}

// TestRealAnchorRollover brings a new anchor to a card in a reader, cuts the
// power as it is stored, and reads the card with terminals of both anchors.
func TestRealAnchorRollover(t *testing.T) {
	testpcsc.Use(t)
	cut := true
	p, c, pub := issued(t, Options{Cut: func(at CutPoint) bool { return cut && at.INS == insPerformOp && at.Kind == CutTornWrite }})
	next, link := p.rolled(t, "IQDHAMANI00002", "2026-04-01", "2036-04-01")
	newTerminal := behind(next.terminal(t, cvc.RolePhysician, 0, "2026-04-01", "2026-06-01"), link)
	slot, s := throughReader(t, c, testpcsc.Slots()[0])
	if err := s.Authenticate(t.Context(), pub, newTerminal); !errors.Is(err, card.ErrRemoved) {
		t.Fatalf("torn as the anchor is stored: %v", err)
	}
	_ = s.Close()
	<-slot.Done()
	c.mu.Lock()
	cut = false
	c.mu.Unlock()
	for i, terminal := range []card.Terminal{p.physician(t), newTerminal, newTerminal, p.physician(t)} {
		slot, s := throughReader(t, c, testpcsc.Slots()[0])
		if err := s.Authenticate(t.Context(), pub, terminal); err != nil {
			t.Fatalf("tap %d: %v", i, err)
		}
		if _, err := s.Head(t.Context()); err != nil {
			t.Fatalf("tap %d: %v", i, err)
		}
		_ = s.Close()
		slot.Remove()
	}
	if names(c) != "IQDHAMANI00002 IQDHAMANI00001 " {
		t.Errorf("anchors %s", names(c))
	}
}
