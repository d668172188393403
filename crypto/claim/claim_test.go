package claim

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/base45"
	"github.com/dhamani-iq/dhamani/record"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// world is a store of lists that name keys and one blocked card.
type world struct{ author, issuer, revoked, old, stranger *ecdsa.PrivateKey }

func newWorld(tb testing.TB) (world, *trust.Store) {
	tb.Helper()
	w := world{newKey(tb), newKey(tb), newKey(tb), newKey(tb), newKey(tb)}
	root := newKey(tb)
	key := func(k *ecdsa.PrivateKey, usage trust.Usage) trust.Key {
		return trust.Key{
			Public: &k.PublicKey, Usage: usage, Facility: 101, Name: "Karkh clinic",
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		}
	}
	revoked, old := key(w.revoked, trust.UsageAuthor), key(w.old, trust.UsageAuthor)
	revoked.Revoked, old.NotAfter = now.Add(-time.Hour), now.Add(-time.Hour)
	store := trust.NewStore(&root.PublicKey)
	list, err := trust.SignList(root, trust.List{
		Version: 1, Issued: now, Expires: now.AddDate(0, 0, 30),
		Keys: []trust.Key{key(w.author, trust.UsageAuthor), key(w.issuer, trust.UsageIssuer), revoked, old},
	})
	if err == nil {
		err = store.UpdateTrust(list)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if list, err = trust.SignBlockList(root, trust.BlockList{Version: 1, Issued: now, Cards: [][8]byte{{66}}}); err == nil {
		err = store.UpdateBlock(list)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return w, store
}

// someClaim is of nobody, with everything that a card's identity may hold.
func someClaim() Claim {
	return Claim{
		Patient: record.PatientID{1, 2, 3}, Card: [8]byte{9, 8, 7}, Issued: now, Expires: now.AddDate(0, 0, 7),
		Identity: &record.Identity{
			Names: record.Names{
				Arabic: &record.Name{Given: []string{"آمنة", "كريم", "حسن"}, Family: "الصالحي"},
				Sorani: &record.Name{Given: []string{"ئامینە", "کەریم", "حەسەن"}, Family: "ئەلساڵحی"},
				Latin:  &record.Name{Given: []string{"Amina", "Kareem", "Hasan"}, Family: "Al-Salihi"},
			},
			Sex: record.SexFemale, Born: record.Day(1968, 4, 17), NationalNumber: "196804170042", Language: "ar",
			Phone: "+9647701112233", Address: &record.Address{City: "Baghdad"},
			Family: []record.Member{{Person: 1, Relation: record.RelationChild, Names: record.Names{Latin: &record.Name{Family: "X"}}}},
		},
		Cover: &record.Cover{
			Payer: "هيئة الضمان الصحي", Plan: "A", Member: "DH-0042-7781", Relation: record.RelationSelf,
			From: record.Day(2026, 1, 1), Until: record.Day(2026, 12, 31), Copay: 2,
			Counters: []record.Counter{{Kind: "visits", Year: 2026, Allowed: 12, Used: 3}},
		},
	}
}

func sign(tb testing.TB, key crypto.Signer, c Claim) string {
	tb.Helper()
	text, err := Sign(key, c)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestVerify(t *testing.T) {
	w, store := newWorld(t)
	want := someClaim()
	text := sign(t, w.author, want)
	got, author, err := Verify(store, text, now)
	if err != nil {
		t.Fatal(err)
	}
	want.Identity, want.Cover = Brief(want.Identity, want.Cover)
	if !reflect.DeepEqual(got, want) || author.Name != "Karkh clinic" || author.Facility != 101 {
		t.Errorf("read back otherwise, by %q", author.Name)
	}
	if got.Identity.Phone != "" || got.Identity.Address != nil || got.Identity.Family != nil || got.Cover.Counters != nil {
		t.Error("carries more than the desk needs")
	}
	if read, err := Read(text); err != nil || !reflect.DeepEqual(read, want) {
		t.Errorf("read without a check: %v", err)
	}
	t.Logf("%d characters", len(text))

	change := func(f func(*Claim)) Claim { c := someClaim(); f(&c); return c }
	for _, c := range []struct {
		name string
		key  *ecdsa.PrivateKey
		said Claim
		at   time.Time
		want error
	}{
		{"at once", w.author, someClaim(), now, nil},
		{"a clock that is behind", w.author, someClaim(), now.Add(-Skew), nil},
		{"before it was issued", w.author, someClaim(), now.Add(-Skew - time.Second), ErrNotYet},
		{"last second", w.author, someClaim(), now.AddDate(0, 0, 7).Add(-time.Second), nil},
		{"after its end", w.author, someClaim(), now.AddDate(0, 0, 7), ErrExpired},
		{"without cover", w.author, change(func(c *Claim) { c.Cover = nil }), now, nil},
		{"of a blocked card", w.author, change(func(c *Claim) { c.Card = [8]byte{66} }), now, ErrBlocked},
		{"by an issuer", w.issuer, someClaim(), now, trust.ErrUnknownKey},
		{"by a stranger", w.stranger, someClaim(), now, trust.ErrUnknownKey},
		{"by a revoked key", w.revoked, someClaim(), now, trust.ErrKeyRevoked},
		{"by a revoked key, dated back", w.revoked, change(func(c *Claim) { c.Issued = now.AddDate(0, 0, -5) }), now, trust.ErrKeyRevoked},
		{"by a key that has ended", w.old, change(func(c *Claim) { c.Issued = now.AddDate(0, 0, -5) }), now, trust.ErrKeyExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Verify(store, sign(t, c.key, c.said), c.at)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "آA") {
				t.Fatalf("the error tells who: %v", err)
			}
		})
	}
}

// TestForgery changes every byte of a message, signs under other aad, and
// takes another's key identifier.
func TestForgery(t *testing.T) {
	w, store := newWorld(t)
	raw, err := unpack(sign(t, w.author, someClaim()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		text, err := pack(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Verify(store, text, now); err == nil {
			t.Errorf("byte %d does not count", i)
		}
	}
	m, err := cose.ParseSign1(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func() ([]byte, error){
		"other aad":     func() ([]byte, error) { return cose.Sign1(w.author, m.KID, m.Payload, []byte("dhamani receipt v1")) },
		"no aad":        func() ([]byte, error) { return cose.Sign1(w.author, m.KID, m.Payload, nil) },
		"another's kid": func() ([]byte, error) { return cose.Sign1(w.stranger, m.KID, m.Payload, []byte(aad)) },
	} {
		forged, err := forge()
		if err != nil {
			t.Fatal(err)
		}
		text, err := pack(forged)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Verify(store, text, now); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefuse(t *testing.T) {
	w, store := newWorld(t)
	good := sign(t, w.author, someClaim())
	bomb := func(n int, behind string) string {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		_, _ = z.Write(make([]byte, n))
		_ = z.Close()
		return Prefix + base45.Encode(append(out.Bytes(), behind...))
	}
	message := func(payload any) string {
		inner, err := cose.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		kid := trust.KIDOf(&w.author.PublicKey)
		raw, err := cose.Sign1(w.author, kid[:], inner, []byte(aad))
		if err != nil {
			t.Fatal(err)
		}
		text, err := pack(raw)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	id, err := (&record.Identity{Names: record.Names{Latin: &record.Name{Family: "X"}}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	start := uint64(now.Unix())
	holder := holderWire{Patient: make([]byte, 8), Card: make([]byte, 8), Identity: id}
	if _, err := Read(message(claimWire{start + 1, start, holder})); err != nil {
		t.Fatal(err)
	}
	short, loud := holder, holder
	short.Card, loud.Cover = make([]byte, 7), []byte{0xa0}
	for name, text := range map[string]string{
		"no base45":         Prefix + "a",
		"no zlib":           Prefix + base45.Encode([]byte("hello")),
		"cut":               good[:len(good)-3],
		"longer":            good + "000",
		"a bomb":            bomb(1<<20, ""),
		"something behind":  bomb(100, "x"),
		"no message":        bomb(100, ""),
		"too long":          Prefix + strings.Repeat("0", MaxText),
		"ends at its start": message(claimWire{start, start, holder}),
		"a day too long":    message(claimWire{start + 31*86400, start, holder}),
		"far in the future": message(claimWire{maxTime + 1, maxTime, holder}),
		"short card":        message(claimWire{start + 1, start, short}),
		"cover of nothing":  message(claimWire{start + 1, start, loud}),
		"no identity":       message(claimWire{start + 1, start, holderWire{Patient: make([]byte, 8), Card: make([]byte, 8)}}),
		"an unknown label":  message(map[int]any{4: start + 1, 6: start, 7: []byte{1}, -65537: []any{make([]byte, 8), make([]byte, 8), id, []byte{}}}),
	} {
		if _, _, err := Verify(store, text, now); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "HC1:ABC", "dh1:ABC", "DH2:ABC", " " + good} {
		if _, err := Read(text); !errors.Is(err, ErrPrefix) {
			t.Errorf("%.8q: %v", text, err)
		}
	}
	for name, change := range map[string]func(*Claim){
		"nobody":      func(c *Claim) { c.Identity = nil },
		"no end":      func(c *Claim) { c.Expires = c.Issued },
		"too long":    func(c *Claim) { c.Expires = c.Issued.Add(MaxLife + time.Second) },
		"before 1970": func(c *Claim) { c.Issued, c.Expires = time.Unix(-9, 0), time.Unix(9, 0) },
		"the year 3000": func(c *Claim) {
			c.Issued = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
			c.Expires = c.Issued.Add(time.Hour)
		},
	} {
		c := someClaim()
		change(&c)
		if _, err := Sign(w.author, c); !errors.Is(err, ErrFormat) {
			t.Errorf("sign %s: %v", name, err)
		}
	}
}

func TestPrinting(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if out := fmt.Sprintf(verb, someClaim()); strings.Contains(out, "Amina") || strings.Contains(out, "0x") {
			t.Errorf("%s prints %s", verb, out)
		}
	}
	if s := someClaim().LogValue().String(); strings.Contains(s, "Amina") {
		t.Errorf("logs as %s", s)
	}
}

func FuzzRead(f *testing.F) {
	w, store := newWorld(f)
	text := sign(f, w.author, someClaim())
	raw, err := unpack(text)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := cose.ParseSign1(raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, raw)
	f.Add("", []byte{0xd2, 0x84})
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		_, _ = Read(text)
		packed, err := pack(raw)
		if err != nil {
			return
		}
		if again, err := unpack(packed); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x became %x, %v", raw, again, err)
		}
		c, err := Read(packed)
		if err != nil {
			return
		}
		if _, err := c.Identity.Encode(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Verify(store, packed, now); err != nil {
			return
		}
		if m, err := cose.ParseSign1(raw); err != nil || !bytes.Equal(m.Payload, signed.Payload) {
			t.Fatal("a forgery passes")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	w, store := newWorld(b)
	text := sign(b, w.author, someClaim())
	for b.Loop() {
		if _, _, err := Verify(store, text, now); err != nil {
			b.Fatal(err)
		}
	}
}
