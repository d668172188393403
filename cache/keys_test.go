package cache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// keyRows counts the rows of section keys.
func keyRows(tb testing.TB, c *Cache) int {
	tb.Helper()
	n := 0
	for key := range dump(tb, c) {
		if bytes.HasPrefix([]byte(key), []byte("keys/")) {
			n++
		}
	}
	return n
}

// held counts the keys that a holder gets.
func held(tb testing.TB, c *Cache, p record.PatientID, person uint8, h Holder, now time.Time) int {
	tb.Helper()
	keys, err := c.SectionKeys(p, person, h, now)
	if err != nil {
		tb.Fatal(err)
	}
	return len(keys)
}

func TestSectionKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	tap := readOf(ahmed, cardA)
	nurse := Holder{Operator: "sara", Vault: [32]byte{8}}
	must(t, c.PutRead(tap))
	few := map[record.Section][]byte{record.SectionCoverage: bytes.Repeat([]byte{0x91}, 32), record.SectionClinical: bytes.Repeat([]byte{0x92}, 32)}
	must(t, c.PutKeys(KeySet{Patient: ahmed, Holder: nurse, Persons: []PersonKeys{{1, few}, {3, nil}}, Keep: MaxKeysKept}, audit("read")))
	must(t, c.Close())
	c = openAt(t, path)

	now := time.Now()
	keys, err := c.SectionKeys(ahmed, 2, testHolder, now)
	if err != nil || len(keys) != record.NumSections || !bytes.Equal(keys[record.SectionSensitive], tap.Keys.Persons[1].Keys[record.SectionSensitive]) {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	keys, err = c.SectionKeys(ahmed, 1, nurse, now)
	if err != nil || len(keys) != 2 || !bytes.Equal(keys[record.SectionClinical], few[record.SectionClinical]) {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	for name, n := range map[string]int{
		"another operator":  held(t, c, ahmed, 2, nurse, now),
		"another person":    held(t, c, ahmed, 1, testHolder, now),
		"another patient":   held(t, c, zahra, 0, testHolder, now),
		"no section at all": held(t, c, ahmed, 3, nurse, now),
		"the workstation":   held(t, c, ahmed, 0, Holder{}, now),
	} {
		if n != 0 {
			t.Errorf("%s gets %d keys", name, n)
		}
	}
	// The name alone is not enough: the vault is what opens.
	for _, vault := range [][32]byte{{}, {8}, {7, 1}} {
		if _, err := c.SectionKeys(ahmed, 0, Holder{testHolder.Operator, vault}, now); !errors.Is(err, ErrWrongKey) {
			t.Errorf("vault %x: %v", vault[:2], err)
		}
	}
	must(t, c.ForgetKeys(testHolder.Operator))
	if n := held(t, c, ahmed, 0, testHolder, now) + held(t, c, ahmed, 2, testHolder, now); n != 0 {
		t.Errorf("%d keys of an operator who signed out", n)
	}
	if n := held(t, c, ahmed, 1, nurse, now); n != 2 {
		t.Errorf("another operator has %d keys left", n)
	}
	must(t, c.Close())
	file, err := os.ReadFile(path)
	must(t, err)
	for _, key := range few {
		if bytes.Contains(file, key) {
			t.Error("a section key stands in the file")
		}
	}
	if bytes.Contains(file, []byte("zaynab")) {
		t.Error("an operator's name stands in the file's keys")
	}
	if out := fmt.Sprintf("%v %+v %#v %x", nurse, nurse, nurse, nurse); bytes.Contains([]byte(out), []byte("8, 0x0")) || bytes.Contains([]byte(out), []byte("0800")) {
		t.Errorf("a holder prints as %s", out)
	}
}

func TestSectionKeysExpire(t *testing.T) {
	c := openNew(t)
	now := time.Now()
	for p, keep := range map[record.PatientID]time.Duration{ahmed: time.Minute, zahra: time.Hour} {
		r := readOf(p, cardA)
		r.Keys.Keep = keep
		must(t, c.PutRead(r))
	}
	for _, tt := range []struct {
		after        time.Duration
		ahmed, zahra int
		rows         int
	}{{0, 6, 6, 4}, {58 * time.Second, 6, 6, 4}, {62 * time.Second, 0, 6, 2}, {2 * time.Hour, 0, 0, 0}} {
		at := now.Add(tt.after)
		if a, z := held(t, c, ahmed, 0, testHolder, at), held(t, c, zahra, 2, testHolder, at); a != tt.ahmed || z != tt.zahra {
			t.Errorf("after %s: %d and %d keys", tt.after, a, z)
		}
		if n := keyRows(t, c); n != tt.rows {
			t.Errorf("after %s: %d rows stored, want %d", tt.after, n, tt.rows)
		}
	}
}

// TestClockSetBack: whatever is done to the clock, keys are not kept longer.
func TestClockSetBack(t *testing.T) {
	c := openNew(t)
	now := time.Now()
	must(t, c.PutRead(readOf(ahmed, cardA)))
	for _, step := range []struct {
		name string
		at   time.Duration
		keys int
	}{
		{"half the time", 30 * time.Minute, 6},
		{"a little back, as when two look at once", 30*time.Minute - 3*time.Second, 6},
		{"back by a minute", 29 * time.Minute, 0},
		{"it was not only hidden", 30 * time.Minute, 0},
	} {
		if n := held(t, c, ahmed, 0, testHolder, now.Add(step.at)); n != step.keys {
			t.Errorf("%s: %d keys, want %d", step.name, n, step.keys)
		}
	}
	// A clock that was far ahead and was set right does not lengthen either.
	must(t, c.PutRead(readOf(ahmed, cardA)))
	if n := held(t, c, ahmed, 0, testHolder, now.AddDate(10, 0, 0)); n != 0 {
		t.Errorf("%d keys ten years later", n)
	}
	must(t, c.PutRead(readOf(ahmed, cardA)))
	if n := held(t, c, ahmed, 0, testHolder, now.Add(time.Minute)); n != 6 {
		t.Errorf("%d keys of a tap after the clock was set right", n)
	}
	if n := held(t, c, ahmed, 0, testHolder, now.Add(61*time.Minute)); n != 0 {
		t.Errorf("%d keys outlive their time", n)
	}
}

// TestClockHeldStill: a clock that is set back again and again by less than is
// noticed gains nothing while the program runs.
func TestClockHeldStill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	synctest.Test(t, func(t *testing.T) {
		c := openAt(t, path)
		must(t, c.PutRead(readOf(ahmed, cardA)))
		wall := time.Now()
		for range 70 {
			time.Sleep(time.Minute)
			if _, err := c.ExpireKeys(wall); err != nil { // it always says the same
				t.Fatal(err)
			}
		}
		if n := keyRows(t, c); n != 0 {
			t.Errorf("%d rows after 70 minutes", n)
		}
		must(t, c.Close())
	})
}

func TestOpenRemovesExpiredKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	r := readOf(ahmed, cardA)
	r.Keys.Keep = time.Second
	must(t, c.PutRead(r))
	must(t, c.Close())
	<-time.After(1100 * time.Millisecond)
	c = openAt(t, path)
	if n := keyRows(t, c); n != 0 {
		t.Errorf("%d expired rows outlived a start", n)
	}
}
