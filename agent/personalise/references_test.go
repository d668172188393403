package personalise_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

// madeUp is a finger minutiae record of made-up fingers; quality rises with
// the view.
func madeUp(t *testing.T, minutiae int, fingers ...fmr.Position) []byte {
	t.Helper()
	tmpl := &fmr.Template{Width: 300, Height: 400, XRes: 197, YRes: 197}
	number := map[fmr.Position]uint8{}
	for i, finger := range fingers {
		v := fmr.View{Position: finger, Number: number[finger], Quality: uint8(40 + i)}
		number[finger]++
		for n := range minutiae {
			v.Minutiae = append(v.Minutiae, fmr.Minutia{
				X: 20 + (n*53+i*31)%260, Y: 20 + (n*97+i*17)%360, Angle: uint8(n * 37), Type: fmr.Ending, Quality: 50,
			})
		}
		tmpl.Views = append(tmpl.Views, v)
	}
	raw, err := fmr.Marshal(tmpl)
	check(t, err)
	return raw
}

func TestFingers(t *testing.T) {
	got, err := personalise.Fingers(madeUp(t, 30, fmr.RightIndex, fmr.RightIndex, fmr.LeftThumb))
	if err != nil || len(got) != 2 || got[0].Ref != card.FirstFinger || got[1].Ref != card.FirstFinger+1 ||
		got[0].Finger.Finger != 2 || got[1].Finger.Finger != 6 || len(got[0].Compact) != 90 {
		t.Fatalf("%v, %v", got, err)
	}
	for name, records := range map[string][][]byte{
		"nothing of the kind": {[]byte("FMR")},
		"too few minutiae":    {madeUp(t, 11, fmr.RightIndex)},
		"no finger named":     {madeUp(t, 30, fmr.Unknown)},
		"nine fingers":        {madeUp(t, 30, 1, 2, 3, 4, 5), madeUp(t, 30, 6, 7, 8, 9)},
	} {
		if _, err := personalise.Fingers(records...); !errors.Is(err, personalise.ErrTemplate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReferences personalises a card with PIN and fingers, which count for the
// holder and the child whom the holder answers for.
func TestReferences(t *testing.T) {
	c := newCentre(t)
	h := c.enrol(t, 9001, cvc.RoleIssuer)
	client, err := h.Client(nil, quiet)
	check(t, err)
	t.Cleanup(client.Close)
	hands := madeUp(t, 40, fmr.RightIndex, fmr.LeftIndex)
	fingers, err := personalise.Fingers(hands)
	check(t, err)
	records, err := personalise.Records(hands)
	check(t, err)
	soft := softcard.New(softcard.Options{})
	asked := card.ID{}
	station := personalise.Station{
		Readers: oneCard{soft}, Centre: client, Author: h.Author, Fingers: fingers, Records: records,
		PIN: func(id card.ID) (redact.String, error) { asked = id; return redact.NewString("271828"), nil },
	}
	name := record.Names{Latin: &record.Name{Given: []string{"Synthetic"}, Family: "Parent"}}
	res, err := station.Issue(t.Context(), "reader", &fhir.Bundle{Identity: &record.Identity{
		Names: name, Guards: record.PersonsOf(1), Family: []record.Member{{Person: 1, Relation: record.RelationChild, Names: name}},
	}})
	check(t, err)
	if res.Fingers != 2 || res.LeftOut != nil {
		t.Errorf("the centre has taken %d fingers and left out %v", res.Fingers, res.LeftOut)
	}
	if asked != res.Card {
		t.Errorf("PIN of card %v asked for", asked)
	}
	doctor := c.enrol(t, 101, cvc.RolePhysician)
	s, err := card.Open(t.Context(), soft.Transport())
	check(t, err)
	security, err := s.Security(t.Context())
	check(t, err)
	secure, err := doctor.Trust.CardSecurity(security, time.Now())
	check(t, err)
	op, err := operators.Of(doctor).Open(t.Context(), operatorID, operatorSecret)
	check(t, err)
	check(t, s.Authenticate(t.Context(), secure.Public, op.Terminal))
	known, err := s.Biometrics(t.Context())
	if err != nil || len(known) != 2 || known[1].Persons != record.PersonsOf(0, 1) {
		t.Errorf("%v, %v", known, err)
	}
	check(t, s.VerifyFinger(t.Context(), card.FirstFinger+1, fingers[1].Compact))
	check(t, s.VerifyPIN(t.Context(), []byte("271828")))
	keys, err := s.Keys(t.Context(), 1)
	if err != nil || keys[record.SectionSensitive] == nil {
		t.Errorf("%d keys of the child, %v", len(keys), err)
	}
}

func TestRecords(t *testing.T) {
	got, err := personalise.Records(madeUp(t, 30, fmr.RightIndex, fmr.RightIndex, fmr.LeftThumb), madeUp(t, 40, fmr.LeftThumb))
	if err != nil || len(got) != 2 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i, want := range []fmr.View{{Position: fmr.RightIndex, Quality: 41}, {Position: fmr.LeftThumb, Quality: 42}} {
		one, err := fmr.Parse(got[i])
		check(t, err)
		if v := one.Views[0]; len(one.Views) != 1 || v.Position != want.Position || v.Quality != want.Quality || v.Number != 0 {
			t.Errorf("record %d: %d views, %v of quality %d", i, len(one.Views), v.Position, v.Quality)
		}
	}
	for name, raw := range map[string][]byte{"nothing of the kind": []byte("FMR"), "no finger named": madeUp(t, 30, fmr.Unknown)} {
		if _, err := personalise.Records(raw); !errors.Is(err, personalise.ErrTemplate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
