package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
)

// openCard is an authenticated card in a reader and what was read from it.
type openCard struct {
	session  *card.Session
	info     card.Info
	security []byte
	secure   trust.CardSecurity
	idRaw    []byte
	id       trust.IDFile
	identity *record.Identity
	cover    *record.Cover
	books    map[uint8]*book // by person, those whose keys were asked for
	book     *book           // of the person who is shown
	head     card.Head
	known    cache.CardState
	knows    bool
	sumRaw   []byte // EF.SUM
	sums     *envelope.Summaries
	fresh    [][]byte                         // entries read from the card and not kept yet, newest first
	places   []cache.LogEntry                 // of all that was read
	revised  map[record.EntryID]*record.Entry // opened for summaries: many writes may wait for one tap
	problems []Failure
	visit    string
	steps    []Step

	sumsClosed bool // there are summaries, but they cannot be read here
}

// The read path: named steps, carried out in this order. After those of
// tapIdentity the page can show who has come; after those of tapRecord, all.
var (
	tapIdentity = []tapStep{
		{"connect", (*reader).connect},
		{"recognise", (*reader).recognise},
		{"authenticate", (*reader).authenticate},
		{"identity", (*reader).readIdentity},
		{"keys", (*reader).readKeys},
		{"summary", (*reader).readSummary},
	}
	tapRecord = []tapStep{
		{"entries", (*reader).readEntries},
		{"keep", (*reader).keep},
		{"settle", (*reader).settle},
		{"open", (*reader).show},
	}
)

type tapStep struct {
	name string
	do   func(*reader, context.Context, *openCard) error
}

// tapLimit is how long a tap may take, whatever the card does; an honest card
// with a full log, on the slowest link, takes a third of it.
const tapLimit = 30 * time.Second

// tap carries out the read path on the card in the reader. It owes
// card.ErrTooSlow when that takes longer than Agent.patience.
func (r *reader) tap(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.a.patience, card.ErrTooSlow)
	defer cancel()
	err := r.read(ctx)
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), card.ErrTooSlow) {
		err = fmt.Errorf("%w: %w", card.ErrTooSlow, err)
	}
	return err
}

func (r *reader) read(ctx context.Context) error {
	c := &openCard{books: make(map[uint8]*book), sums: &envelope.Summaries{}}
	r.open = nil
	if err := r.steps(ctx, c, tapIdentity); err != nil {
		c.wipe()
		return err
	}
	if !r.openVisit(c) {
		c.wipe()
		_ = c.session.Close() // that the operator has changed is the thing to tell
		return errOperatorChanged
	}
	r.a.publish(Event{Kind: KindIdentityReady, Reader: r.name, Visit: c.visit})
	if err := r.steps(ctx, c, tapRecord); err != nil {
		return err
	}
	c.session.Rest()
	r.a.publish(Event{Kind: KindRecordsReady, Reader: r.name, Visit: c.visit})
	stats := c.session.Stats()
	r.a.cfg.Log.InfoContext(ctx, "card read", logkey.Reader, r.name, logkey.Visit, c.visit,
		logkey.Entries, len(c.fresh), logkey.APDUs, stats.APDUs, logkey.Bytes, stats.Sent+stats.Received)
	r.a.refresh(c.id.Subjects.Patient) //nolint:contextcheck // lives as long as Run, not as the tap
	return nil
}

