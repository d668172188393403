package agent

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
)

// operator certifies a person, whose key must be in the list before a desk
// takes the list in use.
func (n *nation) operator(id string, role cvc.Roles) Operator {
	n.tb.Helper()
	key := newKey(n.tb)
	n.list.Keys = append(n.list.Keys, n.key(&key.PublicKey, trust.UsageAuthor, "Operator "+id))
	until := time.Now().AddDate(0, 1, 0)
	return Operator{
		ID: id, Name: "Operator " + id, Role: role.String(), Expires: until, Terminal: n.terminal(role, until),
		Author: envelope.Author{KID: trust.KIDOf(&key.PublicKey), Signer: key}, Vault: [32]byte{7},
	}
}

func TestOperatorBringsTheRole(t *testing.T) {
	n := newNation(t)
	doctor := n.operator("doctor-1", cvc.RolePhysician)
	closed := 0
	doctor.Close = func() { closed++ }
	p := n.issue(3, softcard.Options{})
	d := n.desk(deskOptions{role: cvc.RoleReceptionist})

	alone := d.tapped(t, p)
	if alone.Role != "receptionist" || alone.Summary != nil || len(alone.Entries) != 3 || len(alone.Entries[0].Locked) == 0 ||
		len(alone.Entries[0].Entry.Diagnoses) != 0 {
		t.Fatalf("the workstation alone sees %+v", alone)
	}

	d.agent.SignIn(doctor) // with the card in the reader
	signed, failure := d.read(t)
	if failure != nil {
		t.Fatal(failure.Code)
	}
	if signed.Role != "physician" || signed.Summary == nil || len(signed.Entries[0].Entry.Diagnoses) != 1 || signed.ID == alone.ID {
		t.Fatalf("the physician sees %+v", signed)
	}
	if who, ok := d.agent.Operator(); !ok || who.ID != "doctor-1" || d.agent.Health().Operator == nil {
		t.Fatalf("operator %+v, %v", who, ok)
	}
	draft := visit(0)
	draft.Start = time.Now()
	written, err := d.agent.Append(t.Context(), signed.ID, draft)
	if err != nil {
		t.Fatal(err)
	}
	held, ok, err := d.cache.Entry(signed.Patient, written.ID)
	if err != nil || !ok {
		t.Fatal(err)
	}
	sealed, err := envelope.Parse(held.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if sealed.KID() != doctor.Author.KID {
		t.Fatal("the operator's entry is signed with another key")
	}

	d.agent.SignOut()
	d.await(t, KindSignedOut)
	if open := d.agent.Visits(); len(open) != 0 || closed != 1 {
		t.Fatalf("%d visits are open after signing out, the credential was closed %d times", len(open), closed)
	}
	if _, err := d.agent.Append(t.Context(), signed.ID, draft); !errors.Is(err, ErrNoVisit) {
		t.Fatalf("append after signing out: %v", err)
	}
	var actions []string
	if _, err := d.cache.AuditRecords(0, func(r cache.AuditRecord) error {
		actions = append(actions, r.Actor+" "+r.Action)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"facility:101/receptionist read", "facility:101/physician/doctor-1 sign_in", "facility:101/physician/doctor-1 read",
		"facility:101/physician/doctor-1 append", "facility:101/physician/doctor-1 sign_out",
	}
	if len(actions) != len(want) {
		t.Fatalf("audit %q", actions)
	}
	for i := range want {
		if actions[i] != want[i] {
			t.Fatalf("audit line %d is %q, want %q", i+1, actions[i], want[i])
		}
	}
}

func TestOperatorLeaves(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(*desk)
	}{
		{"idle", func(*desk) {}},
		{"credential taken out", func(d *desk) {
			d.agent.onReader(card.Event{Kind: card.CardRemoved, Reader: "PIV reader", At: time.Now()})
		}},
		{"reader of the credential unplugged", func(d *desk) {
			d.agent.onReader(card.Event{Kind: card.ReaderRemoved, Reader: "PIV reader", At: time.Now()})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNation(t)
			op := n.operator("nurse", cvc.RoleNurse)
			op.Reader = "PIV reader"
			p := n.issue(1, softcard.Options{})
			opts := deskOptions{role: cvc.RoleReceptionist}
			if c.name == "idle" {
				opts.idle = 50 * time.Millisecond
			}
			d := n.desk(opts)
			d.agent.SignIn(op)
			if c.name != "idle" {
				if _, failure := d.tap(t, p); failure != nil {
					t.Fatal(failure.Code)
				}
				d.agent.onReader(card.Event{Kind: card.CardRemoved, Reader: "another reader", At: time.Now()})
				if _, ok := d.agent.Operator(); !ok {
					t.Fatal("another reader's card signed the operator out")
				}
			}
			c.leave(d)
			d.await(t, KindSignedOut)
			if _, ok := d.agent.Operator(); ok || len(d.agent.Visits()) != 0 {
				t.Fatal("the operator is still there")
			}
		})
	}
}

// signingOut signs the operator out in the middle of a tap.
type signingOut struct {
	card.Transport
	at    int
	leave func()
}

func (s *signingOut) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if s.at--; s.at == 0 {
		s.leave()
	}
	return s.Transport.Transmit(ctx, cmd)
}

func TestSigningOutDuringATapOpensNothing(t *testing.T) {
	for at := 1; at <= 15; at++ {
		n := newNation(t)
		op := n.operator("doctor", cvc.RolePhysician)
		p := n.issue(2, softcard.Options{})
		var d *desk
		d = n.desk(deskOptions{role: cvc.RoleReceptionist, wrap: func(tr card.Transport) card.Transport {
			return &signingOut{tr, at, func() { d.agent.SignOut() }}
		}})
		d.agent.SignIn(op)
		d.reader.put(p.card)
		d.await(t, KindSignedOut)
		d.take(t)
		for _, v := range d.agent.Visits() {
			if v.Role != "receptionist" {
				t.Fatalf("signed out at command %d: a visit of the %s is open", at, v.Role)
			}
		}
	}
}

func TestSignInReplacesTheOperator(t *testing.T) {
	n := newNation(t)
	first, second := n.operator("first", cvc.RolePhysician), n.operator("second", cvc.RoleNurse)
	if bytes.Equal(first.Author.KID[:], second.Author.KID[:]) {
		t.Skip("the keys share an identifier")
	}
	d := n.desk(deskOptions{role: cvc.RoleReceptionist})
	closed := make(chan struct{}, 1)
	first.Close = func() { closed <- struct{}{} }
	d.agent.SignIn(first)
	d.agent.SignIn(second)
	select {
	case <-closed:
	default:
		t.Fatal("the first operator's credential is still open")
	}
	if who, _ := d.agent.Operator(); who.ID != "second" {
		t.Fatalf("operator %q", who.ID)
	}
}
