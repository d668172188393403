package card_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// programme issues cards and terminals for the tests.
type programme struct {
	anchorKey, facilityKey *ecdsa.PrivateKey
	anchor, facility       *cvc.Certificate
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func date(year int, month time.Month) cvc.Date {
	return cvc.DateOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
}

func newProgramme(tb testing.TB) *programme {
	tb.Helper()
	p := &programme{anchorKey: newKey(tb), facilityKey: newKey(tb)}
	p.anchor = certify(tb, cvc.Template{
		CHR: "IQROOT00001", Public: &p.anchorKey.PublicKey, Kind: cvc.KindAnchor,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: date(2026, 1), To: date(2036, 1),
	}, nil, p.anchorKey)
	p.facility = certify(tb, cvc.Template{
		CHR: "IQCLINIC00001", Public: &p.facilityKey.PublicKey, Kind: cvc.KindFacility,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: date(2026, 1), To: date(2027, 1),
	}, p.anchor, p.anchorKey)
	return p
}

func certify(tb testing.TB, t cvc.Template, parent *cvc.Certificate, key *ecdsa.PrivateKey) *cvc.Certificate {
	tb.Helper()
	c, err := cvc.Issue(t, parent, key)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (p *programme) terminal(tb testing.TB, role cvc.Roles, rights cvc.Rights) card.Terminal {
	tb.Helper()
	key := newKey(tb)
	c := certify(tb, cvc.Template{
		CHR: "IQDESK00001", Public: &key.PublicKey, Kind: cvc.KindTerminal,
		Roles: role, Rights: rights, From: date(2026, 3), To: date(2026, 6),
	}, p.facility, p.facilityKey)
	return card.Terminal{Chain: [][]byte{p.facility.Raw, c.Raw}, Signer: key}
}

// marked returns n bytes that say to which card they belong.
func marked(mark byte, n int) []byte { return bytes.Repeat([]byte{mark}, n) }

// security stands for the issuer's EF.CardSecurity: CardID, point and filling,
// with a digest in place of the signature, which needs two reads in plain.
func security(id card.ID, pub *ecdh.PublicKey) []byte {
	out := append(append(id[:], pub.Bytes()...), marked(0x55, 200)...)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

var errForged = errors.New("card security does not verify")

func parseSecurity(raw []byte, id card.ID) (*ecdh.PublicKey, error) {
	n := len(raw) - sha256.Size
	if n < 73 {
		return nil, errForged
	}
	if sum := sha256.Sum256(raw[:n]); !bytes.Equal(sum[:], raw[n:]) || card.ID(raw[:8]) != id {
		return nil, errForged
	}
	return ecdh.P256().NewPublicKey(raw[8:73])
}

// issue makes an operational card whose every content carries the mark, with
// entries of the given sizes in its log.
func (p *programme) issue(tb testing.TB, mark byte, sizes ...int) *softcard.Card {
	tb.Helper()
	return p.issueWith(tb, softcard.Options{}, mark, sizes...)
}

func (p *programme) issueWith(tb testing.TB, opts softcard.Options, mark byte, sizes ...int) *softcard.Card {
	tb.Helper()
	ctx := context.Background()
	c := softcard.New(opts)
	b, err := card.OpenBlank(ctx, c.Transport())
	if err != nil {
		tb.Fatal(err)
	}
	pub, err := b.GenerateKey(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	keys := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		keys[s] = marked(mark, 32)
	}
	for i, n := range sizes {
		if _, err := b.Append(ctx, uint32(i), marked(mark, n)); err != nil {
			tb.Fatal(err)
		}
	}
	_, summaryErr := b.WriteSummary(ctx, 0, marked(mark, 900))
	for i, err := range []error{
		summaryErr,
		b.WriteFile(ctx, card.FileSecurity, security(b.Info().ID, pub)),
		b.WriteFile(ctx, card.FileID, marked(mark, 1200)),
		b.WriteFile(ctx, card.FilePhoto, marked(mark, 6144)),
		b.PutAnchor(ctx, p.anchor.Raw),
		b.PutDate(ctx, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)),
		b.PutKeys(ctx, 0, keys),
		b.Activate(ctx),
	} {
		if err != nil {
			tb.Fatalf("personalise, step %d: %v", i, err)
		}
	}
	return c
}

// tapped is what one visit brings.
type tapped struct {
	info     card.Info
	id       []byte
	summary  []byte
	photo    []byte
	keys     map[record.Section][]byte
	head     card.Head
	entries  [][]byte
	appended card.Head
}

// tap opens, authenticates, reads everything and appends one entry when there
// is one. What it returns beside an error was read before the error.
func tap(ctx context.Context, tr card.Transport, t card.Terminal, entry []byte) (got tapped, err error) {
	s, err := card.Open(ctx, tr)
	if err != nil {
		return got, err
	}
	return visit(ctx, s, t, entry)
}

// visit is tap for a card that is open.
func visit(ctx context.Context, s *card.Session, t card.Terminal, entry []byte) (got tapped, err error) {
	got.info = s.Info()
	raw, err := s.Security(ctx)
	if err != nil {
		return got, err
	}
	pub, err := parseSecurity(raw, s.Info().ID)
	if err != nil {
		return got, err
	}
	if err := s.Authenticate(ctx, pub, t); err != nil {
		return got, err
	}
	if got.id, err = s.ReadFile(ctx, card.FileID); err != nil {
		return got, err
	}
	if got.summary, err = s.ReadFile(ctx, card.FileSummary); err != nil {
		return got, err
	}
	if got.keys, err = s.Keys(ctx, 0); err != nil {
		return got, err
	}
	if got.head, err = s.Head(ctx); err != nil {
		return got, err
	}
	err = s.Entries(ctx, got.head, card.Head{}, func(seq uint32, sealed []byte) error {
		if want := int(got.head.Seq) - len(got.entries); int(seq) != want {
			return fmt.Errorf("entry %d instead of %d", seq, want)
		}
		got.entries = append(got.entries, sealed)
		return nil
	})
	if err != nil {
		return got, err
	}
	if got.photo, err = s.ReadFile(ctx, card.FilePhoto); err != nil {
		return got, err
	}
	if entry == nil {
		return got, nil
	}
	if got.appended, err = s.Append(ctx, got.head.Seq, entry); err != nil {
		return got, err
	}
	if got.appended != got.head.Next(entry) {
		return got, card.ErrChain
	}
	return got, nil
}

// only reports whether every byte that was read carries the mark.
func (g tapped) only(mark byte) bool {
	parts := append([][]byte{g.id, g.summary, g.photo}, g.entries...)
	for _, k := range g.keys {
		parts = append(parts, k)
	}
	for _, p := range parts {
		if !bytes.Equal(p, marked(mark, len(p))) {
			return false
		}
	}
	return true
}
