package client

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// realCentre is the reference centre on SQLite, on a loopback address that it
// keeps over a restart.
type realCentre struct {
	auth  *authority.Authority
	store *sqlite.Store
	addr  string
	stop  func()
}

func newRealCentre(tb testing.TB) *realCentre {
	tb.Helper()
	dir := tb.TempDir()
	st, err := sqlite.Open(context.Background(), filepath.Join(dir, "centre.db"), sqlite.Options{})
	must(tb, err)
	auth, err := authority.Init(context.Background(), dir, st, authority.Config{Name: "Test centre", URL: "https://localhost:8443"})
	must(tb, err)
	c := &realCentre{auth: auth, store: st, addr: "127.0.0.1:0"}
	tb.Cleanup(func() {
		c.stop()
		must(tb, st.Close())
	})
	c.serve(tb)
	return c
}

func (c *realCentre) serve(tb testing.TB) {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", c.addr)
	must(tb, err)
	if addr := listener.Addr().String(); addr != c.addr {
		c.addr = addr
	}
	limits := central.Limits{RequestsPerSecond: 1e9, BurstRequests: 1e9, EntriesPerSecond: 1e9, BurstEntries: 1e9}
	srv := central.New(c.auth, c.store, limits, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, listener) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			tb.Error(err)
		}
	})
}

// desk is an enrolled workstation with its own cache and trust store.
type desk struct {
	grant  *wire.EnrolGrant
	author *ecdsa.PrivateKey
	tls    *tls.Config
	trust  *trust.Store
	cache  *cache.Cache
}

func (c *realCentre) enrol(tb testing.TB, facility uint32) *desk {
	tb.Helper()
	d := &desk{author: newKey(tb), cache: newCache(tb, nil)}
	tlsKey := newKey(tb)
	req := &wire.EnrolRequest{FacilityName: "Facility", Name: "desk"}
	must(tb, req.Sign(d.author, newKey(tb), tlsKey))
	var err error
	d.grant, err = c.auth.Enrol(context.Background(), req, authority.EnrolOptions{
		Facility: facility, Role: cvc.RoleReceptionist, Rights: authority.RightsOf(cvc.RoleReceptionist),
	})
	must(tb, err)
	ca, err := x509.ParseCertificate(d.grant.TLSCA)
	must(tb, err)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	d.tls = &tls.Config{
		RootCAs: pool, MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{d.grant.TLSCert}, PrivateKey: tlsKey}},
	}
	root, err := d.grant.RootKey()
	must(tb, err)
	d.trust = trust.NewStore(root)
	return d
}

func (d *desk) verify(raw []byte, batch [16]byte, ids []record.EntryID) error {
	r, err := d.trust.Receipt(raw)
	if err == nil && (r.Batch != batch || !slices.Equal(r.IDs, ids)) {
		err = errors.New("receipt is for something else")
	}
	return err
}

func (d *desk) accept(name string, raw []byte) (version uint64, err error) {
	if name == wire.ListTrust {
		err = d.trust.UpdateTrust(raw)
		version, _ = d.trust.Versions()
	} else {
		err = d.trust.UpdateBlock(raw)
		_, version = d.trust.Versions()
	}
	return version, err
}

func (d *desk) dial(tb testing.TB, addr string) *Client {
	tb.Helper()
	c, err := New(Config{BaseURL: "https://" + addr, TLS: d.tls, Verify: d.verify, Accept: d.accept}, d.cache)
	must(tb, err)
	c.tuning.backoffBase, c.tuning.backoffMost, c.tuning.kickGap = 5*time.Millisecond, 50*time.Millisecond, time.Millisecond
	c.tuning.pollEvery, c.tuning.wait, c.tuning.timeout = 50*time.Millisecond, time.Second, 30*time.Second
	tb.Cleanup(c.http.CloseIdleConnections)
	return c
}

