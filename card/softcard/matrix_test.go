package softcard

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/record"
)

// The access matrix as the format's document has it, written down a second
// time by hand: nothing here looks at the card's own table.
//
// A column says who may do what a probe does in that state:
//
//	open    anybody, over a plain channel
//	sm      anybody under secure messaging, before a role is known
//	rndpleiX  the roles with these letters: receptionist, nurse, doctor,
//	        pharmacist, laboratory, emergency, issuer; * for all of them
//	…+a     with the right append; +s write summary, +h host match, +u unblock
//	…!      after a verification that counts for the holder
//
// joined by blanks; nothing: nobody.
var matrix = []cellRow{
	{"read EF.CardSecurity", read(0x9D), "open", "open sm *", "open sm *"},
	{"read EF.ID", read(0x81), "", "*", ""},
	{"read EF.PHOTO", read(0x82), "", "*", ""},
	{"read EF.SUM", read(0x83), "", "ndpe", ""},
	{"read EF.LOG", apdu.Command{INS: 0xB1, P2: 4, Data: []byte{0x54, 4, 0, 0, 0, 0}, Ne: 16}, "", "*", ""},
	{"read EF.BIO", read(0x85), "", "*+h", ""},
	{"read EF.AUDIT", read(0x86), "", "di *!", "i"},
	{"update EF.CardSecurity", update(0x9D), "open", "", ""},
	{"update EF.ID", update(0x81), "open", "", ""},
	{"update EF.PHOTO", update(0x82), "open", "", ""},
	{"update EF.SUM", update(0x83), "", "", ""},
	{"update EF.LOG", update(0x84), "", "", ""},
	{"update EF.BIO", update(0x85), "", "", ""},
	{"update EF.AUDIT", update(0x86), "", "", ""},
	{"head", apdu.Command{INS: 0xCA, P1: 1, P2: 0x51, Ne: 52}, "open", "*", ""},
	{"marks", apdu.Command{INS: 0xCA, P1: 1, P2: 0x54, Ne: 256}, "", "*", ""},
	{"enrolled fingers", apdu.Command{INS: 0xCA, P1: 1, P2: 0x63, Ne: 256}, "", "*", ""},
	{"section keys", apdu.Command{INS: 0xCB, P1: 1, P2: 0x50, Data: []byte{0x83, 1, 9}, Ne: 256}, "", "*", ""},
	{"echo", apdu.Command{INS: 0xCB, P1: 1, P2: 0x52, Data: []byte{0x53, 0}, Ne: 16}, "open", "open", "open"},
	{"append", apdu.Command{INS: 0xE2, Data: make([]byte, 4), Ne: 52}, "open", "*+a", ""},
	{"write summary", put(0x03, 4), "open", "di+s", ""},
	{"write section keys", put(0x50, 1), "open", "", ""},
	{"give a receipt", put(0x54, 1), "", "*", ""},
	{"set PIN", put(0x60, 1), "open", "i+u", ""},
	{"set finger", put(0x61, 1), "open", "i+u", ""},
	{"assert a finger", put(0x62, 1), "", "*+h", ""},
	{"set anchor", apdu.Command{INS: 0xDA, P1: 2, P2: 1, Data: []byte{1}}, "open", "", ""},
	{"set date", apdu.Command{INS: 0xDA, P1: 2, P2: 3, Data: []byte{1}}, "open", "", ""},
	{"generate key", apdu.Command{INS: 0x47, P1: 0x81, Data: []byte{0xAC, 0}, Ne: 256}, "open", "", ""},
	{"verify PIN", apdu.Command{INS: 0x20, P2: 1, Data: []byte{1}}, "", "*", ""},
	{"ask for tries", apdu.Command{INS: 0x20, P2: 0x11}, "", "*", ""},
	{"verify finger", apdu.Command{INS: 0x21, P2: 0x11, Data: []byte{1}}, "", "*", ""},
	{"change PIN", apdu.Command{INS: 0x24, P2: 1, Data: []byte{1}}, "", "*", ""},
	{"reset PIN", apdu.Command{INS: 0x2C, P1: 2, P2: 1, Data: []byte{1}}, "", "i+u", ""},
	{"reset tries", apdu.Command{INS: 0x2C, P1: 3, P2: 1, Data: []byte{1}}, "", "i+u", ""},
	{"reset fingers", apdu.Command{INS: 0x2C, P1: 3, P2: 0x10, Data: []byte{1}}, "", "i+u", ""},
	{"begin chip authentication", setChipAuth(), "", "open", "open"},
	{"agree on keys", apdu.Command{INS: 0x86, Data: []byte{1}, Ne: 256}, "", "open", "open"},
	{"name an issuer", apdu.Command{INS: 0x22, P1: 0x81, P2: 0xB6, Data: []byte{1}}, "", "sm *", "sm *"},
	{"present a certificate", apdu.Command{INS: 0x2A, P2: 0xBE, Data: []byte{1}}, "", "sm *", "sm *"},
	{"name a holder", apdu.Command{INS: 0x22, P1: 0x81, P2: 0xA4, Data: []byte{1}}, "", "sm *", "sm *"},
	{"get a challenge", apdu.Command{INS: 0x84, Ne: 8}, "", "sm *", "sm *"},
	{"activate", apdu.Command{INS: 0x44}, "open", "", "*+u"},
	{"deactivate", apdu.Command{INS: 0x04}, "", "i", ""},
	{"terminate", apdu.Command{INS: 0xE6}, "", "i", "i"},
}

