package central_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// operator enrols a person at a facility and returns their author key.
func (c *centre) operator(tb testing.TB, facility uint32, role cvc.Roles) *ecdsa.PrivateKey {
	tb.Helper()
	author := newKey(tb)
	req := &wire.OperatorRequest{Facility: facility, Name: "Dr Amal"}
	if err := req.Sign(author, newKey(tb)); err != nil {
		tb.Fatal(err)
	}
	if _, err := c.auth.EnrolOperator(tb.Context(), req, authority.OperatorOptions{Role: role, Rights: authority.RightsOf(role)}); err != nil {
		tb.Fatal(err)
	}
	return author
}

func orderOf(p *patient) wire.ReleaseOrder {
	return wire.ReleaseOrder{
		Patient: p.id, Proof: wire.ProofPhoto, Reason: wire.ReasonForgotten, At: uint64(time.Now().Unix()), Facility: 12,
	}
}

func signOrder(tb testing.TB, author *ecdsa.PrivateKey, order wire.ReleaseOrder) (*wire.ReleaseRequest, *wire.ReleaseKey) {
	tb.Helper()
	req, key, err := wire.SignRelease(author, trust.KIDOf(&author.PublicKey), order)
	if err != nil {
		tb.Fatal(err)
	}
	return req, key
}

func (w *workstation) release(tb testing.TB, req *wire.ReleaseRequest) (*wire.ReleaseAnswer, int, error) {
	tb.Helper()
	answer := new(wire.ReleaseAnswer)
	status, err := w.do(tb.Context(), http.MethodPost, wire.PathReleases, req, answer)
	return answer, status, err
}

