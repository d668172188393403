package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// keeper is an agent that has kept lists.
type keeper struct {
	*apitest.Agent
	lists map[string][]byte
}

func (k keeper) List(name string) ([]byte, error) { return k.lists[name], nil }

// TestRulesInUse has the command line work by what the centre has published, from
// the cache, from the running agent, and by what the configuration names.
func TestRulesInUse(t *testing.T) {
	t.Cleanup(func() { alerts.Use(alerts.Base()) })
	c, _ := servedCentre(t)
	dir := c.enrolled(t, 12, cvc.RoleReceptionist)
	bundle := filepath.Join(t.TempDir(), "nobody.json")
	if err := os.WriteFile(bundle, []byte(twoBundle), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(name, home string, edition, version string, more ...string) {
		t.Helper()
		out, code, err := run(t, home, "record", "check", bundle, "--json")
		if code != 0 || !strings.Contains(out, `"edition":`+edition+",") {
			t.Errorf("%s: %d, %v, %s", name, code, err, out)
		}
		out, code, err = run(t, home, append([]string{"record", "eligibility", bundle, "--json"}, more...)...)
		if code != 0 || !strings.Contains(out, `"rules":`+version+"}") {
			t.Errorf("%s: %d, %v, %s", name, code, err, out)
		}
	}
	check("nobody has enrolled it", t.TempDir(), "1", "1")
	check("nothing was fetched", dir, "1", "1")
	if _, err := c.PublishAlerts(t.Context(), strings.Replace(alerts.BaseText(), "edition\t1\n", "edition\t2\n", 1)); err != nil {
		t.Fatal(err)
	}
	r := *entitle.Default()
	for r.Version < 3 {
		r.Version++
		if _, err := c.PublishCover(t.Context(), &r, r.Day(time.Now().AddDate(int(r.Version)-2, 0, 0)), nil); err != nil {
			t.Fatal(err)
		}
	}
	h, err := home.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	lists := make(map[string][]byte)
	asks, err := client.New(client.Config{
		BaseURL: h.CentreURL(), TLS: h.TLS, Verify: func([]byte, [16]byte, []record.EntryID) error { return client.ErrProtocol },
		Accept: func(name string, raw []byte) (uint64, error) { lists[name] = raw; return h.AcceptList(name, raw) },
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	if err := asks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := serveBackend(t, dir, keeper{apitest.New(), lists})
	check("the agent runs", dir, "2", "2")
	stop()
	check("the agent has no cache", dir, "1", "1")
	kept, err := cache.Open(home.CachePath(dir), h.CacheKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range lists {
		if err := kept.PutList(name, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	check("from the cache", dir, "2", "2")
	check("next year", dir, "2", "3", "--on", r.Day(time.Now().AddDate(1, 0, 1)))
	stop = serveBackend(t, dir, keeper{apitest.New(), map[string][]byte{wire.ListTrust: lists[wire.ListTrust], wire.ListAlerts: lists[wire.ListCover]}})
	check("what is not signed as such", dir, "1", "1")
	stop()
	own := filepath.Join(t.TempDir(), "own.json")
	r.Version = 9
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	check("with --rules", dir, "2", "9", "--rules", own)
	if err := home.Change(dir, func(c *home.Config) { c.CoverRules = own }); err != nil {
		t.Fatal(err)
	}
	check("by the configuration", dir, "2", "9")
}
