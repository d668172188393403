package central

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// RevocationGrace is how long after an author key's revocation entries still
// come in that were made before it: a clinic may have been cut off, and a card
// carries entries about. After it they are rejected, since a thief of the key
// would write an old date.
const RevocationGrace = 30 * 24 * time.Hour

// pushRecords is POST /v1/records: read, check in parallel, sign the receipt,
// make durable, answer.
func (s *Server) pushRecords(w http.ResponseWriter, r *http.Request, p peer) error {
	select {
	case s.pushes <- struct{}{}:
		defer func() { <-s.pushes }()
	default:
		return later(http.StatusServiceUnavailable, wire.CodeUnavailable, "too many pushes under way", time.Second)
	}
	var req wire.PushRequest
	raw, err := readMessage(w, r, wire.MaxBody, &req)
	if err != nil {
		return err
	}
	content := sha256.Sum256(raw)
	out, err := s.store.Replay(r.Context(), p.facility, req.Batch, content)
	if errors.Is(err, store.ErrNotFound) {
		out, err = s.accept(r.Context(), p, &req, content)
	}
	if errors.Is(err, store.ErrConflict) {
		return refuse(http.StatusConflict, wire.CodeConflict, "the batch number was used for other entries")
	}
	if err != nil {
		return err
	}
	if len(out.Statuses) != len(req.Items) {
		return fmt.Errorf("replay of %d results for %d entries: %w", len(out.Statuses), len(req.Items), store.ErrCorrupt)
	}
	res := &wire.PushResponse{Receipt: out.Receipt, Results: make([]wire.Result, len(req.Items))}
	for i := range req.Items {
		res.Results[i] = wire.Result{ID: req.Items[i].ID(), Status: out.Statuses[i], Code: out.Codes[i]}
	}
	return writeMessage(w, r, res)
}

// accept checks the entries of a batch and makes it durable.
func (s *Server) accept(ctx context.Context, p peer, req *wire.PushRequest, content [32]byte) (*store.Outcome, error) {
	if wait := s.allowEntries(p.facility, len(req.Items)); wait > 0 {
		return nil, later(http.StatusTooManyRequests, wire.CodeRateLimited, "too many entries", wait)
	}
	subjects, err := s.subjectsOf(ctx, req.Items)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	batch := &store.Batch{
		Facility: p.facility, Batch: req.Batch, Content: content, Received: now, Items: make([]store.Item, len(req.Items)),
	}
	s.checkAll(req.Items, batch.Items, subjects, now)
	if err := s.checkDates(ctx, batch.Items, now); err != nil {
		return nil, err
	}
	receipt := trust.Receipt{Batch: req.Batch, At: now}
	for i := range batch.Items {
		item := &batch.Items[i]
		if item.Code != "" {
			// What was accepted once stays accepted, whatever the lists say today.
			held, err := s.store.Holds(ctx, item.Patient, item.ID)
			if err != nil {
				return nil, err
			}
			if !held {
				continue
			}
			item.Code = ""
		}
		receipt.IDs = append(receipt.IDs, item.ID)
	}
	if len(receipt.IDs) > 0 {
		if batch.Receipt, err = s.auth.Receipt(receipt); err != nil {
			return nil, err
		}
	}
	return s.store.Accept(ctx, batch)
}

