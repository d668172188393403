package central_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"reflect"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestPatient(t *testing.T) {
	c := newCentre(t, unlimited)
	w, other := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 13, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	var want [][]byte
	var ids []record.EntryID
	for range 3 {
		e := w.seal(t, p, time.Now())
		if _, err := w.push(t.Context(), newBatch(t), e); err != nil {
			t.Fatal(err)
		}
		want, ids = append(want, e.Sealed), append(ids, e.ID())
	}
	path := wire.PatientRecordsPath(p.id.String())
	var res wire.PatientResponse
	if _, err := other.do(t.Context(), http.MethodGet, path, nil, &res); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(res.Items, want) || res.Next != 0 || !bytes.Equal(res.Subjects, p.grant.Subjects) ||
		!bytes.Equal(res.Identity, identity(t)) || len(res.Cover) != 0 {
		t.Errorf("%d entries, next %d, identity of %d bytes", len(res.Items), res.Next, len(res.Identity))
	}
	slices.Reverse(ids)
	if res.Digest != wire.Digest(ids) {
		t.Error("the digest is not that of the entries")
	}
	status, err := other.do(t.Context(), http.MethodGet, path+"?digest="+wire.DigestText(res.Digest), nil, nil)
	if err != nil || status != http.StatusNotModified {
		t.Errorf("same digest: %d, %v", status, err)
	}
	if status, err = other.do(t.Context(), http.MethodGet, path+"?digest="+strings.Repeat("0", 32), nil, &res); err != nil || status != http.StatusOK {
		t.Errorf("another digest: %d, %v", status, err)
	}
	// Having fetched the patient, the facility follows it.
	if _, err := w.push(t.Context(), newBatch(t), w.seal(t, p, time.Now())); err != nil {
		t.Fatal(err)
	}
	var page wire.ChangesPage
	if _, err := other.do(t.Context(), http.MethodGet, wire.PathChanges, nil, &page); err != nil || len(page.Items) != 4 {
		t.Errorf("%d changes, %v", len(page.Items), err)
	}
}

func TestChangesCursor(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	if _, err := w.push(t.Context(), newBatch(t), w.seal(t, p, time.Now())); err != nil {
		t.Fatal(err)
	}
	epoch := c.store.Epoch()
	var page wire.ChangesPage
	begin := time.Now()
	path := wire.PathChanges + "?wait=1&c=" + string(wire.MakeCursor(epoch, 1))
	if _, err := w.do(t.Context(), http.MethodGet, path, nil, &page); err != nil || len(page.Items) != 0 || page.Next != wire.MakeCursor(epoch, 1) {
		t.Errorf("idle poll: %+v, %v", page, err)
	}
	if took := time.Since(begin); took < time.Second || took > 30*time.Second {
		t.Errorf("idle poll with a wait of 1 s took %v", took)
	}
	for name, c := range map[string]struct {
		query  string
		status int
		code   string
	}{
		"another epoch":        {"c=" + string(wire.MakeCursor(epoch+1, 1)), http.StatusGone, wire.CodeEpoch},
		"position never given": {"c=" + string(wire.MakeCursor(epoch, 2)), http.StatusGone, wire.CodeEpoch},
		"garbage cursor":       {"c=hello", http.StatusBadRequest, wire.CodeBadRequest},
		"cursor with zeros":    {"c=01.1", http.StatusBadRequest, wire.CodeBadRequest},
		"too many":             {"max=501", http.StatusBadRequest, wire.CodeBadRequest},
		"none":                 {"max=0", http.StatusBadRequest, wire.CodeBadRequest},
		"too long":             {"wait=56", http.StatusBadRequest, wire.CodeBadRequest},
		"negative":             {"wait=-1", http.StatusBadRequest, wire.CodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			var page wire.ChangesPage
			status, err := w.do(t.Context(), http.MethodGet, wire.PathChanges+"?"+c.query, nil, &page)
			wantCode(t, status, err, c.status, c.code)
		})
	}
}

