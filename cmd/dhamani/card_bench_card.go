package main

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// What lies on the card of card bench, in bytes.
const (
	benchID      = 1024 // EF.ID
	benchSummary = 1024 // EF.SUM
	benchEntries = 16   // of a log of 16 KB
	benchEntry   = 1024 - card.LenLength
	benchAppend  = 500
	benchInfo    = 1 + 8 + 1 + 2 + 2 // values in the answer to SELECT
)

// cardBench is a personalised card, a terminal for it and the session of the
// task before.
type cardBench struct {
	soft     *softcard.Card
	link     softcard.Link
	public   *ecdh.PublicKey
	terminal card.Terminal
	prober   card.Prober
	session  *card.Session
	head     card.Head
}

// newCardBench makes the card, and taps it once: the reader's lengths are
// known from then on, and the card's date is that of the certificates.
func newCardBench(ctx context.Context, opts softcard.Options) (*cardBench, error) {
	b := &cardBench{soft: softcard.New(opts), link: opts.Link}
	anchor, err := b.certify()
	if err != nil {
		return nil, err
	}
	if err := b.personalise(ctx, anchor); err != nil {
		return nil, err
	}
	if _, err := b.tap(ctx); err != nil {
		return nil, err
	}
	return b, b.session.Close()
}

func (b *cardBench) open(ctx context.Context) (*card.Session, error) {
	return b.prober.Open(ctx, "bench", func(context.Context) (card.Transport, error) { return b.soft.Transport(), nil })
}

func (b *cardBench) close() {
	if b.session != nil {
		_ = b.session.Close() // nobody waits for it
	}
}

// certify makes a trust anchor and a physician's terminal under it, and
// returns the anchor.
func (b *cardBench) certify() (*cvc.Certificate, error) {
	var parent *cvc.Certificate
	var signer *ecdsa.PrivateKey
	var chain []*cvc.Certificate
	for _, t := range []cvc.Template{
		{CHR: "IQBENCH00001", Kind: cvc.KindAnchor, Roles: cvc.AllRoles, Rights: cvc.AllRights},
		{CHR: "IQCLINIC00001", Kind: cvc.KindFacility, Roles: cvc.AllRoles, Rights: cvc.AllRights},
		{CHR: "IQDESK00001", Kind: cvc.KindTerminal, Roles: cvc.RolePhysician, Rights: cvc.RightAppend},
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		if signer == nil {
			signer = key
		}
		t.Public, t.From, t.To = &key.PublicKey, cvc.DateOf(benchDay), cvc.DateOf(benchDay.AddDate(0, 1, 0))
		cert, err := cvc.Issue(t, parent, signer)
		if err != nil {
			return nil, err
		}
		parent, signer, chain = cert, key, append(chain, cert)
	}
	b.terminal = card.Terminal{Chain: [][]byte{chain[1].Raw, chain[2].Raw}, Signer: signer}
	return chain[0], nil
}

// benchDay is the day of the certificates; a card has no clock.
var benchDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// personalise fills the card; its content means nothing.
func (b *cardBench) personalise(ctx context.Context, anchor *cvc.Certificate) error {
	blank, err := card.OpenBlank(ctx, b.soft.Transport())
	if err != nil {
		return err
	}
	if b.public, err = blank.GenerateKey(ctx); err != nil {
		return err
	}
	keys := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		keys[s] = make([]byte, 32)
	}
	for _, step := range []func() error{
		func() error { return blank.PutAnchor(ctx, anchor.Raw) },
		func() error { return blank.PutDate(ctx, benchDay) },
		func() error { return blank.PutKeys(ctx, 0, keys) },
		func() error { return blank.WriteFile(ctx, card.FileSecurity, bytes.Repeat([]byte{1}, 256)) },
		func() error { return blank.WriteFile(ctx, card.FileID, bytes.Repeat([]byte{2}, benchID)) },
		func() error {
			_, err := blank.WriteSummary(ctx, 0, bytes.Repeat([]byte{3}, benchSummary))
			return err
		},
		func() error {
			for seq := range uint32(benchEntries) {
				if _, err := blank.Append(ctx, seq, bytes.Repeat([]byte{4}, benchEntry)); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return blank.Activate(ctx) },
		blank.Close,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
