package softcard

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"errors"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// fill appends entries of n bytes until the log has no room for another.
func fill(tb testing.TB, s *card.Session, n int) card.Head {
	tb.Helper()
	h, err := s.Head(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for {
		next, err := s.Append(tb.Context(), h.Seq, filled(n, byte(h.Seq)))
		if errors.Is(err, card.ErrFull) {
			return h
		}
		if err != nil {
			tb.Fatal(err)
		}
		h = next
	}
}

func marksOf(tb testing.TB, s *card.Session) []card.Mark {
	tb.Helper()
	marks, err := s.Marks(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return marks
}

// TestRingGoesRound fills and frees the log many times over: the marks are
// those of the entries, what is not freed stays, and offsets only rise.
func TestRingGoesRound(t *testing.T) {
	p, c, pub := issued(t, Options{})
	centre := p.centre(t, cvc.RightReceipt, "2026-02-01", "2027-02-01")
	var all [][]byte
	for round := range 12 {
		s := open(t, c, pub, p.physician(t))
		h, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for {
			e := filled(1+(len(all)*433+round*97)%maxEntry, byte(len(all)))
			next, err := s.Append(t.Context(), h.Seq, e)
			if errors.Is(err, card.ErrFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			all, h = append(all, e), next
		}
		marks := marksOf(t, s)
		if len(marks) < 3 || len(marks) > card.Segments {
			t.Fatalf("round %d: %d marks on a full card", round, len(marks))
		}
		for _, m := range marks {
			var want card.Head
			for _, e := range all[:m.Seq] {
				want = want.Next(e)
			}
			if m.Offset != want.Tail || m.Chain != want.Chain {
				t.Fatalf("round %d: mark %d is not that of the log", round, m.Seq)
			}
		}
		m := marks[round%len(marks)]
		freed, err := s.Free(t.Context(), centre.receipt(t, c.ID(), m))
		if err != nil {
			t.Fatal(err)
		}
		if freed.Start != m.Offset || freed.StartSeq != m.Seq || freed.Tail != h.Tail || freed.Seq != h.Seq {
			t.Fatalf("round %d: head %+v after freeing", round, freed)
		}
		if left := marksOf(t, s); !slices.Equal(left, marks[round%len(marks)+1:]) {
			t.Fatalf("round %d: %d marks left", round, len(left))
		}
		held := readAll(t, s)
		if len(held) != len(all)-int(m.Seq) {
			t.Fatalf("round %d: %d entries held", round, len(held))
		}
		for _, e := range held {
			if !bytes.Equal(e.sealed, all[e.seq-1]) {
				t.Fatalf("round %d: entry %d differs", round, e.seq)
			}
		}
		again, err := s.Free(t.Context(), centre.receipt(t, c.ID(), m))
		if err != nil || again != freed {
			t.Fatalf("round %d: the same receipt again: %v", round, err)
		}
	}
	t.Logf("%d entries went over a ring of %d bytes", len(all), logSize)
}

// TestReceiptsThatAreRefused: whatever is wrong with a receipt, nothing is
// freed, and the session goes on.
func TestReceiptsThatAreRefused(t *testing.T) {
	p, c, pub := issued(t, Options{})
	other := newProgramme(t)
	centre := p.centre(t, cvc.RightReceipt, "2026-02-01", "2027-02-01")
	desk := p.physician(t)
	desk.Chain[0] = p.renewed(t, "2026-03-01").Raw // tells the card the date
	full := fill(t, open(t, c, pub, desk), 900)
	marks := marksOf(t, reopen(t, p, c, pub))
	m := marks[1]
	with := func(change func(*card.LogReceipt)) card.LogReceipt {
		r := centre.receipt(t, c.ID(), m)
		change(&r)
		return r
	}
	chained := func(who *signatory) card.LogReceipt { return who.receipt(t, c.ID(), m) }
	stranger, changed := p.centre(t, cvc.RightReceipt, "2026-02-01", "2027-02-01"), m
	changed.Chain[3] ^= 1
	between := card.Mark{Seq: m.Seq + 1, Chain: m.Chain}
	tests := []struct {
		name    string
		receipt card.LogReceipt
		want    error
	}{
		{"signature of another key", with(func(r *card.LogReceipt) { r.Certificates = stranger.chain }), card.ErrSecurityStatus},
		{"one bit of the signature", with(func(r *card.LogReceipt) { r.Signature[40] ^= 1 }), card.ErrSecurityStatus},
		{"for another card", centre.receipt(t, card.ID{1}, m), card.ErrSecurityStatus},
		{"another number than was signed", with(func(r *card.LogReceipt) { r.Seq = marks[2].Seq }), card.ErrSecurityStatus},
		{"a chain that differs", centre.receipt(t, c.ID(), changed), card.ErrSequence},
		{"no mark's number", centre.receipt(t, c.ID(), between), card.ErrSequence},
		{"ahead of the card", centre.receipt(t, c.ID(), card.Mark{Seq: full.Seq + 9, Chain: full.Chain}), card.ErrSequence},
		{"the head itself", centre.receipt(t, c.ID(), card.Mark{Seq: full.Seq, Chain: full.Chain}), card.ErrSequence},
		{"certificate that has ended", chained(p.centre(t, cvc.RightReceipt, "2026-02-01", "2026-02-20")), card.ErrSecurityStatus},
		{"certificate without the right", chained(p.centre(t, cvc.AllRights&^cvc.RightReceipt, "2026-02-01", "2027-02-01")), card.ErrSecurityStatus},
		{"certificate that opens cards besides", func() card.LogReceipt {
			both := p.terminal(t, cvc.RoleNurse, cvc.AllRights, "2026-02-01", "2027-02-01")
			return chained(&signatory{key: both.Signer.(*ecdsa.PrivateKey), chain: both.Chain})
		}(), card.ErrSecurityStatus},
		{"certificate of another anchor", chained(other.centre(t, cvc.RightReceipt, "2026-02-01", "2027-02-01")), card.ErrSecurityStatus},
		{"a facility's certificate", func() card.LogReceipt {
			r := (&signatory{key: p.facilityKey}).receipt(t, c.ID(), m)
			r.Certificates = [][]byte{p.facility.Raw}
			return r
		}(), card.ErrSecurityStatus},
		{"facility without the right", func() card.LogReceipt {
			key := newKey(t)
			weak := p.issue(t, cvc.Template{
				CHR: "IQCLINIC00002", Public: &key.PublicKey, Kind: cvc.KindFacility, Roles: cvc.AllRoles,
				Rights: cvc.AllRights &^ cvc.RightReceipt, From: day(t, "2026-02-01"), To: day(t, "2027-02-01"),
			}, p.anchor, p.anchorKey)
			q := *p
			q.facility, q.facilityKey = weak, key
			r := q.centre(t, cvc.RightAppend, "2026-02-01", "2027-02-01").receipt(t, c.ID(), m)
			return r
		}(), card.ErrSecurityStatus},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := reopen(t, p, c, pub)
			if _, err := s.Free(t.Context(), tt.receipt); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if h, err := s.Head(t.Context()); err != nil || h != full {
				t.Fatalf("head %+v, %v", h, err)
			}
		})
	}
	s := reopen(t, p, c, pub)
	if h, err := s.Free(t.Context(), centre.receipt(t, c.ID(), m)); err != nil || h.StartSeq != m.Seq {
		t.Fatalf("the right one: %+v, %v", h, err)
	}
	if _, err := s.Free(t.Context(), centre.receipt(t, c.ID(), marks[0])); !errors.Is(err, card.ErrSequence) {
		t.Fatalf("one that is behind: %v", err)
	}
}

// TestReceiptNeedsATerminal: without Terminal Authentication, on a blocked
// card and over the wrong channel a receipt does nothing, however good.
func TestReceiptNeedsATerminal(t *testing.T) {
	p, c, pub := issued(t, Options{})
	centre := p.centre(t, cvc.RightReceipt, "2026-02-01", "2027-02-01")
	full := fill(t, open(t, c, pub, p.physician(t)), 900)
	r := centre.receipt(t, c.ID(), marksOf(t, reopen(t, p, c, pub))[0])
	put := apdu.Command{INS: insPutData, P1: card.DataMarks >> 8, P2: card.DataMarks & 0xFF, Data: slices.Concat([]byte{0, 0, 0, byte(r.Seq)}, r.Chain[:], r.Signature), Ne: headLen}
	h := newHost(t, c)
	if sw := h.plain(put).SW; sw != apdu.SWSecurityStatus {
		t.Errorf("in plain: %v", sw)
	}
	h = newHost(t, c)
	h.chip(pub)
	for _, cert := range r.Certificates {
		parsed, err := cvc.Parse(cert)
		if err != nil {
			t.Fatal(err)
		}
		if sw := h.setIssuer(parsed.CAR); sw != apdu.SWOK {
			t.Fatal(sw)
		}
		if sw := h.present(cert); sw != apdu.SWOK {
			t.Fatal(sw)
		}
	}
	if sw := h.secure(put).SW; sw != apdu.SWSecurityStatus {
		t.Errorf("without a role: %v", sw)
	}
	h = newHost(t, c)
	h.authenticate(pub, p.physician(t))
	if sw := h.secure(put).SW; sw != apdu.SWSecurityStatus {
		t.Errorf("behind the terminal's own certificate: %v", sw)
	}
	put.Data = put.Data[1:]
	if sw := h.secure(put).SW; sw != apdu.SWWrongLength {
		t.Errorf("a byte too few: %v", sw)
	}
	s := reopen(t, p, c, pub)
	if now, err := s.Head(t.Context()); err != nil || now != full {
		t.Errorf("head %+v, %v", now, err)
	}
}

func reopen(tb testing.TB, p *programme, c *Card, pub *ecdh.PublicKey) *card.Session {
	tb.Helper()
	s := open(tb, c, pub, p.physician(tb))
	if _, err := s.Head(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}
