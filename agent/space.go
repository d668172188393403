package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// A card keeps as much of the newest history as it can. Receipts are asked for
// when fewer bytes than askBelow are free, and shown to the card, one segment
// at a time, when fewer than freeBelow are.
const (
	freeBelow = card.LogSize / card.Segments
	askBelow  = 2 * freeBelow
)

// Space tells how full a card's log is. Sizes are in bytes.
type Space struct {
	Size     int    `json:"size"`
	Used     int    `json:"used"`
	Free     int    `json:"free"`
	Entries  uint32 `json:"entries"`  // on the card
	Ever     uint32 `json:"ever"`     // ever written to it
	Freed    uint32 `json:"freed"`    // of these, no longer on it: the centre holds them
	Freeable int    `json:"freeable"` // that the centre's receipts at this workstation would free
	Waiting  int    `json:"waiting"`  // entries at this workstation that wait for room on it
}

// spaceOf measures the log of a card.
func (a *Agent) spaceOf(id card.ID, head card.Head) (*Space, error) {
	s := &Space{
		Size: card.LogSize, Used: head.Size(), Free: head.Free(),
		Entries: head.Seq - head.StartSeq, Ever: head.Seq, Freed: head.StartSeq,
	}
	receipts, err := a.receipts(id, head)
	if err != nil {
		return nil, err
	}
	if n := len(receipts); n > 0 {
		s.Freeable = int(receipts[n-1].Offset - head.Start)
	}
	pending, err := a.cfg.Cache.Pendings(id)
	if err != nil {
		return nil, err
	}
	for _, p := range pending {
		e, ok, err := a.cfg.Cache.Entry(p.Patient, p.ID)
		if err != nil {
			return nil, err
		}
		if ok && e.Flags&cache.CardOwed != 0 {
			s.Waiting++
		}
	}
	return s, nil
}

// showSpace brings the visit in line with the card's log.
func (r *reader) showSpace(c *openCard) error {
	s, err := r.a.spaceOf(c.info.ID, c.head)
	if err != nil {
		return err
	}
	r.a.visits.update(c.visit, func(v *Visit) { v.Space = s })
	return nil
}

// receipts returns the receipts at hand that would free something of a card,
// oldest first.
func (a *Agent) receipts(id card.ID, head card.Head) ([]cache.LogReceipt, error) {
	all, err := a.cfg.Cache.LogReceipts(id)
	for len(all) > 0 && all[0].Seq <= head.StartSeq {
		all = all[1:]
	}
	return all, err
}

// free gives the card room again, as far as the centre's receipts at hand
// allow, and notes which others are wanted. It runs before pending writes are
// settled, so that they find the room.
func (r *reader) free(ctx context.Context, c *openCard) error {
	for c.head.Free() < freeBelow {
		freed, err := r.makeRoom(ctx, c)
		if err != nil {
			return err
		}
		if !freed {
			break
		}
	}
	if known, _ := knownHead(c); known.StartSeq < c.head.StartSeq {
		if err := r.noteFreed(c, "elsewhere"); err != nil {
			return err
		}
	}
	return r.wantReceipts(ctx, c)
}

// makeRoom shows the card the oldest receipt that frees something. One that
// the card refuses is of no use to anybody, and forgotten.
func (r *reader) makeRoom(ctx context.Context, c *openCard) (freed bool, err error) {
	receipts, err := r.a.receipts(c.info.ID, c.head)
	if err != nil || len(receipts) == 0 {
		return false, err
	}
	first := receipts[0]
	head, err := c.session.Free(ctx, card.LogReceipt{
		Seq: first.Seq, Chain: first.Chain, Signature: first.Signature[:], Certificates: first.Certificates,
	})
	switch {
	case err == nil:
	case ambiguous(err):
		return false, err // it may be shown again
	default:
		r.a.cfg.Log.WarnContext(ctx, "card refuses a receipt", logkey.Reader, r.name, logkey.Error, err)
		return false, r.a.cfg.Cache.ForgetLog(c.info.ID)
	}
	r.a.cfg.Log.InfoContext(ctx, "log freed", logkey.Reader, r.name, logkey.Entries, head.StartSeq-c.head.StartSeq, logkey.Bytes, head.Start-c.head.Start)
	c.head = head
	return true, r.noteFreed(c, "")
}

// noteFreed forgets what was kept only for the part that the card has freed.
func (r *reader) noteFreed(c *openCard, code string) error {
	head, err := c.head.MarshalBinary()
	if err != nil {
		return err
	}
	return r.a.cfg.Cache.Freed(c.info.ID, c.patient(), c.head.StartSeq, cache.Placed{Head: head, Summary: c.sumRaw}, r.audit("free", code))
}

func (c *openCard) patient() record.PatientID { return c.id.Subjects.Patient }

// wantedLog is a card of whose log the centre is to sign a part.
type wantedLog struct {
	patient record.PatientID
	head    card.Head
	marks   []card.Mark // for which there is no receipt, oldest first
}

