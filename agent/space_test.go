package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

var quiet = slog.New(slog.DiscardHandler)

// country is a whole centre on loopback, its clinics, and one patient.
type country struct {
	auth    *authority.Authority
	store   *sqlite.Store
	card    *softcard.Card
	patient record.PatientID
	clinics []*clinic
}

// clinic is a workstation whose steps the test calls one by one, so that
// nothing depends on time. The line to the centre is up or down as the test says.
type clinic struct {
	name   string
	home   *home.Home
	agent  *Agent
	reader *reader
	web    *http.Client
}

// slotOf is a reader with one card in it.
type slotOf struct{ card *softcard.Card }

func (s slotOf) Watch(ctx context.Context, _ func(card.Event)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s slotOf) Connect(context.Context, string) (card.Transport, error) {
	return s.card.Transport(), nil
}

func newCountry(t *testing.T) *country {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	listener := must[net.Listener](t)(new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"))
	n := &country{card: softcard.New(softcard.Options{})}
	n.store = must[*sqlite.Store](t)(sqlite.Open(ctx, filepath.Join(dir, "centre.db"), sqlite.Options{}))
	n.auth = must[*authority.Authority](t)(authority.Init(ctx, dir, n.store, authority.Config{Name: "Test centre", URL: "https://" + listener.Addr().String()}))
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- central.New(n.auth, n.store, central.Limits{RequestsPerSecond: 1e9, BurstRequests: 1e9}, quiet).Serve(serving, listener)
	}()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, n.store.Close()); err != nil {
			t.Error(err)
		}
	})
	station := n.enrol(t, 1, cvc.RoleIssuer)
	api := must[*client.Client](t)(station.Client(nil, quiet))
	t.Cleanup(api.Close)
	desk := personalise.Station{Readers: slotOf{n.card}, Centre: api, Author: station.Author}
	res := must[personalise.Result](t)(desk.Issue(ctx, "reader", &fhir.Bundle{
		Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Given: []string{"Synthetic"}, Family: "Elder"}}},
		Summary:  &record.Summary{},
	}))
	n.patient = res.Patient
	return n
}

// operator is somebody of a facility with a role.
func (n *country) operator(t *testing.T, facility uint32, role cvc.Roles) Operator {
	t.Helper()
	author, terminal := newKey(t), newKey(t)
	req := &wire.OperatorRequest{Facility: facility, Name: "Somebody"}
	if err := req.Sign(author, terminal); err != nil {
		t.Fatal(err)
	}
	grant := must[*wire.OperatorGrant](t)(n.auth.EnrolOperator(t.Context(), req, authority.OperatorOptions{Role: role, Rights: authority.RightsOf(role)}))
	return Operator{
		ID: "somebody", Name: "Somebody", Role: role.String(), Expires: time.Now().AddDate(0, 1, 0), Vault: [32]byte{7},
		Terminal: card.Terminal{Chain: grant.TerminalChain, Signer: terminal},
		Author:   envelope.Author{KID: grant.AuthorKID, Signer: author},
	}
}

func (n *country) enrol(t *testing.T, facility uint32, role cvc.Roles) *home.Home {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ws")
	req := new(wire.EnrolRequest)
	if err := wire.Decode(must[[]byte](t)(home.Request(dir, "Facility", "desk")), req); err != nil {
		t.Fatal(err)
	}
	grant := must[*wire.EnrolGrant](t)(n.auth.Enrol(t.Context(), req, authority.EnrolOptions{Facility: facility, Role: role, Rights: authority.RightsOf(role)}))
	if err := home.Accept(dir, must[[]byte](t)(wire.Encode(grant))); err != nil {
		t.Fatal(err)
	}
	return must[*home.Home](t)(home.Load(dir))
}

