package softcard

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

func TestVisit(t *testing.T) {
	for _, link := range []Link{LinkContactless424, LinkT1} {
		t.Run(link.String(), func(t *testing.T) {
			p, c, pub := issued(t, Options{Link: link})
			s := open(t, c, pub, p.physician(t))
			if s.Info().ID != c.ID() || s.Info().State != card.StateOperational {
				t.Fatalf("info %+v", s.Info())
			}
			for f, want := range map[card.File][]byte{
				card.FileSecurity: p.security, card.FileID: p.identity,
				card.FilePhoto: p.photo, card.FileSummary: p.summary,
			} {
				got, err := s.ReadFile(t.Context(), f)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%v: %d bytes of %d, %v", f, len(got), len(want), err)
				}
			}
			var want []entry
			head, err := s.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range 40 {
				sealed := filled(1+i*50, byte(i))
				next, err := s.Append(t.Context(), head.Seq, sealed)
				if err != nil {
					t.Fatal(err)
				}
				if next != head.Next(sealed) {
					t.Fatalf("head %+v", next)
				}
				head = next
				want = append([]entry{{head.Seq, sealed}}, want...)
			}
			if head, err = s.WriteSummary(t.Context(), head.SummaryVersion, filled(2044, 9)); err != nil {
				t.Fatal(err)
			}
			if head.SummaryVersion != 2 {
				t.Fatalf("head %+v", head)
			}
			again, err := Load(c.Image(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			s = open(t, again, pub, p.physician(t))
			if got := readAll(t, s); len(got) != len(want) {
				t.Fatalf("%d entries", len(got))
			} else {
				for i := range got {
					if got[i].seq != want[i].seq || !bytes.Equal(got[i].sealed, want[i].sealed) {
						t.Fatalf("entry %d differs", got[i].seq)
					}
				}
			}
			if got, err := s.ReadFile(t.Context(), card.FileSummary); err != nil || !bytes.Equal(got, filled(2044, 9)) {
				t.Fatalf("summary: %d bytes, %v", len(got), err)
			}
			m := c.Modelled()
			t.Logf("personalisation and visit over %v: %d commands, %d bytes, link %v, crypto %v, memory %v",
				link, m.APDUs, m.Bytes, m.Link, m.Crypto, m.NVM)
		})
	}
}

func TestFillTheLog(t *testing.T) {
	p, c, pub := issued(t, Options{})
	s := open(t, c, pub, p.physician(t))
	seq := uint32(0)
	for ; ; seq++ {
		_, err := s.Append(t.Context(), seq, filled(2000, byte(seq)))
		if errors.Is(err, card.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := uint32(card.LogSize / 2002); seq != want {
		t.Fatalf("%d entries, want %d", seq, want)
	}
	if got := readAll(t, s); len(got) != int(seq) {
		t.Fatalf("%d entries read", len(got))
	}
	if _, err := s.Append(t.Context(), seq+1, []byte{1}); !errors.Is(err, card.ErrSequence) {
		t.Fatalf("append with a wrong sequence number: %v", err)
	}
}

// TestRing writes over the seam of the ring, which the card reaches only when
// entries have been freed.
func TestRing(t *testing.T) {
	c := New(Options{})
	for _, at := range []uint32{0, 1, logSize - 1, logSize - 70, 3*logSize - 100} {
		p := filled(200, byte(at))
		if err := writeLog(&c.nvm, at, p); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(readLog(&c.nvm, at, len(p)), p) {
			t.Errorf("at %d", at)
		}
	}
}

// TestRoles goes through the access table from outside: what each role reads,
// which section keys it is given and what it may write with every right.
func TestRoles(t *testing.T) {
	all := []cvc.Roles{
		cvc.RoleReceptionist, cvc.RoleNurse, cvc.RolePhysician, cvc.RolePharmacist,
		cvc.RoleLaboratory, cvc.RoleEmergency, cvc.RoleIssuer,
	}
	const (
		coverage, summary, medication = record.SectionCoverage, record.SectionSummary, record.SectionMedication
		laboratory, clinical          = record.SectionLaboratory, record.SectionClinical
	)
	keys := map[cvc.Roles][]record.Section{
		cvc.RoleReceptionist: {coverage},
		cvc.RoleNurse:        {coverage, summary, clinical},
		cvc.RolePhysician:    {coverage, summary, medication, laboratory, clinical},
		cvc.RolePharmacist:   {coverage, summary, medication},
		cvc.RoleLaboratory:   {coverage, laboratory},
		cvc.RoleEmergency:    {summary},
		cvc.RoleIssuer:       {},
	}
	readsSummary := cvc.RoleNurse | cvc.RolePhysician | cvc.RolePharmacist | cvc.RoleEmergency
	writesSummary := cvc.RolePhysician | cvc.RoleIssuer
	p, c, pub := issued(t, Options{})
	for _, role := range all {
		for _, rights := range []cvc.Rights{0, cvc.RightAppend, cvc.RightWriteSummary, cvc.AllRights} {
			t.Run(role.String()+"/"+rights.String(), func(t *testing.T) {
				s := open(t, c, pub, p.terminal(t, role, rights, "2026-03-01", "2026-06-01"))
				got, err := s.Keys(t.Context(), 0)
				if err != nil || len(got) != len(keys[role]) {
					t.Fatalf("keys %v, %v", got, err)
				}
				for _, section := range keys[role] {
					if !bytes.Equal(got[section], p.keys[section]) {
						t.Errorf("key of %v", section)
					}
				}
				for _, f := range []card.File{card.FileID, card.FilePhoto} {
					if _, err := s.ReadFile(t.Context(), f); err != nil {
						t.Error(err)
					}
				}
				_, err = s.ReadFile(t.Context(), card.FileSummary)
				expect(t, "read summary", err, readsSummary.Has(role))
				head, err := s.Head(t.Context())
				expect(t, "read head", err, true)
				next, err := s.Append(t.Context(), head.Seq, []byte("entry"))
				expect(t, "append", err, rights.Has(cvc.RightAppend))
				if err == nil {
					head = next
				}
				_, err = s.WriteSummary(t.Context(), head.SummaryVersion, p.summary)
				expect(t, "write summary", err, rights.Has(cvc.RightWriteSummary) && writesSummary.Has(role))
			})
		}
	}
}

func expect(t *testing.T, what string, err error, allowed bool) {
	t.Helper()
	if allowed && err != nil || !allowed && !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("%s: %v, allowed %v", what, err, allowed)
	}
}

// TestTableIsSane looks for rows that would open what must stay shut.
func TestTableIsSane(t *testing.T) {
	for i, r := range rules {
		if r.states&(inUse|inBlocked) != 0 && r.roles == anyone && r.object != objSecurity &&
			r.action != actChipAuth && r.action != actTerminalAuth && r.action != actEcho {
			t.Errorf("row %d is open to anyone in use", i)
		}
		if r.roles != anyone && r.channel&plain != 0 {
			t.Errorf("row %d wants a role over a plain channel", i)
		}
		if r.rights != 0 && r.roles == anyone {
			t.Errorf("row %d wants rights of nobody", i)
		}
		if r.object == objKeys && r.action == actGet && r.answer != 0 {
			t.Errorf("row %d gives keys unencrypted", i)
		}
	}
	if sectionRoles[record.SectionSensitive] != cvc.RolePhysician {
		t.Error("the sensitive section is given to others than physicians")
	}
}

func TestLifeCycle(t *testing.T) {
	p := newProgramme(t)
	c := New(Options{})
	b, err := card.OpenBlank(t.Context(), c.Transport())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Activate(t.Context()); !errors.Is(err, card.ErrConditions) {
		t.Fatalf("activate an empty card: %v", err)
	}
	pub := p.personalise(t, c)
	if _, err := card.OpenBlank(t.Context(), c.Transport()); !errors.Is(err, card.ErrNotBlank) {
		t.Fatalf("personalise again: %v", err)
	}
	issuer := p.terminal(t, cvc.RoleIssuer, cvc.RightUnblock, "2026-03-01", "2026-06-01")
	state := func() card.State {
		s, err := card.Open(t.Context(), c.Transport())
		if err != nil {
			t.Fatal(err)
		}
		return s.Info().State
	}
	life := func(ins byte, term card.Terminal) apdu.SW {
		t.Helper()
		h := newHost(t, c)
		h.authenticate(pub, term)
		return h.secure(apdu.Command{INS: ins}).SW
	}
	steps := []struct {
		name  string
		ins   byte
		term  card.Terminal
		want  apdu.SW
		state card.State
	}{
		{"physician may not block", insDeactivate, p.physician(t), apdu.SWSecurityStatus, card.StateOperational},
		{"active is active", insActivate, issuer, apdu.SWConditions, card.StateOperational},
		{"issuer blocks", insDeactivate, issuer, apdu.SWOK, card.StateBlocked},
		{"blocked twice", insDeactivate, issuer, apdu.SWConditions, card.StateBlocked},
		{
			"unblock without the right", insActivate,
			p.terminal(t, cvc.RoleIssuer, 0, "2026-03-01", "2026-06-01"), apdu.SWSecurityStatus, card.StateBlocked,
		},
		{"unblock", insActivate, issuer, apdu.SWOK, card.StateOperational},
		{"physician may not terminate", insTerminate, p.physician(t), apdu.SWSecurityStatus, card.StateOperational},
		{"terminate", insTerminate, issuer, apdu.SWOK, card.StateTerminated},
	}
	for _, step := range steps {
		if sw := life(step.ins, step.term); sw != step.want {
			t.Errorf("%s: %v", step.name, sw)
		}
		if got := state(); got != step.state {
			t.Fatalf("%s: state %v", step.name, got)
		}
	}
	h := newHost(t, c)
	for _, ins := range []byte{insReadBinary, insManageSecurity, insGetData, insActivate} {
		if sw := h.plain(apdu.Command{INS: ins, P1: 0x9D, Ne: 256}).SW; sw == apdu.SWOK || sw == apdu.SWEndOfFile {
			t.Errorf("terminated card answers %02X with %v", ins, sw)
		}
	}
}

// TestBlockedCard shows that a blocked card gives nothing but EF.CardSecurity.
func TestBlockedCard(t *testing.T) {
	p, c, pub := issued(t, Options{})
	c.mu.Lock()
	err := c.setLife(lifeBlocked)
	c.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, c)
	h.authenticate(pub, p.physician(t))
	for _, cmd := range []apdu.Command{
		{INS: insReadBinary, P1: 0x81, Ne: 256},
		{INS: insReadBinary, P1: 0x83, Ne: 256},
		{INS: insGetData, P1: 0x01, P2: 0x51, Ne: 256},
		{INS: insGetDataDO, P1: 0x01, P2: 0x50, Data: []byte{0x83, 1, 0}, Ne: 256},
		{INS: insAppendRecord, Data: []byte{0, 0, 0, 0, 1}, Ne: 52},
	} {
		if sw := h.secure(cmd).SW; sw != apdu.SWConditions {
			t.Errorf("%v: %v", cmd, sw)
		}
	}
	if r := h.secure(apdu.Command{INS: insReadBinary, P1: 0x9D, Ne: 512}); r.SW != apdu.SWEndOfFile || !bytes.Equal(r.Data, p.security) {
		t.Errorf("card security: %v", r.SW)
	}
}

func TestSave(t *testing.T) {
	var image []byte
	fail := false
	opts := Options{Save: func(b []byte) error {
		if fail {
			return errors.New("disk full")
		}
		image = b
		return nil
	}}
	p, c, pub := issued(t, opts)
	if !bytes.Equal(image, c.Image()) {
		t.Fatal("saved image is not the card's")
	}
	s := open(t, c, pub, p.physician(t))
	fail = true
	if _, err := s.Append(t.Context(), 0, []byte("entry")); !errors.Is(err, card.ErrCardMemory) {
		t.Fatalf("append without saving: %v", err)
	}
	fail = false
	if _, err := s.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image, c.Image()) {
		t.Fatal("image was not saved with the next command")
	}
}