// checkAll checks entries on all cores.
func (s *Server) checkAll(in []wire.Envelope, out []store.Item, subjects map[record.PatientID]envelope.Subjects, now time.Time) {
	workers := min(runtime.GOMAXPROCS(0), (len(in)+15)/16)
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(in) {
				return
			}
			out[i] = s.check(&in[i], subjects, now)
		}
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// check verifies one entry: its form, its time, its author's key at that time,
// and the signature, which binds it to the patient's subject.
func (s *Server) check(e *wire.Envelope, subjects map[record.PatientID]envelope.Subjects, now time.Time) store.Item {
	item := store.Item{ID: e.ID(), Patient: e.Patient, Sealed: e.Sealed}
	sealed, err := envelope.Parse(e.Sealed)
	if err != nil {
		item.Code = wire.RejectFormat
		return item
	}
	item.Time, item.Author = sealed.Time(), sealed.KID()
	of, known := subjects[e.Patient]
	subject, onCard := of.Of(sealed.Person())
	switch {
	case !known:
		item.Code = wire.RejectUnknownPatient
		return item
	case onCard != nil:
		item.Code = wire.RejectUnknownPerson
		return item
	case sealed.Epoch() != subject.Epoch:
		item.Code = wire.RejectEpoch
		return item
	case item.Time.After(now.Add(wire.MaxClockSkew)):
		item.Code = wire.RejectFuture
		return item
	}
	key, err := s.auth.Trust().Author(item.Author, item.Time)
	switch {
	case errors.Is(err, trust.ErrKeyRevoked):
		item.Code = wire.RejectRevoked
	case errors.Is(err, trust.ErrKeyExpired):
		item.Code = wire.RejectExpired
	case err != nil:
		item.Code = wire.RejectUnknownAuthor
	case !key.Revoked.IsZero() && now.Sub(key.Revoked) > RevocationGrace:
		item.Code = wire.RejectRevoked
	case sealed.Verify(subject, key.Public) != nil:
		item.Code = wire.RejectSignature
	}
	return item
}

// checkDates rejects the good entries that a personalisation station's key has
// signed under a time before its own, unless they are the history of a card
// that the station has just issued.
func (s *Server) checkDates(ctx context.Context, items []store.Item, now time.Time) error {
	open := make(map[*store.Item]trust.Key)
	for i := range items {
		item := &items[i]
		if item.Code != "" {
			continue
		}
		if key, err := s.auth.Trust().Author(item.Author, item.Time); err == nil && authority.OpenDated(&key) {
			open[item] = key
		}
	}
	if len(open) == 0 {
		return nil
	}
	return s.store.View(ctx, func(r store.Reader) error {
		dates := authority.NewDates(r, now)
		for item, key := range open {
			backdated, err := dates.Backdated(&key, item.Patient, item.Time)
			if err != nil {
				return err
			}
			if backdated {
				item.Code = wire.RejectBackdated
			}
		}
		return nil
	})
}

// subjectCache keeps the subjects of patients, which within a key epoch only
// grow: a new card may carry one more person.
type subjectCache struct {
	mu       sync.RWMutex
	subjects map[record.PatientID]envelope.Subjects
}

const subjectCacheOf = 200_000 // about 40 MB

// subjectsOf returns the subjects of the patients of a batch; one that the
// centre does not know is missing.
func (s *Server) subjectsOf(ctx context.Context, items []wire.Envelope) (map[record.PatientID]envelope.Subjects, error) {
	out := make(map[record.PatientID]envelope.Subjects)
	missing := make(map[record.PatientID]bool)
	s.subjects.mu.RLock()
	for i := range items {
		id := items[i].Patient
		if subjects, found := s.subjects.subjects[id]; found && carries(&subjects, items[i].Sealed) {
			out[id] = subjects
		} else {
			missing[id] = true
		}
	}
	s.subjects.mu.RUnlock()
	if len(missing) == 0 {
		return out, nil
	}
	err := s.store.View(ctx, func(r store.Reader) error {
		for id := range missing {
			p, err := r.Patient(id)
			if errors.Is(err, store.ErrNotFound) {
				delete(missing, id)
				continue
			}
			if err != nil {
				return err
			}
			if out[id], err = envelope.ParseSubjects(p.Subjects); err != nil {
				return fmt.Errorf("stored subjects: %w: %w", store.ErrCorrupt, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	if s.subjects.subjects == nil || len(s.subjects.subjects)+len(missing) > subjectCacheOf {
		s.subjects.subjects = make(map[record.PatientID]envelope.Subjects)
	}
	for id := range missing {
		s.subjects.subjects[id] = out[id]
	}
	return out, nil
}

// carries reports whether the subjects are enough to judge an entry: they have
// its person, or it is no entry at all.
func carries(subjects *envelope.Subjects, raw []byte) bool {
	person, ok := envelope.PersonOf(raw)
	return !ok || subjects.Has(person)
}
