package central_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// centre is a centre that serves on a real listener on loopback.
type centre struct {
	dir   string
	url   string
	auth  *authority.Authority
	store *sqlite.Store
	log   *lockedBuffer
	stop  func() error // ends Serve and returns its error
}

// lockedBuffer collects the log at debug level.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// unlimited keeps the rate limits out of tests that are not about them.
var unlimited = central.Limits{RequestsPerSecond: 1e9, BurstRequests: 1e9, EntriesPerSecond: 1e9, BurstEntries: 1e9}

func newCentre(tb testing.TB, limits central.Limits) *centre {
	tb.Helper()
	dir := tb.TempDir()
	st, err := sqlite.Open(context.Background(), filepath.Join(dir, "centre.db"), sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	auth, err := authority.Init(context.Background(), dir, st, authority.Config{Name: "Test centre", URL: "https://localhost:8443"})
	if err != nil {
		tb.Fatal(err)
	}
	c := &centre{dir: dir, auth: auth, store: st, log: new(lockedBuffer)}
	tb.Cleanup(func() {
		if c.stop != nil {
			if err := c.stop(); err != nil {
				tb.Error(err)
			}
		}
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	c.serve(tb, limits)
	return c
}

func (c *centre) serve(tb testing.TB, limits central.Limits) {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	c.url = "https://" + listener.Addr().String()
	log := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := central.New(c.auth, c.store, limits, log)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, listener) }()
	c.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}

// workstation is an enrolled client.
type workstation struct {
	centre *centre
	grant  *wire.EnrolGrant
	author *ecdsa.PrivateKey
	tlsKey *ecdsa.PrivateKey
	http   *http.Client
	tls    *tls.Config
}

// list asks for one of the lists as it stands, by a path behind PathLists.
func (w *workstation) list(tb testing.TB, path, tag string) (status int, etag string, raw []byte) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, w.centre.url+wire.PathLists+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	res, err := w.http.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err = wire.ReadBody(res.Body, res.Header.Get("Content-Encoding"), wire.MaxList)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("ETag"), raw
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func (c *centre) enrol(tb testing.TB, facility uint32, role cvc.Roles) *workstation {
	tb.Helper()
	w := &workstation{centre: c, author: newKey(tb), tlsKey: newKey(tb)}
	req := &wire.EnrolRequest{FacilityName: "Facility", Name: "desk"}
	if err := req.Sign(w.author, newKey(tb), w.tlsKey); err != nil {
		tb.Fatal(err)
	}
	grant, err := c.auth.Enrol(context.Background(), req, authority.EnrolOptions{
		Facility: facility, Role: role, Rights: authority.RightsOf(role),
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.grant = grant
	w.connect(tb)
	return w
}

// connect makes a client with a connection of its own.
func (w *workstation) connect(tb testing.TB) {
	tb.Helper()
	ca, err := x509.ParseCertificate(w.grant.TLSCA)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	w.tls = &tls.Config{
		RootCAs: pool, MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{w.grant.TLSCert}, PrivateKey: w.tlsKey}},
	}
	w.http = newHTTPClient(tb, w.tls)
}

func newHTTPClient(tb testing.TB, config *tls.Config) *http.Client {
	tb.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 90 * time.Second}
}

// do sends a request and reads the answer into out. An answer of 400 and
// above is returned as *wire.Error, with the HTTP status.
func (w *workstation) do(ctx context.Context, method, path string, in, out wire.Message) (int, error) {
	var body io.Reader
	header := make(http.Header)
	if in != nil {
		raw, err := wire.Encode(in)
		if err != nil {
			return 0, err
		}
		packed, encoding := wire.PackBody(raw)
		body = bytes.NewReader(packed)
		header.Set("Content-Type", wire.ContentCBOR)
		if encoding != "" {
			header.Set("Content-Encoding", encoding)
		}
	}
	header.Set("Accept-Encoding", wire.EncodingZstd)
	status, raw, err := w.raw(ctx, method, path, header, body)
	if err != nil || status == http.StatusNotModified {
		return status, err
	}
	if status >= 400 {
		var failure wire.Error
		if err := wire.Decode(raw, &failure); err != nil {
			return status, err
		}
		return status, &failure
	}
	return status, wire.Decode(raw, out)
}

