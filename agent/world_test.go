package agent

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// nation issues cards and certifies workstations, as the centre does.
type nation struct {
	tb                   testing.TB
	root, issuer, author *ecdsa.PrivateKey
	anchorKey            *ecdsa.PrivateKey
	anchor               *cvc.Certificate
	list                 trust.List
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func newNation(tb testing.TB) *nation {
	tb.Helper()
	n := &nation{tb: tb, root: newKey(tb), issuer: newKey(tb), author: newKey(tb), anchorKey: newKey(tb)}
	n.anchor = must[*cvc.Certificate](tb)(cvc.Issue(cvc.Template{
		CHR: "IQTEST00001", Public: &n.anchorKey.PublicKey, Kind: cvc.KindAnchor, Roles: cvc.AllRoles,
		Rights: cvc.AllRights, From: cvc.DateOf(time.Now().AddDate(-1, 0, 0)), To: cvc.DateOf(time.Now().AddDate(10, 0, 0)),
	}, nil, n.anchorKey))
	n.list = trust.List{Version: 1, Issued: time.Now(), Expires: time.Now().AddDate(0, 1, 0), Keys: []trust.Key{
		n.key(&n.issuer.PublicKey, trust.UsageIssuer, "issuer"),
		n.key(&n.author.PublicKey, trust.UsageAuthor, "Dr Zaynab"),
	}}
	return n
}

func (n *nation) key(pub *ecdsa.PublicKey, usage trust.Usage, name string) trust.Key {
	return trust.Key{
		KID: trust.KIDOf(pub), Public: pub, Usage: usage, Facility: 101, Name: name,
		NotBefore: record.Epoch, NotAfter: time.Now().AddDate(10, 0, 0),
	}
}

// trust is a store with the nation's lists.
func (n *nation) trust(blocked ...[8]byte) *trust.Store {
	store := trust.NewStore(&n.root.PublicKey)
	list := must[[]byte](n.tb)(trust.SignList(n.root, n.list))
	block := must[[]byte](n.tb)(trust.SignBlockList(n.root, trust.BlockList{Version: 1, Issued: time.Now(), Cards: blocked}))
	if err := store.UpdateTrust(list); err != nil {
		n.tb.Fatal(err)
	}
	if err := store.UpdateBlock(block); err != nil {
		n.tb.Fatal(err)
	}
	return store
}

// terminal certifies a terminal until the given day.
func (n *nation) terminal(role cvc.Roles, until time.Time) card.Terminal {
	return n.terminalWith(role, 0, until)
}

// terminalWith gives the terminal more rights than a clinic's.
func (n *nation) terminalWith(role cvc.Roles, more cvc.Rights, until time.Time) card.Terminal {
	from := cvc.DateOf(time.Now().AddDate(0, -1, 0))
	if until.Before(time.Now()) {
		from = cvc.DateOf(until.AddDate(0, -1, 0))
	}
	facilityKey, key := newKey(n.tb), newKey(n.tb)
	facility := must[*cvc.Certificate](n.tb)(cvc.Issue(cvc.Template{
		CHR: "IQFAC00101", Public: &facilityKey.PublicKey, Kind: cvc.KindFacility, Roles: cvc.AllRoles,
		Rights: cvc.AllRights, From: from, To: cvc.DateOf(time.Now().AddDate(1, 0, 0)),
	}, n.anchor, n.anchorKey))
	leaf := must[*cvc.Certificate](n.tb)(cvc.Issue(cvc.Template{
		CHR: "IQTERM00001", Public: &key.PublicKey, Kind: cvc.KindTerminal, Roles: role,
		Rights: cvc.RightAppend | cvc.RightWriteSummary | more, From: from, To: cvc.DateOf(until),
	}, facility, facilityKey))
	return card.Terminal{Chain: [][]byte{facility.Raw, leaf.Raw}, Signer: key}
}

// patient is a personalised card and what is needed to look behind it.
type patient struct {
	card     *softcard.Card
	roots    *envelope.Roots
	subjects envelope.Subjects
	subject  envelope.Subject // the holder's
	keys     *envelope.Keys
}

// testPIN is that of every card; it counts for the holder and the child.
const testPIN = "2718"

// issue personalises a card with a history of so many visits.
func (n *nation) issue(visits int, opts softcard.Options) *patient {
	return n.personalise(visits, nil, opts)
}

// issueWith adds one more entry to the history, as it is.
func (n *nation) issueWith(visits int, raw func(*patient) []byte) *patient {
	return n.personalise(visits, raw, softcard.Options{})
}

func (n *nation) personalise(visits int, extra func(*patient) []byte, opts softcard.Options) *patient {
	tb := n.tb
	ctx := context.Background()
	p := newPatient(tb)
	p.card = softcard.New(opts)
	blank := must[*card.Blank](tb)(card.OpenBlank(ctx, p.card.Transport()))
	key := must[*ecdh.PublicKey](tb)(blank.GenerateKey(ctx))
	cardID := blank.Info().ID
	security := must[[]byte](tb)(trust.SignCardSecurity(n.issuer, trust.CardSecurity{Card: cardID, Public: key, NotAfter: time.Now().AddDate(10, 0, 0)}))
	identity := must[[]byte](tb)(family().Encode())
	idFile := must[[]byte](tb)(trust.SignIdentity(n.issuer, trust.IDFile{Card: cardID, Subjects: p.subjects, Identity: identity, Issued: time.Now()}))
	for _, step := range []func() error{
		func() error { return blank.PutAnchor(ctx, n.anchor.Raw) },
		func() error { return blank.PutDate(ctx, time.Now()) },
		func() error {
			for _, person := range p.subjects.Persons() {
				if err := blank.PutKeys(ctx, person, p.keysOf(tb, person).Map()); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return blank.PutPIN(ctx, family().VerifiesFor(0), []byte(testPIN)) },
		func() error { return blank.WriteFile(ctx, card.FileSecurity, security) },
		func() error { return blank.WriteFile(ctx, card.FileID, idFile) },
		func() error {
			plain := must[[]byte](tb)((&record.Summary{}).Encode())
			sums := must[*envelope.Summaries](tb)((&envelope.Summaries{}).With(
				n.seal(p, time.Now(), map[record.Section][]byte{record.SectionSummary: plain})))
			_, err := blank.WriteSummary(ctx, 0, sums.Bytes())
			return err
		},
		func() error {
			for i := range visits {
				e := visit(i)
				sections := must[map[record.Section][]byte](tb)(e.Sections())
				if _, err := blank.Append(ctx, uint32(i), n.seal(p, e.Start, sections)); err != nil {
					return err
				}
			}
			if extra == nil {
				return nil
			}
			_, err := blank.Append(ctx, uint32(visits), extra(p))
			return err
		},
		func() error { return blank.Activate(ctx) },
		blank.Close,
	} {
		if err := step(); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

func (n *nation) seal(p *patient, at time.Time, sections map[record.Section][]byte) []byte {
	n.tb.Helper()
	return n.sealFor(p, 0, at, sections)
}

// sealFor seals an entry of one person on the card.
func (n *nation) sealFor(p *patient, person uint8, at time.Time, sections map[record.Section][]byte) []byte {
	n.tb.Helper()
	author := envelope.Author{KID: trust.KIDOf(&n.author.PublicKey), Signer: n.author}
	subject := must[envelope.Subject](n.tb)(p.subjects.Of(person))
	meta := envelope.Meta{Person: person, Time: at}
	return must[[]byte](n.tb)(envelope.Seal(subject, p.keysOf(n.tb, person), author, meta, sections, rand.Reader))
}

// family is who is on every card here: the holder, a spouse and a child.
func family() *record.Identity {
	name := func(given string) record.Names {
		return record.Names{Latin: &record.Name{Given: []string{given}, Family: "Person"}}
	}
	return &record.Identity{
		Names: name("Synthetic"), Guards: record.PersonsOf(2),
		Family: []record.Member{
			{Person: 1, Relation: record.RelationSpouse, Names: name("Spouse"), Guards: record.PersonsOf(2)},
			{Person: 2, Relation: record.RelationChild, Names: name("Child")},
		},
	}
}

// newPatient makes the keys of a family.
func newPatient(tb testing.TB) *patient {
	tb.Helper()
	p := &patient{roots: must[*envelope.Roots](tb)(envelope.NewRoots(rand.Reader))}
	var id record.PatientID
	_, _ = rand.Read(id[:])
	var list []envelope.Subject
	for _, person := range family().Persons().List() {
		list = append(list, must[envelope.Subject](tb)(p.roots.Subject(id, 0, person)))
	}
	p.subjects = must[envelope.Subjects](tb)(envelope.NewSubjects(list...))
	p.subject, p.keys = list[0], p.keysOf(tb, 0)
	return p
}

func (p *patient) keysOf(tb testing.TB, person uint8) *envelope.Keys {
	tb.Helper()
	return must[*envelope.Keys](tb)(p.roots.Person(person))
}

// visit is the i-th encounter of a synthetic history.
func visit(i int) *record.Entry {
	return &record.Entry{
		Start:     time.Date(2020, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, i, 0),
		Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "J06.9"}}},
		Prescriptions: []record.Prescription{{
			Medicine: record.Code{System: terms.ATC, Value: "N02BE01"}, Days: 5,
		}},
	}
}

// desk is an agent with one reader in process.
type desk struct {
	agent  *Agent
	cache  *cache.Cache
	reader *testReader
	events <-chan Event
}

type deskOptions struct {
	role     cvc.Roles
	until    time.Time
	blocked  [][8]byte
	wrap     func(card.Transport) card.Transport
	path     string       // of the cache
	readers  card.Readers // instead of the reader in process
	log      *slog.Logger // nil: none
	idle     time.Duration
	rights   cvc.Rights // beyond those of a clinic
	scanners Scanners
	place    entitle.Place
}

func (n *nation) desk(opts deskOptions) *desk {
	tb := n.tb
	tb.Helper()
	if opts.role == 0 {
		opts.role = cvc.RolePhysician
	}
	if opts.until.IsZero() {
		opts.until = time.Now().AddDate(0, 1, 0)
	}
	if opts.path == "" {
		opts.path = filepath.Join(tb.TempDir(), "cache.db")
	}
	log := opts.log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	store := must[*cache.Cache](tb)(cache.Open(opts.path, [32]byte{1}, log))
	d := &desk{cache: store, reader: &testReader{wrap: opts.wrap, change: make(chan struct{}, 1)}}
	var readers card.Readers = d.reader
	var only []string
	if opts.readers != nil {
		readers = opts.readers
		if _, own := readers.(*dual); !own {
			only = []string{testpcsc.Slots()[0].Reader}
		}
	}
	d.agent = must[*Agent](tb)(New(Config{
		Version: "test", Only: only, Facility: 101, Place: opts.place, Role: opts.role.String(), Terminal: n.terminalWith(opts.role, opts.rights, opts.until),
		Author: envelope.Author{KID: trust.KIDOf(&n.author.PublicKey), Signer: n.author}, Idle: opts.idle,
		Readers: readers, Scanners: opts.scanners, Cache: store, Trust: n.trust(opts.blocked...), Log: log,
		Centre: func(s client.Store) (*client.Client, error) {
			return client.New(client.Config{
				BaseURL: "https://127.0.0.1:1", TLS: &tls.Config{MinVersion: tls.VersionTLS13},
				Verify: func([]byte, [16]byte, []record.EntryID) error { return client.ErrProtocol },
				Accept: func(string, []byte) (uint64, error) { return 0, client.ErrProtocol },
			}, s)
		},
	}))
	events, cancel := d.agent.Subscribe(0)
	d.events = events
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.agent.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Errorf("agent ended with %v", err)
		}
		cancel()
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// await returns the first event of one of the kinds.
func (d *desk) await(tb testing.TB, kinds ...string) Event {
	tb.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case ev, ok := <-d.events:
			if !ok {
				tb.Fatal("event stream ended")
			}
			if slices.Contains(kinds, ev.Kind) {
				return ev
			}
		case <-timeout:
			tb.Fatalf("no event of %v", kinds)
		}
	}
}

