package standing

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

var now = time.Date(2026, 6, 15, 6, 0, 0, 0, time.UTC)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func sample(tb testing.TB) *entitle.Standing {
	tb.Helper()
	cover := record.Cover{Payer: "Dhamani", Until: record.Day(2027, 1, 1), Chronic: record.PersonsOf(2)}
	raw, err := cover.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return &entitle.Standing{
		Person: 2, At: now, Year: 2026, More: true, Cover: raw, CoverAt: now.AddDate(0, -1, 0),
		Charges: []entitle.Charge{
			{Ref: entitle.Ref{1}, Person: 2, Start: now.AddDate(0, 0, -9), Facility: 101, Paid: 10000},
			{Ref: entitle.Ref{2}, Person: 2, Start: now.AddDate(0, 0, -1), Facility: 70000, Service: record.ServiceDental, Foreign: true},
		},
		Amendments: []entitle.Amendment{{Ref: entitle.Ref{2}, Of: entitle.Ref{9}, Facility: 70000}},
	}
}

// household derives the subjects and keys of two persons.
func household(tb testing.TB) (subjects [3]envelope.Subject, keys [3]*envelope.Keys) {
	tb.Helper()
	roots, err := envelope.NewRoots(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	for person := range subjects {
		if subjects[person], err = roots.Subject(record.PatientID{9}, 0, uint8(person)); err != nil { // #nosec G115 -- 0 to 2
			tb.Fatal(err)
		}
		if keys[person], err = roots.Person(uint8(person)); err != nil { // #nosec G115 -- 0 to 2
			tb.Fatal(err)
		}
	}
	return subjects, keys
}

func listed(pub *ecdsa.PublicKey, usage trust.Usage) trust.Key {
	return trust.Key{
		KID: trust.KIDOf(pub), Public: pub, Usage: usage, Facility: 101, Name: "key",
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}
}

func storeOf(tb testing.TB, keys ...trust.Key) *trust.Store {
	tb.Helper()
	root := newKey(tb)
	s := trust.NewStore(&root.PublicKey)
	raw, err := trust.SignList(root, trust.List{Version: 1, Issued: now, Expires: now.AddDate(0, 1, 0), Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.UpdateTrust(raw); err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestStanding(t *testing.T) {
	centre, author, gone := newKey(t), newKey(t), newKey(t)
	revoked := listed(&gone.PublicKey, trust.UsageCentre)
	revoked.Revoked = now.AddDate(0, -1, 0)
	store := storeOf(t, listed(&centre.PublicKey, trust.UsageCentre), listed(&author.PublicKey, trust.UsageAuthor), revoked)
	subjects, keys := household(t)
	by := func(key *ecdsa.PrivateKey) envelope.Author {
		return envelope.Author{Signer: key, KID: trust.KIDOf(&key.PublicKey)}
	}
	seal := func(key *ecdsa.PrivateKey) []byte {
		raw, err := Seal(subjects[2], keys[2], by(key), sample(t), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	raw := seal(centre)
	got, err := Open(store, subjects[2], keys[2], raw)
	if err != nil || !reflect.DeepEqual(got, sample(t)) {
		t.Fatalf("%+v, %v", got, err)
	}
	if bytes.Contains(raw, []byte("Dhamani")) {
		t.Error("the cover stands in the clear")
	}
	entry := func(key *ecdsa.PrivateKey, sections map[record.Section][]byte) []byte {
		raw, err := envelope.Seal(subjects[2], keys[2], by(key), envelope.Meta{Person: 2, Time: now}, sections, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	broken := bytes.Clone(raw)
	broken[len(broken)-1] ^= 1
	text, err := encode(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  []byte
		who  int
		want error
	}{
		"nothing":               {nil, 2, envelope.ErrFormat},
		"one bit":               {broken, 2, envelope.ErrSignature},
		"of another person":     {raw, 1, ErrFormat},
		"by a clinic":           {seal(author), 2, trust.ErrUnknownKey},
		"by a stranger":         {seal(newKey(t)), 2, trust.ErrUnknownKey},
		"by a revoked key":      {seal(gone), 2, trust.ErrKeyRevoked},
		"two sections":          {entry(centre, map[record.Section][]byte{record.SectionCoverage: text, record.SectionClinical: {1}}), 2, ErrFormat},
		"in another section":    {entry(centre, map[record.Section][]byte{record.SectionClinical: text}), 2, envelope.ErrNoSection},
		"an entry of the place": {entry(centre, map[record.Section][]byte{record.SectionCoverage: {0x09, 0x01}}), 2, ErrFormat},
	} {
		if got, err := Open(store, subjects[c.who], keys[c.who], c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := Open(store, subjects[2], &envelope.Keys{}, raw); !errors.Is(err, envelope.ErrNoKey) {
		t.Errorf("without the key: %v", err)
	}
}

func TestSealRefuses(t *testing.T) {
	for name, change := range map[string]func(*entitle.Standing){
		"too many charges": func(s *entitle.Standing) { s.Charges = make([]entitle.Charge, entitle.MaxCharges+1) },
		"too many amendments": func(s *entitle.Standing) {
			s.Amendments = make([]entitle.Amendment, entitle.MaxAmendments+1)
		},
		"negative sum":     func(s *entitle.Standing) { s.Charges[0].Paid = -1 },
		"before the epoch": func(s *entitle.Standing) { s.Charges[0].Start = time.Time{} },
		"long cover":       func(s *entitle.Standing) { s.Cover = make([]byte, record.MaxCover+1) },
		"no date of cover": func(s *entitle.Standing) { s.CoverAt = time.Time{} },
	} {
		s := sample(t)
		change(s)
		if _, err := encode(s); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	subjects, keys := household(t)
	full := sample(t)
	for range entitle.MaxCharges - 2 {
		full.Charges = append(full.Charges, entitle.Charge{Start: now.AddDate(90, 0, 0), Facility: 1<<32 - 1, Service: record.ServiceOther, Paid: maxPaid})
	}
	for range entitle.MaxAmendments - 1 {
		full.Amendments = append(full.Amendments, entitle.Amendment{Facility: 1<<32 - 1})
	}
	full.Cover = make([]byte, record.MaxCover)
	if raw, err := Seal(subjects[2], keys[2], envelope.Author{Signer: newKey(t)}, full, rand.Reader); err != nil {
		t.Errorf("the longest standing: %d bytes, %v", len(raw), err)
	}
}

// FuzzDecode: whatever is read is written as the same bytes.
func FuzzDecode(f *testing.F) {
	text, err := encode(sample(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := decode(text)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error is not ErrFormat: %v", err)
			}
			return
		}
		again, err := encode(s)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("encodes to other bytes, %v", err)
		}
	})
}