// holder is a patient with a card.
type holder struct {
	id       record.PatientID
	card     [8]byte
	subjects envelope.Subjects
	subject  envelope.Subject
	keys     *envelope.Keys
}

func (c *realCentre) newPatient(tb testing.TB) *holder {
	tb.Helper()
	identity, err := (&record.Identity{
		Names: record.Names{Latin: &record.Name{Given: []string{"Zainab"}, Family: "Testpatient"}}, Sex: record.SexFemale,
	}).Encode()
	must(tb, err)
	req := &wire.CardRequest{Identity: identity}
	_, err = rand.Read(req.Card[:])
	must(tb, err)
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	must(tb, err)
	copy(req.CardKey[:], key.PublicKey().Bytes())
	grant, err := c.auth.IssueCard(context.Background(), authority.Station{Facility: 9001}, req)
	must(tb, err)
	subjects, err := envelope.ParseSubjects(grant.Subjects)
	must(tb, err)
	subject, err := subjects.Of(0)
	must(tb, err)
	keys, err := envelope.KeysFromMap(grant.Persons[0].Keys.Map(), subject)
	must(tb, err)
	return &holder{id: grant.Patient, card: req.Card, subjects: subjects, subject: subject, keys: keys}
}

// write takes an entry through the write path of the cache, as if it were on
// the card now.
func (d *desk) write(tb testing.TB, h *holder) record.EntryID {
	tb.Helper()
	sealed, err := envelope.Seal(h.subject, h.keys, envelope.Author{KID: d.grant.AuthorKID, Signer: d.author},
		envelope.Meta{Time: time.Now()}, map[record.Section][]byte{record.SectionClinical: bytes.Repeat([]byte("text "), 40)}, rand.Reader)
	must(tb, err)
	must(tb, d.cache.Begin(cache.Pending{Card: h.card, Patient: h.id, Sealed: sealed}))
	id := envelope.IDOf(sealed)
	must(tb, d.cache.Commit(id, cache.Placed{}, cache.Audit{Actor: "desk", Action: "append"}))
	return id
}

