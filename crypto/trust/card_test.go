package trust

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// signWire signs any payload.
func signWire(tb testing.TB, key *ecdsa.PrivateKey, w any, aad string) []byte {
	tb.Helper()
	payload, err := cose.Marshal(w)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := sign(key, payload, aad)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func cardKey(tb testing.TB) *ecdh.PublicKey {
	tb.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k.PublicKey()
}

func someSubjects(tb testing.TB) envelope.Subjects {
	tb.Helper()
	roots, err := envelope.NewRoots(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	var list []envelope.Subject
	for _, person := range []uint8{0, 1, 4} {
		s, err := roots.Subject(record.PatientID{1, 2, 3, 4, 5, 6, 7, 8}, 3, person)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, s)
	}
	s, err := envelope.NewSubjects(list...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestCardSecurity(t *testing.T) {
	issuer, stranger := newKey(t), newKey(t)
	s := storeOf(t, listed(&issuer.PublicKey, UsageIssuer, "issuer"), listed(&stranger.PublicKey, UsageAuthor, "author"))
	c := CardSecurity{Card: [8]byte{1, 2, 3}, Public: cardKey(t), NotAfter: time.Date(2036, 11, 22, 15, 0, 0, 0, time.UTC)}
	raw, err := SignCardSecurity(issuer, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > MaxCardSecurity/2 {
		t.Errorf("file takes %d bytes", len(raw))
	}
	got, err := s.CardSecurity(raw, now)
	if err != nil {
		t.Fatal(err)
	}
	last := time.Date(2036, 11, 22, 0, 0, 0, 0, time.UTC)
	if got.Card != c.Card || !got.Public.Equal(c.Public) || !got.NotAfter.Equal(last) {
		t.Errorf("read back as %+v", got)
	}
	if _, err := s.CardSecurity(raw, last.Add(24*time.Hour-time.Second)); err != nil {
		t.Errorf("on the last day: %v", err)
	}
	if got, err := s.CardSecurity(raw, last.Add(24*time.Hour)); !errors.Is(err, ErrExpired) || got.Card != c.Card {
		t.Errorf("on the day after: %v", err)
	}
	byAuthor, err := SignCardSecurity(stranger, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CardSecurity(byAuthor, now); !errors.Is(err, ErrUnknownIssuer) || !errors.Is(err, ErrUnknownKey) {
		t.Errorf("signed by an author: %v", err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, err := s.CardSecurity(bad, now); err == nil {
			t.Errorf("byte %d does not count", i)
		}
		if _, err := s.CardSecurity(raw[:i], now); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := SignCardSecurity(issuer, CardSecurity{NotAfter: now}); !errors.Is(err, ErrFormat) {
		t.Errorf("no key: %v", err)
	}
	id := IDFile{Card: c.Card, Subjects: someSubjects(t), Issued: now}
	other, err := SignIdentity(issuer, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CardSecurity(other, now); !errors.Is(err, ErrSignature) {
		t.Errorf("one file for the other: %v", err)
	}
	p384, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point := c.Public.Bytes()
	for name, w := range map[string]securityWire{
		"short number":  {c.Card[:7], 1, point, 1},
		"version 2":     {c.Card[:], 2, point, 1},
		"other curve":   {c.Card[:], 1, p384.PublicKey().Bytes(), 1},
		"not on curve":  {c.Card[:], 1, append(slices.Clone(point[:64]), point[64]^1), 1},
		"infinity":      {c.Card[:], 1, []byte{0}, 1},
		"a day too far": {c.Card[:], 1, point, maxDays + 1},
	} {
		if _, err := s.CardSecurity(signWire(t, issuer, w, aadSecurity), now); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIssuers(t *testing.T) {
	current, retired, stolen := newKey(t), newKey(t), newKey(t)
	old := listed(&retired.PublicKey, UsageIssuer, "retired")
	old.NotAfter = now.AddDate(0, -1, 0)
	bad := listed(&stolen.PublicKey, UsageIssuer, "stolen")
	bad.Revoked = now.AddDate(0, -1, 0)
	s := storeOf(t, listed(&current.PublicKey, UsageIssuer, "current"), old, bad)
	for _, c := range []struct {
		name string
		key  *ecdsa.PrivateKey
		want error
	}{{"current", current, nil}, {"retired", retired, nil}, {"stolen", stolen, ErrKeyRevoked}, {"none", newKey(t), ErrUnknownKey}} {
		raw, err := SignCardSecurity(c.key, CardSecurity{Public: cardKey(t), NotAfter: now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CardSecurity(raw, now); !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, ErrUnknownIssuer) {
			t.Errorf("card of the %s issuer: %v", c.name, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	issuer := newKey(t)
	s := storeOf(t, listed(&issuer.PublicKey, UsageIssuer, "issuer"))
	f := IDFile{
		Card: [8]byte{9}, Subjects: someSubjects(t), Identity: []byte("identity"), Cover: []byte("cover"), Issued: now,
	}
	raw, err := SignIdentity(issuer, f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Identity(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.Card != f.Card || !bytes.Equal(got.Subjects.Bytes(), f.Subjects.Bytes()) || !bytes.Equal(got.Identity, f.Identity) ||
		!bytes.Equal(got.Cover, f.Cover) || !got.Issued.Equal(now) {
		t.Error("read back otherwise")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		out := fmt.Sprintf(format, got)
		if strings.Contains(out, "identity") || strings.Contains(out, fmt.Sprintf("%x", "identity")) {
			t.Errorf("%s prints %s", format, out)
		}
	}
	if s := got.LogValue().String(); strings.Contains(s, "identity") {
		t.Errorf("logs as %s", s)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, err := s.Identity(bad); err == nil {
			t.Errorf("byte %d does not count", i)
		}
	}
	for name, w := range map[string]idWire{
		"short number": {f.Card[:7], f.Subjects.Bytes(), nil, nil, 1},
		"far future":   {f.Card[:], f.Subjects.Bytes(), nil, nil, maxMinutes + 1},
		"no subjects":  {f.Card[:], nil, nil, nil, 1},
	} {
		if _, err := s.Identity(signWire(t, issuer, w, aadIdentity)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.Identity = make([]byte, MaxIDFile)
	if _, err := SignIdentity(issuer, f); !errors.Is(err, ErrFormat) {
		t.Errorf("too long: %v", err)
	}
}

func TestReceipt(t *testing.T) {
	centre := newKey(t)
	gone := newKey(t)
	revoked := listed(&gone.PublicKey, UsageCentre, "old centre")
	revoked.Revoked = now.AddDate(0, -1, 0)
	s := storeOf(t, listed(&centre.PublicKey, UsageCentre, "centre"), revoked)
	r := Receipt{Batch: [16]byte{1, 2}, IDs: []record.EntryID{{1}, {2}, {3}}, At: now}
	raw, err := SignReceipt(centre, r)
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func() (Receipt, error){
		"key":   func() (Receipt, error) { return VerifyReceipt(raw, &centre.PublicKey) },
		"store": func() (Receipt, error) { return s.Receipt(raw) },
	} {
		got, err := check()
		if err != nil || got.Batch != r.Batch || !slices.Equal(got.IDs, r.IDs) || !got.At.Equal(r.At) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := VerifyReceipt(raw, &gone.PublicKey); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	for name, c := range map[string]struct {
		key  *ecdsa.PrivateKey
		want error
	}{"stranger": {newKey(t), ErrUnknownKey}, "revoked": {gone, ErrKeyRevoked}} {
		raw, err := SignReceipt(c.key, r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Receipt(raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, w := range map[string]receiptWire{
		"short batch": {r.Batch[:15], nil, 1},
		"cut id":      {r.Batch[:], make([]byte, 33), 1},
		"too many":    {r.Batch[:], make([]byte, 32*(MaxReceiptIDs+1)), 1},
		"far future":  {r.Batch[:], nil, maxMinutes + 1},
	} {
		if _, err := s.Receipt(signWire(t, centre, w, aadReceipt)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Receipt(nil); !errors.Is(err, ErrFormat) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := SignReceipt(centre, Receipt{IDs: make([]record.EntryID, MaxReceiptIDs+1), At: now}); !errors.Is(err, ErrFormat) {
		t.Errorf("too many: %v", err)
	}
}
