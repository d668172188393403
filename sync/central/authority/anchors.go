package authority

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// anchorName is the name of an anchor, with its generation.
const anchorName = "IQDHAMANI%05d"

// maxLinks leaves room for facility and terminal in a chain.
const maxLinks = wire.MaxChain - 2

// anchor is one generation of the programme's trust anchor. Its file is
//
//	7F21 self-signed [7F21 link by the generation before]
//
// and comes into being as a whole, which is what makes the generation count.
type anchor struct {
	cert   *cvc.Certificate
	link   *cvc.Certificate // nil in the first generation
	signer crypto.Signer
}

// Names of a generation's file and key; the first has none.
func anchorFile(generation int) string { return numbered(fileAnchor, generation) + ".cvc" }
func anchorKey(generation int) string  { return numbered(keyAnchor, generation) }

func numbered(name string, generation int) string {
	if generation == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, generation)
}

// issueAnchor makes the first generation.
func (a *Authority) issueAnchor(context.Context) error {
	made, err := a.makeAnchor(1, nil)
	if err != nil {
		return err
	}
	return a.writeFile(anchorFile(1), made.cert.Raw)
}

// makeAnchor issues the anchor of a generation and the link to it.
func (a *Authority) makeAnchor(generation int, old *anchor) (*anchor, error) {
	signer, err := a.keys.EnsureSigner(anchorKey(generation))
	if err != nil {
		return nil, err
	}
	pub, err := publicOf(signer)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	next := &anchor{signer: signer}
	next.cert, err = cvc.Issue(cvc.Template{
		CHR: fmt.Sprintf(anchorName, generation), Public: pub, Kind: cvc.KindAnchor, Roles: cvc.AllRoles, Rights: cvc.AllRights,
		From: cvc.DateOf(now), To: cvc.DateOf(now.AddDate(anchorYears, 0, 0)),
	}, nil, signer)
	if err != nil || old == nil {
		return next, err
	}
	next.link, err = cvc.IssueLink(next.cert, old.cert, old.signer)
	return next, err
}

// loadAnchors reads every generation, so that one which another process made
// counts from now on.
func (a *Authority) loadAnchors() error {
	var all []*anchor
	for {
		next, err := a.readAnchor(len(all) + 1)
		if errors.Is(err, fs.ErrNotExist) && len(all) > 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("read anchor %d: %w", len(all)+1, err)
		}
		all = append(all, next)
	}
	a.anchors.Store(&all)
	return nil
}

func (a *Authority) readAnchor(generation int) (*anchor, error) {
	raw, err := a.readFile(anchorFile(generation))
	if err != nil {
		return nil, err
	}
	next := new(anchor)
	if next.cert, raw, err = cvc.Cut(raw); err != nil {
		return nil, err
	}
	if generation > 1 {
		if next.link, raw, err = cvc.Cut(raw); err != nil {
			return nil, err
		}
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes behind it: %w", len(raw), cvc.ErrFormat)
	}
	next.signer, err = a.keys.Signer(anchorKey(generation))
	return next, err
}

// newest returns the anchor that certificates are issued under.
func (a *Authority) newest() *anchor {
	all := *a.anchors.Load()
	return all[len(all)-1]
}

// Anchor returns the newest anchor.
func (a *Authority) Anchor() *cvc.Certificate { return a.newest().cert }

// Anchors returns the anchors of all generations, the oldest first.
func (a *Authority) Anchors() []*cvc.Certificate {
	var out []*cvc.Certificate
	for _, one := range *a.anchors.Load() {
		out = append(out, one.cert)
	}
	return out
}

// links returns what goes before a facility's certificate, so that every card
// that was issued before and is still good finds its way to the newest anchor,
// and the anchor that they begin under.
func (a *Authority) links(now time.Time) (from *cvc.Certificate, links [][]byte) {
	all := *a.anchors.Load()
	first := len(all) - 1
	for first > 0 && len(all)-first <= maxLinks && now.Before(all[first].cert.From.Time().AddDate(cardYears, 0, 1)) {
		first--
	}
	for _, one := range all[first+1:] {
		links = append(links, one.link.Raw)
	}
	return all[first].cert, links
}

// cardAnchors returns what a new card trusts: the newest anchor, beside the one
// before for as long as that lasts, for workstations that were enrolled under it.
func (a *Authority) cardAnchors(now time.Time) [][]byte {
	all := *a.anchors.Load()
	last := all[len(all)-1]
	if len(all) > 1 {
		if before := all[len(all)-2].cert; !before.To.Before(cvc.DateOf(now)) {
			return [][]byte{before.Raw, last.link.Raw}
		}
	}
	return [][]byte{last.cert.Raw}
}

// RollAnchor makes the next generation of the anchor. Cards and workstations go
// over to it by themselves: whatever is enrolled from now on shows cards the
// link, and what was enrolled before goes on under the anchor before. A card
// keeps two anchors only, so RollAnchor owes ErrConflict while a workstation of
// the generation before the newest is left, unless strand says that it may be
// refused by cards from then on.
func (a *Authority) RollAnchor(ctx context.Context, strand bool) (*cvc.Certificate, error) {
	if err := a.loadAnchors(); err != nil {
		return nil, fmt.Errorf("roll anchor: %w", err)
	}
	all := *a.anchors.Load()
	old := all[len(all)-1]
	if len(all) > 1 && !strand {
		left, err := a.enrolledBefore(ctx, old.cert.From.Time().AddDate(0, 0, 1)) // on the day of the change: perhaps before it
		if err != nil {
			return nil, fmt.Errorf("roll anchor: %w", err)
		}
		if left > 0 {
			return nil, fmt.Errorf("roll anchor: %d workstations are not enrolled under %s yet: %w", left, old.cert.CHR, ErrConflict)
		}
	}
	next, err := a.makeAnchor(len(all)+1, old)
	if err != nil {
		return nil, fmt.Errorf("roll anchor: %w", err)
	}
	if err := a.writeFile(anchorFile(len(all)+1), slices.Concat(next.cert.Raw, next.link.Raw)); err != nil {
		return nil, fmt.Errorf("roll anchor: %w", err)
	}
	if err := a.loadAnchors(); err != nil {
		return nil, fmt.Errorf("roll anchor: %w", err)
	}
	return next.cert, nil
}

// enrolledBefore counts the workstations that still work and were enrolled
// before a day.
func (a *Authority) enrolledBefore(ctx context.Context, day time.Time) (n int, err error) {
	now := time.Now()
	err = a.store.View(ctx, func(r store.Reader) error {
		all, err := r.Workstations()
		for _, ws := range all {
			if ws.Revoked.IsZero() && now.Before(ws.Expires) && ws.Created.Before(day) {
				n++
			}
		}
		return err
	})
	return n, err
}