// wantReceipts notes the marks for which receipts are wanted. They are read
// only when the log has begun a segment for which there is none.
func (r *reader) wantReceipts(ctx context.Context, c *openCard) error {
	if c.head.Free() >= askBelow {
		return nil
	}
	receipts, err := r.a.receipts(c.info.ID, c.head)
	if err != nil || len(receipts) >= int(card.Segment(c.head.Tail)-card.Segment(c.head.Start)) {
		return err
	}
	marks, err := c.session.Marks(ctx)
	if err != nil {
		return err
	}
	for len(receipts) > 0 && len(marks) > 0 && receipts[len(receipts)-1].Seq >= marks[0].Seq {
		marks = marks[1:]
	}
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	if delete(r.a.wanted, c.info.ID); len(marks) > 0 && len(r.a.wanted) < missedKept {
		r.a.wanted[c.info.ID] = wantedLog{c.patient(), c.head, marks}
	}
	return nil
}

// gapInLog reports that not every entry between two heads is known by its
// number, which a request for a receipt needs. The log is then read whole.
func (a *Agent) gapInLog(id card.ID, head, known card.Head) (bool, error) {
	if head.Free() >= askBelow || known.Seq <= head.StartSeq {
		return false, nil
	}
	ids, err := a.cfg.Cache.LogIDs(id, head.StartSeq, known.Seq)
	return len(ids) < int(known.Seq-head.StartSeq), err
}

// askReceipts asks the centre for the receipts that are wanted for a patient's
// cards. What the centre lacks yet is asked for again when it has
// acknowledged something, or at the card's next tap. It owes the errors of
// client.LogReceipt and of the cache.
func (a *Agent) askReceipts(ctx context.Context, patient record.PatientID) error {
	a.mu.Lock()
	wanted := make(map[card.ID]wantedLog)
	for id, w := range a.wanted {
		if w.patient == patient {
			wanted[id] = w
		}
	}
	a.mu.Unlock()
	var errs []error
	for id, w := range wanted {
		left, err := a.askFor(ctx, id, w)
		errs = append(errs, err)
		a.mu.Lock()
		if now, ok := a.wanted[id]; ok && now.head == w.head {
			if now.marks = left; len(left) == 0 {
				delete(a.wanted, id)
			} else {
				a.wanted[id] = now
			}
		}
		a.mu.Unlock()
	}
	return errors.Join(errs...)
}

// askFor asks for one card's receipts and returns the marks that are left to
// ask for.
func (a *Agent) askFor(ctx context.Context, id card.ID, w wantedLog) (left []card.Mark, err error) {
	from := card.Mark{Seq: w.head.StartSeq, Chain: w.head.StartChain}
	for i, m := range w.marks {
		ids, err := a.cfg.Cache.LogIDs(id, from.Seq, m.Seq)
		switch {
		case err != nil:
			return nil, err
		case len(ids) != int(m.Seq-from.Seq) || len(ids) > wire.MaxLogIDs:
			return nil, nil // the next tap reads the log whole
		}
		req := wire.LogReceiptRequest{Card: id, Seq: from.Seq, Chain: from.Chain}
		chain := from.Chain
		for _, e := range ids {
			req.IDs = append(req.IDs, e[:]...)
			chain = card.ExtendChain(chain, e)
		}
		if chain != m.Chain {
			return nil, a.cfg.Cache.ForgetLog(id)
		}
		got, err := a.centre.LogReceipt(ctx, req)
		if server, ok := errors.AsType[*client.ServerError](err); ok && server.Code == wire.CodeNotHeld {
			a.cfg.Log.DebugContext(ctx, "centre lacks an entry of a log", logkey.Count, len(ids))
			return w.marks[i:], nil
		}
		if errors.Is(err, client.ErrOffline) {
			return w.marks[i:], err
		}
		if err == nil && (got.Seq != m.Seq || got.Chain != m.Chain) {
			err = fmt.Errorf("log receipt for another state: %w", client.ErrProtocol)
		}
		if err != nil {
			return nil, err
		}
		if err := a.cfg.Cache.PutLogReceipt(id, cache.LogReceipt{LogReceipt: *got, Offset: m.Offset}); err != nil {
			return nil, err
		}
		from = m
	}
	return nil, nil
}

// askAllReceipts asks again for what the centre lacked. It returns at once.
func (a *Agent) askAllReceipts() {
	a.mu.Lock()
	group, life := a.running, a.ctx
	patients := make(map[record.PatientID]struct{})
	for _, w := range a.wanted {
		patients[w.patient] = struct{}{}
	}
	a.mu.Unlock()
	for patient := range patients {
		group.Go(func() error {
			if err := a.askReceipts(life, patient); err != nil && life.Err() == nil {
				a.cfg.Log.Debug("ask for log receipts", logkey.Code, Classify(err).Code)
			}
			return nil
		})
	}
}
