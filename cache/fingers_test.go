package cache

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// TestFingerNotes: one for each person, the last one, for a year.
func TestFingerNotes(t *testing.T) {
	c := openNew(t)
	patient := record.PatientID{1}
	now := time.Now()
	if _, ok, err := c.Finger(patient, 0, now); ok || err != nil {
		t.Fatalf("found %v, %v", ok, err)
	}
	for _, n := range []FingerNote{{Ref: 0x91, Quality: 40}, {Ref: 0x92, Quality: 70}} {
		if err := c.PutFinger(patient, 0, n); err != nil {
			t.Fatal(err)
		}
	}
	if n, ok, err := c.Finger(patient, 0, now); !ok || err != nil || n != (FingerNote{Ref: 0x92, Quality: 70}) {
		t.Errorf("%+v, %v, %v", n, ok, err)
	}
	for name, at := range map[string]time.Time{"a year later": now.Add(FingerNoteLife + time.Minute), "clock set back": now.AddDate(0, 0, -2)} {
		if _, ok, err := c.Finger(patient, 0, at); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	if _, ok, _ := c.Finger(patient, 1, now); ok {
		t.Error("another person of the card has the note")
	}
	if err := c.PutFinger(record.PatientID{}, 0, FingerNote{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("no patient: %v", err)
	}
	if err := c.PutFinger(patient, 0, FingerNote{Quality: 101}); !errors.Is(err, ErrInvalid) {
		t.Errorf("quality: %v", err)
	}
}

// TestFingerNotesAreBounded: the oldest makes room.
func TestFingerNotesAreBounded(t *testing.T) {
	c := openNew(t)
	begin := time.Now().Add(-time.Hour).Unix()
	name := func(i int) (p record.PatientID) {
		binary.BigEndian.PutUint32(p[:], uint32(i+1))
		return p
	}
	if err := c.update("fill", func(tx *tx) error {
		for i := range MaxFingerNotes {
			if err := tx.put(bucketFingers, tx.box.fingerName(name(i), 0), &fingerRow{Ref: 0x91, At: begin + int64((i+7)%MaxFingerNotes)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.PutFinger(name(MaxFingerNotes), 0, FingerNote{Ref: 0x91}); err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]bool{0: true, MaxFingerNotes - 7: false, MaxFingerNotes: true} {
		if _, ok, err := c.Finger(name(i), 0, time.Now()); ok != want || err != nil {
			t.Errorf("note %d is there: %v, want %v; %v", i, ok, want, err)
		}
	}
}