type cellRow struct {
	name                   string
	cmd                    apdu.Command
	creation, use, blocked string
}

func read(p1 byte) apdu.Command { return apdu.Command{INS: 0xB0, P1: p1, Ne: 16} }

func update(p1 byte) apdu.Command { return apdu.Command{INS: 0xD6, P1: p1, Data: []byte{1}} }

func put(p2 byte, n int) apdu.Command {
	return apdu.Command{INS: 0xDA, P1: 1, P2: p2, Data: make([]byte, n), Ne: 52}
}

// sectionsOf says by role's letter which section keys it gets; S stands for
// sensitive, after a verification that counts for the person.
var sectionsOf = map[byte]string{
	'r': "coverage", 'n': "coverage summary clinical", 'd': "coverage summary medication laboratory clinical S",
	'p': "coverage summary medication", 'l': "coverage laboratory", 'e': "summary", 'i': "",
}

const roleLetters = "rndplei"

// who is one context: a channel or a role, its rights, and a verification.
type who struct {
	plain  bool
	letter byte // 0: no role
	rights cvc.Rights
	proof  string // "", PIN, guardian's finger, child's finger, host match
	holder bool   // what the proof counts for
	child  bool
}

func (w who) String() string {
	switch {
	case w.plain:
		return "plain channel"
	case w.letter == 0:
		return "no role"
	}
	return fmt.Sprintf("role %c, rights %v, verified by %q", w.letter, w.rights, w.proof)
}

// may reads a column of the matrix.
func (w who) may(column string) bool {
	rights := map[byte]cvc.Rights{'a': cvc.RightAppend, 's': cvc.RightWriteSummary, 'h': cvc.RightHostMatch, 'u': cvc.RightUnblock}
	for clause := range strings.FieldsSeq(column) {
		switch clause {
		case "open":
			if w.plain {
				return true
			}
			continue
		case "sm":
			if !w.plain && w.letter == 0 {
				return true
			}
			continue
		}
		roles, right, limited := strings.Cut(clause, "+")
		roles, verified := strings.CutSuffix(roles, "!")
		if w.letter == 0 || roles != "*" && !strings.ContainsRune(roles, rune(w.letter)) || verified && !w.holder {
			continue
		}
		if !limited || w.rights.Has(rights[right[0]]) {
			return true
		}
	}
	return false
}

// contexts lists everyone who may come to a card.
func contexts() []who {
	out := []who{{plain: true}, {}}
	for _, letter := range []byte(roleLetters) {
		for _, rights := range []cvc.Rights{0, cvc.AllRights} {
			out = append(out,
				who{letter: letter, rights: rights},
				who{letter: letter, rights: rights, proof: "PIN", holder: true, child: true},
				who{letter: letter, rights: rights, proof: "guardian's finger", holder: true, child: true},
				who{letter: letter, rights: rights, proof: "child's finger", child: true})
			if rights.Has(cvc.RightHostMatch) {
				out = append(out,
					who{letter: letter, rights: rights, proof: "host match of the guardian", holder: true, child: true},
					who{letter: letter, rights: rights, proof: "host match of the child", child: true})
			}
		}
	}
	return out
}

// walker walks the matrix on one card, in process or through a reader.
type walker struct {
	t         *testing.T
	f         *family
	tr        card.Transport
	terminals map[string]card.Terminal
	images    map[byte][]byte // by life-cycle byte
	cells     int
}

func newWalker(t *testing.T) *walker {
	t.Helper()
	w := &walker{t: t, f: newFamily(t, Options{}), terminals: make(map[string]card.Terminal), images: make(map[byte][]byte)}
	s := w.f.open(t, cvc.RolePhysician, cvc.AllRights)
	if _, err := s.Append(t.Context(), 0, []byte("entry")); err != nil { // there is a log, and a line of audit
		t.Fatal(err)
	}
	w.images[lifeOperational] = bytes.Clone(w.f.c.nvm.b)
	for _, life := range []byte{lifeBlocked, lifeTerminated, lifeCreation} {
		w.restore(lifeOperational)
		if err := mem.life.put(&w.f.c.nvm, []byte{life}); err != nil {
			t.Fatal(err)
		}
		w.images[life] = bytes.Clone(w.f.c.nvm.b)
	}
	return w
}

