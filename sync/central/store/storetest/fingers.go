package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// testFingers follows the feed of fingers over a change and a deletion.
func testFingers(t *testing.T, open Open) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	put := func(patient uint64, sealed ...byte) {
		t.Helper()
		update(t, s, func(w store.Writer) error {
			return w.PutFingers(store.Fingers{Patient: patientOf(patient), Sealed: sealed, Updated: now})
		})
	}
	want := func(what string, get func(r store.Reader) ([]store.Fingers, error), numbers ...uint64) {
		t.Helper()
		err := s.View(t.Context(), func(r store.Reader) error {
			list, err := get(r)
			var got []uint64
			for _, f := range list {
				got = append(got, f.Number)
			}
			if !reflect.DeepEqual(got, numbers) {
				t.Errorf("%s: numbers %v, want %v", what, got, numbers)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	all := func(r store.Reader) ([]store.Fingers, error) { return r.FingersBehind(0, 10) }
	pending := func(r store.Reader) ([]store.Fingers, error) { return r.FingersPending(0, 10) }
	want("none", all)
	for patient := range uint64(3) {
		put(patient+1, 1, 2)
	}
	want("all", all, 1, 2, 3)
	want("behind", func(r store.Reader) ([]store.Fingers, error) { return r.FingersBehind(1, 1) }, 2)
	update(t, s, func(w store.Writer) error {
		return errors.Join(w.MarkSearched(patientOf(1), 1), w.MarkSearched(patientOf(2), 1)) // the second is of another number
	})
	want("pending", pending, 2, 3)
	put(3, 7)
	put(2)
	want("changed and deleted", all, 1, 4, 5)
	want("pending then", pending, 4)
	update(t, s, func(w store.Writer) error { return w.MarkSearched(patientOf(3), 3) }) // has been replaced since
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = closing(t, open(t, dir))
	want("pending after opening again", pending, 4)
	want("pending behind", func(r store.Reader) ([]store.Fingers, error) { return r.FingersPending(4, 10) })
	err := s.View(t.Context(), func(r store.Reader) error {
		same(t, "fingers", func() (store.Fingers, error) { return r.Fingers(patientOf(3)) },
			store.Fingers{Number: 4, Patient: patientOf(3), Sealed: []byte{7}, Updated: now})
		same(t, "deleted", func() (store.Fingers, error) { return r.Fingers(patientOf(2)) },
			store.Fingers{Number: 5, Patient: patientOf(2), Updated: now, Searched: true})
		missing(t, "fingers", func() (store.Fingers, error) { return r.Fingers(patientOf(9)) })
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if st, err := s.Status(t.Context()); err != nil || st.Fingers != 2 || st.Unsearched != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

func testReviews(t *testing.T, open Open) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	review := store.Review{
		Raised: now, Patient: patientOf(2), Other: patientOf(1), Score: 7.25, People: 12,
		Fingers: []store.FingerScore{{Finger: 2, Score: 512}, {Finger: 7, Score: 0}},
	}
	other := store.Review{Raised: now, Patient: patientOf(3), Other: patientOf(2), Score: 5, People: 13}
	update(t, s, func(w store.Writer) error {
		missing(t, "review", func() (store.Review, error) { return w.Review(1) })
		return errors.Join(w.AddReview(review), w.AddReview(other))
	})
	review.Number, other.Number = 1, 2
	other.Closed, other.Decision, other.By, other.Note = now.Add(time.Hour), "different", "Dr Amal", []byte{9}
	looks := []store.Look{{Number: 2, At: now, Who: "b", What: "close", Review: 2}, {Number: 1, At: now, Who: "a", What: "list"}}
	update(t, s, func(w store.Writer) error {
		return errors.Join(w.PutReview(other), w.AddLook(looks[1]), w.AddLook(looks[0]))
	})
	if err := s.Update(t.Context(), func(w store.Writer) error { return w.PutReview(store.Review{Number: 3}) }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("put a review that is not there: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = closing(t, open(t, dir))
	err := s.View(t.Context(), func(r store.Reader) error {
		list := func(before uint64, limit int, open bool) func() ([]store.Review, error) {
			return func() ([]store.Review, error) { return r.Reviews(before, limit, open) }
		}
		of := func(a, b record.PatientID) func() ([]store.Review, error) {
			return func() ([]store.Review, error) { return r.ReviewsOf(a, b) }
		}
		same(t, "review", func() (store.Review, error) { return r.Review(1) }, review)
		same(t, "reviews", list(0, 10, false), []store.Review{other, review})
		same(t, "first page", list(0, 1, false), []store.Review{other})
		same(t, "second page", list(2, 10, false), []store.Review{review})
		same(t, "open ones", list(0, 10, true), []store.Review{review})
		same(t, "of two", of(patientOf(2), patientOf(1)), []store.Review{review})
		same(t, "of two, turned", of(patientOf(1), patientOf(2)), []store.Review{review})
		same(t, "of others", of(patientOf(1), patientOf(3)), nil)
		same(t, "looks", func() ([]store.Look, error) { return r.Looks(0, 10) }, looks)
		same(t, "older looks", func() ([]store.Look, error) { return r.Looks(2, 10) }, looks[1:])
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if st, err := s.Status(t.Context()); err != nil || st.Reviews != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}
