package softcard

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// rolled is the programme with another anchor in the place of the first, and
// the link that leads there.
func (p *programme) rolled(tb testing.TB, chr, from, to string) (next *programme, link []byte) {
	tb.Helper()
	copied := *p
	next = &copied
	next.anchorKey, next.facilityKey = newKey(tb), newKey(tb)
	next.anchor = p.issue(tb, cvc.Template{
		CHR: chr, Public: &next.anchorKey.PublicKey, Kind: cvc.KindAnchor,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(tb, from), To: day(tb, to),
	}, nil, next.anchorKey)
	next.facility = next.issue(tb, cvc.Template{
		CHR: "IQCLINIC00002", Public: &next.facilityKey.PublicKey, Kind: cvc.KindFacility,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(tb, from), To: day(tb, to),
	}, next.anchor, next.anchorKey)
	return next, linkTo(tb, next.anchor, p.anchor, p.anchorKey)
}

func linkTo(tb testing.TB, next, old *cvc.Certificate, key *ecdsa.PrivateKey) []byte {
	tb.Helper()
	c, err := cvc.IssueLink(next, old, key)
	if err != nil {
		tb.Fatal(err)
	}
	return c.Raw
}

// behind puts link certificates in front of a terminal's chain.
func behind(t card.Terminal, links ...[]byte) card.Terminal {
	t.Chain = append(links, t.Chain...)
	return t
}

// tapOnce opens, authenticates and reads the head; it says how many APDUs it took.
func tapOnce(tb testing.TB, c *Card, pub *ecdh.PublicKey, t card.Terminal) (int, error) {
	tb.Helper()
	s, err := card.Open(tb.Context(), c.Transport())
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }()
	if err := s.Authenticate(tb.Context(), pub, t); err != nil {
		return 0, err
	}
	_, err = s.Head(tb.Context())
	return s.Stats().APDUs, err
}

func names(c *Card) (out string) {
	for _, a := range mount(&c.nvm).anchors {
		out += a.CHR + " "
	}
	return out
}

// Terminals of both generations work on cards of both while the anchor changes.
func TestAnchorRollover(t *testing.T) {
	old, c, pub := issued(t, Options{})
	next, link := old.rolled(t, "IQDHAMANI00002", "2026-04-01", "2036-04-01")
	oldTerminal := old.physician(t)
	plain := next.terminal(t, cvc.RolePhysician, cvc.AllRights, "2026-04-01", "2026-06-01")
	newTerminal := behind(plain, link)

	if _, err := tapOnce(t, c, pub, plain); !errors.Is(err, card.ErrDataNotFound) {
		t.Fatalf("new terminal without the link: %v", err)
	}
	first, err := tapOnce(t, c, pub, newTerminal)
	if err != nil || names(c) != "IQDHAMANI00002 IQDHAMANI00001 " {
		t.Fatalf("new terminal on an old card: %v, anchors %s", err, names(c))
	}
	again, err := tapOnce(t, c, pub, newTerminal)
	if err != nil {
		t.Fatalf("again: %v", err)
	}
	direct, err := tapOnce(t, c, pub, plain)
	if err != nil || again != direct {
		t.Errorf("a card that knows the anchor takes %d commands with a link at hand, %d without (%d at first), %v", again, direct, first, err)
	}
	if _, err := tapOnce(t, c, pub, oldTerminal); err != nil {
		t.Errorf("old terminal on an old card that has both anchors: %v", err)
	}

	// A card of the time of change gets both; one of later the new one alone.
	both := New(Options{})
	bothPub := next.personalise(t, both)
	if _, err := tapOnce(t, both, bothPub, oldTerminal); err == nil {
		t.Error("a card of the new anchor alone takes an old terminal")
	}
	if _, err := tapOnce(t, both, bothPub, newTerminal); err != nil {
		t.Errorf("new terminal on a card of the new anchor alone: %v", err)
	}
	both = New(Options{})
	old.links = [][]byte{link}
	bothPub = old.personalise(t, both)
	for i, terminal := range []card.Terminal{oldTerminal, newTerminal, plain} {
		if _, err := tapOnce(t, both, bothPub, terminal); err != nil {
			t.Errorf("terminal %d on a card of both anchors: %v", i, err)
		}
	}

	// Two changes later a card that slept all the time follows both links.
	third, link2 := next.rolled(t, "IQDHAMANI00003", "2036-01-15", "2046-01-15")
	late := behind(third.terminal(t, cvc.RolePhysician, 0, "2036-01-15", "2036-06-01"), link, link2)
	slept := New(Options{})
	old.links = nil
	sleptPub := old.personalise(t, slept)
	if _, err := tapOnce(t, slept, sleptPub, late); err != nil || names(slept) != "IQDHAMANI00003 IQDHAMANI00002 " {
		t.Fatalf("two links: %v, anchors %s", err, names(slept))
	}
	if _, err := tapOnce(t, slept, sleptPub, oldTerminal); !errors.Is(err, card.ErrDataNotFound) {
		t.Errorf("terminal of two anchors ago: %v", err)
	}
}