// clinic opens a workstation.
func (n *country) clinic(t *testing.T, name string, role cvc.Roles) *clinic {
	t.Helper()
	h := n.enrol(t, uint32(2+len(n.clinics)), cvc.RoleReceptionist)
	kept := must[*cache.Cache](t)(cache.Open(home.CachePath(h.Dir), h.CacheKey, quiet))
	k := &clinic{name: name, home: h}
	k.agent = must[*Agent](t)(New(Config{
		Version: "test", Facility: h.Grant.Facility, Role: h.Role, Terminal: h.Terminal, Author: h.Author,
		Readers: slotOf{n.card}, Cache: kept, Trust: h.Trust, Log: quiet, CoverRules: h.CoverRules,
		Centre: func(s client.Store) (*client.Client, error) { return h.Client(s, quiet) },
	}))
	k.reader = newReader(k.agent, "reader")
	k.agent.SignIn(n.operator(t, h.Grant.Facility, role))
	k.reader.who = k.agent.actor()
	k.agent.running, k.agent.ctx = new(errgroup.Group), context.Background()
	k.web = &http.Client{Transport: &http.Transport{TLSClientConfig: h.TLS, ForceAttemptHTTP2: true}}
	t.Cleanup(func() {
		k.web.CloseIdleConnections()
		k.agent.centre.Close()
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	n.clinics = append(n.clinics, k)
	for _, other := range n.clinics { // each knows the others' authors
		if err := other.agent.centre.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// tap reads the card, but for opening the whole record, and settles.
func (k *clinic) tap(t *testing.T) *openCard {
	t.Helper()
	c := &openCard{books: make(map[uint8]*book), sums: &envelope.Summaries{}}
	if err := k.reader.steps(t.Context(), c, tapIdentity); err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
	if !k.reader.openVisit(c) {
		t.Fatalf("%s: no visit", k.name)
	}
	if err := k.reader.steps(t.Context(), c, tapRecord[:len(tapRecord)-1]); err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
	return c
}

// write carries out one visit's write path.
func (k *clinic) write(t *testing.T, c *openCard, e *record.Entry) Written {
	t.Helper()
	w, err := k.reader.write(t.Context(), c.visit, e)
	if err != nil || !slices.Contains(w.Where, AtCache) {
		t.Fatalf("%s: the visit was refused: %+v, %v", k.name, w, err)
	}
	return w
}

// exchange does what the loops do while the line is up: entries go and come,
// receipts are asked for, and of an open visit what the card carried is sent on.
func (k *clinic) exchange(t *testing.T, c *openCard, open bool) {
	t.Helper()
	ctx := t.Context()
	k.push(t)
	k.agent.visits.update(c.visit, func(v *Visit) { v.Ready = open })
	if err := k.agent.fetch(ctx, c.patient()); err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
	k.push(t) // what it relayed
	if err := k.agent.askReceipts(ctx, c.patient()); err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
}

// push empties the outbox.
func (k *clinic) push(t *testing.T) {
	t.Helper()
	for {
		items := must[[]wire.Envelope](t)(k.agent.cfg.Cache.OutboxBatch(wire.MaxItems, 1<<20))
		if len(items) == 0 {
			return
		}
		req := &wire.PushRequest{Items: items}
		_, _ = rand.Read(req.Batch[:])
		post := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, k.home.CentreURL()+wire.PathRecords,
			bytes.NewReader(must[[]byte](t)(wire.Encode(req)))))
		post.Header.Set("Content-Type", wire.ContentCBOR)
		raw, err := k.web.Do(post)
		if err != nil {
			t.Fatal(err)
		}
		resp := new(wire.PushResponse)
		err = wire.Decode(must[[]byte](t)(wire.ReadBody(raw.Body, raw.Header.Get("Content-Encoding"), wire.MaxBody)), resp)
		if err := errors.Join(err, raw.Body.Close()); err != nil {
			t.Fatal(err)
		}
		for _, r := range resp.Results {
			if r.Status == wire.StatusRejected {
				t.Fatalf("%s: the centre rejects an entry: %s", k.name, r.Code)
			}
		}
		store := &syncStore{k.agent.cfg.Cache, k.agent}
		if err := errors.Join(store.Acknowledge(resp.Results, resp.Receipt), k.agent.running.Wait()); err != nil {
			t.Fatal(err)
		}
	}
}

// held returns where each entry is: on the card, at the centre, in an outbox.
func (n *country) held(t *testing.T) (onCard, atCentre, inOutbox map[record.EntryID]int) {
	t.Helper()
	onCard, atCentre, inOutbox = make(map[record.EntryID]int), make(map[record.EntryID]int), make(map[record.EntryID]int)
	c := n.clinics[0].open(t)
	err := c.session.Entries(t.Context(), c.head, card.Head{}, func(_ uint32, raw []byte) error {
		onCard[envelope.IDOf(raw)]++
		return nil
	})
	if err = errors.Join(err, c.session.Close()); err != nil {
		t.Fatal(err)
	}
	for _, id := range must[[]record.EntryID](t)(n.store.IDs(t.Context(), n.patient)) {
		atCentre[id]++
	}
	for _, k := range n.clinics {
		for _, e := range must[[]wire.Envelope](t)(k.agent.cfg.Cache.OutboxBatch(100_000, 1<<30)) {
			inOutbox[e.ID()]++
		}
	}
	return onCard, atCentre, inOutbox
}

// open authenticates and reads head and summary, and keeps nothing.
func (k *clinic) open(t *testing.T) *openCard {
	t.Helper()
	c := &openCard{books: make(map[uint8]*book), sums: &envelope.Summaries{}}
	if err := k.reader.steps(t.Context(), c, tapIdentity); err != nil {
		t.Fatal(err)
	}
	return c
}

// mustBeHeld checks that nothing that was ever written is lost, and that what
// everybody must know stands on the card.
func (n *country) mustBeHeld(t *testing.T, when string, written []record.EntryID) {
	t.Helper()
	onCard, atCentre, inOutbox := n.held(t)
	for i, id := range written {
		if onCard[id] == 0 && atCentre[id] == 0 && inOutbox[id] == 0 {
			t.Fatalf("%s: visit %d is lost", when, i)
		}
		if onCard[id] > 1 {
			t.Fatalf("%s: visit %d is %d times on the card", when, i, onCard[id])
		}
	}
	c := n.clinics[0].open(t)
	defer func() { _ = c.session.Close() }()
	s := c.book.summary
	if s == nil || len(s.Allergies) != 1 || !slices.ContainsFunc(s.Problems, func(p record.Problem) bool { return p.Code.Value == "I10" }) ||
		!slices.ContainsFunc(s.Medicines, func(m record.Medicine) bool { return m.Code.Value == "C09AA02" }) {
		t.Fatalf("%s: the card's summary is %+v", when, s)
	}
}

// encounter is the i-th visit of a patient who comes often. The first says what
// has to stay on the card for ever.
func encounter(i int) *record.Entry {
	e := &record.Entry{
		Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: fmt.Sprintf("J%02d", i%90)}}},
		Observations: []record.Observation{{
			Code:  record.Code{System: terms.LOINC, Value: "8480-6"},
			Value: record.Value{Quantity: &record.Quantity{Value: record.Int(int64(120 + i%40)), Unit: "mm[Hg]"}},
		}},
	}
	for range 3 + i*7%9 {
		e.Notes = append(e.Notes, record.Note{Text: strings.Repeat("looked at, spoken about, written down. ", 3)})
	}
	if i == 0 {
		e.Allergies = []record.Allergy{{Code: record.Code{System: terms.ATC, Value: "J01C"}}}
		e.Diagnoses = append(e.Diagnoses, record.Diagnosis{Code: record.Code{System: terms.ICD10, Value: "I10"}, Chronic: true})
		e.Prescriptions = []record.Prescription{{Medicine: record.Code{System: terms.ATC, Value: "C09AA02"}, Ongoing: true}}
	}
	return e
}

