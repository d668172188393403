package personalise_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/record"
)

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := personalise.OpenJournal(path)
	check(t, err)
	one, two := personalise.Digest{1}, personalise.Digest{2}
	for _, line := range []personalise.Line{
		{Bundle: one, Source: "one.json", State: personalise.StateBegun, Card: card.ID{1}},
		{Bundle: one, Source: "one.json", State: personalise.StateGranted, Card: card.ID{1}, Patient: record.PatientID{1}},
		{Bundle: two, Source: "two.json", State: personalise.StateFailed, Problem: "no bundle"},
		{Bundle: one, Source: "one.json", State: personalise.StateBegun, Card: card.ID{2}},
		{Bundle: one, Source: "one.json", State: personalise.StateWhole, Card: card.ID{2}, Patient: record.PatientID{1}, Entries: 3, OnCard: 2},
	} {
		check(t, j.Note(line))
	}
	want := j.Of(one)
	check(t, j.Close())
	raw, err := os.ReadFile(path)
	check(t, err)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}

	// Cut at every byte, it opens and knows a beginning of what was written.
	for n := range len(raw) {
		check(t, os.WriteFile(path, raw[:n], 0o600))
		j, err := personalise.OpenJournal(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if j.Of(one).State.Done() {
			t.Fatalf("cut at %d: the card is said to be whole", n)
		}
		check(t, j.Note(personalise.Line{Bundle: two, State: personalise.StateBegun, Card: card.ID{9}}))
		check(t, j.Close())
		if j, err = personalise.OpenJournal(path); err != nil || j.Of(two).Card != (card.ID{9}) {
			t.Fatalf("cut at %d: what was written behind the cut: %v", n, err)
		}
		check(t, j.Close())
	}

	check(t, os.WriteFile(path, raw, 0o600))
	j, err = personalise.OpenJournal(path)
	check(t, err)
	got := j.Of(one)
	if got.State != want.State || got.Patient != want.Patient || len(got.Cards) != 2 || got.Cards[0] != (card.ID{2}) || got.Entries != 3 {
		t.Fatalf("%+v, want %+v", got, want)
	}
	if d, _, ok := j.Holder(card.ID{2}); !ok || d != one {
		t.Fatal("the card has no holder")
	}
	check(t, j.Close())

	for name, damage := range map[string][]byte{
		"no json":       []byte("x\n"),
		"unknown name":  []byte(`{"state":"begun","card":"0102030405060708","other":1}` + "\n"),
		"unknown state": []byte(`{"state":"lost","card":"0102030405060708"}` + "\n"),
		"no card":       []byte(`{"state":"whole"}` + "\n"),
		"two objects":   append(bytes.TrimSpace(raw[:bytes.IndexByte(raw, '\n')+1]), raw...),
	} {
		check(t, os.WriteFile(path, damage, 0o600))
		if _, err := personalise.OpenJournal(path); !errors.Is(err, personalise.ErrJournal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"at":"2026-01-01T00:00:00Z","bundle":"` + string(bytes.Repeat([]byte("0"), 64)) + `","source":"a","state":"begun","card":"0102030405060708"}` + "\n"))
	f.Add([]byte("{"))
	path := filepath.Join(f.TempDir(), "journal")
	f.Fuzz(func(t *testing.T, raw []byte) {
		check(t, os.WriteFile(path, raw, 0o600))
		j, err := personalise.OpenJournal(path)
		if err != nil {
			return
		}
		check(t, j.Close())
		if j, err = personalise.OpenJournal(path); err != nil {
			t.Fatalf("opened once, then: %v", err)
		}
		check(t, j.Close())
	})
}