func TestLists(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	root, err := w.grant.RootKey()
	if err != nil {
		t.Fatal(err)
	}
	status, tag, raw := w.list(t, wire.ListTrust, "")
	list, err := trust.ParseList(raw, root)
	if status != http.StatusOK || err != nil || list.Version != 2 || len(list.Keys) != 3 {
		t.Fatalf("%d, %v, %+v", status, err, list)
	}
	if status, _, raw := w.list(t, wire.ListTrust, tag); status != http.StatusNotModified || len(raw) != 0 {
		t.Errorf("same version: %d with %d bytes", status, len(raw))
	}
	c.enrol(t, 13, cvc.RoleReceptionist)
	if status, again, _ := w.list(t, wire.ListTrust, tag); status != http.StatusOK || again == tag {
		t.Errorf("next version: %d %s", status, again)
	}
	var m wire.Health
	status, err = w.do(t.Context(), http.MethodGet, wire.PathLists+"nosuch", nil, &m)
	wantCode(t, status, err, http.StatusNotFound, wire.CodeNotFound)
}

func TestCards(t *testing.T) {
	c := newCentre(t, unlimited)
	clinic, station := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 9001, cvc.RoleIssuer)
	req := newCardRequest(t)
	var grant wire.CardGrant
	status, err := clinic.do(t.Context(), http.MethodPost, wire.PathCards, req, &grant)
	wantCode(t, status, err, http.StatusForbidden, wire.CodeForbidden)
	if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, req, &grant); err != nil {
		t.Fatal(err)
	}

	list := c.auth.Trust()
	security, err := list.CardSecurity(grant.Security, time.Now())
	if err != nil || security.Card != req.Card || !bytes.Equal(security.Public.Bytes(), req.CardKey[:]) {
		t.Errorf("card security: %v", err)
	}
	file, err := list.Identity(grant.IDFile)
	if err != nil || file.Card != req.Card || !bytes.Equal(file.Subjects.Bytes(), grant.Subjects) || !bytes.Equal(file.Identity, req.Identity) {
		t.Errorf("identity file: %v", err)
	}

	t.Run("the same request again", func(t *testing.T) {
		var again wire.CardGrant
		if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, req, &again); err != nil || again.Patient != grant.Patient {
			t.Errorf("another patient, %v", err)
		}
	})
	t.Run("a second card", func(t *testing.T) {
		second := newCardRequest(t)
		second.Patient = grant.Patient
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, second, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)
	})
	t.Run("the card with another key", func(t *testing.T) {
		other := newCardRequest(t)
		other.Card = req.Card
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, other, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)
	})
	t.Run("unknown patient", func(t *testing.T) {
		other := newCardRequest(t)
		other.Patient = record.PatientID{1}
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, other, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusNotFound, wire.CodeNoPatient)
	})
	t.Run("card key off the curve", func(t *testing.T) {
		other := newCardRequest(t)
		other.CardKey[64] ^= 1
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, other, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusBadRequest, wire.CodeBadRequest)
	})
	t.Run("identity that no program reads", func(t *testing.T) {
		other := newCardRequest(t)
		other.Identity = []byte("garbage")
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, other, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusBadRequest, wire.CodeBadRequest)
	})
	t.Run("reissue", func(t *testing.T) {
		next := newCardRequest(t)
		next.Patient, next.Replaces, next.Identity = grant.Patient, req.Card, nil
		var again wire.CardGrant
		if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, next, &again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again.Persons, grant.Persons) || !bytes.Equal(again.Subjects, grant.Subjects) {
			t.Error("the new card has other keys")
		}
		file, err := c.auth.Trust().Identity(again.IDFile)
		if err != nil || !bytes.Equal(file.Identity, req.Identity) {
			t.Errorf("identity of the new card: %v", err)
		}
		var released []store.Release
		err = c.store.View(t.Context(), func(r store.Reader) (err error) {
			released, err = r.Releases(0, 100)
			return err
		})
		if err != nil || len(released) != 3 { // the card, the same request again, the new card; none of what was refused
			t.Fatalf("%d releases, %v", len(released), err)
		}
		for i, card := range [][8]byte{next.Card, req.Card, req.Card} {
			got := released[i]
			if since := time.Since(got.At); since < 0 || since > time.Minute {
				t.Errorf("release %d at %v", i, got.At)
			}
			got.At, got.Number = time.Time{}, 0
			if want := (store.Release{Facility: 9001, Author: station.grant.AuthorKID, Card: card, Patient: grant.Patient}); got != want {
				t.Errorf("release %d is %+v, want %+v", i, got, want)
			}
		}
		if !c.auth.Trust().Blocked(req.Card) || c.auth.Trust().Blocked(next.Card) {
			t.Error("the old card is not blocked, or the new one is")
		}
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, req, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)

		// The next two name the holder by the card, then all cards by the holder.
		third := newCardRequest(t)
		third.Replaces = next.Card
		if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, third, &again); err != nil || again.Patient != grant.Patient {
			t.Fatalf("by the card: patient %s, %v", again.Patient, err)
		}
		fourth := newCardRequest(t)
		fourth.Patient, fourth.Replaces, fourth.Identity = grant.Patient, wire.ReplaceAll, nil
		for range 2 { // the second time after a lost answer
			if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, fourth, &again); err != nil || again.Patient != grant.Patient {
				t.Fatalf("all cards: patient %s, %v", again.Patient, err)
			}
		}
		lists := c.auth.Trust()
		if !lists.Blocked(next.Card) || !lists.Blocked(third.Card) || lists.Blocked(fourth.Card) {
			t.Error("a card that was replaced is not blocked, or the last one is")
		}
	})
	t.Run("a card begun for someone else", func(t *testing.T) {
		first := newCardRequest(t)
		if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, first, &wire.CardGrant{}); err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*wire.CardRequest){
			"cover":            func(r *wire.CardRequest) { r.Cover = coverOf(t) },
			"identity":         func(r *wire.CardRequest) { r.Identity = identityOf(t, "Other") },
			"another's holder": func(r *wire.CardRequest) { r.Replaces = req.Card },
		} {
			other := *first
			change(&other)
			status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, &other, &wire.CardGrant{})
			t.Log(name)
			wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)
		}
		unknown := newCardRequest(t)
		unknown.Replaces = [8]byte{9}
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, unknown, &wire.CardGrant{})
		wantCode(t, status, err, http.StatusNotFound, wire.CodeNoPatient)
	})
}