// TestReceiptsAtADesk: a receipt that the card refuses is forgotten and does
// not disturb the visit; another is asked for; a log whose order is not known
// any more is read whole; and a card that another clinic has freed is known.
func TestReceiptsAtADesk(t *testing.T) {
	n := newCountry(t)
	town, city := n.clinic(t, "town", cvc.RolePhysician), n.clinic(t, "city", cvc.RolePhysician)
	id := n.card.ID()
	visit := func(k *clinic, i int, up bool) card.Head {
		c := k.tap(t)
		k.write(t, c, encounter(i))
		k.reader.release()
		if up {
			k.exchange(t, c, true)
		}
		return c.head
	}
	receipts := func(k *clinic) []cache.LogReceipt {
		return must[[]cache.LogReceipt](t)(k.agent.cfg.Cache.LogReceipts(id))
	}
	i := 0
	fill := func(k *clinic, below int) card.Head {
		for {
			h := visit(k, i, true)
			if i++; h.Free() < below {
				return h
			}
		}
	}
	h := fill(town, askBelow-3000)
	if len(receipts(town)) == 0 || h.StartSeq != 0 {
		t.Fatalf("%d receipts, %d entries freed", len(receipts(town)), h.StartSeq)
	}
	// The cache loses the order of the log, and with it the receipts.
	if err := town.agent.cfg.Cache.ForgetLog(id); err != nil {
		t.Fatal(err)
	}
	visit(town, i, true)
	i++
	if ids := must[[]record.EntryID](t)(town.agent.cfg.Cache.LogIDs(id, 0, 1<<20)); len(ids) != i || len(receipts(town)) == 0 {
		t.Fatalf("%d of %d entries have their place again, %d receipts", len(ids), i, len(receipts(town)))
	}
	// Its receipts are tampered with: the card refuses them.
	for _, r := range receipts(town) {
		r.Signature[9] ^= 1
		if err := town.agent.cfg.Cache.PutLogReceipt(id, r); err != nil {
			t.Fatal(err)
		}
	}
	for h.Free() >= freeBelow && h.StartSeq == 0 {
		h = visit(town, i, false)
		i++
	}
	if h = visit(town, i, false); h.StartSeq != 0 || len(receipts(town)) != 0 {
		t.Fatalf("%d entries freed, %d receipts kept", h.StartSeq, len(receipts(town)))
	}
	i++
	visit(town, i, true)
	i++
	if h = visit(town, i, true); h.StartSeq == 0 {
		t.Fatal("the card is not freed against a receipt that was asked for again")
	}
	i++
	// City sees a card that town has freed.
	if h = visit(city, i, true); len(receipts(city)) == 0 && h.Free() < askBelow {
		t.Fatal("no receipts at the second clinic")
	}
	i++
	kept := len(receipts(town))
	h = fill(city, freeBelow)
	start := h.StartSeq
	for h.StartSeq == start {
		h = visit(city, i, true)
		i++
	}
	c := town.tap(t)
	town.reader.release()
	for _, r := range receipts(town) {
		if r.Seq <= c.head.StartSeq {
			t.Errorf("a receipt for %d is kept, %d entries are freed", r.Seq, c.head.StartSeq)
		}
	}
	t.Logf("%d visits, %d entries freed, %d receipts at town before", i, c.head.StartSeq, kept)
	v, ok := town.agent.Visit(c.visit)
	if !ok {
		t.Fatal("no visit")
	}
	if err := town.reader.showSpace(c); err != nil {
		t.Fatal(err)
	}
	if v, _ = town.agent.Visit(c.visit); v.Space == nil || v.Space.Freed != c.head.StartSeq || v.Space.Used != c.head.Size() {
		t.Fatalf("space %+v", v.Space)
	}
}

