package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestExchange(t *testing.T) {
	centre := newCentre(t)
	centre.feed = items(5000, 5300)
	store := newCache(t, items(0, 1200))
	c := centre.dial(t, store)
	run(t, c)
	eventually(t, "everything has gone both ways", func() bool {
		s := c.Status()
		return s.Outbox == 0 && s.Pulled == 1500 && s.TrustVersion == 1 && s.BlockVersion == 1
	})
	if s := c.Status(); !s.Online || s.LastError != "" || s.Pushed != 1200 || centre.size() != 1200 {
		t.Errorf("status %+v, %d arrived", s, centre.size())
	}
	if n := centre.conns.Load(); n != 1 {
		t.Errorf("%d connections, want one that is kept", n)
	}
	for _, p := range []record.PatientID{{0, 1}, {6, 1}} {
		history, err := store.History(p)
		must(t, err)
		for _, e := range history {
			if e.Queued {
				t.Errorf("entry %s still queued", e.ID.Short())
			}
		}
	}
	if h, err := c.Health(t.Context()); err != nil || h.Name != "centre" {
		t.Errorf("health %+v, %v", h, err)
	}
}

func TestPatient(t *testing.T) {
	centre := newCentre(t)
	centre.feed = items(0, 70) // ten for each of seven patients
	c := centre.dial(t, newMemStore())
	id := record.PatientID{3, 1}
	got, err := c.Patient(t.Context(), id, [16]byte{})
	if err != nil || len(got.Items) != 10 || got.Next != 0 || string(got.Subjects) != "subject" {
		t.Fatalf("%+v, %v", got, err)
	}
	var ids []record.EntryID
	for i, sealed := range got.Items {
		if !bytes.Equal(sealed, item(3+7*i).Sealed) {
			t.Errorf("item %d is another one", i)
		}
		e := wire.Envelope{Sealed: sealed}
		ids = append(ids, e.ID())
	}
	if same, err := c.Patient(t.Context(), id, wire.Digest(ids)); same != nil || err != nil {
		t.Errorf("same digest: %v, %v", same, err)
	}
	var server *ServerError
	if _, err := c.Patient(t.Context(), record.PatientID{99}, [16]byte{}); !errors.As(err, &server) || server.Code != wire.CodeNoPatient || server.Status != 404 {
		t.Errorf("unknown patient: %v", err)
	}
	centre.setFault(func(w http.ResponseWriter, r *http.Request, _ *wire.PushRequest) bool {
		after, _ := strconv.ParseUint(r.URL.Query().Get(wire.QueryAfter), 10, 64)
		centre.reply(w, r, &wire.PatientResponse{Subjects: []byte("s"), Next: after + 1})
		return true
	})
	if _, err := c.Patient(t.Context(), id, [16]byte{}); !errors.Is(err, ErrProtocol) {
		t.Errorf("pages without end: %v", err)
	}
	centre.setFault(func(w http.ResponseWriter, r *http.Request, _ *wire.PushRequest) bool {
		centre.reply(w, r, &wire.PatientResponse{Subjects: []byte("s"), Next: 5})
		return true
	})
	if _, err := c.Patient(t.Context(), id, [16]byte{}); !errors.Is(err, ErrProtocol) {
		t.Errorf("the same page again: %v", err)
	}
}

func TestIssueCard(t *testing.T) {
	centre := newCentre(t)
	c := centre.dial(t, newMemStore())
	req := wire.CardRequest{Card: [8]byte{1}, CardKey: [65]byte{4}, Identity: []byte("identity"), Cover: []byte("cover")}
	grant, err := c.IssueCard(t.Context(), req)
	if err != nil || grant.Patient != (record.PatientID{1, 2, 3}) || len(grant.Persons[0].Keys[5]) != 32 {
		t.Fatalf("%v, %v", grant, err)
	}
	req.Patient = record.PatientID{9}
	if _, err := c.IssueCard(t.Context(), req); !errors.Is(err, ErrProtocol) {
		t.Errorf("grant for another patient: %v", err)
	}
	req.Patient, req.Fingers = record.PatientID{}, [][]byte{{1}, {2}}
	if grant, err := c.IssueCard(t.Context(), req); err != nil || len(grant.Fingers) != 2 {
		t.Errorf("with two fingers: %v, %v", grant, err)
	}
	centre.setFault(func(w http.ResponseWriter, r *http.Request, _ *wire.PushRequest) bool {
		less := *grant
		less.Fingers = []byte{wire.FingerKept}
		centre.reply(w, r, &less)
		return true
	})
	if _, err := c.IssueCard(t.Context(), req); !errors.Is(err, ErrProtocol) {
		t.Errorf("answer for one finger of two: %v", err)
	}
	req.Card = [8]byte{}
	if _, err := c.IssueCard(t.Context(), req); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("request without a card: %v", err)
	}
}

