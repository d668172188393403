package client

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// ruled takes rules as a workstation does.
type ruled struct {
	*desk
	alerts *rules.Line[*alerts.Table]
	cover  *rules.Line[*entitle.Schedule]
}

func newRuled(d *desk) *ruled {
	return &ruled{d, rules.NewLine(rules.Alerts), rules.NewLine(rules.Cover)}
}

func (r *ruled) accept(name string, raw []byte) (uint64, error) {
	switch name {
	case wire.ListAlerts:
		e, err := r.alerts.Accept(r.trust, raw)
		return uint64(e.Number), err
	case wire.ListCover:
		e, err := r.cover.Accept(r.trust, raw)
		return uint64(e.Number), err
	}
	return r.desk.accept(name, raw)
}

func (r *ruled) client(t *testing.T, addr string) *Client {
	t.Helper()
	c := r.dial(t, addr)
	c.cfg.Accept = r.accept
	return c
}

// TestRulesArrive publishes at the real centre what a client on a real cache
// fetches, keeps and has again without the centre.
func TestRulesArrive(t *testing.T) {
	centre := newRealCentre(t)
	d := centre.enrol(t, 12)
	r := newRuled(d)
	c := r.client(t, centre.addr)
	must(t, c.refreshLists(t.Context()))
	if s := c.Status(); s.AlertsEdition != 0 || s.CoverEdition != 0 || s.LastError != "" || r.alerts.Now().Number != 1 {
		t.Fatalf("status %+v before anything was published", s)
	}
	for _, number := range []string{"2", "3"} {
		_, err := centre.auth.PublishAlerts(t.Context(), strings.Replace(alerts.BaseText(), "edition\t1\n", "edition\t"+number+"\n", 1))
		must(t, err)
	}
	rule := *entitle.Default()
	rule.Version, rule.Dental = 2, 7
	_, err := centre.auth.PublishCover(t.Context(), &rule, rule.Day(time.Now()), nil)
	must(t, err)
	must(t, c.refreshLists(t.Context()))
	must(t, c.refreshLists(t.Context()))
	if s := c.Status(); s.AlertsEdition != 3 || s.CoverEdition != 2 || s.Refused != "" || r.cover.Now().Rules.At(time.Now()).Dental != 7 {
		t.Fatalf("status %+v", s)
	}
	// The next start, out of reach of the centre.
	later := newRuled(d)
	must(t, later.trust.UpdateTrust(mustList(t, d, wire.ListTrust)))
	again := later.client(t, "127.0.0.1:1")
	again.UseStoredLists()
	if s := again.Status(); s.AlertsEdition != 3 || s.CoverEdition != 2 || later.alerts.Now().Digest != r.alerts.Now().Digest {
		t.Errorf("status %+v", s)
	}
	// What was kept is believed only when it is signed, and is fetched anew.
	must(t, d.cache.PutList(wire.ListAlerts, []byte("rot")))
	rotten := newRuled(d)
	must(t, rotten.trust.UpdateTrust(mustList(t, d, wire.ListTrust)))
	mended := rotten.client(t, centre.addr)
	mended.UseStoredLists()
	if s := mended.Status(); s.AlertsEdition != 0 || s.Refused != wire.ListAlerts || rotten.alerts.Now().Number != 1 {
		t.Errorf("status %+v by what is not signed", s)
	}
	must(t, mended.refreshLists(t.Context()))
	if s := mended.Status(); s.AlertsEdition != 3 || s.Refused != "" {
		t.Errorf("status %+v afterwards", s)
	}
	// A client without a store has them too, for as long as it lives.
	asks := newRuled(d)
	once, err := New(Config{BaseURL: "https://" + centre.addr, TLS: d.tls, Verify: d.verify, Accept: asks.accept}, nil)
	must(t, err)
	t.Cleanup(once.Close)
	if err := once.Refresh(t.Context()); err != nil || asks.cover.Now().Number != 2 || asks.alerts.Now().Number != 3 {
		t.Errorf("without a store: %v", err)
	}
	// A clinic with another third edition, or a later one, keeps its own and says so.
	root, key := newKey(t), newKey(t)
	other := trust.NewStore(&root.PublicKey)
	list, err := trust.SignList(root, trust.List{Version: 1, Issued: time.Now(), Expires: time.Now().AddDate(0, 1, 0), Keys: []trust.Key{
		{Public: &key.PublicKey, Usage: trust.UsageTerms, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0)},
	}})
	must(t, err)
	must(t, other.UpdateTrust(list))
	for number, want := range map[string]error{"3": trust.ErrFork, "4": trust.ErrRollback} {
		apart := newRuled(d)
		lost, err := New(Config{BaseURL: "https://" + centre.addr, TLS: d.tls, Verify: d.verify, Accept: apart.accept}, newMemStore())
		must(t, err)
		t.Cleanup(lost.Close)
		text := strings.Replace(alerts.BaseText(), "edition\t1\n", "edition\t"+number+"\n# ours\n", 1)
		e, err := rules.Alerts.Read(text, time.Now())
		must(t, err)
		raw, err := rules.Alerts.Sign(key, e)
		must(t, err)
		_, err = apart.alerts.Accept(other, raw)
		must(t, err)
		err = lost.refreshLists(t.Context())
		if s := lost.Status(); !errors.Is(err, want) || s.Refused != wire.ListAlerts || s.CoverEdition != 2 || s.LastError != CodeProtocol {
			t.Errorf("edition %s of another line: %v, status %+v", number, err, s)
		}
	}
}

// TestRulesRefused has the line bring what is no signed list, and then what is.
func TestRulesRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore(item(1))
		store.lists[wire.ListAlerts] = []byte("v2")
		w := start(t, store, func(l *line) { l.books.lists[wire.ListAlerts] = []byte("forged") })
		defer w.stop()
		after(time.Minute)
		if s := w.Status(); s.LastError != CodeProtocol || s.Refused != wire.ListAlerts || s.AlertsEdition != 2 || s.Outbox != 0 || s.BlockVersion != 1 {
			t.Errorf("status %+v", s)
		}
		if raw, err := store.List(wire.ListAlerts); err != nil || string(raw) != "v2" {
			t.Errorf("%q was kept", raw)
		}
		w.books.setList(wire.ListAlerts, "v3")
		after(time.Hour)
		if s := w.Status(); s.LastError != "" || s.Refused != "" || s.AlertsEdition != 3 {
			t.Errorf("status afterwards %+v", s)
		}
	})
}
