package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestFindInTheEditionInUse looks for a word of a later edition: nowhere, in a
// folder that has not got it; then where the agent kept it; then at the agent.
func TestFindInTheEditionInUse(t *testing.T) {
	c := newCentre(t)
	if _, err := c.PublishTerms(t.Context(), "finding\ticd10\tX59.9\t-\tزلقطة\tزلقطة\tSnollygoster\n"); err != nil {
		t.Fatal(err)
	}
	g := &globals{json: true, log: slog.New(slog.DiscardHandler)}
	find := func(dir string) (found localapi.FoundTerms) {
		t.Helper()
		g.home = dir
		var out bytes.Buffer
		if err := runRecordFind(t.Context(), &out, g, "snollygoster", "ar", 10); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	dir := c.workstation(t, 101, cvc.RoleReceptionist)
	for name, dir := range map[string]string{"no workstation": t.TempDir(), "one that has not run yet": dir} {
		if found := find(dir); found.Edition != 1 || len(found.Terms) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
		if _, err := os.Stat(home.CachePath(dir)); !os.IsNotExist(err) {
			t.Errorf("%s has a cache: %v", name, err)
		}
	}
	c.keepLists(t, dir, wire.ListTrust, wire.EditionName(wire.ListTerms, 2))
	if found := find(dir); found.Edition != 2 || len(found.Terms) != 1 || found.Terms[0].Code != "X59.9" || found.Terms[0].Words != "زلقطة" {
		t.Errorf("where the agent kept it: %+v", found)
	}
	running := t.TempDir()
	serveBackend(t, running, apitest.New())
	if found := find(running); found.Edition != 2 || len(found.Terms) != 1 {
		t.Errorf("at the agent: %+v", found)
	}
	// What cannot be read is told, and not searched in another edition.
	if err := os.WriteFile(filepath.Join(dir, "agent.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.home = dir
	if err := runRecordFind(t.Context(), &bytes.Buffer{}, g, "x", "en", 10); err == nil {
		t.Error("a broken folder was searched")
	}
}

// keepLists puts signed lists of the centre into a workstation's cache.
func (c centre) keepLists(t *testing.T, dir string, names ...string) {
	t.Helper()
	h, err := home.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := cache.Open(home.CachePath(dir), h.CacheKey, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = c.store.View(t.Context(), func(r store.Reader) error {
		for _, name := range names {
			list, err := r.List(name)
			if err == nil {
				err = kept.PutList(name, list.Raw)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFindNothing says that there is nothing, and in JSON an empty list.
func TestFindNothing(t *testing.T) {
	g := &globals{home: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	var out bytes.Buffer
	if err := runRecordFind(t.Context(), &out, g, "qwrtzpsd", "en", 3); err != nil || !strings.Contains(out.String(), "nothing found") {
		t.Errorf("%q, %v", out.String(), err)
	}
	g.json = true
	out.Reset()
	if err := runRecordFind(t.Context(), &out, g, "qwrtzpsd", "en", 3); err != nil || !strings.Contains(out.String(), `"terms":[]`) {
		t.Errorf("%q, %v", out.String(), err)
	}
}