// TestDirectPush sends what is not in the outbox.
func TestDirectPush(t *testing.T) {
	centre := newCentre(t)
	c := centre.dial(t, newMemStore())
	centre.reject[idsOf(items(2, 3))[0]] = wire.RejectSignature
	got, err := c.Push(t.Context(), items(0, 4))
	must(t, err)
	for i, want := range []wire.Status{wire.StatusNew, wire.StatusNew, wire.StatusRejected, wire.StatusNew} {
		if got[i].Status != want {
			t.Errorf("entry %d is %s, want %s", i, got[i].Status, want)
		}
	}
}

func TestCertificates(t *testing.T) {
	centre, other := newCentre(t), newPKI(t)
	old := httptest.NewUnstartedServer(centre)
	old.TLS = centre.serverTLS()
	old.TLS.MinVersion, old.TLS.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	old.EnableHTTP2 = true
	old.Config.ErrorLog = centre.srv.Config.ErrorLog
	old.StartTLS()
	t.Cleanup(old.Close)
	http1 := httptest.NewUnstartedServer(centre)
	http1.TLS = centre.serverTLS()
	http1.Config.ErrorLog = centre.srv.Config.ErrorLog
	http1.StartTLS()
	t.Cleanup(http1.Close)
	good := centre.clientTLS()
	for name, tt := range map[string]struct {
		url  string
		cfg  *tls.Config
		want error
	}{
		"unknown centre":      {centre.srv.URL, &tls.Config{RootCAs: other.pool, Certificates: good.Certificates, MinVersion: tls.VersionTLS13}, ErrCertificate},
		"no roots":            {centre.srv.URL, &tls.Config{RootCAs: x509.NewCertPool(), Certificates: good.Certificates, MinVersion: tls.VersionTLS13}, ErrCertificate},
		"another name":        {centre.srv.URL, &tls.Config{RootCAs: centre.pool, Certificates: good.Certificates, ServerName: "other.example", MinVersion: tls.VersionTLS13}, ErrCertificate},
		"unknown workstation": {centre.srv.URL, &tls.Config{RootCAs: centre.pool, Certificates: []tls.Certificate{other.client}, MinVersion: tls.VersionTLS13}, ErrOffline},
		"no certificate":      {centre.srv.URL, &tls.Config{RootCAs: centre.pool, MinVersion: tls.VersionTLS13}, ErrOffline},
		"client as server":    {centre.srv.URL, &tls.Config{RootCAs: centre.pool, Certificates: []tls.Certificate{centre.server}, MinVersion: tls.VersionTLS13}, ErrOffline},
		"expired workstation": {centre.srv.URL, &tls.Config{RootCAs: centre.pool, Certificates: []tls.Certificate{centre.expired}, MinVersion: tls.VersionTLS13}, ErrCertificate},
		"TLS 1.2":             {old.URL, good, ErrOffline},
		"HTTP/1.1":            {http1.URL, good, ErrOffline},
		"nobody there":        {"https://127.0.0.1:1", good, ErrOffline},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemStore(items(0, 3)...)
			c, err := New(Config{BaseURL: tt.url, TLS: tt.cfg, Verify: verifier(&centre.key.PublicKey), Accept: versions}, store)
			must(t, err)
			defer c.http.CloseIdleConnections()
			c.tuning.timeout = 30 * time.Second
			if _, err := c.Health(t.Context()); !errors.Is(err, tt.want) || !errors.Is(err, ErrOffline) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			run(t, c)
			eventually(t, "the failure shows", func() bool { return c.Status().LastError != "" })
			if s := c.Status(); s.Outbox != 3 || s.Online || tt.want == ErrCertificate && s.LastError != CodeCertificate { //nolint:errorlint // the table's own value
				t.Errorf("status %+v", s)
			}
		})
	}
	if centre.size() != 0 {
		t.Errorf("%d entries got through", centre.size())
	}
}

