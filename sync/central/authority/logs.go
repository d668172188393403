package authority

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

var (
	// ErrNotHeld is returned when a receipt is asked for an entry that the
	// centre does not hold.
	ErrNotHeld = errors.New("entry is not held")
	// ErrNoReceipts is returned by a centre whose anchor cannot give the right
	// to sign receipts for logs.
	ErrNoReceipts = errors.New("anchor gives no right to sign receipts for logs")
)

// The certificates under which cards believe a receipt, and how long one lasts.
const (
	centreName  = "IQCENTRE00001"
	receiptName = "IQRECEIPT00001"
	receiptLife = 365 * 24 * time.Hour
)

// logSigner holds the key that signs receipts for logs, and its certificates.
type logSigner struct {
	centre, receipt crypto.Signer

	mu    sync.Mutex // guards what follows
	under *anchor    // what the chain stands under
	chain [][]byte   // child of the anchor first
	until time.Time  // when the chain is to be issued anew
}

func (l *logSigner) open(keys *keystore.Store) (err error) {
	if l.centre, err = keys.EnsureSigner(keyCentre); err != nil {
		return err
	}
	l.receipt, err = keys.EnsureSigner(keyLog)
	return err
}

// certificates returns the chain under an anchor, issued anew when half of its
// time is over. It owes ErrNoReceipts.
func (l *logSigner) certificates(under *anchor, now time.Time) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under != nil && l.under.cert.CHR == under.cert.CHR && now.Before(l.until) {
		return l.chain, nil
	}
	if !under.cert.Rights.Has(cvc.RightReceipt) {
		return nil, ErrNoReceipts
	}
	from, to := cvc.DateOf(now), cvc.DateOf(now.Add(receiptLife))
	if under.cert.To.Before(to) {
		to = under.cert.To
	}
	parent, signer := under.cert, under.signer
	var chain [][]byte
	for _, c := range []struct {
		name string
		kind cvc.Kind
		key  crypto.Signer
	}{{centreName, cvc.KindFacility, l.centre}, {receiptName, cvc.KindTerminal, l.receipt}} {
		pub, err := publicOf(c.key)
		if err != nil {
			return nil, err
		}
		parent, err = cvc.Issue(cvc.Template{CHR: c.name, Public: pub, Kind: c.kind, Rights: cvc.RightReceipt, From: from, To: to}, parent, signer)
		if err != nil {
			return nil, err
		}
		signer, chain = c.key, append(chain, parent.Raw)
	}
	l.under, l.chain, l.until = under, chain, now.Add(to.Time().Sub(now)/2)
	return chain, nil
}

// LogReceipt signs for a card that the centre holds every entry of its log up
// to a state: one that it has signed before, or the beginning, and the entries
// that the request names behind it. The state is written down first, so that
// the next receipt may count from it. It owes store.ErrNotFound for a card that
// the centre did not issue, ErrConflict for a card that is blocked or a state
// that was never signed, ErrNotHeld and ErrNoReceipts.
func (a *Authority) LogReceipt(ctx context.Context, facility uint32, req *wire.LogReceiptRequest) (*wire.LogReceipt, error) {
	receipt, err := a.logReceipt(ctx, facility, req)
	if err != nil {
		return nil, fmt.Errorf("sign log receipt: %w", err)
	}
	return receipt, nil
}

func (a *Authority) logReceipt(ctx context.Context, facility uint32, req *wire.LogReceiptRequest) (*wire.LogReceipt, error) {
	now := time.Now()
	chain, err := a.logs.certificates(a.newest(), now)
	if err != nil {
		return nil, err
	}
	_, links := a.links(now)
	chain = append(links, chain...)
	var issued store.Card
	err = a.store.View(ctx, func(r store.Reader) (err error) {
		if issued, err = r.Card(req.Card); err != nil || req.Seq == 0 {
			return err
		}
		if _, err = r.LogState(req.Card, req.Seq, req.Chain); errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("state %d was never signed: %w", req.Seq, ErrConflict)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !issued.Blocked.IsZero():
		return nil, fmt.Errorf("card is blocked: %w", ErrConflict)
	}
	state := store.LogState{Card: req.Card, Seq: req.Seq, Chain: req.Chain, At: now, Facility: facility}
	if err := a.follow(ctx, &state, issued.Patient, req.Entries()); err != nil {
		return nil, err
	}
	if err := a.store.Update(ctx, func(w store.Writer) error { return w.AddLogState(state) }); err != nil {
		return nil, err
	}
	signature, err := cose.SignES256(a.logs.receipt, card.ReceiptInput(state.Card, state.Seq, state.Chain))
	if err != nil {
		return nil, err
	}
	return &wire.LogReceipt{Seq: state.Seq, Chain: state.Chain, Signature: [64]byte(signature), Certificates: chain}, nil
}

// follow moves a state over entries, each of which must be held as the
// patient's. It owes ErrNotHeld.
func (a *Authority) follow(ctx context.Context, state *store.LogState, patient record.PatientID, ids []record.EntryID) error {
	all, err := a.store.IDs(ctx, patient)
	if err != nil {
		return err
	}
	held := make(map[record.EntryID]struct{}, len(all))
	for _, id := range all {
		held[id] = struct{}{}
	}
	for _, id := range ids {
		if _, ok := held[id]; !ok {
			return fmt.Errorf("entry %s: %w", id.Short(), ErrNotHeld)
		}
		state.Seq, state.Chain = state.Seq+1, card.ExtendChain(state.Chain, id)
	}
	return nil
}
