package authority

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestReview raises a review, refuses decisions that are none, and closes it
// once; the note is sealed, to that review alone.
func TestReview(t *testing.T) {
	a, _ := newAuthority(t)
	one := issue(t, a, cardFor(t, finger(t, 1, fmr.RightIndex, nil))).Patient
	two := issue(t, a, cardFor(t, finger(t, 1, fmr.RightIndex, nil))).Patient
	gone := issue(t, a, cardFor(t, finger(t, 1, fmr.RightIndex, nil))).Patient
	if err := a.ForgetFingers(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	searched := fingersOf(t, a, two)
	found := []Double{
		{Patient: one, Score: 9, People: 3, Fingers: []store.FingerScore{ScoreOf(fmr.RightIndex, 9)}},
		{Patient: gone, Score: 9, People: 3},
	}
	for try, want := range []int{1, 0} { // the second time it is noted already
		if n, err := a.Raise(t.Context(), searched, found); err != nil || n != want {
			t.Fatalf("try %d: %d raised, %v", try, n, err)
		}
	}
	if !fingersOf(t, a, two).Searched || fingersOf(t, a, one).Searched {
		t.Error("marked for others than those looked for")
	}
	if n, err := a.Raise(t.Context(), fingersOf(t, a, one), []Double{{Patient: two, Score: 9, People: 3}}); err != nil || n != 0 {
		t.Errorf("the other way round: %d raised, %v", n, err)
	}
	for name, c := range map[string]Closing{
		"no decision":        {By: "Dr Amal"},
		"nobody":             {Decision: DecisionSame},
		"a long name":        {Decision: DecisionSame, By: strings.Repeat("a", wire.MaxName+1)},
		"a control sequence": {Decision: DecisionSame, By: "a\x1b[2J"},
		"a long note":        {Decision: DecisionSame, By: "Dr Amal", Note: strings.Repeat("a", MaxNote+1)},
		"no text":            {Decision: DecisionSame, By: "Dr Amal", Note: "\xff"},
	} {
		if _, err := a.CloseReview(t.Context(), "clerk", 1, c); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	const note = "two papers, one person"
	closed, err := a.CloseReview(t.Context(), "clerk", 1, Closing{Decision: DecisionSame, By: "Dr Amal", Note: note})
	if err != nil || closed.Closed.IsZero() || bytes.Contains(closed.Note, []byte("papers")) {
		t.Fatalf("%+v, %v", closed, err)
	}
	if _, err := a.CloseReview(t.Context(), "clerk", 1, Closing{Decision: DecisionDifferent, By: "x"}); !errors.Is(err, ErrDecided) {
		t.Errorf("closed again: %v", err)
	}
	if _, err := a.Review(t.Context(), "clerk", 2, false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a review that is not there: %v", err)
	}
	shown, err := a.Review(t.Context(), "clerk", 1, true)
	if err != nil || shown.Text != note || shown.By != "Dr Amal" || shown.Patients[1].ID != one || shown.Patients[0].Identity.DisplayName("en") != "Zainab Testpatient" {
		t.Fatalf("%+v, %v", shown, err)
	}
	if shown, err = a.Review(t.Context(), "clerk", 1, false); err != nil || shown.Patients[0].Identity != nil {
		t.Errorf("an identity that nobody asked for, %v", err)
	}
	if _, err := openUnder(a.fingers, "note", noteAAD(2), closed.Note); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("note opened as another review's: %v", err)
	}
	var looks []string
	err = a.store.View(t.Context(), func(r store.Reader) error {
		list, err := r.Looks(0, 10)
		for _, l := range list {
			looks = append(looks, l.Who+" "+l.What)
		}
		return err
	})
	if want := "clerk show;clerk show with identities;clerk close as same"; err != nil || strings.Join(looks, ";") != want {
		t.Errorf("looks %q, want %q, %v", looks, want, err)
	}
}

func TestScoreOf(t *testing.T) {
	for score, want := range map[float64]uint16{0: 0, -1: 0, 7.123: 712, 1e9: 65500, math.Inf(1): 65500} {
		if got := ScoreOf(fmr.LeftThumb, score); got.Score != want || got.Finger != 6 {
			t.Errorf("%v: %+v, want %d", score, got, want)
		}
	}
}
