package trust

import (
	"bytes"
	"crypto/ecdsa"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// The payloads are fuzzed behind a signature that is made anew, else no input
// would get past it.

// again checks that a payload that was taken is what v writes.
func again(t *testing.T, payload []byte, v any) {
	t.Helper()
	out, err := cose.Marshal(v)
	if err != nil || !bytes.Equal(out, payload) {
		t.Fatalf("%x is written again as %x, %v", payload, out, err)
	}
}

func payloadOf(tb testing.TB, raw []byte) []byte {
	tb.Helper()
	m, err := cose.ParseSign1(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return m.Payload
}

func signPayload(t *testing.T, key *ecdsa.PrivateKey, payload []byte, aad string) []byte {
	t.Helper()
	raw, err := sign(key, payload, aad)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzTrustList(f *testing.F) {
	root := newKey(f)
	f.Add(payloadOf(f, smallList(f, root, 1, listed(&newKey(f).PublicKey, UsageAuthor, "a"), listed(&newKey(f).PublicKey, UsageIssuer, "b"))))
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := signPayload(t, root, payload, aadTrust)
		if NewStore(&root.PublicKey).UpdateTrust(raw) != nil {
			return
		}
		l, err := ParseList(raw, &root.PublicKey)
		if err != nil {
			return // a point or an identifier that is looked at when asked for
		}
		if _, err := encodeList(*l); err != nil {
			t.Fatalf("a list that was read cannot be written: %v", err)
		}
	})
}

func FuzzBlockList(f *testing.F) {
	root := newKey(f)
	raw, err := SignBlockList(root, BlockList{Version: 1, Issued: now, Cards: [][8]byte{{1}, {2}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, raw))
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := openBlocks(signPayload(t, root, payload, aadBlock), &root.PublicKey)
		if err != nil {
			return
		}
		issued, err := toMinutes(b.issued)
		if err != nil {
			t.Fatal(err)
		}
		again(t, payload, blockWire{b.version, issued, b.rows.data})
	})
}

func FuzzCardSecurity(f *testing.F) {
	issuer := newKey(f)
	s := storeOf(f, listed(&issuer.PublicKey, UsageIssuer, ""))
	raw, err := SignCardSecurity(issuer, CardSecurity{Public: cardKey(f), NotAfter: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, raw))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := s.CardSecurity(signPayload(t, issuer, payload, aadSecurity), now)
		if err != nil {
			return
		}
		minutes, err := toMinutes(c.NotAfter)
		if err != nil {
			t.Fatal(err)
		}
		again(t, payload, securityWire{c.Card[:], 1, c.Public.Bytes(), minutes / (24 * 60)})
	})
}

func FuzzIdentity(f *testing.F) {
	issuer := newKey(f)
	s := storeOf(f, listed(&issuer.PublicKey, UsageIssuer, ""))
	raw, err := SignIdentity(issuer, IDFile{Subjects: someSubjects(f), Identity: []byte{1}, Cover: []byte{2}, Issued: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, raw))
	f.Fuzz(func(t *testing.T, payload []byte) {
		i, err := s.Identity(signPayload(t, issuer, payload, aadIdentity))
		if err != nil {
			return
		}
		issued, err := toMinutes(i.Issued)
		if err != nil {
			t.Fatal(err)
		}
		again(t, payload, idWire{i.Card[:], i.Subjects.Bytes(), i.Identity, i.Cover, issued})
	})
}

func FuzzReceipt(f *testing.F) {
	centre := newKey(f)
	raw, err := SignReceipt(centre, Receipt{IDs: []record.EntryID{{1}}, At: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, raw))
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := VerifyReceipt(signPayload(t, centre, payload, aadReceipt), &centre.PublicKey)
		if err != nil {
			return
		}
		at, err := toMinutes(r.At)
		if err != nil {
			t.Fatal(err)
		}
		w := receiptWire{Batch: r.Batch[:], At: at}
		for _, id := range r.IDs {
			w.IDs = append(w.IDs, id[:]...)
		}
		again(t, payload, w)
	})
}