// restore puts the memory back to what it was in a state; the session stays.
func (w *walker) restore(life byte) {
	c := w.f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.nvm.b, w.images[life])
	c.state = mount(&c.nvm)
}

// enter opens a session of the context.
func (w *walker) enter(life byte, as who) *host {
	w.t.Helper()
	w.restore(life)
	h := &host{t: w.t, c: w.f.c, tr: w.tr}
	if h.tr == nil {
		h.tr = w.f.c.Transport()
	}
	h.plain(apdu.Command{INS: insSelect, P1: 4, Data: []byte(card.AID), Ne: 256})
	switch {
	case as.plain:
		return h
	case as.letter == 0:
		h.chip(w.f.pub)
		return h
	}
	key := fmt.Sprintf("%c%d", as.letter, as.rights)
	term, ok := w.terminals[key]
	if !ok {
		role := cvc.Roles(1) << strings.IndexByte(roleLetters, as.letter)
		term = w.f.p.terminal(w.t, role, as.rights, "2026-03-01", "2026-06-01")
		w.terminals[key] = term
	}
	h.authenticate(w.f.pub, term)
	finger := func(i int) apdu.Command {
		return apdu.Command{INS: 0x21, P2: byte(0x11 + i), Data: tlv.Make(0x7F2E, tlv.Make(0x81, w.f.print(i)))}
	}
	match := func(i int) apdu.Command {
		return apdu.Command{INS: 0xDA, P1: 1, P2: 0x62, Data: []byte{0x83, 1, byte(0x11 + i), 0x85, 1, 40}}
	}
	switch as.proof {
	case "PIN":
		h.must(apdu.Command{INS: 0x20, P2: 1, Data: []byte("271828\xFF\xFF")})
	case "guardian's finger":
		h.must(finger(0))
	case "child's finger":
		h.must(finger(1))
	case "host match of the guardian":
		h.must(match(0))
	case "host match of the child":
		h.must(match(1))
	}
	return h
}

// send sends a probe over the channel of the context.
func (w *walker) send(h *host, as who, cmd apdu.Command) apdu.Response {
	if as.plain {
		return h.plain(cmd)
	}
	return h.secure(cmd)
}

// walk tries every cell of one state.
func (w *walker) walk(life byte, column func(i int) string) {
	w.t.Helper()
	for _, as := range contexts() {
		if life == lifeCreation && !as.plain || life == lifeTerminated && !as.plain || life == lifeBlocked && as.proof != "" {
			continue // nobody gets that far: the probes of authentication and VERIFY say so
		}
		h := w.enter(life, as)
		for i, probe := range matrix {
			switch { // what has to go before, so that access is all that can be missing
			case probe.name == "agree on keys" && as.plain:
				h.plain(setChipAuth())
			case probe.name == "present a certificate" && !as.plain:
				h.setIssuer("IQDHAMANI00001")
			}
			sw := w.send(h, as, probe.cmd).SW
			w.cells++
			want := "given"
			switch {
			case as.may(column(i)):
			case column(i) == "":
				want = "6985"
			default:
				want = "6982"
			}
			got := sw.String()
			if sw != apdu.SWSecurityStatus && sw != apdu.SWConditions {
				got = "given"
			}
			// A probe that is let through fails by its data, or changes what
			// restore puts back.
			if got != want {
				w.t.Errorf("state %02X, %s, %v: %v, want %s", life, probe.name, as, sw, want)
			}
			w.restore(life)
		}
		if life == lifeOperational {
			w.walkSections(h, as)
		}
	}
}

// walkSections tries the key of every section of both persons.
func (w *walker) walkSections(h *host, as who) {
	w.t.Helper()
	for person := range byte(2) {
		r := w.send(h, as, apdu.Command{INS: 0xCB, P1: 1, P2: 0x50, Data: []byte{0x83, 1, person}, Ne: 256})
		var got []string
		if inner, err := tlv.Field(r.Data, 0x53); err == nil {
			items, err := tlv.All(inner)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, it := range items {
				got = append(got, record.Section(it.Tag-0x80).String())
			}
		}
		want := strings.Fields(sectionsOf[as.letter])
		if i := slices.Index(want, "S"); i >= 0 {
			want = slices.Delete(want, i, i+1)
			if person == 0 && as.holder || person == 1 && as.child {
				want = append(want, "sensitive")
			}
		}
		for _, s := range record.AllSections() {
			w.cells++
			if slices.Contains(got, s.String()) != slices.Contains(want, s.String()) {
				w.t.Errorf("person %d, section %v, %v: given %v, want %v", person, s, as, got, want)
			}
		}
		w.restore(lifeOperational)
	}
}