// cutter is a line to the centre that breaks at random places.
func cutter(tb testing.TB, to *realCentre, calm *atomic.Bool) (addr string) {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	must(tb, err)
	target := to.addr
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	pipe := func(dst, src net.Conn) {
		var from io.Reader = src
		if !calm.Load() {
			from = io.LimitReader(src, int64(2000+mathrand.IntN(60_000)))
		}
		_, _ = io.Copy(dst, from)
		_ = dst.Close()
		_ = src.Close()
	}
	wg.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(context.Background(), "tcp", target)
			if err != nil {
				_ = in.Close()
				continue
			}
			mu.Lock()
			open[in], open[out] = true, true
			mu.Unlock()
			wg.Go(func() { pipe(out, in) })
			wg.Go(func() { pipe(in, out) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return listener.Addr().String()
}

// TestRealCentre exchanges with the reference centre on SQLite: two clinics,
// one of them on a line that breaks all the time, and a centre that restarts.
func TestRealCentre(t *testing.T) {
	centre := newRealCentre(t)
	near, far := centre.enrol(t, 12), centre.enrol(t, 13)
	h := centre.newPatient(t)
	var calm atomic.Bool
	c := near.dial(t, cutter(t, centre, &calm))
	var written []record.EntryID
	for range 150 {
		written = append(written, near.write(t, h))
	}
	run(t, c)
	for i := range 5 {
		for range 10 {
			written = append(written, near.write(t, h))
		}
		c.Kick()
		time.Sleep(100 * time.Millisecond)
		if i == 2 {
			centre.stop()
			time.Sleep(100 * time.Millisecond)
			centre.serve(t)
		}
	}
	calm.Store(true)
	eventually(t, "the outbox is empty", func() bool { return c.Status().Outbox == 0 })
	if s := c.Status(); s.Quarantined != 0 || s.TrustVersion == 0 || s.BlockVersion == 0 || int(s.Pushed) != len(written) {
		t.Errorf("status %+v", s)
	}
	held, err := centre.store.IDs(t.Context(), h.id)
	must(t, err)
	for _, id := range written {
		if !slices.Contains(held, id) {
			t.Errorf("entry %s is lost", id.Short())
		}
		raw, err := near.cache.Receipt(id)
		must(t, err)
		if r, err := near.trust.Receipt(raw); err != nil || !slices.Contains(r.IDs, id) {
			t.Errorf("entry %s has no receipt: %v", id.Short(), err)
		}
	}
	digest, _, err := near.cache.Snapshot(h.id)
	must(t, err)
	if got, err := c.Patient(t.Context(), h.id, digest); got != nil || err != nil {
		t.Errorf("clinic and centre differ: %v, %v", got, err)
	}
	testFollow(t, centre, near, far, h, c, len(written))
}

// testFollow fetches the patient at a second clinic, which from then on gets
// every new entry by the feed, and whose own entries reach the first one.
func testFollow(t *testing.T, centre *realCentre, near, far *desk, h *holder, c *Client, n int) {
	t.Helper()
	other := far.dial(t, centre.addr)
	got, err := other.Patient(t.Context(), h.id, [16]byte{})
	if err != nil || len(got.Items) != n || !bytes.Equal(got.Subjects, h.subjects.Bytes()) {
		t.Fatalf("%v", err)
	}
	var envs []wire.Envelope
	for _, sealed := range got.Items {
		envs = append(envs, wire.Envelope{Patient: h.id, Sealed: sealed})
	}
	must(t, far.cache.PutEntries(envs))
	run(t, other)
	near.write(t, h)
	c.Kick()
	far.write(t, h)
	other.Kick()
	eventually(t, "both clinics have all entries", func() bool {
		a, _, errA := near.cache.Snapshot(h.id)
		b, _, errB := far.cache.Snapshot(h.id)
		return errA == nil && errB == nil && a == b && c.Status().Outbox == 0 && other.Status().Outbox == 0
	})
	history, err := far.cache.History(h.id)
	must(t, err)
	if len(history) != n+2 {
		t.Errorf("%d entries, want %d", len(history), n+2)
	}
	// A revoked workstation is told so, and keeps what it has.
	must(t, centre.auth.RevokeFacility(t.Context(), 13, time.Now()))
	eventually(t, "the revocation shows", func() bool { return other.Status().LastError == wire.CodeRevoked })
	far.write(t, h)
	other.Kick()
	time.Sleep(200 * time.Millisecond)
	if s := other.Status(); s.Outbox != 1 || s.Quarantined != 0 || s.Online || s.LastError != wire.CodeRevoked {
		t.Errorf("status %+v", s)
	}
}

// BenchmarkPush sends batches of 500 entries from a cache on disk to the
// reference centre on SQLite, both durable, over mutual TLS on loopback.
func BenchmarkPush(b *testing.B) {
	centre := newRealCentre(b)
	d := centre.enrol(b, 12)
	h := centre.newPatient(b)
	c := d.dial(b, centre.addr)
	must(b, c.refreshLists(b.Context()))
	c.push.count, c.push.suspects = 500, make(map[record.EntryID]uint64)
	for b.Loop() {
		b.StopTimer()
		var sealed [][]byte
		for range 500 {
			raw, err := envelope.Seal(h.subject, h.keys, envelope.Author{KID: d.grant.AuthorKID, Signer: d.author},
				envelope.Meta{Time: time.Now()}, map[record.Section][]byte{record.SectionClinical: make([]byte, 200)}, rand.Reader)
			must(b, err)
			sealed = append(sealed, raw)
		}
		relayRead(b, d.cache, h.id, h.card, sealed)
		b.StartTimer()
		for more := true; more; {
			var err error
			more, err = c.pushBatch(b.Context())
			must(b, err)
		}
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
