package rules

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

var now = time.Date(2026, 11, 22, 9, 41, 0, 0, time.UTC)

func keys(t *testing.T) (*ecdsa.PrivateKey, *trust.Store) {
	t.Helper()
	var made [2]*ecdsa.PrivateKey
	for i := range made {
		var err error
		if made[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	list, err := trust.SignList(made[0], trust.List{Version: 1, Issued: now, Expires: now.AddDate(0, 1, 0), Keys: []trust.Key{
		{Public: &made[1].PublicKey, Usage: trust.UsageTerms, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	store := trust.NewStore(&made[0].PublicKey)
	if err := store.UpdateTrust(list); err != nil {
		t.Fatal(err)
	}
	return made[1], store
}

// table is the program's table of alerts under another number, with a line more.
func table(number, more string) string {
	return strings.Replace(alerts.BaseText(), "edition\t1\n", "edition\t"+number+"\n", 1) + more
}

func signed[T any](t *testing.T, kind *Kind[T], key *ecdsa.PrivateKey, text string) []byte {
	t.Helper()
	e, err := kind.Read(text, now)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := kind.Sign(key, e)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestLine(t *testing.T) {
	key, store := keys(t)
	line := NewLine(Alerts)
	if e := line.Now(); e.Number != 1 || e.Rules != alerts.Base() {
		t.Fatalf("edition %d at the start", e.Number)
	}
	raw := func(number uint32, text string) []byte {
		t.Helper()
		out, err := trust.SignRules(key, trust.RulesAlerts, trust.Rules{Format: 1, Number: number, Issued: now, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	cover := signed(t, Cover, key, schedule(t, 2))
	for _, step := range []struct {
		name string
		raw  []byte
		want error
		now  uint32
	}{
		{"what does not parse", raw(2, "edition\t2\n"), alerts.ErrTable, 1},
		{"another number than it says", raw(3, table("2", "")), alerts.ErrTable, 1},
		{"of the other kind", cover, trust.ErrSignature, 1},
		{"the third, without the second", signed(t, Alerts, key, table("3", "")), nil, 3},
		{"the third again", signed(t, Alerts, key, table("3", "")), nil, 3},
		{"another third", signed(t, Alerts, key, table("3", "# more\n")), trust.ErrFork, 3},
		{"the second", signed(t, Alerts, key, table("2", "")), trust.ErrRollback, 3},
		{"what does not parse, later", raw(4, "edition\t4\nx\n"), alerts.ErrTable, 3},
		{"the fourth", signed(t, Alerts, key, table("4", "")), nil, 4},
	} {
		e, err := line.Accept(store, step.raw)
		if !errors.Is(err, step.want) || step.want == nil && err != nil || e.Number != step.now || e.Rules.Edition != step.now || line.Now().Number != step.now {
			t.Errorf("%s: edition %d, %v", step.name, e.Number, err)
		}
	}
	if _, err := Alerts.Sign(key, Alerts.First()); !errors.Is(err, trust.ErrFormat) {
		t.Errorf("the first is signed: %v", err)
	}
}

func schedule(t *testing.T, version uint32) string {
	t.Helper()
	r := *entitle.Default()
	r.Version = version
	text, err := entitle.Builtin().Next(&r, "2027-01-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCover(t *testing.T) {
	key, store := keys(t)
	line := NewLine(Cover)
	e, err := line.Accept(store, signed(t, Cover, key, schedule(t, 2)))
	if err != nil || e.Number != 2 || !e.Issued.Equal(now) || e.Rules.At(now).Version != 1 || e.Rules.At(now.AddDate(1, 0, 0)).Version != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	bad, err := trust.SignRules(key, trust.RulesCover, trust.Rules{Format: 1, Number: 3, Issued: now, Text: schedule(t, 2)})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := line.Accept(store, bad); !errors.Is(err, entitle.ErrRules) || e.Number != 2 {
		t.Errorf("another number than it says: %d, %v", e.Number, err)
	}
}
