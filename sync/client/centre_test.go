package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// pki is a certificate authority with a server and a client certificate.
type pki struct {
	pool           *x509.CertPool
	server, client tls.Certificate
	expired        tls.Certificate // of a client, since yesterday
}

func newPKI(tb testing.TB) *pki {
	tb.Helper()
	caKey := newKey(tb)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(tb, err)
	ca, err = x509.ParseCertificate(raw)
	must(tb, err)
	p := &pki{pool: x509.NewCertPool()}
	p.pool.AddCert(ca)
	issue := func(serial int64, usage x509.ExtKeyUsage, name string, end time.Duration) tls.Certificate {
		key := newKey(tb)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, OrganizationalUnit: []string{wire.RoleClinic}},
			NotBefore: time.Now().Add(-72 * time.Hour), NotAfter: time.Now().Add(end),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		raw, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
		must(tb, err)
		return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
	}
	p.server = issue(2, x509.ExtKeyUsageServerAuth, "centre", time.Hour)
	p.client = issue(3, x509.ExtKeyUsageClientAuth, "12", time.Hour)
	p.expired = issue(4, x509.ExtKeyUsageClientAuth, "12", -24*time.Hour)
	return p
}

func (p *pki) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: p.pool, Certificates: []tls.Certificate{p.client}, MinVersion: tls.VersionTLS12}
}

func (p *pki) serverTLS() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{p.server}, ClientCAs: p.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
}

// centre is a real HTTP/2 server over mutual TLS 1.3 on the loopback that
// speaks the protocol over its books. fault may answer a request instead and
// returns whether it did.
type centre struct {
	*books
	*pki
	srv   *httptest.Server
	conns atomic.Int32

	mu     sync.Mutex
	fault  func(w http.ResponseWriter, r *http.Request, req *wire.PushRequest) bool
	pushed [][]byte // bodies, as they came
}

func newCentre(tb testing.TB) *centre {
	tb.Helper()
	c := &centre{books: newBooks(tb), pki: newPKI(tb)}
	c.srv = httptest.NewUnstartedServer(c)
	c.srv.TLS = c.serverTLS()
	c.srv.EnableHTTP2 = true
	c.srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			c.conns.Add(1)
		}
	}
	c.srv.StartTLS()
	tb.Cleanup(c.srv.Close)
	return c
}

func (c *centre) setFault(f func(http.ResponseWriter, *http.Request, *wire.PushRequest) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
}

func (c *centre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req *wire.PushRequest
	if r.URL.Path == wire.PathRecords {
		raw, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxBody+1))
		if err != nil {
			return
		}
		body, err := wire.ReadBody(bytes.NewReader(raw), r.Header.Get("Content-Encoding"), wire.MaxBody)
		req = new(wire.PushRequest)
		if err != nil || wire.Decode(body, req) != nil {
			c.tb.Error("the client sent a malformed push")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		c.pushed = append(c.pushed, raw)
		c.mu.Unlock()
	}
	c.mu.Lock()
	fault := c.fault
	c.mu.Unlock()
	if fault != nil && fault(w, r, req) {
		return
	}
	name, isList := strings.CutPrefix(r.URL.Path, wire.PathLists)
	switch {
	case req != nil:
		c.reply(w, r, c.accept(req))
	case isList:
		raw := c.list(name)
		if name == wire.ListTerms {
			raw = c.edition(r.URL.Query().Get(wire.QueryAfter))
		}
		w.Header().Set("ETag", tagOf(raw))
		if r.Header.Get("If-None-Match") == tagOf(raw) || raw == nil {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", wire.ContentCOSE)
		_, _ = w.Write(raw)
	case r.URL.Path == wire.PathChanges:
		page, gone := c.page(wire.Cursor(r.URL.Query().Get(wire.QueryCursor)), 200)
		if gone {
			c.refuse(w, http.StatusGone, wire.CodeEpoch)
			return
		}
		c.reply(w, r, page)
	case r.URL.Path == wire.PathHealth:
		c.reply(w, r, &wire.Health{Name: "centre", Version: wire.Version, Epoch: c.epoch})
	case r.URL.Path == wire.PathCards:
		c.issue(w, r)
	case strings.HasPrefix(r.URL.Path, wire.PathPatients):
		c.patient(w, r)
	default:
		c.refuse(w, http.StatusNotFound, wire.CodeNotFound)
	}
}