// TestAnswers makes one request against answers of all kinds.
func TestAnswers(t *testing.T) {
	bomb := func() []byte { // 1 GiB of zeros in some 30 kB
		enc, err := zstd.NewWriter(nil, zstd.WithWindowSize(1<<20))
		must(t, err)
		defer enc.Close() //nolint:errcheck // nothing is left to write
		return enc.EncodeAll(make([]byte, 64<<20), nil)
	}()
	answer := func(status int, header map[string]string, body []byte) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range header {
				w.Header().Set(k, v)
			}
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}
	}
	cbor := map[string]string{"Content-Type": wire.ContentCBOR}
	packed := map[string]string{"Content-Type": wire.ContentCBOR, "Content-Encoding": "zstd"}
	health := encode(t, &wire.Health{Name: "c", Version: 1})
	for name, tt := range map[string]struct {
		give func(http.ResponseWriter, *http.Request)
		want error
	}{
		"good":                 {answer(200, cbor, health), nil},
		"trailing byte":        {answer(200, cbor, append(slices.Clone(health), 0)), ErrProtocol},
		"empty":                {answer(200, cbor, nil), ErrProtocol},
		"garbage":              {answer(200, cbor, []byte("<html>")), ErrProtocol},
		"another message":      {answer(200, cbor, encode(t, &wire.Error{Code: "x"})), ErrProtocol},
		"html":                 {answer(200, map[string]string{"Content-Type": "text/html"}, health), ErrProtocol},
		"no type":              {answer(200, map[string]string{"Content-Type": ""}, health), ErrProtocol},
		"not zstd":             {answer(200, packed, health), ErrProtocol},
		"gzip":                 {answer(200, map[string]string{"Content-Type": wire.ContentCBOR, "Content-Encoding": "gzip"}, health), ErrProtocol},
		"zstd bomb":            {answer(200, packed, bomb), ErrProtocol},
		"too long":             {answer(200, cbor, make([]byte, wire.MaxBody+1)), ErrProtocol},
		"redirect":             {answer(302, map[string]string{"Location": "https://evil.example/"}, nil), ErrProtocol},
		"no content":           {answer(204, nil, nil), ErrProtocol},
		"not modified unasked": {answer(304, nil, nil), ErrProtocol},
		"created":              {answer(201, cbor, health), ErrProtocol},
		"404 of a proxy":       {answer(404, map[string]string{"Content-Type": "text/html"}, []byte("<html>")), ErrProtocol},
		"500 of a proxy":       {answer(502, map[string]string{"Content-Type": "text/html"}, []byte("<html>")), &ServerError{Status: 502, Code: CodeHTTP}},
		"500 without end":      {answer(500, cbor, make([]byte, 1<<20)), &ServerError{Status: 500, Code: CodeHTTP}},
		"403":                  {answer(403, cbor, encode(t, &wire.Error{Code: wire.CodeRevoked})), &ServerError{Status: 403, Code: wire.CodeRevoked}},
		"code with words":      {answer(403, cbor, encode(t, &wire.Error{Code: "<script>"})), ErrProtocol},
		"cut in the body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", wire.ContentCBOR)
			w.Header().Set("Content-Length", strconv.Itoa(len(health)))
			_, _ = w.Write(health[:3])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, ErrOffline},
		"slow loris": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", wire.ContentCBOR)
			for i := 0; r.Context().Err() == nil; i++ {
				_, _ = w.Write(health[i%len(health) : i%len(health)+1])
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, ErrTimeout},
		"silence": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			centre := newCentre(t)
			centre.setFault(func(w http.ResponseWriter, r *http.Request, _ *wire.PushRequest) bool { tt.give(w, r); return true })
			c := centre.dial(t, newMemStore())
			if tt.want == ErrTimeout { //nolint:errorlint // the table's own value
				c.tuning.timeout = 400 * time.Millisecond
			}
			_, err := c.Health(t.Context())
			var got, want *ServerError
			switch {
			case errors.As(tt.want, &want):
				if !errors.As(err, &got) || got.Status != want.Status || got.Code != want.Code {
					t.Errorf("got %v, want %v", err, want)
				}
			case !errors.Is(err, tt.want):
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCallerEnds(t *testing.T) {
	centre := newCentre(t)
	centre.setFault(func(_ http.ResponseWriter, r *http.Request, _ *wire.PushRequest) bool {
		<-r.Context().Done()
		return true
	})
	c := centre.dial(t, newMemStore())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Health(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOffline) {
		t.Errorf("got %v", err)
	}
}

// TestBodiesArePacked checks that a push travels as zstd where that helps.
func TestBodiesArePacked(t *testing.T) {
	centre := newCentre(t)
	c := centre.dial(t, newMemStore())
	_, err := c.Push(t.Context(), items(0, 100))
	must(t, err)
	plain := 0
	for _, e := range items(0, 100) {
		plain += len(e.Sealed)
	}
	if got := len(centre.pushed[0]); got >= plain {
		t.Errorf("%d bytes on the line for %d", got, plain)
	}
}

func TestLogReceipt(t *testing.T) {
	centre := newCentre(t)
	c := centre.dial(t, newMemStore())
	req := wire.LogReceiptRequest{Card: [8]byte{1}, Seq: 7, Chain: [16]byte{2}, IDs: make([]byte, 64)}
	for _, tt := range []struct {
		name string
		seq  uint32
		want error
	}{{"as asked", 9, nil}, {"for more", 10, ErrProtocol}, {"for less than was there", 6, ErrProtocol}} {
		centre.setFault(func(w http.ResponseWriter, r *http.Request, _ *wire.PushRequest) bool {
			if r.URL.Path != wire.PathLogReceipts {
				return false
			}
			centre.reply(w, r, &wire.LogReceipt{Seq: tt.seq, Certificates: [][]byte{{1}}})
			return true
		})
		if _, err := c.LogReceipt(t.Context(), req); !errors.Is(err, tt.want) {
			t.Errorf("receipt %s: %v, want %v", tt.name, err, tt.want)
		}
	}
	centre.setFault(func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) bool {
		centre.refuse(w, http.StatusConflict, wire.CodeNotHeld)
		return true
	})
	_, err := c.LogReceipt(t.Context(), req)
	if server, ok := errors.AsType[*ServerError](err); !ok || server.Code != wire.CodeNotHeld {
		t.Errorf("an entry that is not held: %v", err)
	}
	if _, err := c.LogReceipt(t.Context(), wire.LogReceiptRequest{Card: [8]byte{1}}); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("request without entries: %v", err)
	}
}