// The older anchor goes when the date passes its end; the last one stays.
func TestAnchorEnds(t *testing.T) {
	old, c, pub := issued(t, Options{})
	next, link := old.rolled(t, "IQDHAMANI00002", "2036-01-01", "2046-01-01")
	newTerminal := behind(next.terminal(t, cvc.RolePhysician, 0, "2036-01-01", "2036-02-01"), link)
	if _, err := tapOnce(t, c, pub, newTerminal); err != nil || names(c) != "IQDHAMANI00002 IQDHAMANI00001 " {
		t.Fatalf("on the last day: %v, anchors %s", err, names(c))
	}
	next.facility = next.renewed(t, "2036-01-02")
	dayAfter := next.terminal(t, cvc.RolePhysician, 0, "2036-01-02", "2036-02-01")
	if _, err := tapOnce(t, c, pub, dayAfter); err != nil || names(c) != "IQDHAMANI00002 " {
		t.Fatalf("the day after: %v, anchors %s", err, names(c))
	}
	if raw := mem.trust.get(&c.nvm); len(raw) > cvc.MaxSize {
		t.Errorf("%d bytes of anchors are left", len(raw))
	}
	// A card that was not used for years still finds its way by the link alone.
	asleep := New(Options{})
	pub = old.personalise(t, asleep)
	if _, err := tapOnce(t, asleep, pub, behind(dayAfter, link)); err != nil || names(asleep) != "IQDHAMANI00002 " {
		t.Fatalf("link of an anchor that ended: %v, anchors %s", err, names(asleep))
	}
}

// What must not move the card's trust or its date.
func TestLinkRefused(t *testing.T) {
	old, c, pub := issued(t, Options{})
	next, link := old.rolled(t, "IQDHAMANI00002", "2026-04-01", "2036-04-01")
	third, _ := next.rolled(t, "IQDHAMANI00003", "2026-05-01", "2036-05-01")
	if _, err := tapOnce(t, c, pub, behind(next.terminal(t, cvc.RoleNurse, 0, "2026-04-01", "2026-06-01"), link)); err != nil {
		t.Fatal(err)
	}
	ahead := next.issue(t, cvc.Template{
		CHR: "IQFAR00001", Public: next.facility.Public, Kind: cvc.KindTerminal,
		Roles: cvc.AllRoles, From: day(t, "2036-03-01"), To: day(t, "2036-04-01"),
	}, next.facility, next.facilityKey)
	forged := append([]byte{}, linkTo(t, third.anchor, next.anchor, next.anchorKey)...)
	forged[len(forged)-1] ^= 1
	for _, tt := range []struct {
		name, issuer string
		cert         []byte
		want         apdu.SW
	}{
		{"by the anchor that was replaced", "IQDHAMANI00001", linkTo(t, third.anchor, old.anchor, old.anchorKey), apdu.SWSecurityStatus},
		{"to an anchor that is there", "IQDHAMANI00001", link, apdu.SWSecurityStatus},
		{"forged", "IQDHAMANI00002", forged, apdu.SWSecurityStatus},
		{"self-signed", "IQDHAMANI00002", third.anchor.Raw, apdu.SWSecurityStatus},
		{"under another's name", "IQDHAMANI00001", linkTo(t, third.anchor, next.anchor, next.anchorKey), apdu.SWSecurityStatus},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, c)
			h.chip(pub)
			if sw := h.setIssuer(tt.issuer); sw != apdu.SWOK {
				t.Fatal(sw)
			}
			before, date := names(c), c.state.date
			if sw := h.present(tt.cert); sw != tt.want {
				t.Errorf("status %v", sw)
			}
			if names(c) != before || c.state.date != date {
				t.Errorf("anchors %s, date %v", names(c), c.state.date)
			}
			if sw := h.setIssuer(third.anchor.CHR); sw != apdu.SWReferenceNotFound {
				t.Errorf("its anchor answers %v", sw)
			}
		})
	}
	t.Run("a date by a facility", func(t *testing.T) {
		h := newHost(t, c)
		h.chip(pub)
		date := c.state.date
		for _, step := range []apdu.SW{h.setIssuer("IQDHAMANI00002"), h.present(next.facility.Raw), h.setIssuer("IQCLINIC00002"), h.present(ahead.Raw)} {
			if step != apdu.SWOK {
				t.Fatal(step)
			}
		}
		if c.state.date != date {
			t.Errorf("a facility's key moved the date to %v", c.state.date)
		}
	})
}