// wrapped is a reader whose transport a test may spoil.
type wrapped struct {
	slotOf
	wrap func(card.Transport) card.Transport
}

func (w wrapped) Connect(ctx context.Context, reader string) (card.Transport, error) {
	t, err := w.slotOf.Connect(ctx, reader)
	return w.wrap(t), err
}

// TestCutWhileFreeing takes the card away before and behind every command of a
// tap that frees the log and writes an entry that waited for the room. The next
// tap leaves the card freed once, with the entry on it once, and the cache in
// step with it.
func TestCutWhileFreeing(t *testing.T) {
	n := newCountry(t)
	town := n.clinic(t, "town", cvc.RolePhysician)
	var written []record.EntryID
	visit := func(up bool) Written {
		c := town.tap(t)
		w := town.write(t, c, encounter(len(written)))
		written = append(written, w.ID)
		town.reader.release()
		if up {
			town.exchange(t, c, true)
		}
		return w
	}
	id := n.card.ID()
	for len(must[[]cache.LogReceipt](t)(town.agent.cfg.Cache.LogReceipts(id))) == 0 {
		visit(true)
	}
	receipts := must[[]cache.LogReceipt](t)(town.agent.cfg.Cache.LogReceipts(id))
	if err := town.agent.cfg.Cache.ForgetLog(id); err != nil { // without receipts the card runs full
		t.Fatal(err)
	}
	for !slices.Contains(visit(false).Where, AtOwed) {
		continue
	}
	if err := town.agent.cfg.Cache.PutLogReceipt(id, receipts[0]); err != nil {
		t.Fatal(err)
	}
	image, path := n.card.Image(), home.CachePath(town.home.Dir)
	if err := town.agent.cfg.Cache.Close(); err != nil {
		t.Fatal(err)
	}
	kept := must[[]byte](t)(os.ReadFile(path))
	cuts := 0
	for _, after := range []bool{false, true} {
		for cut := 0; ; cut++ {
			at := new(int)
			*at = cut
			soft := must[*softcard.Card](t)(softcard.Load(image, softcard.Options{}))
			if err := os.WriteFile(path, kept, 0o600); err != nil {
				t.Fatal(err)
			}
			store := must[*cache.Cache](t)(cache.Open(path, town.home.CacheKey, quiet))
			town.agent.cfg.Cache = store
			town.agent.cfg.Readers = wrapped{slotOf{soft}, func(tr card.Transport) card.Transport {
				return &cutter{Transport: tr, at: at, after: after}
			}}
			c := &openCard{books: make(map[uint8]*book), sums: &envelope.Summaries{}}
			err := town.reader.steps(t.Context(), c, tapIdentity)
			if err == nil && town.reader.openVisit(c) {
				err = town.reader.steps(t.Context(), c, tapRecord[:len(tapRecord)-1])
			}
			town.reader.release()
			over := *at >= 0
			if over != (err == nil) {
				t.Fatalf("cut at %d (after %v): %v", cut, after, err)
			}
			*at = -1
			c = town.tap(t)
			town.reader.release()
			if c.head.StartSeq != receipts[0].Seq || c.head.Seq != uint32(len(written)) {
				t.Fatalf("cut at %d (after %v): %d freed, %d of %d entries", cut, after, c.head.StartSeq, c.head.Seq, len(written))
			}
			ids := must[[]record.EntryID](t)(store.LogIDs(id, c.head.StartSeq, c.head.Seq))
			pending := must[[]cache.Pending](t)(store.Pendings(id))
			if !slices.Equal(ids, written[c.head.StartSeq:]) || len(pending) != 0 {
				t.Fatalf("cut at %d (after %v): %d places, %d writes open", cut, after, len(ids), len(pending))
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if over {
				break
			}
			cuts++
		}
	}
	t.Logf("%d cut points", cuts)
	if cuts < 40 {
		t.Error("too few to say anything")
	}
}

// TestFreedBetweenSummaryAndEntry: a write has changed the summary, freed the
// log for the entry, and lost the card then. The next tap shows what the card
// says, not the summary of before.
func TestFreedBetweenSummaryAndEntry(t *testing.T) {
	n := newCountry(t)
	k := n.clinic(t, "town", cvc.RolePhysician)
	c := k.tap(t)
	if err := k.reader.placeSummary(t.Context(), c, part{entry: encounter(0)}); err != nil {
		t.Fatal(err)
	}
	if err := k.reader.noteFreed(c, ""); err != nil {
		t.Fatal(err)
	}
	k.reader.release()
	if s := k.tap(t).book.summary; s == nil || len(s.Allergies) != 1 {
		t.Fatalf("the next tap shows %+v", s)
	}
}

// TestRolledBackWhileItsOrderIsUnknown: a log that is read whole, because its
// order was forgotten, still has to lead from the head that was kept.
func TestRolledBackWhileItsOrderIsUnknown(t *testing.T) {
	n := newCountry(t)
	k := n.clinic(t, "town", cvc.RolePhysician)
	c := k.tap(t)
	for i := 0; c.head.Free() >= askBelow; i++ {
		k.write(t, c, encounter(i))
	}
	k.reader.release()
	if err := k.agent.cfg.Cache.ForgetLog(c.info.ID); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*card.Head){
		"behind":  func(h *card.Head) { h.Seq, h.Tail = h.Seq+1, h.Tail+500 },
		"another": func(h *card.Head) { h.Chain[0] ^= 1 },
	} {
		kept := c.head
		change(&kept)
		raw := must[[]byte](t)(kept.MarshalBinary())
		if err := k.agent.cfg.Cache.Freed(c.info.ID, c.patient(), 0, cache.Placed{Head: raw}, cache.Audit{Actor: "test", Action: "test"}); err != nil {
			t.Fatal(err)
		}
		again := &openCard{books: make(map[uint8]*book), sums: &envelope.Summaries{}}
		if err := k.reader.steps(t.Context(), again, tapIdentity); err != nil {
			t.Fatal(err)
		}
		if err := k.reader.readEntries(t.Context(), again); !errors.Is(err, card.ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
		if err := again.session.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