func (c *centre) reply(w http.ResponseWriter, r *http.Request, m wire.Message) {
	body, encoding := encode(c.tb, m), ""
	if r.Header.Get("Accept-Encoding") == wire.EncodingZstd {
		body, encoding = wire.PackBody(body)
	}
	w.Header().Set("Content-Type", wire.ContentCBOR)
	if encoding != "" {
		w.Header().Set("Content-Encoding", encoding)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func (c *centre) refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", wire.ContentCBOR)
	w.WriteHeader(status)
	_, _ = w.Write(encode(c.tb, &wire.Error{Code: code}))
}

func (c *centre) issue(w http.ResponseWriter, r *http.Request) {
	raw, err := wire.ReadBody(r.Body, r.Header.Get("Content-Encoding"), wire.MaxCardBody)
	var req wire.CardRequest
	if err != nil || wire.Decode(raw, &req) != nil {
		c.refuse(w, http.StatusBadRequest, wire.CodeBadRequest)
		return
	}
	grant := &wire.CardGrant{
		Patient: record.PatientID{1, 2, 3}, Security: []byte{1}, IDFile: []byte{2}, Anchors: [][]byte{{3}}, Subjects: []byte{4},
	}
	grant.Persons = make([]wire.PersonKeys, 1)
	for i := range grant.Persons[0].Keys {
		grant.Persons[0].Keys[i] = make([]byte, 32)
	}
	grant.Fingers = make([]byte, len(req.Fingers))
	c.reply(w, r, grant)
}

// patient answers with pages of three entries.
func (c *centre) patient(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, wire.PathPatients), "/records")
	id, err := record.ParsePatientID(text)
	if err != nil {
		c.refuse(w, http.StatusBadRequest, wire.CodeBadRequest)
		return
	}
	c.books.mu.Lock()
	defer c.books.mu.Unlock()
	var ids []record.EntryID
	var all [][]byte
	for _, e := range c.feed {
		if e.Patient == id {
			ids, all = append(ids, e.ID()), append(all, e.Sealed)
		}
	}
	if len(all) == 0 {
		c.refuse(w, http.StatusNotFound, wire.CodeNoPatient)
		return
	}
	digest := wire.Digest(ids)
	if r.URL.Query().Get(wire.QueryDigest) == wire.DigestText(digest) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get(wire.QueryAfter))
	page := &wire.PatientResponse{Subjects: []byte("subject"), Digest: digest, Items: all[from:min(from+3, len(all))]}
	if from+3 < len(all) {
		page.Next = uint64(from + 3)
	}
	c.reply(w, r, page)
}

// dial makes a client of the centre on a store, quick to try again.
func (c *centre) dial(tb testing.TB, store Store) *Client {
	tb.Helper()
	return c.dialTLS(tb, store, c.clientTLS(), &c.key.PublicKey)
}

func (c *centre) dialTLS(tb testing.TB, store Store, cfg *tls.Config, key *ecdsa.PublicKey) *Client {
	tb.Helper()
	cl, err := New(Config{BaseURL: c.srv.URL, TLS: cfg, Verify: verifier(key), Accept: versions}, store)
	must(tb, err)
	cl.tuning.timeout, cl.tuning.listTimeout, cl.tuning.wait = 30*time.Second, 30*time.Second, 0
	cl.tuning.backoffBase, cl.tuning.backoffMost = time.Millisecond, 20*time.Millisecond
	cl.tuning.pollEvery, cl.tuning.kickGap = 5*time.Millisecond, time.Millisecond
	tb.Cleanup(cl.http.CloseIdleConnections)
	return cl
}

// run runs a client until the test ends, or stop is called.
func run(tb testing.TB, c *Client) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run ended with %v", err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// eventually waits for something that happens on other goroutines.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never: %s", what)
		}
	}
}

// newCache opens a real cache whose outbox holds the given entries.
func newCache(tb testing.TB, outbox []wire.Envelope) *cache.Cache {
	tb.Helper()
	c, err := cache.Open(filepath.Join(tb.TempDir(), "cache.db"), [32]byte{1}, slog.New(slog.DiscardHandler))
	must(tb, err)
	tb.Cleanup(func() { must(tb, c.Close()) })
	fillCache(tb, c, outbox)
	return c
}

// fillCache queues entries, as a tap of a card relays them.
func fillCache(tb testing.TB, c *cache.Cache, outbox []wire.Envelope) {
	tb.Helper()
	byPatient := make(map[record.PatientID][][]byte)
	for _, e := range outbox {
		byPatient[e.Patient] = append(byPatient[e.Patient], e.Sealed)
	}
	for p, entries := range byPatient {
		relayRead(tb, c, p, p, entries)
	}
}

// relayRead keeps what a tap brought and relays it.
func relayRead(tb testing.TB, c *cache.Cache, p record.PatientID, card [8]byte, entries [][]byte) {
	tb.Helper()
	must(tb, c.PutRead(cache.Read{
		Patient: p, Card: card, Entries: entries, Audit: cache.Audit{Actor: "test", Action: "read"},
	}))
	ids := make([]record.EntryID, len(entries))
	for i, sealed := range entries {
		ids[i] = envelope.IDOf(sealed)
	}
	must(tb, c.Relay(p, ids))
}