// tap puts the card in and waits until it is read, or fails.
func (d *desk) tap(tb testing.TB, p *patient) (Visit, *Failure) {
	tb.Helper()
	d.reader.put(p.card)
	return d.read(tb)
}

// tapped is tap for a card that must be read.
func (d *desk) tapped(tb testing.TB, p *patient) Visit {
	tb.Helper()
	v, failure := d.tap(tb, p)
	if failure != nil {
		tb.Fatal(failure.Code)
	}
	return v
}

// read waits until a card is read, or fails.
func (d *desk) read(tb testing.TB) (Visit, *Failure) {
	tb.Helper()
	ev := d.await(tb, KindRecordsReady, KindFailure)
	if ev.Kind == KindFailure && ev.Visit == "" {
		return Visit{}, ev.Failure
	}
	for ev.Kind != KindRecordsReady {
		ev = d.await(tb, KindRecordsReady)
	}
	v, ok := d.agent.Visit(ev.Visit)
	if !ok {
		tb.Fatal("the visit is not there")
	}
	return v, nil
}

// take takes the card out and waits until the agent has noticed.
func (d *desk) take(tb testing.TB) {
	tb.Helper()
	d.reader.put(nil)
	d.await(tb, KindCardRemoved)
}

const readerName = "Reader in process"

// testReader is a reader whose card is put in and taken out by the test. The
// real one cannot be made to lose its card at a chosen command.
type testReader struct {
	wrap   func(card.Transport) card.Transport
	mu     sync.Mutex
	card   *softcard.Card
	change chan struct{}
}

func (r *testReader) put(c *softcard.Card) {
	r.mu.Lock()
	if r.card != nil && c == nil {
		r.card.Remove()
	}
	r.card = c
	r.mu.Unlock()
	r.change <- struct{}{}
}

func (r *testReader) Watch(ctx context.Context, emit func(card.Event)) error {
	emit(card.Event{Kind: card.ReaderAdded, Reader: readerName, At: time.Now()})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.change:
		}
		r.mu.Lock()
		kind := card.CardRemoved
		if r.card != nil {
			kind = card.CardInserted
		}
		r.mu.Unlock()
		emit(card.Event{Kind: kind, Reader: readerName, At: time.Now()})
	}
}

func (r *testReader) Connect(context.Context, string) (card.Transport, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.card == nil {
		return nil, card.ErrNoCard
	}
	t := r.card.Transport()
	if r.wrap != nil {
		t = r.wrap(t)
	}
	return t, nil
}