func identityOf(t *testing.T, family string) []byte {
	t.Helper()
	raw, err := (&record.Identity{Names: record.Names{Latin: &record.Name{Family: family}}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func coverOf(t *testing.T) []byte {
	t.Helper()
	raw, err := (&record.Cover{Payer: "Payer"}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestGarbage sends what no client would.
func TestGarbage(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	w.enough(t)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := encoder.EncodeAll(make([]byte, 256<<20), nil)
	cbor := wire.ContentCBOR
	for name, c := range map[string]struct {
		method, path, kind, encoding string
		body                         []byte
		status                       int
		code                         string
	}{
		"no body":               {http.MethodPost, wire.PathRecords, cbor, "", nil, 400, wire.CodeBadRequest},
		"text":                  {http.MethodPost, wire.PathRecords, cbor, "", []byte("hello"), 400, wire.CodeBadRequest},
		"json":                  {http.MethodPost, wire.PathRecords, "application/json", "", []byte("{}"), 415, wire.CodeMediaType},
		"no type":               {http.MethodPost, wire.PathRecords, "", "", []byte{0xa0}, 415, wire.CodeMediaType},
		"gzip":                  {http.MethodPost, wire.PathRecords, cbor, "gzip", []byte{0xa0}, 415, wire.CodeMediaType},
		"indefinite length":     {http.MethodPost, wire.PathRecords, cbor, "", []byte{0xbf, 0xff}, 400, wire.CodeBadRequest},
		"array of four billion": {http.MethodPost, wire.PathRecords, cbor, "", []byte{0xa2, 1, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x9a, 0xff, 0xff, 0xff, 0xff}, 400, wire.CodeBadRequest},
		"deep":                  {http.MethodPost, wire.PathRecords, cbor, "", bytes.Repeat([]byte{0x81}, 100_000), 400, wire.CodeBadRequest},
		"oversized":             {http.MethodPost, wire.PathRecords, cbor, "", make([]byte, wire.MaxBody+1), 413, wire.CodeTooLarge},
		"oversized card":        {http.MethodPost, wire.PathCards, cbor, "", make([]byte, wire.MaxCardBody+1), 403, wire.CodeForbidden},
		"zstd bomb":             {http.MethodPost, wire.PathRecords, cbor, wire.EncodingZstd, bomb, 413, wire.CodeTooLarge},
		"broken zstd":           {http.MethodPost, wire.PathRecords, cbor, wire.EncodingZstd, bomb[:40], 413, wire.CodeTooLarge},
		"no zstd":               {http.MethodPost, wire.PathRecords, cbor, wire.EncodingZstd, []byte("hello"), 400, wire.CodeBadRequest},
		"no such path":          {http.MethodGet, "/v2/records", "", "", nil, 404, wire.CodeNotFound},
		"wrong method":          {http.MethodDelete, wire.PathRecords, "", "", nil, 405, wire.CodeMethod},
		"patient identifier":    {http.MethodGet, wire.PatientRecordsPath("hello"), "", "", nil, 400, wire.CodeBadRequest},
		"unknown patient":       {http.MethodGet, wire.PatientRecordsPath(record.PatientID{1}.String()), "", "", nil, 404, wire.CodeNoPatient},
	} {
		t.Run(name, func(t *testing.T) {
			header := make(http.Header)
			if c.kind != "" {
				header.Set("Content-Type", c.kind)
			}
			if c.encoding != "" {
				header.Set("Content-Encoding", c.encoding)
			}
			status, raw, err := w.raw(t.Context(), c.method, c.path, header, bytes.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var failure wire.Error
			if err := wire.Decode(raw, &failure); err != nil || status != c.status || failure.Code != c.code {
				t.Errorf("got %d %s %v, want %d %s", status, failure.Code, err, c.status, c.code)
			}
		})
	}
	w.enough(t) // it still serves
}

// enough checks that the centre answers.
func (w *workstation) enough(t *testing.T) {
	t.Helper()
	var health wire.Health
	if _, err := w.do(t.Context(), http.MethodGet, wire.PathHealth, nil, &health); err != nil {
		t.Fatal(err)
	}
	if health.Name != "Test centre" || health.Epoch != w.centre.store.Epoch() || health.Trust == 0 || health.Block == 0 {
		t.Errorf("health %+v", health)
	}
}

func TestTLS(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	w.enough(t)
	selfSigned := func(template *x509.Certificate, key *ecdsa.PrivateKey) tls.Certificate {
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
	}
	for name, spoil := range map[string]func(*tls.Config){
		"no certificate": func(c *tls.Config) { c.Certificates = nil },
		"self-signed with the facility's name": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{selfSigned(&x509.Certificate{Subject: pkix.Name{CommonName: "12", OrganizationalUnit: []string{"issuer"}}}, newKey(t))}
		},
		"another's certificate without its key": func(c *tls.Config) { c.Certificates[0].PrivateKey = newKey(t) },
		"tls 1.2":                               func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"http/1.1 only":                         func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
	} {
		t.Run(name, func(t *testing.T) {
			config := w.tls.Clone()
			config.Certificates = slices.Clone(config.Certificates)
			config.NextProtos = []string{"h2"}
			spoil(config)
			conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", strings.TrimPrefix(c.url, "https://"))
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			// With TLS 1.3 the client learns of the refusal when it reads.
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("the server went on")
			}
		})
	}
	t.Run("server that is not the centre", func(t *testing.T) {
		other := newCentre(t, unlimited)
		client := newHTTPClient(t, w.tls)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, other.url+wire.PathHealth, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
			t.Error("the client trusts another centre")
		}
	})
}

// TestShutdown ends the server while a poll waits: the poll is answered, and
// Serve returns without an error.
func TestShutdown(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	w.enough(t)
	answered := make(chan error, 1)
	go func() {
		var page wire.ChangesPage
		_, err := w.do(t.Context(), http.MethodGet, wire.PathChanges+"?wait=50", nil, &page)
		answered <- err
	}()
	waitFor(t, func() bool { return strings.Count(c.log.String(), "request answered") >= 1 })
	waitFor(t, func() bool { // until the poll waits
		var stacks bytes.Buffer
		return pprof.Lookup("goroutine").WriteTo(&stacks, 2) == nil && strings.Contains(stacks.String(), "waitForChanges")
	})
	if err := c.stop(); err != nil { // as after 10 s of patience with it
		t.Errorf("serve: %v", err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the poll under way: %v", err)
	}
}