func (r *reader) steps(ctx context.Context, c *openCard, steps []tapStep) error {
	for _, s := range steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		begin := time.Now()
		err := s.do(r, ctx, c)
		took := time.Since(begin)
		c.steps = append(c.steps, Step{Name: s.name, Took: took})
		r.a.cfg.Log.DebugContext(ctx, "tap step", logkey.Reader, r.name, logkey.Step, s.name, logkey.Took, took)
		if err != nil {
			if c.session != nil {
				_ = c.session.Close() // the step's error is the one to tell
			}
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// connect opens the slot and selects the card's application.
func (r *reader) connect(ctx context.Context, c *openCard) error {
	session, err := r.a.prober.Open(ctx, r.name, func(ctx context.Context) (card.Transport, error) {
		return r.a.cfg.Readers.Connect(ctx, r.name)
	})
	if err != nil {
		return err
	}
	c.session, c.info = session, session.Info()
	if err := r.a.claim(r, c.info.ID); err != nil {
		return err
	}
	return c.info.State.Err()
}

// recognise finds the card's signed public key, from the cache when it is
// there, and refuses a card that the block list names.
func (r *reader) recognise(ctx context.Context, c *openCard) error {
	if r.a.cfg.Trust.Blocked(c.info.ID) {
		return card.ErrBlocked
	}
	var err error
	if c.known, c.knows, err = r.a.cfg.Cache.Card(c.info.ID); err != nil {
		return err
	}
	c.security = c.known.Security
	if len(c.security) == 0 {
		if c.security, err = c.session.Security(ctx); err != nil {
			return err
		}
	}
	if c.secure, err = r.a.cfg.Trust.CardSecurity(c.security, time.Now()); err != nil {
		return err
	}
	if c.secure.Card != c.info.ID {
		return fmt.Errorf("card security names another card: %w", card.ErrMalformed)
	}
	return nil
}

// authenticate proves card and terminal to each other.
func (r *reader) authenticate(ctx context.Context, c *openCard) error {
	if !r.who.expires.IsZero() && time.Now().After(r.who.expires) {
		return ErrTerminalExpired
	}
	err := c.session.Authenticate(ctx, c.secure.Public, r.who.terminal)
	if errors.Is(err, card.ErrSecureMessaging) {
		// Session keys are fresh: whatever answers does not hold the chip's key.
		return fmt.Errorf("%w: %w", errChipUnproven, err)
	}
	return err
}

// errOperatorChanged ends a tap whose operator has signed out meanwhile.
var errOperatorChanged = errors.New("operator has changed")

var errChipUnproven = errors.New("card did not prove that it is genuine")

func (r *reader) readIdentity(ctx context.Context, c *openCard) error {
	var err error
	if c.idRaw, err = c.session.ReadFile(ctx, card.FileID); err != nil {
		return err
	}
	if c.id, err = r.a.cfg.Trust.Identity(c.idRaw); err != nil {
		return err
	}
	if c.id.Card != c.info.ID {
		return fmt.Errorf("identity names another card: %w", card.ErrMalformed)
	}
	if c.identity, err = record.DecodeIdentity(c.id.Identity); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if len(c.id.Cover) > 0 {
		if c.cover, err = record.DecodeCover(c.id.Cover); err != nil {
			return fmt.Errorf("cover: %w", err)
		}
	}
	return nil
}

// readKeys takes the holder's section keys that the card gives to this role,
// and the head of its log.
func (r *reader) readKeys(ctx context.Context, c *openCard) error {
	var err error
	if c.book, err = r.bookOf(ctx, c, 0); err != nil {
		return err
	}
	c.head, err = c.session.Head(ctx)
	return err
}

// readEntries reads what the cache has not seen of the log, newest first.
func (r *reader) readEntries(ctx context.Context, c *openCard) error {
	known, _ := knownHead(c)
	gap, err := r.a.gapInLog(c.info.ID, c.head, known)
	if err != nil {
		return err
	}
	if !gap {
		return r.readLog(ctx, c, known)
	}
	if err := r.readLog(ctx, c, card.Head{}); err != nil {
		return err
	}
	return c.follows(known)
}

// follows reports whether a log that was read whole leads from a head that was
// kept, as a log that is read in part must. It owes card.ErrChain.
func (c *openCard) follows(known card.Head) error {
	chain := c.head.StartChain
	for _, p := range slices.Backward(c.places) { // from the oldest on
		if p.Seq <= known.Seq {
			chain = card.ExtendChain(chain, p.ID)
		}
	}
	if known.Seq > c.head.Seq || chain != known.Chain {
		return fmt.Errorf("read log: %w", card.ErrChain)
	}
	return nil
}

// readLog adds to c.fresh what lies above a known head, up to c.head.
func (r *reader) readLog(ctx context.Context, c *openCard, known card.Head) error {
	return c.session.Entries(ctx, c.head, known, func(seq uint32, sealed []byte) error {
		c.places = append(c.places, cache.LogEntry{Seq: seq, ID: envelope.IDOf(sealed)})
		if _, err := envelope.Parse(sealed); err != nil {
			c.problems = append(c.problems, Classify(err))
			return nil
		}
		c.fresh = append(c.fresh, sealed)
		return nil
	})
}

// keep puts all that was read into the cache, in one transaction.
func (r *reader) keep(_ context.Context, c *openCard) error {
	head, err := c.head.MarshalBinary()
	if err != nil {
		return err
	}
	keys := r.keySet(c, c.id.Subjects.Persons()...)
	defer wipeSet(keys)
	err = r.a.cfg.Cache.PutRead(cache.Read{
		Card: c.info.ID, Patient: c.id.Subjects.Patient, Subjects: c.id.Subjects.Bytes(),
		Security: c.security, IDFile: c.idRaw, SummarySealed: c.sumRaw, Head: head,
		Entries: c.fresh, Log: c.places, Keys: keys,
		Audit: r.audit("read", ""),
	})
	if err != nil {
		return err
	}
	return r.forgetIfOver()
}

// knownHead is the head of this card's log when it was last read here.
func knownHead(c *openCard) (card.Head, bool) {
	var h card.Head
	if !c.knows || len(c.known.Head) == 0 || h.UnmarshalBinary(c.known.Head) != nil {
		return card.Head{}, false
	}
	return h, true
}

// openVisit makes the visit that the page shows, as far as it is known. It
// reports false when another than began the tap is at the workstation now.
func (r *reader) openVisit(c *openCard) bool {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	c.visit = hex.EncodeToString(id[:])
	v := &Visit{
		ID: c.visit, Reader: r.name, Card: c.info.ID, Patient: c.id.Subjects.Patient,
		Opened: time.Now().UTC(), Present: true, Role: r.who.role,
		Identity: c.identity, Cover: c.cover, Persons: record.PersonsOf(c.id.Subjects.Persons()...),
		Entries: []VisitEntry{}, Steps: c.steps, Stats: c.session.Stats(),
	}
	v.turn(c.book)
	if !r.a.visits.open(v, c.id.Subjects, c.id.Issued, c.books, r.who.gen) {
		return false
	}
	r.open = c
	return true
}
