package cache

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestStanding(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	for range 2 {
		must(t, c.PutStanding(ahmed, 0, []byte("first")))
	}
	must(t, c.PutStanding(ahmed, 0, []byte("second")))
	must(t, c.PutStanding(ahmed, 3, []byte("third")))
	if err := c.PutStanding(ahmed, 0, make([]byte, wire.MaxSealed+1)); err == nil {
		t.Error("too long a standing is kept")
	}
	must(t, c.Close())
	c = openAt(t, path)
	for _, tt := range []struct {
		person uint8
		want   string
	}{{0, "second"}, {3, "third"}, {4, ""}} {
		if got, err := c.Standing(ahmed, tt.person); err != nil || !bytes.Equal(got, []byte(tt.want)) {
			t.Errorf("person %d: %q, %v", tt.person, got, err)
		}
	}
	if got, err := c.Standing(zahra, 0); err != nil || got != nil {
		t.Errorf("another patient: %q, %v", got, err)
	}
}
