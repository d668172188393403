package agent

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/replay"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// Config is what an Agent is made of. All fields but Only, Scanners and Liveness are needed.
type Config struct {
	Version  string        // of the program, for Health
	Facility uint32        // number of the facility that the workstation belongs to
	Place    entitle.Place // its kind, by which patients' shares differ
	// CoverRules returns the rules in use by which the cover pays; nil: the
	// program's own.
	CoverRules func() *entitle.Schedule
	Role       string        // role in the workstation's own terminal certificate
	Only       []string      // readers to serve; empty means all
	Found      []error       // what is not as it should be from the start, for Health
	Expires    time.Time     // end of the terminal certificate
	Terminal   card.Terminal // proves the workstation to cards
	Author     envelope.Author
	Idle       time.Duration // without Active, after which an operator is signed out; 0: never
	// Operators knows who may sign in; nil: nobody.
	Operators Operators
	Readers   card.Readers
	// Scanners takes fingers; nil: none.
	Scanners Scanners
	// Liveness says what counts of a device's own word about a finger.
	Liveness Liveness
	Cache    *cache.Cache
	Trust    *trust.Store
	// Centre makes the client of the centre on a store that the agent gives.
	Centre func(client.Store) (*client.Client, error)
	Log    *slog.Logger
}

// rolePhysician is the role that keeps the summary on the card.
const rolePhysician = "physician"

// Agent carries out the two data paths. It is safe for concurrent use.
type Agent struct {
	cfg     Config
	bus     *bus
	visits  *visits
	centre  *client.Client
	started time.Time
	prober  card.Prober // what each reader passes, as long as the agent runs
	fingers fingers
	seen    sightings     // fingers that were accepted
	replays *replay.Guard // knows the fingers again that were captured

	patience time.Duration // how long a tap may take

	mu      sync.Mutex // guards what follows
	readers map[string]*reader
	claims  map[string]holding            // by device, what its slots have open
	waiting map[*reader]string            // who waits for which device
	missed  map[record.PatientID]struct{} // to be compared with the centre
	wanted  map[card.ID]wantedLog         // of whose logs receipts are wanted
	pcscUp  bool
	who     actor     // on whose behalf cards are read
	active  time.Time // the operator's last sign of life
	running *errgroup.Group
	ctx     context.Context //nolint:containedctx // the life of Run, which readers that appear later join
}

// New makes an agent; Run starts it. It owes what Config.Centre returns.
func New(cfg Config) (*Agent, error) {
	a := &Agent{
		cfg: cfg, patience: tapLimit, bus: newBus(), visits: newVisits(),
		started: time.Now().UTC(), readers: make(map[string]*reader), missed: make(map[record.PatientID]struct{}),
		claims: make(map[string]holding), waiting: make(map[*reader]string),
		wanted: make(map[card.ID]wantedLog), pcscUp: true,
	}
	a.who = a.device(1)
	a.fingers.open = make(map[string]context.CancelCauseFunc)
	var err error
	if a.replays, err = replay.NewGuard(replaysKept); err != nil {
		return nil, err
	}
	a.centre, err = cfg.Centre(&syncStore{cfg.Cache, a})
	return a, err
}

// Run serves readers and synchronises until ctx ends. It returns nil when ctx
// ended it, after every reader and loop has stopped.
func (a *Agent) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	a.mu.Lock()
	a.running, a.ctx = group, ctx
	a.mu.Unlock()
	group.Go(func() error {
		if err := a.cfg.Readers.Watch(ctx, a.onReader); err != nil && ctx.Err() == nil {
			return fmt.Errorf("watch readers: %w", err)
		}
		return nil
	})
	group.Go(func() error { return a.sweep(ctx) })
	group.Go(func() error {
		if err := a.centre.Run(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("exchange with the centre: %w", err)
		}
		return nil
	})
	err := group.Wait()
	a.signOut(0, outStopped)
	a.bus.closeAll()
	return err
}

// onReader takes an event of the reader watch. It never blocks: what takes
// time is done by the reader's own goroutine.
func (a *Agent) onReader(ev card.Event) {
	if ev.Reader != "" && len(a.cfg.Only) > 0 && !slices.Contains(a.cfg.Only, ev.Reader) {
		return
	}
	switch ev.Kind {
	case card.ServiceDown, card.ServiceUp:
		a.setService(ev.Kind == card.ServiceUp)
	case card.ReaderAdded:
		a.reader(ev.Reader)
		a.publish(Event{Kind: KindReaderAdded, Reader: ev.Reader, At: ev.At})
	case card.ReaderRemoved:
		a.reader(ev.Reader).note(false, nil)
		a.publish(Event{Kind: KindReaderRemoved, Reader: ev.Reader, At: ev.At})
		a.dropReader(ev.Reader)
		a.credentialGone(ev.Reader)
	case card.CardInserted:
		r := a.reader(ev.Reader)
		a.publish(Event{Kind: KindCardInserted, Reader: ev.Reader, At: ev.At})
		r.note(true, ev.ATR)
	case card.CardRemoved:
		r := a.reader(ev.Reader)
		r.note(false, nil)
		visit := a.visits.leave(ev.Reader)
		a.fingers.cancel(visit, card.ErrRemoved)
		a.publish(Event{Kind: KindCardRemoved, Reader: ev.Reader, Visit: visit, At: ev.At})
		a.credentialGone(ev.Reader)
	}
}

func (a *Agent) setService(up bool) {
	a.mu.Lock()
	changed := a.pcscUp != up
	a.pcscUp = up
	a.mu.Unlock()
	switch {
	case !changed:
	case up:
		a.publish(Event{Kind: KindServiceUp})
	default:
		f := Classify(card.ErrServiceDown)
		a.publish(Event{Kind: KindServiceDown, Failure: &f})
	}
}

