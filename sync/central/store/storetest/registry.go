package storetest

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func update(t *testing.T, s store.Store, fn func(store.Writer) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// same reports a difference between what was read and what was written.
func same[T any](t *testing.T, what string, get func() (T, error), want T) {
	t.Helper()
	got, err := get()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

func missing[T any](t *testing.T, what string, get func() (T, error)) {
	t.Helper()
	if _, err := get(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: got %v, want %v", what, err, store.ErrNotFound)
	}
}

func testRegistry(t *testing.T, open Open) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	later := now.Add(time.Hour)
	patient := store.Patient{ID: patientOf(5), Subjects: []byte{1}, Keys: []byte{2}, Identity: []byte{3}, Cover: []byte{}, Created: now, Updated: now}
	other := store.Patient{ID: patientOf(4), Subjects: []byte{1}, Keys: []byte{2}, Identity: []byte{3}, Cover: []byte{4}, Created: now, Updated: now}
	card := store.Card{ID: [8]byte{9}, Patient: patient.ID, Facility: 12, Key: [65]byte{4}, Issued: now, NotAfter: later}
	facility := store.Facility{Number: 12, Name: "عيادة", Role: wire.RoleClinic, Created: now}
	ws := store.Workstation{TLSKey: [32]byte{1}, Author: [4]byte{2}, Facility: 12, Name: "desk", Role: "physician", Created: now, Expires: later}
	op := store.Operator{Author: [4]byte{3}, Facility: 12, Name: "Dr Amal", Role: "physician", Created: now, Expires: later}
	list := store.List{Name: wire.ListTrust, Version: 3, Raw: []byte("signed"), Issued: now}

	update(t, s, func(w store.Writer) error {
		missing(t, "patient", func() (store.Patient, error) { return w.Patient(patient.ID) })
		missing(t, "list", func() (store.List, error) { return w.List(wire.ListTrust) })
		return errors.Join(w.AddPatient(patient), w.AddPatient(other), w.AddCard(card), w.PutFacility(facility), w.AddWorkstation(ws), w.PutOperator(op), w.PutList(list))
	})
	for what, add := range map[string]func(store.Writer) error{
		"patient":                func(w store.Writer) error { return w.AddPatient(patient) },
		"card":                   func(w store.Writer) error { return w.AddCard(card) },
		"workstation":            func(w store.Writer) error { return w.AddWorkstation(ws) },
		"author key of another":  func(w store.Writer) error { v := ws; v.TLSKey[0]++; return w.AddWorkstation(v) },
		"TLS key of another one": func(w store.Writer) error { v := ws; v.Author[0]++; return w.AddWorkstation(v) },
	} {
		if err := s.Update(t.Context(), add); !errors.Is(err, store.ErrExists) {
			t.Errorf("add %s again: %v", what, err)
		}
	}
	card.Blocked, facility.Revoked, ws.Revoked, op.Revoked, list.Version, patient.Cover = later, later, later, later, 4, []byte{7}
	update(t, s, func(w store.Writer) error {
		return errors.Join(w.PutCard(card), w.PutFacility(facility), w.PutWorkstation(ws), w.PutOperator(op), w.PutList(list), w.PutPatient(patient))
	})
	state := store.LogState{Card: card.ID, Seq: 1<<32 - 1, Chain: [16]byte{1, 2}, At: now, Facility: 12}
	update(t, s, func(w store.Writer) error {
		again := state
		again.At, again.Facility = later, 13
		return errors.Join(w.AddLogState(state), w.AddLogState(again))
	})
	update(t, s, func(w store.Writer) error { // another facility asks again and again
		for i := range uint32(store.MaxLogStates + 9) {
			v := store.LogState{Card: card.ID, Seq: i, At: now.Add(time.Duration(i) * time.Second), Facility: 13}
			if err := w.AddLogState(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = closing(t, open(t, dir))
	err := s.View(t.Context(), func(r store.Reader) error {
		missing(t, "oldest log state of many", func() (store.LogState, error) { return r.LogState(card.ID, 8, [16]byte{}) })
		if v, err := r.LogState(card.ID, 9, [16]byte{}); err != nil || v.Facility != 13 {
			t.Errorf("log state within the bound: %+v, %v", v, err)
		}
		same(t, "patient", func() (store.Patient, error) { return r.Patient(patient.ID) }, patient)
		same(t, "patients", func() ([]store.Patient, error) { return r.Patients(patientOf(0), 10) }, []store.Patient{other, patient})
		same(t, "patients behind", func() ([]store.Patient, error) { return r.Patients(patientOf(4), 10) }, []store.Patient{patient})
		same(t, "patients limited", func() ([]store.Patient, error) { return r.Patients(patientOf(0), 1) }, []store.Patient{other})
		same(t, "card", func() (store.Card, error) { return r.Card(card.ID) }, card)
		same(t, "cards", func() ([]store.Card, error) { return r.CardsOf(patient.ID) }, []store.Card{card})
		same(t, "facility", func() (store.Facility, error) { return r.Facility(12) }, facility)
		same(t, "log state", func() (store.LogState, error) { return r.LogState(card.ID, state.Seq, state.Chain) }, state)
		missing(t, "log state of another card", func() (store.LogState, error) { return r.LogState([8]byte{1}, state.Seq, state.Chain) })
		missing(t, "log state of another chain", func() (store.LogState, error) { return r.LogState(card.ID, state.Seq, [16]byte{1}) })
		same(t, "facilities", r.Facilities, []store.Facility{facility})
		same(t, "workstation", func() (store.Workstation, error) { return r.Workstation(ws.TLSKey) }, ws)
		same(t, "workstation by author", func() (store.Workstation, error) { return r.WorkstationByAuthor(ws.Author) }, ws)
		same(t, "workstations", r.Workstations, []store.Workstation{ws})
		same(t, "operator", func() (store.Operator, error) { return r.Operator(op.Author) }, op)
		same(t, "operators", r.Operators, []store.Operator{op})
		missing(t, "operator", func() (store.Operator, error) { return r.Operator([4]byte{}) })
		same(t, "list", func() (store.List, error) { return r.List(wire.ListTrust) }, list)
		missing(t, "card", func() (store.Card, error) { return r.Card([8]byte{1}) })
		missing(t, "facility", func() (store.Facility, error) { return r.Facility(1) })
		missing(t, "workstation", func() (store.Workstation, error) { return r.Workstation([32]byte{}) })
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testReleases(t *testing.T, open Open) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	var want []store.Release // newest first
	for i := range 5 {
		v := store.Release{
			At: now.Add(time.Duration(i) * time.Minute), Facility: 9001, Author: [4]byte{1, byte(i)}, Card: [8]byte{9}, Patient: patientOf(uint64(i)), // #nosec G115 -- small
		}
		if i%2 == 1 {
			v.Card, v.Operator, v.Role, v.Proof, v.Reason = [8]byte{}, [4]byte{7}, "nurse", "photo", "forgotten"
		}
		update(t, s, func(w store.Writer) error { return w.AddRelease(v) })
		want = append([]store.Release{v}, want...)
	}
	refused := errors.New("refused")
	err := s.Update(t.Context(), func(w store.Writer) error {
		return errors.Join(w.AddRelease(want[0]), refused)
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = closing(t, open(t, dir))
	err = s.View(t.Context(), func(r store.Reader) error {
		var got []store.Release
		for before := uint64(0); ; before = got[len(got)-1].Number {
			page, err := r.Releases(before, 2)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		for since, want := range map[time.Time]int{now: 2, now.Add(2 * time.Minute): 1, now.Add(time.Hour): 0} {
			if n, err := r.ReleasesTo([4]byte{7}, since); err != nil || n != want {
				t.Errorf("%d releases to the operator, want %d, %v", n, want, err)
			}
		}
		for i := range got {
			if i > 0 && got[i].Number >= got[i-1].Number {
				t.Errorf("number %d behind %d", got[i].Number, got[i-1].Number)
			}
			want[min(i, len(want)-1)].Number = got[i].Number
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testRollback(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	refused := errors.New("refused")
	err := s.Update(t.Context(), func(w store.Writer) error {
		if err := w.PutFacility(store.Facility{Number: 1, Name: "a", Role: wire.RoleClinic, Created: now}); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the function's own error", err)
	}
	err = s.View(t.Context(), func(r store.Reader) error {
		missing(t, "facility", func() (store.Facility, error) { return r.Facility(1) })
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("view: got %v, want the function's own error", err)
	}
}

// testUpdateIsolation counts a list's version up from several goroutines and
// two openings of the same store: no step may be lost.
func testUpdateIsolation(t *testing.T, open Open) {
	t.Helper()
	dir := t.TempDir()
	stores := []store.Store{closing(t, open(t, dir)), closing(t, open(t, dir))}
	update(t, stores[0], func(w store.Writer) error { return w.PutList(store.List{Name: "n", Issued: now}) })
	const each, workers = 25, 3
	var wg sync.WaitGroup
	for _, s := range stores {
		for range workers {
			wg.Go(func() {
				for range each {
					err := s.Update(t.Context(), func(w store.Writer) error {
						l, err := w.List("n")
						if err != nil {
							return err
						}
						l.Version++
						return w.PutList(l)
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	err := stores[1].View(t.Context(), func(r store.Reader) error {
		l, err := r.List("n")
		if want := uint64(each * workers * len(stores)); err == nil && l.Version != want {
			t.Errorf("counted to %d, want %d", l.Version, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
