package card_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// wire is a transport with a hook for every exchange; n counts from 0.
type wire struct {
	card.Transport
	n    int
	hook func(n int, cmd []byte) ([]byte, error)
}

func (w *wire) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.n++
	return w.hook(w.n-1, cmd)
}

// counted runs one tap and returns how many APDUs it took.
func counted(t *testing.T, c *softcard.Card, desk card.Terminal, entry []byte) int {
	t.Helper()
	tr := c.Transport()
	w := &wire{Transport: tr}
	w.hook = func(_ int, cmd []byte) ([]byte, error) { return tr.Transmit(t.Context(), cmd) }
	if _, err := tap(t.Context(), w, desk, entry); err != nil {
		t.Fatal(err)
	}
	return w.n
}

func reload(t *testing.T, image []byte) *softcard.Card {
	t.Helper()
	c, err := softcard.Load(image, softcard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// named reports whether an error is one that callers branch on.
func named(err error) bool {
	for _, want := range []error{
		card.ErrSecureMessaging, card.ErrMalformed, card.ErrNotDhamani, card.ErrRemoved, card.ErrReset,
		card.ErrChain, card.ErrSessionEnded, card.ErrNotActivated, card.ErrTerminated, card.ErrEntryTooLarge, errForged,
	} {
		if errors.Is(err, want) {
			return true
		}
	}
	var status *card.StatusError
	return errors.As(err, &status)
}

// Another card of the same kind takes the place of the first between two
// APDUs, at every APDU: freshly powered, or one that got every command so far
// as well. Never does a tap mix two cards.
func TestSwapAtEveryAPDU(t *testing.T) {
	p := newProgramme(t)
	first, second := p.issue(t, 0xA1, 700, 1500), p.issue(t, 0xB2, 700, 1500)
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := []byte("a new entry")
	imageA, imageB := first.Image(), second.Image()
	n := counted(t, reload(t, imageA), desk, entry)
	for _, shadow := range []bool{false, true} {
		for at := range n {
			t.Run(fmt.Sprintf("shadow %v/%d", shadow, at), func(t *testing.T) {
				a, b := reload(t, imageA), reload(t, imageB)
				ta, tb := a.Transport(), b.Transport()
				w := &wire{Transport: ta}
				w.hook = func(i int, cmd []byte) ([]byte, error) {
					if i >= at {
						return tb.Transmit(t.Context(), cmd)
					}
					if shadow {
						if _, err := tb.Transmit(t.Context(), cmd); err != nil {
							return nil, err
						}
					}
					return ta.Transmit(t.Context(), cmd)
				}
				got, err := tap(t.Context(), w, desk, entry)
				switch {
				case at == 0:
					if err != nil || !got.only(0xB2) {
						t.Fatalf("the second card alone: %v", err)
					}
				case err == nil:
					t.Fatal("nobody noticed")
				case !named(err):
					t.Fatalf("error without a name: %v", err)
				case !got.only(0xA1) && !got.only(0xB2):
					t.Fatal("data of two cards mixed")
				case got.keys != nil && !got.only(0xA1):
					t.Fatal("data of the second card after authentication of the first")
				}
				if at > 0 && len(readHead(t, b, desk)) != 2 {
					t.Fatal("entry for the first card is on the second")
				}
				if shadow && at > 0 && got.head.Seq > 0 && !errors.Is(err, card.ErrSecureMessaging) {
					t.Fatalf("swap under secure messaging: %v", err)
				}
			})
		}
	}
}

// readHead taps and returns the entries on a card.
func readHead(t *testing.T, c *softcard.Card, desk card.Terminal) [][]byte {
	t.Helper()
	got, err := tap(t.Context(), c.Transport(), desk, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.entries
}

// The card is taken away at every APDU of a tap with an append: before the
// card has it, after the card has done it, and in the way PC/SC tells it, with
// an empty answer. The next tap finds the old state or the new, and appending
// again ends with the entry there once.
func TestTearAtEveryAPDU(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 1, 700, 1500)
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := marked(1, 1000)
	image := c.Image()
	n := counted(t, reload(t, image), desk, entry)
	for _, how := range []string{"before", "after", "empty answer", "half an answer"} {
		for at := range n {
			t.Run(fmt.Sprintf("%s/%d", how, at), func(t *testing.T) {
				c := reload(t, image)
				tr := c.Transport()
				w := &wire{Transport: tr}
				w.hook = func(i int, cmd []byte) ([]byte, error) {
					if i < at {
						return tr.Transmit(t.Context(), cmd)
					}
					if how != "before" && i == at {
						if _, err := tr.Transmit(t.Context(), cmd); err != nil {
							return nil, err
						}
					}
					c.Remove()
					switch how {
					case "empty answer":
						return nil, nil
					case "half an answer":
						return []byte{0x90}, nil
					}
					return tr.Transmit(t.Context(), cmd)
				}
				got, err := tap(t.Context(), w, desk, entry)
				if !errors.Is(err, card.ErrRemoved) {
					t.Fatalf("torn: %v", err)
				}
				if !got.only(1) {
					t.Fatal("wrong data before the tear")
				}
				s := authenticated(t, c, desk)
				head, err := s.Head(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if head.Seq == 2 {
					if head, err = s.Append(t.Context(), 2, entry); err != nil {
						t.Fatal(err)
					}
				}
				if got.head.Seq > 0 && head != got.head.Next(entry) {
					t.Fatalf("head %+v after %+v", head, got.head)
				}
				if entries := readHead(t, c, desk); len(entries) != 3 || !bytes.Equal(entries[0], entry) {
					t.Fatalf("%d entries", len(entries))
				}
			})
		}
	}
}

// One bit of one answer changes on the way, at every answer. Either the tap
// fails with a named error, or everything it brought is right all the same
// (an announced length may change without harm).
func TestChangedBitAtEveryAnswer(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 1, 700, 300)
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := marked(1, 100)
	image := c.Image()
	n := counted(t, reload(t, image), desk, entry)
	clean, err := tap(t.Context(), reload(t, image).Transport(), desk, entry)
	if err != nil {
		t.Fatal(err)
	}
	unharmed := 0
	for at := range n {
		for _, place := range []int{0, 1, 5, 17, 30, 36, -1, -2, -3, -8, -20} {
			for _, bit := range []byte{0x01, 0x10, 0x80} {
				c := reload(t, image)
				tr := c.Transport()
				w := &wire{Transport: tr}
				w.hook = func(i int, cmd []byte) ([]byte, error) {
					answer, err := tr.Transmit(t.Context(), cmd)
					if i == at && err == nil {
						answer[((place%len(answer))+len(answer))%len(answer)] ^= bit
					}
					return answer, err
				}
				got, err := tap(t.Context(), w, desk, entry)
				switch {
				case err != nil && !named(err):
					t.Fatalf("answer %d, byte %d, bit %02X: error without a name: %v", at, place, bit, err)
				case !got.only(1):
					t.Fatalf("answer %d, byte %d, bit %02X: wrong data, %v", at, place, bit, err)
				case err == nil && (got.head != clean.head || got.appended != clean.appended || got.info.ID != clean.info.ID):
					t.Fatalf("answer %d, byte %d, bit %02X: wrong head", at, place, bit)
				case err == nil:
					unharmed++
				}
			}
		}
	}
	t.Logf("%d answers changed, %d of the taps unharmed", n*33, unharmed)
}

// Two cards that answer in turn, and one that answers the previous command.
func TestDelayedAndAlternating(t *testing.T) {
	p := newProgramme(t)
	a, b := p.issue(t, 1, 700), p.issue(t, 2, 700)
	desk := p.terminal(t, cvc.RolePhysician, 0)
	ta, tb := a.Transport(), b.Transport()
	w := &wire{Transport: ta}
	w.hook = func(i int, cmd []byte) ([]byte, error) {
		ra, err := ta.Transmit(t.Context(), cmd)
		if err != nil {
			return nil, err
		}
		rb, err := tb.Transmit(t.Context(), cmd)
		if i%2 == 1 {
			return rb, err
		}
		return ra, err
	}
	if got, err := tap(t.Context(), w, desk, nil); !named(err) || len(got.id) > 0 {
		t.Errorf("alternating: %v", err)
	}
	tr := a.Transport()
	var last []byte
	w = &wire{Transport: tr}
	w.hook = func(i int, cmd []byte) ([]byte, error) {
		now, err := tr.Transmit(t.Context(), cmd)
		if i < 10 {
			last = now
			return now, err
		}
		last, now = now, last
		return now, err
	}
	if _, err := tap(t.Context(), w, desk, nil); !errors.Is(err, card.ErrSecureMessaging) {
		t.Errorf("answers one command late: %v", err)
	}
}