func (w *walker) walkAll() {
	w.t.Helper()
	w.walk(lifeCreation, func(i int) string { return matrix[i].creation })
	w.walk(lifeOperational, func(i int) string { return matrix[i].use })
	w.walk(lifeBlocked, func(i int) string { return matrix[i].blocked })
	w.walk(lifeTerminated, func(int) string { return "" })
	w.t.Logf("%d cells walked", w.cells)
}

// TestMatrix walks the access matrix on a card in process.
func TestMatrix(t *testing.T) {
	w := newWalker(t)
	w.walkAll()
	if w.cells < 3000 {
		t.Errorf("%d cells", w.cells)
	}
}

// TestMatrixThroughRealReader walks it through the PC/SC service.
func TestMatrixThroughRealReader(t *testing.T) {
	testpcsc.Use(t)
	w := newWalker(t)
	slot, s := throughReader(t, w.f.c, testpcsc.Slots()[0])
	defer slot.Remove()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.tr, err = pcsc.New(slog.New(slog.DiscardHandler)).Connect(t.Context(), testpcsc.Slots()[0].Reader); err != nil {
		t.Fatal(err)
	}
	defer w.tr.Close() //nolint:errcheck // the card goes with the test
	w.walkAll()
}

// TestMatrixControl: the walk sees it when the card's table gives too much or
// too little.
func TestMatrixControl(t *testing.T) {
	for name, change := range map[string]func(*rule){
		"a role too many":  func(r *rule) { r.roles |= cvc.RoleReceptionist },
		"a state too many": func(r *rule) { r.states |= inBlocked },
	} {
		for i, r := range rules {
			if r.object != objSummary || r.action != actRead {
				continue
			}
			change(&rules[i])
			probe := slices.IndexFunc(matrix, func(row cellRow) bool { return row.name == "read EF.SUM" })
			w := newWalker(t)
			life, as := lifeOperational, who{letter: 'r'}
			if strings.Contains(name, "state") {
				life, as = lifeBlocked, who{letter: 'd'}
			}
			sw := w.send(w.enter(life, as), as, matrix[probe].cmd).SW
			rules[i] = r
			if sw == apdu.SWSecurityStatus || sw == apdu.SWConditions {
				t.Errorf("%s: %v", name, sw)
			}
		}
	}
}

// TestDateMovesForward: no certificate moves the card's date back, and one
// that ended before it is refused, after a loss of power too.
func TestDateMovesForward(t *testing.T) {
	p, c, pub := issued(t, Options{})
	date := func(want string) {
		t.Helper()
		if got := c.state.date.String(); got != want {
			t.Errorf("the card's date is %s, want %s", got, want)
		}
	}
	facility := func(from string) *cvc.Certificate {
		return p.issue(t, cvc.Template{
			CHR: "IQCLINIC00001", Public: &p.facilityKey.PublicKey, Kind: cvc.KindFacility,
			Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(t, from), To: day(t, "2027-02-01"),
		}, p.anchor, p.anchorKey)
	}
	date("2026-02-01")
	open(t, c, pub, p.terminal(t, cvc.RoleNurse, 0, "2026-05-01", "2026-06-01"))
	date("2026-02-01") // a terminal's certificate does not move it
	p.facility = facility("2026-05-01")
	open(t, c, pub, p.terminal(t, cvc.RoleNurse, 0, "2026-05-01", "2026-06-01"))
	date("2026-05-01")
	p.facility = facility("2026-03-01")
	open(t, c, pub, p.terminal(t, cvc.RoleNurse, 0, "2026-03-01", "2026-07-01"))
	date("2026-05-01")
	ended := p.terminal(t, cvc.RoleNurse, 0, "2026-03-01", "2026-04-30")
	for range 2 {
		s, err := card.Open(t.Context(), c.Transport())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Authenticate(t.Context(), pub, ended); err == nil {
			t.Error("a certificate that ended before the card's date is taken")
		}
		if c, err = Load(c.Image(), Options{}); err != nil {
			t.Fatal(err)
		}
		date("2026-05-01")
	}
	p.facility = facility("2026-08-01")
	forged := p.terminal(t, cvc.RoleNurse, 0, "2026-08-01", "2026-09-01")
	forged.Chain[0][len(forged.Chain[0])-1] ^= 1
	s, err := card.Open(t.Context(), c.Transport())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Authenticate(t.Context(), pub, forged); err == nil {
		t.Error("a forged certificate is taken")
	}
	date("2026-05-01")
}
