package card_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

func sixKeys(b byte) map[record.Section][]byte {
	keys := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		keys[s] = bytes.Repeat([]byte{b}, 32)
	}
	return keys
}

// TestBlankAgain: a card that was half personalised keeps its key, and takes
// another key set, which begins log and summary anew.
func TestBlankAgain(t *testing.T) {
	ctx := t.Context()
	soft := softcard.New(softcard.Options{})
	b, err := card.OpenBlank(ctx, soft.Transport())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.PublicKey(ctx); !errors.Is(err, card.ErrDataNotFound) {
		t.Fatalf("key of a new card: %v", err)
	}
	made, err := b.GenerateKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		if b, err = card.OpenBlank(ctx, soft.Transport()); err != nil {
			t.Fatal(err)
		}
		if got, err := b.PublicKey(ctx); err != nil || !got.Equal(made) {
			t.Fatalf("round %d: another key, %v", round, err)
		}
		if err := b.PutKeys(ctx, 0, sixKeys(byte(round))); err != nil {
			t.Fatal(err)
		}
		want := card.Head{}
		for i := range 3 {
			entry := fmt.Appendf(nil, "entry %d of round %d", i, round)
			want = want.Next(entry)
			got, err := b.Append(ctx, uint32(i), entry)
			if err != nil || got != want {
				t.Fatalf("round %d: head %+v, want %+v, %v", round, got, want, err)
			}
		}
		for v := range uint32(round) + 1 {
			if _, err := b.WriteSummary(ctx, v, []byte("summary")); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	}
}

// TestKeysByPerson: every person on the card has own keys; the holder's, put
// again, make the card forget the family.
func TestKeysByPerson(t *testing.T) {
	ctx := t.Context()
	p := newProgramme(t)
	soft := softcard.New(softcard.Options{})
	for round := range byte(2) {
		b, err := card.OpenBlank(ctx, soft.Transport())
		if err != nil {
			t.Fatal(err)
		}
		last := card.MaxPersons - round*8
		for person := range last {
			if err := b.PutKeys(ctx, person, sixKeys(0x10*round+person)); err != nil {
				t.Fatalf("person %d: %v", person, err)
			}
		}
		if err := b.PutKeys(ctx, card.MaxPersons, sixKeys(0)); err == nil {
			t.Error("person 16 put")
		}
	}
	b, err := card.OpenBlank(ctx, soft.Transport())
	if err != nil {
		t.Fatal(err)
	}
	pub, err := b.GenerateKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range []error{
		b.WriteFile(ctx, card.FileSecurity, security(b.Info().ID, pub)), b.WriteFile(ctx, card.FileID, []byte("identity")),
		b.PutAnchor(ctx, p.anchor.Raw), b.Activate(ctx),
	} {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	s := authenticated(t, soft, p.terminal(t, cvc.RolePhysician, 0))
	for person := range uint8(card.MaxPersons) {
		keys, err := s.Keys(ctx, person)
		if person >= 8 {
			if !errors.Is(err, card.ErrDataNotFound) {
				t.Errorf("person %d: %v", person, err)
			}
			continue
		}
		if err != nil || len(keys) != 5 || !bytes.Equal(keys[record.SectionClinical], sixKeys(0x10 + person)[0]) {
			t.Errorf("person %d: %d keys, %v", person, len(keys), err)
		}
	}
}

// TestKeysAgainTorn cuts the power at every point of a second key set: the log
// is whole or empty, and the card takes the key set once more.
func TestKeysAgainTorn(t *testing.T) {
	ctx := t.Context()
	cuts := 0
	for at := 0; ; at++ {
		armed, point, fired := false, 0, false
		soft := softcard.New(softcard.Options{Cut: func(softcard.CutPoint) bool {
			if !armed {
				return false
			}
			point++
			fired = fired || point-1 == at
			return point-1 == at
		}})
		b, err := card.OpenBlank(ctx, soft.Transport())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.PutKeys(ctx, 0, sixKeys(1)); err != nil {
			t.Fatal(err)
		}
		for i := range uint32(2) {
			if _, err := b.Append(ctx, i, []byte("entry")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.WriteSummary(ctx, 0, []byte("summary")); err != nil {
			t.Fatal(err)
		}
		armed = true
		err = b.PutKeys(ctx, 0, sixKeys(2))
		armed = false
		if !fired {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		cuts++
		if !errors.Is(err, card.ErrRemoved) {
			t.Fatalf("cut %d: %v", at, err)
		}
		if b, err = card.OpenBlank(ctx, soft.Transport()); err != nil {
			t.Fatalf("cut %d: %v", at, err)
		}
		if _, err := b.Append(ctx, 0, []byte("entry")); err != nil {
			if _, err := b.Append(ctx, 2, []byte("entry")); err != nil {
				t.Fatalf("cut %d: the log is neither old nor empty: %v", at, err)
			}
		}
		if err := b.PutKeys(ctx, 0, sixKeys(3)); err != nil {
			t.Fatalf("cut %d: %v", at, err)
		}
		if _, err := b.Append(ctx, 0, []byte("entry")); err != nil {
			t.Fatalf("cut %d: %v", at, err)
		}
	}
	if cuts < 20 {
		t.Fatalf("%d cuts", cuts)
	}
	t.Logf("%d cuts", cuts)
}
