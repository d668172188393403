package softcard

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// programme is a certification authority with one facility, and everything
// that personalising a card takes.
type programme struct {
	anchorKey, facilityKey *ecdsa.PrivateKey
	anchor, facility       *cvc.Certificate
	links                  [][]byte // put onto a card behind the anchor
	keys                   map[record.Section][]byte
	security, identity     []byte
	photo, summary         []byte
}

func day(tb testing.TB, text string) cvc.Date {
	tb.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		tb.Fatal(err)
	}
	return cvc.DateOf(at)
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// filled returns n bytes that differ from place to place.
func filled(n int, seed byte) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i*7+i>>8) ^ seed
	}
	return out
}

func newProgramme(tb testing.TB) *programme {
	tb.Helper()
	p := &programme{
		anchorKey: newKey(tb), facilityKey: newKey(tb),
		keys:     make(map[record.Section][]byte),
		security: filled(300, 1), identity: filled(1500, 2), photo: filled(6144, 3), summary: filled(700, 4),
	}
	for _, s := range record.AllSections() {
		p.keys[s] = bytes.Repeat([]byte{0xA0 + byte(s)}, 32)
	}
	p.anchor = p.issue(tb, cvc.Template{
		CHR: "IQDHAMANI00001", Public: &p.anchorKey.PublicKey, Kind: cvc.KindAnchor,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(tb, "2026-01-01"), To: day(tb, "2036-01-01"),
	}, nil, p.anchorKey)
	p.facility = p.issue(tb, cvc.Template{
		CHR: "IQCLINIC00001", Public: &p.facilityKey.PublicKey, Kind: cvc.KindFacility,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(tb, "2026-02-01"), To: day(tb, "2027-02-01"),
	}, p.anchor, p.anchorKey)
	return p
}

func (p *programme) issue(tb testing.TB, t cvc.Template, parent *cvc.Certificate, key *ecdsa.PrivateKey) *cvc.Certificate {
	tb.Helper()
	c, err := cvc.Issue(t, parent, key)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// terminal makes a terminal with a certificate of the given days.
func (p *programme) terminal(tb testing.TB, role cvc.Roles, rights cvc.Rights, from, to string) card.Terminal {
	tb.Helper()
	key := newKey(tb)
	c := p.issue(tb, cvc.Template{
		CHR: "IQTERM00001", Public: &key.PublicKey, Kind: cvc.KindTerminal,
		Roles: role, Rights: rights, From: day(tb, from), To: day(tb, to),
	}, p.facility, p.facilityKey)
	return card.Terminal{Chain: [][]byte{p.facility.Raw, c.Raw}, Signer: key}
}

// centre makes a key with a certificate of the right receipt, as the centre has.
func (p *programme) centre(tb testing.TB, rights cvc.Rights, from, to string) *signatory {
	tb.Helper()
	key := newKey(tb)
	return &signatory{key: key, chain: [][]byte{p.facility.Raw, p.issue(tb, cvc.Template{
		CHR: "IQRECEIPT00001", Public: &key.PublicKey, Kind: cvc.KindTerminal,
		Rights: rights, From: day(tb, from), To: day(tb, to),
	}, p.facility, p.facilityKey).Raw}}
}

type signatory struct {
	key   *ecdsa.PrivateKey
	chain [][]byte
}

// receipt signs that the centre holds a card's entries before a mark.
func (c *signatory) receipt(tb testing.TB, id card.ID, m card.Mark) card.LogReceipt {
	tb.Helper()
	sig, err := cose.SignES256(c.key, card.ReceiptInput(id, m.Seq, m.Chain))
	if err != nil {
		tb.Fatal(err)
	}
	return card.LogReceipt{Seq: m.Seq, Chain: m.Chain, Signature: sig, Certificates: c.chain}
}

// renewed makes the facility's certificate anew, with another first day.
func (p *programme) renewed(tb testing.TB, from string) *cvc.Certificate {
	tb.Helper()
	return p.issue(tb, cvc.Template{
		CHR: p.facility.CHR, Public: p.facility.Public, Kind: cvc.KindFacility,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(tb, from), To: p.facility.To,
	}, p.anchor, p.anchorKey)
}

func (p *programme) physician(tb testing.TB) card.Terminal {
	tb.Helper()
	return p.terminal(tb, cvc.RolePhysician, cvc.AllRights, "2026-03-01", "2026-06-01")
}

// personalise brings a fresh card to the operational state and returns its
// public key.
func (p *programme) personalise(tb testing.TB, c *Card) *ecdh.PublicKey {
	tb.Helper()
	pub, err := p.tryPersonalise(c)
	if err != nil {
		tb.Fatal(err)
	}
	return pub
}

func (p *programme) tryPersonalise(c *Card) (*ecdh.PublicKey, error) {
	return p.personaliseOver(c.Transport())
}

func (p *programme) personaliseOver(tr card.Transport) (*ecdh.PublicKey, error) {
	ctx := context.Background()
	b, err := card.OpenBlank(ctx, tr)
	if err != nil {
		return nil, err
	}
	pub, err := b.GenerateKey(ctx)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return b.WriteFile(ctx, card.FileSecurity, p.security) },
		func() error { return b.WriteFile(ctx, card.FileID, p.identity) },
		func() error { return b.WriteFile(ctx, card.FilePhoto, p.photo) },
		func() error {
			for _, anchor := range append([][]byte{p.anchor.Raw}, p.links...) {
				if err := b.PutAnchor(ctx, anchor); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return b.PutDate(ctx, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) },
		func() error { return b.PutKeys(ctx, 0, p.keys) },
		func() error {
			_, err := b.WriteSummary(ctx, 0, p.summary)
			if errors.Is(err, card.ErrSequence) { // an attempt before this one wrote it
				return nil
			}
			return err
		},
		func() error { return b.Activate(ctx) },
		b.Close,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return pub, nil
}

// issued makes a personalised card.
func issued(tb testing.TB, opts Options) (*programme, *Card, *ecdh.PublicKey) {
	tb.Helper()
	p := newProgramme(tb)
	c := New(opts)
	return p, c, p.personalise(tb, c)
}

// open begins a session and authenticates it.
func open(tb testing.TB, c *Card, pub *ecdh.PublicKey, t card.Terminal) *card.Session {
	tb.Helper()
	s, err := card.Open(tb.Context(), c.Transport())
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Authenticate(tb.Context(), pub, t); err != nil {
		tb.Fatal(err)
	}
	return s
}

// entry is what Entries emits.
type entry struct {
	seq    uint32
	sealed []byte
}

// readAll reads the whole log, newest first.
func readAll(tb testing.TB, s *card.Session) []entry {
	tb.Helper()
	head, err := s.Head(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	var out []entry
	err = s.Entries(context.Background(), head, card.Head{}, func(seq uint32, sealed []byte) error {
		out = append(out, entry{seq, bytes.Clone(sealed)})
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}
