package sqlite

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// TestUpgradeFromSchema2 opens a file as the version before wrote it.
func TestUpgradeFromSchema2(t *testing.T) {
	path := filepath.Join(t.TempDir(), "centre.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"DROP TABLE operators",
		"DROP TABLE log_states",
		"DROP TABLE releases",
		"CREATE TABLE releases (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, facility INTEGER NOT NULL, author BLOB NOT NULL, card BLOB NOT NULL, patient BLOB NOT NULL) STRICT",
		"INSERT INTO releases (at, facility, author, card, patient) VALUES (1700000000, 9001, x'01020304', x'0100000000000000', x'0000000000000005')",
		"PRAGMA user_version = 2",
	} {
		if _, err := s.conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // upgraded, and as it then is
		if s, err = Open(t.Context(), path, Options{}); err != nil {
			t.Fatal(err)
		}
		err = s.View(t.Context(), func(r store.Reader) error {
			got, err := r.Releases(0, 10)
			if err != nil {
				return err
			}
			want := []store.Release{{
				Number: 1, At: time.Unix(1700000000, 0).UTC(), Facility: 9001, Author: [4]byte{1, 2, 3, 4}, Card: [8]byte{1},
				Patient: record.PatientID{7: 5},
			}}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			_, err = r.Operators()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUpgradeFromSchema4: releases of before stay, and from then on an order
// counts once, also when the file is opened again.
func TestUpgradeFromSchema4(t *testing.T) {
	path := filepath.Join(t.TempDir(), "centre.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"DROP INDEX releases_by_digest",
		"ALTER TABLE releases DROP COLUMN digest",
		"INSERT INTO releases (at, facility, author, card, patient, operator, role, proof, reason) VALUES (1700000000, 12, x'01020304', zeroblob(8), x'0000000000000005', x'05060708', 'nurse', 'photo', 'lost')",
		"INSERT INTO releases (at, facility, author, card, patient, operator, role, proof, reason) VALUES (1700000001, 12, x'01020304', zeroblob(8), x'0000000000000005', x'05060708', 'nurse', 'photo', 'lost')",
		"PRAGMA user_version = 4",
	} {
		if _, err := s.conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	release := store.Release{At: time.Unix(1700000002, 0).UTC(), Facility: 12, Order: [32]byte{9}}
	for i, want := range []error{nil, store.ErrExists} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(t.Context(), path, Options{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), func(w store.Writer) error { return w.AddRelease(release) }); !errors.Is(err, want) {
			t.Errorf("opened %d times: %v, want %v", i+1, err, want)
		}
		err = s.View(t.Context(), func(r store.Reader) error {
			got, err := r.Releases(0, 10)
			if err == nil && (len(got) != 3 || got[0].Order != release.Order || got[1].Reason != "lost" || got[1].Order != [32]byte{}) {
				t.Errorf("got %+v", got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
