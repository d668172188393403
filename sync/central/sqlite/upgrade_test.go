package sqlite

import (
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
