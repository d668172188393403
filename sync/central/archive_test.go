package central_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// TestArchive packs a patient's entries, reads them again, and puts back what
// the centre does not hold.
func TestArchive(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 101, cvc.RoleReceptionist)
	p := c.newPatient(t, 101)
	now := time.Now().UTC()
	var ids []record.EntryID
	for i := range 5 {
		ids = append(ids, w.write(t, p, &record.Entry{Start: now.Add(time.Duration(i) * time.Minute), Notes: []record.Note{{Text: "note"}}}))
	}
	raw, made, err := c.auth.Archive(t.Context(), p.id, now)
	if err != nil || made.Sound != 5 || len(made.Entries) != 5 || made.Patient != p.id {
		t.Fatalf("%+v, %v", made, err)
	}
	for _, e := range made.Entries {
		if !slices.Contains(ids, envelope.IDOf(e)) {
			t.Errorf("an entry that was never pushed: %s", envelope.IDOf(e).Short())
		}
	}
	if _, n, err := c.auth.RestoreArchive(t.Context(), raw, now); err != nil || n != 0 {
		t.Errorf("%d entries were put back, %v", n, err)
	}
	for name, bad := range map[string][]byte{
		"nothing":  {},
		"cut":      raw[:len(raw)-1],
		"trailing": append(slices.Clone(raw), 0),
		"flipped":  append(slices.Clone(raw[:len(raw)-10]), append([]byte{raw[len(raw)-10] ^ 1}, raw[len(raw)-9:]...)...),
	} {
		if _, err := c.auth.ReadArchive(t.Context(), bad); !errors.Is(err, authority.ErrArchive) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := c.auth.Archive(t.Context(), record.PatientID{1}, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a patient whom the centre does not know: %v", err)
	}

	// An archive with an entry that is lost at the centre, and one that is not
	// by anybody who counts.
	lost := w.seal(t, p, now)
	sealed, err := envelope.Parse(lost.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if err := sealed.Verify(p.subject, &w.author.PublicKey); err != nil {
		t.Fatal(err)
	}
	packed, err := envelope.Archive(p.subject, p.keys, []*envelope.Sealed{sealed}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file, err := cbor.Marshal([]any{1, p.id[:], now.Unix(), []any{[]any{0, packed}}, [][]byte{{1, 2, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	back, n, err := c.auth.RestoreArchive(t.Context(), file, now)
	if err != nil || n != 1 || back.Sound != 1 || len(back.Entries) != 2 {
		t.Fatalf("%d put back, %+v, %v", n, back, err)
	}
	if held, err := c.store.Holds(t.Context(), p.id, sealed.ID()); err != nil || !held {
		t.Errorf("the entry is not there, %v", err)
	}
	if _, n, err = c.auth.RestoreArchive(t.Context(), file, now); err != nil || n != 0 {
		t.Errorf("the second time %d were put back, %v", n, err)
	}
}