func (w *workstation) raw(ctx context.Context, method, path string, header http.Header, body io.Reader) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.centre.url+path, body)
	if err != nil {
		return 0, nil, err
	}
	if header != nil {
		req.Header = header
	}
	res, err := w.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := wire.ReadBody(res.Body, res.Header.Get("Content-Encoding"), wire.MaxList)
	return res.StatusCode, raw, err
}

func (w *workstation) push(ctx context.Context, batch [16]byte, items ...wire.Envelope) (*wire.PushResponse, error) {
	var res wire.PushResponse
	_, err := w.do(ctx, http.MethodPost, wire.PathRecords, &wire.PushRequest{Batch: batch, Items: items}, &res)
	return &res, err
}

func newBatch(tb testing.TB) (batch [16]byte) {
	tb.Helper()
	if _, err := rand.Read(batch[:]); err != nil {
		tb.Fatal(err)
	}
	return batch
}

// patient is a patient with a card.
type patient struct {
	id      record.PatientID
	card    [8]byte
	cardKey [65]byte
	grant   *wire.CardGrant
	subject envelope.Subject
	keys    *envelope.Keys
}

func identity(tb testing.TB) []byte {
	tb.Helper()
	raw, err := (&record.Identity{
		Names: record.Names{Latin: &record.Name{Given: []string{"Zainab"}, Family: "Testpatient"}},
		Sex:   record.SexFemale,
	}).Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func newCardRequest(tb testing.TB) *wire.CardRequest {
	tb.Helper()
	req := &wire.CardRequest{Identity: identity(tb)}
	if _, err := rand.Read(req.Card[:]); err != nil {
		tb.Fatal(err)
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	copy(req.CardKey[:], key.PublicKey().Bytes())
	return req
}

// newPatient issues a card through the authority, without the network.
func (c *centre) newPatient(tb testing.TB, facility uint32) *patient {
	tb.Helper()
	req := newCardRequest(tb)
	grant, err := c.auth.IssueCard(context.Background(), authority.Station{Facility: facility}, req)
	if err != nil {
		tb.Fatal(err)
	}
	return patientOf(tb, req, grant)
}

func patientOf(tb testing.TB, req *wire.CardRequest, grant *wire.CardGrant) *patient {
	tb.Helper()
	subjects, err := envelope.ParseSubjects(grant.Subjects)
	if err != nil {
		tb.Fatal(err)
	}
	subject, err := subjects.Of(0)
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := envelope.KeysFromMap(grant.Persons[0].Keys.Map(), subject)
	if err != nil {
		tb.Fatal(err)
	}
	return &patient{id: grant.Patient, card: req.Card, cardKey: req.CardKey, grant: grant, subject: subject, keys: keys}
}

// seal makes an entry of the patient by the workstation's author.
func (w *workstation) seal(tb testing.TB, p *patient, at time.Time) wire.Envelope {
	tb.Helper()
	return sealBy(tb, p, envelope.Author{KID: w.grant.AuthorKID, Signer: w.author}, at)
}

func sealBy(tb testing.TB, p *patient, author envelope.Author, at time.Time) wire.Envelope {
	tb.Helper()
	raw, err := envelope.Seal(p.subject, p.keys, author, envelope.Meta{Time: at},
		map[record.Section][]byte{record.SectionClinical: bytes.Repeat([]byte("clinical text "), 12)}, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return wire.Envelope{Patient: p.id, Sealed: raw}
}

// wantCode checks that err is the centre's refusal with a status and a code.
func wantCode(tb testing.TB, status int, err error, wantStatus int, wantCode string) {
	tb.Helper()
	failure, ok := errors.AsType[*wire.Error](err)
	if !ok || status != wantStatus || failure.Code != wantCode {
		tb.Errorf("got %d %v, want %d %s", status, err, wantStatus, wantCode)
	}
}