// reader returns the named reader's goroutine, starting it when it is new.
func (a *Agent) reader(name string) *reader {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.readers[name]; ok {
		return r
	}
	r := newReader(a, name)
	a.readers[name] = r
	ctx := a.ctx
	a.running.Go(func() error { r.run(ctx); return nil })
	return r
}

func (a *Agent) dropReader(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.readers[name]; ok {
		r.end()
		delete(a.readers, name)
	}
}

// sweep forgets visits whose card left long ago and section keys whose time
// is over, and tells when the exchange with the centre changes its state.
func (a *Agent) sweep(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var told client.Status
	expire := time.Now().Add(time.Minute)
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			a.visits.sweep(now)
			a.watchOperator(now)
			if a.cfg.Cache.Broken() {
				return fmt.Errorf("keep records: %w", cache.ErrCorrupt) // it has to be opened anew
			}
			if s := a.centre.Status(); s.Online != told.Online || s.LastError != told.LastError || s.Outbox != told.Outbox || s.Quarantined != told.Quarantined || s.Refused != told.Refused {
				if s.Online && !told.Online {
					a.refreshMissed() //nolint:contextcheck // each lives as long as Run
				}
				told = s
				a.publish(Event{Kind: KindSyncStatus, Failure: centreFailure(s)})
			}
			if now.Before(expire) {
				continue
			}
			expire = now.Add(time.Minute)
			if told.Online {
				a.refreshMissed() //nolint:contextcheck // each lives as long as Run
			}
			if _, err := a.cfg.Cache.ExpireKeys(now); err != nil {
				a.fail("", "", err)
			}
		}
	}
}

func (a *Agent) publish(ev Event) { a.bus.publish(ev) }

// fail classifies err, logs it once and tells the page.
func (a *Agent) fail(reader, visit string, err error) Failure {
	f := Classify(err)
	a.cfg.Log.Warn("failure", logkey.Code, f.Code, logkey.Reader, reader, logkey.Error, err)
	a.publish(Event{Kind: KindFailure, Reader: reader, Visit: visit, Failure: &f})
	return f
}

// Subscribe returns the events after the given number and a function that
// ends the subscription. The channel is closed when the agent stops, or when
// the subscriber fell too far behind: then subscribe again from the last one.
func (a *Agent) Subscribe(after uint64) (<-chan Event, func()) { return a.bus.subscribe(after) }

// Visits returns the visits that are still readable, newest first.
func (a *Agent) Visits() []Visit {
	held := a.visits.all()
	out := make([]Visit, 0, len(held))
	for i := range held {
		out = append(out, a.covered(&held[i]))
	}
	return out
}

// Visit returns one visit.
func (a *Agent) Visit(id string) (Visit, bool) {
	h, ok := a.visits.held(id)
	if !ok {
		return Visit{}, false
	}
	return a.covered(&h), true
}

// Readers returns the readers, by name.
func (a *Agent) Readers() []ReaderState {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]ReaderState, 0, len(a.readers))
	for name, r := range a.readers {
		state := r.stateNow()
		state.Device = a.deviceOf(name)
		out = append(out, state)
	}
	slices.SortFunc(out, func(x, y ReaderState) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

// Sync returns the state of the exchange with the centre. The lists are those
// in use, wherever they came from.
func (a *Agent) Sync() client.Status {
	s := a.centre.Status()
	s.TrustVersion, s.BlockVersion = a.cfg.Trust.Versions()
	return s
}

// List returns a list of the centre as it was signed, nil when none was kept.
func (a *Agent) List(name string) ([]byte, error) { return a.cfg.Cache.List(name) }

// Health returns the agent's own state.
func (a *Agent) Health() Health {
	a.mu.Lock()
	h := Health{
		Version: a.cfg.Version, Started: a.started, PCSC: "up",
		Facility: a.cfg.Facility, Role: a.cfg.Role,
	}
	if !a.pcscUp {
		h.PCSC = "down"
		h.Problems = append(h.Problems, Classify(card.ErrServiceDown))
	}
	a.mu.Unlock()
	if a.cfg.Trust.Age(time.Now()).Trust < -clockSkew {
		h.Problems = append(h.Problems, Classify(ErrClock))
	}
	if a.centre.Status().Refused != "" {
		h.Problems = append(h.Problems, Classify(ErrListRefused))
	}
	for _, err := range a.cfg.Found {
		h.Problems = append(h.Problems, Classify(err))
	}
	if !a.cfg.Expires.IsZero() && time.Now().After(a.cfg.Expires) {
		h.Problems = append(h.Problems, Classify(ErrTerminalExpired))
	}
	if who, ok := a.Operator(); ok {
		h.Operator = &who
	}
	return h
}

// Append writes one encounter for an open visit: checked, signed, sealed,
// written to the card, kept and handed to the exchange with the centre. It
// owes ErrNoVisit, record.ErrInvalid, *AlertsError, ErrLocked, card.ErrFull,
// card.ErrEntryTooLarge and, when the card left during the write,
// ErrWriteUnknown together with a Written that says where the entry is.
func (a *Agent) Append(ctx context.Context, visitID string, draft *record.Entry) (Written, error) {
	v, ok := a.visits.held(visitID)
	if !ok {
		return Written{}, ErrNoVisit
	}
	draft = a.share(&v, draft)
	if v.Cardless {
		return a.appendCardless(visitID, draft)
	}
	var written Written
	err := a.atReader(ctx, v.Reader, func(r *reader) error {
		draft, err := a.answered(visitID, draft)
		if err == nil {
			written, err = r.write(ctx, visitID, draft)
		}
		return err
	})
	return written, err
}
