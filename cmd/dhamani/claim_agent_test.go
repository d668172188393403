package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
)

// newerLists is an agent that answers a claim as its own lists say.
type newerLists struct {
	*apitest.Agent
	store *trust.Store
}

func (n newerLists) Claim(text string) (agent.Claimed, error) {
	_, author, err := claim.Verify(n.store, text, time.Now())
	return agent.Claimed{Author: author.Name, Facility: author.Facility}, err
}

// TestClaimAsksTheAgent checks that the newest lists decide: a card blocked
// since, and an author enrolled since.
func TestClaimAsksTheAgent(t *testing.T) {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	root, author := key(), key()
	now := time.Now()
	list := func(version uint64, blocked ...[8]byte) *trust.Store {
		s := trust.NewStore(&root.PublicKey)
		l := trust.List{Version: version, Issued: now, Expires: now.AddDate(0, 0, 30)}
		if version > 1 {
			l.Keys = []trust.Key{{
				Public: &author.PublicKey, Usage: trust.UsageAuthor, Facility: 101, Name: "Karkh",
				NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
			}}
		}
		raw, err := trust.SignList(root, l)
		if err == nil {
			err = s.UpdateTrust(raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = trust.SignBlockList(root, trust.BlockList{Version: version, Issued: now, Cards: blocked}); err == nil {
			err = s.UpdateBlock(raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	text, err := claim.Sign(author, claim.Claim{
		Card: [8]byte{7}, Issued: now, Expires: now.Add(time.Hour),
		Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "Holder"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	g := &globals{home: dir}
	if _, err := verifyClaim(t.Context(), g, list(1), text); !errors.Is(err, trust.ErrUnknownKey) {
		t.Fatalf("no agent, old lists: %v", err)
	}
	if a, err := verifyClaim(t.Context(), g, list(2), text); err != nil || a.Author != "Karkh" {
		t.Fatalf("no agent: %v", err)
	}
	end := serveBackend(t, dir, newerLists{apitest.New(), list(2)})
	if a, err := verifyClaim(t.Context(), g, list(1), text); err != nil || a.Author != "Karkh" || a.Facility != 101 || !a.Verified {
		t.Errorf("an author enrolled since: %v", err)
	}
	end()
	serveBackend(t, dir, newerLists{apitest.New(), list(3, [8]byte{7})})
	_, err = verifyClaim(t.Context(), g, list(2), text)
	if code, next := table.Judge(err); err == nil || code != exitUntrusted || !strings.Contains(next, "blocked") {
		t.Errorf("a card blocked since: %v, exit %d, next %q", err, code, next)
	}
}
