package central_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// logRequest names entries of a card's log behind a state.
func logRequest(p *patient, at card.Head, ids ...record.EntryID) *wire.LogReceiptRequest {
	return &wire.LogReceiptRequest{Card: p.card, Seq: at.Seq, Chain: at.Chain, IDs: bytes.Join(func() (out [][]byte) {
		for i := range ids {
			out = append(out, ids[i][:])
		}
		return out
	}(), nil)}
}

// TestLogReceipt: the centre signs for what it holds, in the order of the
// card, from the beginning or from where it signed before, and for nothing else.
func TestLogReceipt(t *testing.T) {
	c := newCentre(t, unlimited)
	w, other := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 13, cvc.RoleReceptionist)
	p, q := c.newPatient(t, 9001), c.newPatient(t, 9001)
	var items []wire.Envelope
	var ids []record.EntryID
	heads := []card.Head{{}}
	for i := range 6 {
		e := w.seal(t, p, time.Now())
		items, ids = append(items, e), append(ids, e.ID())
		heads = append(heads, heads[i].Next(e.Sealed))
	}
	foreign := w.seal(t, q, time.Now())
	if _, err := w.push(t.Context(), newBatch(t), append(items[:5:5], foreign)...); err != nil {
		t.Fatal(err)
	}
	ask := func(w *workstation, req *wire.LogReceiptRequest) (*wire.LogReceipt, int, error) {
		var got wire.LogReceipt
		status, err := w.do(t.Context(), http.MethodPost, wire.PathLogReceipts, req, &got)
		return &got, status, err
	}
	// Before the centre has signed a state, nothing counts from it.
	_, status, err := ask(w, logRequest(p, heads[3], ids[3:5]...))
	wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)

	for _, tt := range []struct {
		from, to int
		by       *workstation
	}{{0, 3, w}, {0, 3, other}, {3, 5, other}, {0, 5, w}} {
		got, status, err := ask(tt.by, logRequest(p, heads[tt.from], ids[tt.from:tt.to]...))
		if err != nil {
			t.Fatalf("%d to %d: %d, %v", tt.from, tt.to, status, err)
		}
		if got.Seq != heads[tt.to].Seq || got.Chain != heads[tt.to].Chain {
			t.Fatalf("%d to %d: receipt for %d", tt.from, tt.to, got.Seq)
		}
		var certs []*cvc.Certificate
		for _, raw := range got.Certificates {
			cert, err := cvc.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			certs = append(certs, cert)
		}
		e, err := cvc.Start(c.auth.Anchor())
		for _, cert := range certs {
			if err == nil {
				e, err = e.Extend(cert, cvc.DateOf(time.Now()))
			}
		}
		if err != nil || e.Leaf.Kind != cvc.KindTerminal || e.Rights != cvc.RightReceipt || e.Roles != 0 {
			t.Fatalf("certificates give %v %v: %v", e.Roles, e.Rights, err)
		}
		if err := cose.VerifyES256(e.Leaf.Public, card.ReceiptInput(p.card, got.Seq, got.Chain), got.Signature[:]); err != nil {
			t.Fatal(err)
		}
	}

	for _, tt := range []struct {
		name   string
		req    *wire.LogReceiptRequest
		status int
		code   string
	}{
		{"an entry that is not held", logRequest(p, heads[5], ids[5]), http.StatusConflict, wire.CodeNotHeld},
		{"another patient's entry", logRequest(p, heads[5], foreign.ID()), http.StatusConflict, wire.CodeNotHeld},
		{"another chain than was signed", logRequest(p, card.Head{Seq: 3, Chain: heads[4].Chain}, ids[3]), http.StatusConflict, wire.CodeConflict},
		{"a state of another card", logRequest(q, heads[3], foreign.ID()), http.StatusConflict, wire.CodeConflict},
		{"a card that was never issued", &wire.LogReceiptRequest{Card: [8]byte{1}, IDs: ids[0][:]}, http.StatusNotFound, wire.CodeNoPatient},
	} {
		_, status, err := ask(w, tt.req)
		t.Run(tt.name, func(t *testing.T) { wantCode(t, status, err, tt.status, tt.code) })
	}
	if err := c.auth.BlockCard(t.Context(), p.card); err != nil {
		t.Fatal(err)
	}
	_, status, err = ask(w, logRequest(p, heads[0], ids[:3]...))
	wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)
}

// TestNoClinicSignsReceipts: no grant gives a workstation or its facility the
// right to sign receipts.
func TestNoClinicSignsReceipts(t *testing.T) {
	c := newCentre(t, unlimited)
	for _, role := range []cvc.Roles{cvc.RoleReceptionist, cvc.RoleIssuer} {
		w := c.enrol(t, 12+uint32(role), role)
		for _, raw := range w.grant.TerminalChain {
			cert, err := cvc.Parse(raw)
			if err != nil || cert.Rights.Has(cvc.RightReceipt) {
				t.Errorf("%s: certificate %s has rights %s, %v", role, cert.CHR, cert.Rights, err)
			}
		}
	}
	req := &wire.EnrolRequest{FacilityName: "Facility", Name: "desk"}
	if err := req.Sign(newKey(t), newKey(t), newKey(t)); err != nil {
		t.Fatal(err)
	}
	_, err := c.auth.Enrol(t.Context(), req, authority.EnrolOptions{Facility: 5, Role: cvc.RoleReceptionist, Rights: cvc.RightReceipt})
	if err == nil {
		t.Error("a workstation was given the right")
	}
}