func (c *centre) releases(tb testing.TB) (lines []store.Release) {
	tb.Helper()
	err := c.store.View(tb.Context(), func(r store.Reader) (err error) {
		lines, err = r.Releases(0, 100)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return slices.DeleteFunc(lines, func(v store.Release) bool { return v.Reason == "" }) // of cards
}

// TestReleaseOpens: what is released opens the sections of the role, of an entry
// that has all of them, and no others.
func TestReleaseOpens(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	entry := []record.Section{
		record.SectionCoverage, record.SectionMedication, record.SectionLaboratory, record.SectionClinical, record.SectionSensitive,
	}
	texts := make(map[record.Section][]byte)
	for _, s := range entry {
		texts[s] = []byte("text of " + s.String())
	}
	raw, err := envelope.Seal(p.subject, p.keys, envelope.Author{KID: w.grant.AuthorKID, Signer: w.author}, envelope.Meta{Time: time.Now()}, texts, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := sealed.Verify(p.subject, &w.author.PublicKey); err != nil {
		t.Fatal(err)
	}
	for role, want := range map[cvc.Roles][]record.Section{
		cvc.RoleReceptionist: {record.SectionCoverage},
		cvc.RoleNurse:        {record.SectionCoverage, record.SectionClinical},
		cvc.RolePhysician:    {record.SectionCoverage, record.SectionMedication, record.SectionLaboratory, record.SectionClinical},
		cvc.RolePharmacist:   {record.SectionCoverage, record.SectionMedication},
		cvc.RoleLaboratory:   {record.SectionCoverage, record.SectionLaboratory},
		cvc.RoleEmergency:    {},
	} {
		t.Run(role.String(), func(t *testing.T) {
			author := c.operator(t, 12, role)
			before := len(c.releases(t))
			req, key := signOrder(t, author, orderOf(p))
			answer, _, err := w.release(t, req)
			if err != nil {
				t.Fatal(err)
			}
			line := c.releases(t)[0]
			if len(c.releases(t)) != before+1 || line.Operator != trust.KIDOf(&author.PublicKey) || line.Author != w.grant.AuthorKID || line.Role != role.String() {
				t.Errorf("line %+v", line)
			}
			got, err := key.Open(req, answer)
			if err != nil {
				t.Fatal(err)
			}
			given := got.Keys.Map()
			for s, key := range given {
				if len(key) == 0 {
					delete(given, s)
				}
			}
			keys, err := envelope.KeysFromMap(given, p.subject)
			if err != nil {
				t.Fatal(err)
			}
			opened, locked, err := sealed.OpenAll(keys)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range entry {
				if may := slices.Contains(want, s); may == slices.Contains(locked, s) || may != (string(opened[s]) == "text of "+s.String()) {
					t.Errorf("section %s: allowed %v, locked %v, %q", s, may, locked, opened[s])
				}
			}
			if answer.Role != role.String() || got.Card != p.card {
				t.Errorf("role %s, card %x", answer.Role, got.Card)
			}
		})
	}
}

// TestReleaseAnswerBound: nothing of an answer can be changed, and it answers
// one order only.
func TestReleaseAnswerBound(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	author := c.operator(t, 12, cvc.RoleNurse)
	req, key := signOrder(t, author, orderOf(p))
	other, otherKey := signOrder(t, author, orderOf(p))
	answer, _, err := w.release(t, req)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*wire.ReleaseAnswer){
		"later end":    func(a *wire.ReleaseAnswer) { a.Until += 3600 },
		"another role": func(a *wire.ReleaseAnswer) { a.Role = "physician" },
		"encapsulated": func(a *wire.ReleaseAnswer) { a.Sealed[1] ^= 1 },
		"ciphertext":   func(a *wire.ReleaseAnswer) { a.Sealed[len(a.Sealed)-20] ^= 1 },
		"tag":          func(a *wire.ReleaseAnswer) { a.Sealed[len(a.Sealed)-1] ^= 1 },
		"cut":          func(a *wire.ReleaseAnswer) { a.Sealed = a.Sealed[:40] },
	} {
		t.Run(name, func(t *testing.T) {
			changed := &wire.ReleaseAnswer{Sealed: slices.Clone(answer.Sealed), Until: answer.Until, Role: answer.Role}
			change(changed)
			if _, err := key.Open(req, changed); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := otherKey.Open(req, answer); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("another order's key: %v", err)
	}
	if _, err := key.Open(other, answer); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("as the answer to another order: %v", err)
	}
	if _, err := key.Open(req, answer); err != nil {
		t.Error(err)
	}
}

// TestReleaseRefused: each order that does not count has its status and code,
// and leaves no line.
func TestReleaseRefused(t *testing.T) {
	c := newCentre(t, unlimited)
	w, other := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 13, cvc.RoleReceptionist)
	station := c.enrol(t, 9001, cvc.RoleIssuer)
	p := c.newPatient(t, 9001)
	nurse, gone := c.operator(t, 12, cvc.RoleNurse), c.operator(t, 12, cvc.RoleNurse)
	if err := c.auth.RevokeAuthor(t.Context(), trust.KIDOf(&gone.PublicKey), time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	none := func(*wire.ReleaseOrder) {}
	for name, row := range map[string]struct {
		from   *workstation
		author *ecdsa.PrivateKey
		change func(*wire.ReleaseOrder)
		status int
		code   string
	}{
		"from another facility": {other, nurse, none, http.StatusForbidden, wire.CodeForbidden},
		"for another facility":  {w, nurse, func(o *wire.ReleaseOrder) { o.Facility = 13 }, http.StatusForbidden, wire.CodeForbidden},
		"revoked operator":      {w, gone, none, http.StatusForbidden, wire.CodeForbidden},
		"workstation alone":     {w, w.author, none, http.StatusForbidden, wire.CodeForbidden},
		"nobody's key":          {w, newKey(t), none, http.StatusForbidden, wire.CodeForbidden},
		"from a station":        {station, nurse, none, http.StatusForbidden, wire.CodeForbidden},
		"stale":                 {w, nurse, func(o *wire.ReleaseOrder) { o.At -= 301 }, http.StatusForbidden, wire.CodeForbidden},
		"ahead":                 {w, nurse, func(o *wire.ReleaseOrder) { o.At += 330 }, http.StatusForbidden, wire.CodeForbidden},
		"wrong patient":         {w, nurse, func(o *wire.ReleaseOrder) { o.Patient[0] ^= 1 }, http.StatusNotFound, wire.CodeNoPatient},
		"person not on card":    {w, nurse, func(o *wire.ReleaseOrder) { o.Person = 9 }, http.StatusNotFound, wire.CodeNoPatient},
	} {
		t.Run(name, func(t *testing.T) {
			order := orderOf(p)
			row.change(&order)
			req, _ := signOrder(t, row.author, order)
			_, status, err := row.from.release(t, req)
			wantCode(t, status, err, row.status, row.code)
		})
	}
	t.Run("changed after signing", func(t *testing.T) {
		req, _ := signOrder(t, nurse, orderOf(p))
		req.Order[len(req.Order)-1] ^= 1
		_, status, err := w.release(t, req)
		wantCode(t, status, err, http.StatusForbidden, wire.CodeForbidden)
	})
	t.Run("no order", func(t *testing.T) {
		_, status, err := w.release(t, &wire.ReleaseRequest{Order: []byte("order")})
		wantCode(t, status, err, http.StatusBadRequest, wire.CodeBadRequest)
	})
	if lines := c.releases(t); len(lines) != 0 {
		t.Errorf("lines of what was refused: %+v", lines)
	}
}

// TestReleaseOnce: an order counts once, whoever sends it and however often the
// centre is started; an operator may give so many in an hour.
func TestReleaseOnce(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	second := c.enrol(t, 12, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	nurse := c.operator(t, 12, cvc.RoleNurse)
	req, _ := signOrder(t, nurse, orderOf(p))
	if _, _, err := w.release(t, req); err != nil {
		t.Fatal(err)
	}
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	c.serve(t, unlimited)
	for name, from := range map[string]*workstation{"same workstation": w, "another one": second} {
		_, status, err := from.release(t, req)
		t.Log(name)
		wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)
	}
	if n := len(c.releases(t)); n != 1 {
		t.Errorf("%d lines", n)
	}
	for n := 1; ; n++ {
		next, _ := signOrder(t, nurse, orderOf(p))
		_, status, err := w.release(t, next)
		if err == nil && n < 12 {
			continue
		}
		wantCode(t, status, err, http.StatusTooManyRequests, wire.CodeRateLimited)
		if n != 12 {
			t.Errorf("refused after %d orders", n)
		}
		break
	}
	// Another operator is not held up.
	next, _ := signOrder(t, c.operator(t, 12, cvc.RolePhysician), orderOf(p))
	if _, _, err := w.release(t, next); err != nil {
		t.Error(err)
	}
}