// TestPowerCutLink cuts the power at every point of a tap that brings a new
// anchor: the card has the old or both, and the next tap goes through.
func TestPowerCutLink(t *testing.T) {
	old, c, pub := issued(t, Options{})
	next, link := old.rolled(t, "IQDHAMANI00002", "2026-04-01", "2036-04-01")
	newTerminal := behind(next.terminal(t, cvc.RolePhysician, 0, "2026-04-01", "2026-06-01"), link)
	oldTerminal := old.physician(t)
	image := c.Image()
	load := func(image []byte, cut func(CutPoint) bool) *Card {
		c, err := Load(image, Options{Cut: cut})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	total, kept, both := 0, 0, 0
	if _, err := tapOnce(t, load(image, cutAt(-1, &total)), pub, newTerminal); err != nil {
		t.Fatal(err)
	}
	for k := range total {
		seen := 0
		torn := load(image, cutAt(k, &seen))
		if _, err := tapOnce(t, torn, pub, newTerminal); !errors.Is(err, card.ErrRemoved) {
			t.Fatalf("cut %d: %v", k, err)
		}
		switch got := names(torn); got {
		case "IQDHAMANI00001 ":
			kept++
		case "IQDHAMANI00002 IQDHAMANI00001 ":
			both++
		default:
			t.Fatalf("cut %d: anchors %s", k, got)
		}
		again := load(torn.Image(), nil)
		for _, terminal := range []card.Terminal{oldTerminal, newTerminal, oldTerminal} {
			if _, err := tapOnce(t, again, pub, terminal); err != nil {
				t.Fatalf("tap after cut %d: %v", k, err)
			}
		}
		if names(again) != "IQDHAMANI00002 IQDHAMANI00001 " {
			t.Fatalf("after cut %d and another tap: anchors %s", k, names(again))
		}
	}
	t.Logf("%d cut points: %d left the old anchor, %d both", total, kept, both)
	if kept == 0 || both == 0 {
		t.Fail()
	}
}

func FuzzAnchors(f *testing.F) {
	old := newProgramme(f)
	next, link := old.rolled(f, "IQDHAMANI00002", "2026-04-01", "2036-04-01")
	f.Add(old.anchor.Raw)
	f.Add(append(append([]byte{}, link...), old.anchor.Raw...))
	f.Add(append(append([]byte{}, link...), next.facility.Raw...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		anchors, err := parseAnchors(raw)
		if err != nil {
			if !errors.Is(err, cvc.ErrFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		var again []byte
		for _, a := range anchors {
			again = append(again, a.Raw...)
		}
		if len(anchors) > maxAnchors || string(again) != string(raw) {
			t.Fatalf("%d anchors, %x is written again as %x", len(anchors), raw, again)
		}
	})
}
