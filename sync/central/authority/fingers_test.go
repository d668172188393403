package authority

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// cardFor asks for the card of a new patient with fingers.
func cardFor(t *testing.T, fingers ...[]byte) *wire.CardRequest {
	t.Helper()
	identity, err := (&record.Identity{Names: record.Names{Latin: &record.Name{Given: []string{"Zainab"}, Family: "Testpatient"}}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	req := &wire.CardRequest{CardKey: [65]byte(key.PublicKey().Bytes()), Identity: identity, Fingers: fingers}
	if _, err := rand.Read(req.Card[:]); err != nil {
		t.Fatal(err)
	}
	return req
}

func issue(t *testing.T, a *Authority, req *wire.CardRequest) *wire.CardGrant {
	t.Helper()
	grant, err := a.IssueCard(t.Context(), Station{Facility: 9001}, req)
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

// finger is a record of a made-up person's finger.
func finger(tb testing.TB, person uint64, at fmr.Position, change func(*fmr.Template)) []byte {
	tb.Helper()
	t := synth.Person(person, at, 0)
	if change != nil {
		change(t)
	}
	raw, err := fmr.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func fingersOf(t *testing.T, a *Authority, patient record.PatientID) store.Fingers {
	t.Helper()
	var f store.Fingers
	err := a.store.View(t.Context(), func(r store.Reader) (err error) {
		f, err = r.Fingers(patient)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestKeepFingers follows a patient's fingers: kept once, however often the
// answer is lost, replaced with a new card, deleted.
func TestKeepFingers(t *testing.T) {
	a, dir := newAuthority(t)
	right, left := finger(t, 1, fmr.RightIndex, nil), finger(t, 1, fmr.LeftIndex, nil)
	first := cardFor(t, right, left)
	grant := issue(t, a, first)
	if !bytes.Equal(grant.Fingers, []byte{wire.FingerKept, wire.FingerKept}) {
		t.Fatalf("fingers %v", grant.Fingers)
	}
	kept := fingersOf(t, a, grant.Patient)
	if kept.Searched || kept.Number != 1 {
		t.Errorf("%+v", kept)
	}
	templates, err := a.OpenFingers(kept)
	if err != nil || len(templates) != 2 || templates[1].Views[0].Position != fmr.LeftIndex {
		t.Fatalf("%d templates, %v", len(templates), err)
	}
	if again := issue(t, a, first); again.Patient != grant.Patient || !bytes.Equal(again.Fingers, grant.Fingers) {
		t.Error("the same request is granted differently")
	}
	if got := fingersOf(t, a, grant.Patient); got.Number != kept.Number || !bytes.Equal(got.Sealed, kept.Sealed) {
		t.Error("the same fingers are enrolled again")
	}

	second := cardFor(t) // without fingers: those that are there stay
	second.Replaces, second.Identity = first.Card, nil
	issue(t, a, second)
	if got := fingersOf(t, a, grant.Patient); got.Number != kept.Number {
		t.Error("a card without fingers has changed them")
	}
	third := cardFor(t, left)
	third.Replaces, third.Identity = second.Card, nil
	issue(t, a, third)
	got := fingersOf(t, a, grant.Patient)
	if templates, err := a.OpenFingers(got); err != nil || len(templates) != 1 || got.Number != 2 || got.Searched {
		t.Errorf("%d templates, number %d, %v", len(templates), got.Number, err)
	}
	moved := got
	moved.Patient[0]++
	if _, err := a.OpenFingers(moved); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("opened as another patient's: %v", err)
	}
	if _, err := openUnder(a.wrap, "fingers", fingersAAD(got.Patient), got.Sealed); err == nil {
		t.Error("the key of identities opens fingers")
	}
	files, err := filepath.Glob(filepath.Join(dir, "centre.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err != nil || bytes.Contains(content, left[28:60]) || bytes.Contains(content, []byte("FMR\x00")) {
			t.Errorf("%s holds a template, %v", filepath.Base(file), err)
		}
	}

	if err := a.ForgetFingers(t.Context(), grant.Patient); err != nil {
		t.Fatal(err)
	}
	got = fingersOf(t, a, grant.Patient)
	if templates, err := a.OpenFingers(got); err != nil || len(templates) != 0 || !got.Searched || got.Number != 3 {
		t.Errorf("%d templates after deletion, %+v, %v", len(templates), got, err)
	}
	if err := a.ForgetFingers(t.Context(), grant.Patient); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("forgotten again: %v", err)
	}
}

// TestHostileFingers: what cannot be used is named and holds no card up.
func TestHostileFingers(t *testing.T) {
	a, _ := newAuthority(t)
	good := finger(t, 1, fmr.RightIndex, nil)
	for _, c := range []struct {
		name    string
		records [][]byte
		want    []byte
		kept    int
	}{
		{"rubbish", [][]byte{bytes.Repeat([]byte{0xFF}, wire.MaxFinger)}, []byte{wire.FingerMalformed}, 0},
		{"cut short", [][]byte{good[:len(good)-1], good}, []byte{wire.FingerMalformed, wire.FingerKept}, 1},
		{"two views", [][]byte{finger(t, 1, fmr.RightIndex, func(t *fmr.Template) {
			t.Views = append(t.Views, t.Views[0])
			t.Views[1].Number = 1
		})}, []byte{wire.FingerMalformed}, 0},
		{"of a palm", [][]byte{finger(t, 1, fmr.RightIndex, func(t *fmr.Template) { t.XRes = 20 })}, []byte{wire.FingerMalformed}, 0},
		{"of nobody knows which", [][]byte{finger(t, 1, fmr.Unknown, nil)}, []byte{wire.FingerUnnamed}, 0},
		{"twice", [][]byte{good, finger(t, 2, fmr.RightIndex, nil)}, []byte{wire.FingerKept, wire.FingerTwice}, 1},
		{"too few minutiae", [][]byte{finger(t, 1, fmr.RightIndex, func(t *fmr.Template) {
			t.Views[0].Minutiae = t.Views[0].Minutiae[:minFinger-1]
		})}, []byte{wire.FingerPoor}, 0},
		{"extended data", [][]byte{finger(t, 1, fmr.RightIndex, func(t *fmr.Template) {
			t.Views[0].Extensions = []fmr.Extension{{Type: 0x101, Data: []byte("somebody's name")}}
		})}, []byte{wire.FingerKept}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			grant := issue(t, a, cardFor(t, c.records...))
			if !bytes.Equal(grant.Fingers, c.want) || len(grant.Persons) != 1 {
				t.Errorf("fingers %v, want %v", grant.Fingers, c.want)
			}
			err := a.store.View(t.Context(), func(r store.Reader) error {
				f, err := r.Fingers(grant.Patient)
				if c.kept == 0 {
					if !errors.Is(err, store.ErrNotFound) {
						t.Errorf("kept: %v", err)
					}
					return nil
				}
				if err != nil {
					return err
				}
				templates, err := a.OpenFingers(f)
				if err == nil && (len(templates) != c.kept || templates[0].Views[0].Extensions != nil) {
					t.Errorf("%d templates, extended data %v", len(templates), templates[0].Views[0].Extensions)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzFingers: any record is kept or named, and what is kept is read again.
func FuzzFingers(f *testing.F) {
	good := finger(f, 1, fmr.RightIndex, nil)
	f.Add(good, good)
	f.Add(good[:30], finger(f, 2, fmr.LeftThumb, nil))
	f.Add([]byte("FMR\x00 20\x00"), []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		kept, status := usable([][]byte{one, two})
		if len(status) != 2 || bytes.Count(status, []byte{wire.FingerKept}) != len(kept) {
			t.Fatalf("%d kept, %v", len(kept), status)
		}
		if len(kept) == 0 {
			return
		}
		for _, raw := range kept {
			if len(raw) > wire.MaxFinger {
				t.Fatalf("a record of %d bytes", len(raw))
			}
		}
		plain, err := fingersCodec.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		templates, err := parseFingers(plain)
		if err != nil || len(templates) != len(kept) {
			t.Fatalf("%d templates, %v", len(templates), err)
		}
		for i, read := range templates {
			if again, err := fmr.Marshal(read); err != nil || !bytes.Equal(again, kept[i]) {
				t.Fatalf("finger %d is another one, %v", i, err)
			}
		}
	})
}

// FuzzStoredFingers reads any bytes as what is sealed of a patient.
func FuzzStoredFingers(f *testing.F) {
	plain, err := fingersCodec.Marshal([][]byte{finger(f, 1, fmr.RightIndex, nil), finger(f, 1, fmr.LeftIndex, nil)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(plain[:len(plain)/2])
	f.Add([]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		templates, err := parseFingers(raw)
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("error is not ErrCorrupt: %v", err)
		}
		if err == nil && (len(templates) == 0 || slices.Contains(templates, nil)) {
			t.Fatal("no templates and no error")
		}
	})
}
