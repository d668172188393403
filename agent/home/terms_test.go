package home

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestVocabulary follows two editions, of which the first is old enough that
// its rows are named by number.
func TestVocabulary(t *testing.T) {
	now := time.Now()
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	root, writer := keys[0], keys[1]
	list, err := trust.SignList(root, trust.List{Version: 1, Issued: now, Expires: now.AddDate(0, 1, 0), Keys: []trust.Key{
		{Public: &writer.PublicKey, Usage: trust.UsageTerms, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	store := trust.NewStore(&root.PublicKey)
	if err := store.UpdateTrust(list); err != nil {
		t.Fatal(err)
	}
	table := terms.Base()
	var signed [][]byte
	for i, text := range []string{"act\tdhamani\tfirst-aid\t-\tإسعاف\tفریاگوزاری\tFirst aid\n", "map\trxnorm\t99\tatc\tN02BE01\n"} {
		next, err := table.Extend(text)
		if err != nil {
			t.Fatal(err)
		}
		s := table.Step(next, text)
		raw, err := trust.SignEdition(writer, trust.Edition{
			Number: s.Edition, Issued: now.Add(-settleAfter).Add(time.Duration(i) * time.Hour), Before: s.Before, After: s.After, Rows: s.Rows, Text: text,
		})
		if err != nil {
			t.Fatal(err)
		}
		signed, table = append(signed, raw), next
	}
	var v vocabulary
	if _, err := v.accept(store, signed[1], now); !errors.Is(err, terms.ErrOrder) {
		t.Errorf("the third first: %v", err)
	}
	if _, err := v.accept(store, signed[0][1:], now); !errors.Is(err, trust.ErrFormat) {
		t.Errorf("a cut edition: %v", err)
	}
	for i, raw := range signed {
		if n, err := v.accept(store, raw, now); err != nil || n != uint64(i)+2 {
			t.Fatalf("edition %d: %d, %v", i+2, n, err)
		}
	}
	if n, err := v.accept(store, signed[0], now); !errors.Is(err, terms.ErrRollback) || n != 3 {
		t.Errorf("the second again: %d, %v", n, err)
	}
	if terms.Current().Digest != table.Digest || terms.Settled() != 2 {
		t.Errorf("edition %d in use, %d settled", terms.Current().Edition, terms.Settled())
	}
}