func TestRandomFails(t *testing.T) {
	c := New(Options{Random: bytes.NewReader(nil)})
	if _, err := card.Open(t.Context(), c.Transport()); err == nil {
		t.Fatal("a card without identifier opened")
	}
	c = New(Options{Random: bytes.NewReader(make([]byte, 8))})
	b, err := card.OpenBlank(t.Context(), c.Transport())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.GenerateKey(t.Context()); !errors.Is(err, card.ErrCardMemory) {
		t.Fatalf("generate key: %v", err)
	}
}

func TestTransportChangesHands(t *testing.T) {
	_, c, _ := issued(t, Options{})
	first := c.Transport()
	second := c.Transport()
	cmd := []byte{0x00, 0xA4, 0x04, 0x00, 0x00}
	if _, err := first.Transmit(t.Context(), cmd); !errors.Is(err, card.ErrReset) {
		t.Errorf("first: %v", err)
	}
	if _, err := second.Transmit(t.Context(), cmd); err != nil {
		t.Errorf("second: %v", err)
	}
	c.Remove()
	if _, err := second.Transmit(t.Context(), cmd); !errors.Is(err, card.ErrRemoved) {
		t.Errorf("removed: %v", err)
	}
	if err := errors.Join(second.Close(), second.Close(), first.Close()); err != nil {
		t.Error(err)
	}
}
