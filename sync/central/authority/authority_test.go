package authority

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func openStore(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "centre.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

var testConfig = Config{Name: "Test centre", URL: "https://centre.example:8443", Hosts: []string{"centre.example", "10.0.0.7"}}

func newAuthority(t *testing.T) (*Authority, string) {
	t.Helper()
	dir := t.TempDir()
	a, err := Init(t.Context(), dir, openStore(t, dir), testConfig)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func requestOf(t *testing.T, author *ecdsa.PrivateKey) *wire.EnrolRequest {
	t.Helper()
	req := &wire.EnrolRequest{FacilityName: "Clinic", Name: "desk"}
	if err := req.Sign(author, newKey(t), newKey(t)); err != nil {
		t.Fatal(err)
	}
	return req
}

func desk(facility uint32) EnrolOptions {
	return EnrolOptions{Facility: facility, Role: cvc.RoleReceptionist, Rights: cvc.RightAppend}
}

func TestInit(t *testing.T) {
	a, dir := newAuthority(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && path != dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(t.Context(), dir, a.store, testConfig); !errors.Is(err, ErrInitialised) {
		t.Errorf("init again: %v", err)
	}
	leaf := a.server.Load().Leaf
	pool := x509.NewCertPool()
	pool.AddCert(a.ca)
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "centre.example", "10.0.0.7"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); err != nil {
			t.Errorf("server certificate for %s: %v", host, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "other.example"}); err == nil {
		t.Error("server certificate holds for any name")
	}
	if trustVersion, block := a.Trust().Versions(); trustVersion != 1 || block != 1 {
		t.Errorf("lists %d and %d", trustVersion, block)
	}
	if _, err := Open(t.Context(), t.TempDir(), a.store); !errors.Is(err, ErrNotInitialised) {
		t.Errorf("open of an empty folder: %v", err)
	}
}

// TestInitInterrupted loses the configuration, which is written last: Init
// goes on with the keys that are there.
func TestInitInterrupted(t *testing.T) {
	a, dir := newAuthority(t)
	if err := os.Remove(filepath.Join(dir, fileConfig)); err != nil {
		t.Fatal(err)
	}
	again, err := Init(t.Context(), dir, a.store, testConfig)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Root().Equal(a.Root()) {
		t.Error("the root key is another one")
	}
	elsewhere := t.TempDir()
	if _, err := Init(t.Context(), elsewhere, a.store, testConfig); !errors.Is(err, ErrInitialised) {
		t.Errorf("init over another centre's store: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"no name":      {URL: "https://a:1"},
		"no url":       {Name: "a"},
		"plain http":   {Name: "a", URL: "http://a:1"},
		"host a path":  {Name: "a", URL: "https://a:1", Hosts: []string{"a/b"}},
		"host a port":  {Name: "a", URL: "https://a:1", Hosts: []string{"a:1"}},
		"host a space": {Name: "a", URL: "https://a:1", Hosts: []string{"a b"}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.Check(); err == nil {
				t.Error("accepted")
			}
		})
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileConfig), []byte(`{"name":"a","url":"https://a:1","hosts":[],"colour":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(dir); err == nil {
		t.Error("an unknown key is accepted")
	}
}

func TestEnrol(t *testing.T) {
	a, _ := newAuthority(t)
	author := newKey(t)
	req := requestOf(t, author)
	grant, err := a.Enrol(t.Context(), req, desk(12))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Encode(grant); err != nil {
		t.Error(err)
	}
	var chain []*cvc.Certificate
	for _, raw := range grant.TerminalChain {
		cert, err := cvc.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, cert)
	}
	anchor, err := cvc.Parse(grant.Anchor)
	if err != nil {
		t.Fatal(err)
	}
	effective, err := cvc.VerifyChain(anchor, chain, cvc.DateOf(time.Now()))
	if err != nil || effective.Roles != cvc.RoleReceptionist || effective.Rights != cvc.RightAppend {
		t.Errorf("terminal chain gives %v %v, %v", effective.Roles, effective.Rights, err)
	}
	root, err := grant.RootKey()
	if err != nil {
		t.Fatal(err)
	}
	lists := trust.NewStore(root)
	if err := errors.Join(lists.UpdateTrust(grant.Trust), lists.UpdateBlock(grant.Block)); err != nil {
		t.Fatal(err)
	}
	key, err := lists.Author(grant.AuthorKID, time.Now())
	if err != nil || key.Facility != 12 || !key.Public.Equal(author.Public()) || key.Name != "Clinic / desk" {
		t.Errorf("author %+v, %v", key, err)
	}
	cert, err := x509.ParseCertificate(grant.TLSCert)
	if err != nil || cert.Subject.CommonName != "12" || cert.Subject.OrganizationalUnit[0] != wire.RoleClinic {
		t.Errorf("tls certificate %v, %v", cert.Subject, err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.ca)
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: usages}); err != nil {
		t.Errorf("tls certificate: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(*wire.EnrolRequest, *EnrolOptions)
		want  error
	}{
		"proof":               {func(r *wire.EnrolRequest, _ *EnrolOptions) { r.TLSProof[5] ^= 1 }, wire.ErrProof},
		"name after signing":  {func(r *wire.EnrolRequest, _ *EnrolOptions) { r.Name = "other" }, wire.ErrProof},
		"two roles":           {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Role |= cvc.RoleNurse }, ErrRequest},
		"a clinical role":     {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Role = cvc.RoleNurse }, ErrRequest},
		"no role":             {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Role = 0 }, ErrRequest},
		"unknown right":       {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Rights = 1 << 9 }, ErrRequest},
		"too long":            {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Validity = 4 * 366 * 24 * time.Hour }, ErrRequest},
		"facility too large":  {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Facility = MaxFacility + 1 }, ErrRequest},
		"clinic turns issuer": {func(_ *wire.EnrolRequest, o *EnrolOptions) { o.Role = cvc.RoleIssuer }, ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			bad, opts := requestOf(t, newKey(t)), desk(12)
			c.spoil(bad, &opts)
			if _, err := a.Enrol(t.Context(), bad, opts); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("the same request again", func(t *testing.T) {
		if _, err := a.Enrol(t.Context(), req, desk(12)); !errors.Is(err, ErrConflict) {
			t.Errorf("got %v, want %v", err, ErrConflict)
		}
	})
	t.Run("a second workstation", func(t *testing.T) {
		if _, err := a.Enrol(t.Context(), requestOf(t, newKey(t)), desk(12)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a new number", func(t *testing.T) {
		grant, err := a.Enrol(t.Context(), requestOf(t, newKey(t)), desk(0))
		if err != nil || grant.Facility != 13 {
			t.Errorf("got %v, want facility 13", err)
		}
	})
	t.Run("a revoked facility", func(t *testing.T) {
		if err := a.RevokeFacility(t.Context(), 12, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Enrol(t.Context(), requestOf(t, newKey(t)), desk(12)); !errors.Is(err, ErrRevoked) {
			t.Errorf("got %v, want %v", err, ErrRevoked)
		}
		if _, err := a.Trust().Author(grant.AuthorKID, time.Now().Add(time.Minute)); !errors.Is(err, trust.ErrKeyRevoked) {
			t.Errorf("author: %v", err)
		}
	})
}

// TestKIDCollision enrols two keys whose identifiers are the same by chance:
// the private keys 22785 and 125261.
func TestKIDCollision(t *testing.T) {
	a, _ := newAuthority(t)
	var keys [2]*ecdsa.PrivateKey
	for i, n := range []int64{22785, 125261} {
		raw := make([]byte, 32)
		big.NewInt(n).FillBytes(raw)
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key
	}
	if trust.KIDOf(&keys[0].PublicKey) != trust.KIDOf(&keys[1].PublicKey) {
		t.Fatal("the keys do not collide")
	}
	if _, err := a.Enrol(t.Context(), requestOf(t, keys[0]), desk(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Enrol(t.Context(), requestOf(t, keys[1]), desk(2)); !errors.Is(err, ErrKIDCollision) {
		t.Errorf("got %v, want %v", err, ErrKIDCollision)
	}
	err := a.store.View(t.Context(), func(r store.Reader) error {
		_, err := r.Facility(2)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the facility of the refused request: %v", err)
	}
}

// TestEnrolTogether enrols from two openings of the same centre at once, as
// two commands do: every key ends up in the list.
func TestEnrolTogether(t *testing.T) {
	a, dir := newAuthority(t)
	b, err := Open(t.Context(), dir, openStore(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var kids [][4]byte
	var wg sync.WaitGroup
	for i, auth := range []*Authority{a, b, a, b} {
		for k := range 3 {
			req := requestOf(t, newKey(t))
			facility := uint32(100 + 10*i + k) // #nosec G115 -- small
			wg.Go(func() {
				grant, err := auth.Enrol(context.Background(), req, desk(facility))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				kids = append(kids, grant.AuthorKID)
			})
		}
	}
	wg.Wait()
	for _, auth := range []*Authority{a, b} {
		if err := auth.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, kid := range kids {
			if _, err := auth.Trust().Author(kid, time.Now()); err != nil {
				t.Errorf("author %x: %v", kid, err)
			}
		}
	}
	if len(kids) != 12 {
		t.Errorf("%d enrolled of 12", len(kids))
	}
}

func TestRefresh(t *testing.T) {
	a, _ := newAuthority(t)
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if version, _ := a.Trust().Versions(); version != 1 {
		t.Errorf("a fresh list was signed anew as %d", version)
	}
	old, err := a.list(t.Context(), wire.ListTrust)
	if err != nil {
		t.Fatal(err)
	}
	old.Issued = time.Now().Add(-listLife)
	if err := a.store.Update(t.Context(), func(w store.Writer) error { return w.PutList(old) }); err != nil {
		t.Fatal(err)
	}
	before := a.server.Load()
	short := *before.Leaf
	short.NotAfter = time.Now().Add(serverRenewal / 2)
	ageing := *before
	ageing.Leaf = &short
	a.server.Store(&ageing)
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if version, _ := a.Trust().Versions(); version != 2 {
		t.Errorf("the old list is still version %d", version)
	}
	if bytes.Equal(a.server.Load().Certificate[0], before.Certificate[0]) {
		t.Error("the server certificate is the old one")
	}
}

func TestRevokeUnknown(t *testing.T) {
	a, _ := newAuthority(t)
	for name, err := range map[string]error{
		"key":      a.RevokeAuthor(t.Context(), [4]byte{1}, time.Now()),
		"facility": a.RevokeFacility(t.Context(), 7, time.Now()),
		"card":     a.BlockCard(t.Context(), [8]byte{1}),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if trustVersion, block := a.Trust().Versions(); trustVersion != 1 || block != 1 {
		t.Errorf("lists moved on to %d and %d", trustVersion, block)
	}
}

// TestNothingReadable issues a card and looks for its secrets in every file of
// the database.
func TestNothingReadable(t *testing.T) {
	a, dir := newAuthority(t)
	identity, err := (&record.Identity{
		Names: record.Names{Latin: &record.Name{Given: []string{"Zainab"}, Family: "Testpatient"}},
		Sex:   record.SexFemale,
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	req := &wire.CardRequest{Card: [8]byte{1, 2, 3}, CardKey: [65]byte(key.PublicKey().Bytes()), Identity: identity}
	grant, err := a.IssueCard(t.Context(), Station{Facility: 1}, req)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.BlockCard(t.Context(), req.Card); err != nil || !a.Trust().Blocked(req.Card) {
		t.Errorf("block: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "centre.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string][]byte{
			"given name": []byte("Zainab"), "family name": []byte("Testpatient"), "key 0": grant.Persons[0].Keys[0], "key 5": grant.Persons[0].Keys[5],
		} {
			if bytes.Contains(content, secret) {
				t.Errorf("%s holds the %s", filepath.Base(file), what)
			}
		}
	}
	err = a.store.View(t.Context(), func(r store.Reader) error {
		p, err := r.Patient(grant.Patient)
		if err != nil {
			return err
		}
		rootsStay(t, a, &p, grant, files)
		got, cover, err := a.Content(p)
		if err != nil || !bytes.Equal(got, identity) || len(cover) != 0 {
			t.Errorf("content: %v", err)
		}
		p.Identity, p.Keys = p.Keys, p.Identity // what is sealed as one kind does not open as another
		if _, _, err := a.Content(p); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("keys read as identity: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if printed := fmt.Sprintf("%v %+v", grant, grant); bytes.Contains([]byte(printed), []byte(hex.EncodeToString(grant.Persons[0].Keys[0]))) {
		t.Error("a grant prints its keys")
	}
}

// rootsStay checks that what leaves the centre is derived: no root key stands
// in a grant, nor in the files in plain.
func rootsStay(t *testing.T, a *Authority, p *store.Patient, grant *wire.CardGrant, files []string) {
	t.Helper()
	subjects, err := envelope.ParseSubjects(p.Subjects)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := a.roots(p, &subjects)
	if err != nil {
		t.Fatal(err)
	}
	given, err := wire.Encode(grant)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(given, grant.Persons[0].Keys[0]) {
		t.Error("a grant does not hold what it gives: nothing would be found")
	}
	for i := range record.NumSections {
		root := roots.Bytes()[i*envelope.KeySize:][:envelope.KeySize]
		if bytes.Contains(given, root) {
			t.Errorf("root key %d leaves the centre", i)
		}
		for _, file := range files {
			if content, err := os.ReadFile(file); err != nil || bytes.Contains(content, root) {
				t.Errorf("%s holds root key %d, %v", filepath.Base(file), i, err)
			}
		}
	}
	foreign, err := envelope.NewRoots(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := foreign.Subject(p.ID, subjects.Epoch, 0)
	if err != nil {
		t.Fatal(err)
	}
	if subjects, err = envelope.NewSubjects(holder); err != nil {
		t.Fatal(err)
	}
	if _, err := a.roots(p, &subjects); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("root keys against other subjects: %v", err)
	}
}
