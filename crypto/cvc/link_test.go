package cvc

import (
	"crypto/ecdsa"
	"errors"
	"testing"
)

// nextAnchor is a self-signed anchor that takes the place of another.
func nextAnchor(tb testing.TB, chr string, rights Rights) (*Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key := newKey(tb)
	c, err := Issue(Template{
		CHR: chr, Public: &key.PublicKey, Kind: KindAnchor, Roles: AllRoles, Rights: rights,
		From: day(2030, 1, 1), To: day(2050, 1, 1),
	}, nil, key)
	if err != nil {
		tb.Fatal(err)
	}
	return c, key
}

func TestLink(t *testing.T) {
	f := newFamily(t)
	next, nextKey := nextAnchor(t, "IQROOT00002", AllRights)
	link, err := IssueLink(next, f.certs[0], f.keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(link.Raw); err != nil || !again.Link() || again.SelfSigned() || !again.Public.Equal(next.Public) {
		t.Fatalf("link is read back as %+v, %v", again, err)
	}
	third, thirdKey := nextAnchor(t, "IQROOT00003", AllRights)
	link2, err := IssueLink(third, next, nextKey)
	if err != nil {
		t.Fatal(err)
	}
	facility, err := Issue(Template{
		CHR: "IQFAC12300002", Public: &f.keys[1].PublicKey, Kind: KindFacility, Roles: RolePhysician, Rights: RightAppend,
		From: day(2031, 1, 1), To: day(2032, 1, 1),
	}, third, thirdKey)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := Issue(Template{
		CHR: "IQTERM4500002", Public: &f.keys[2].PublicKey, Kind: KindTerminal, Roles: RolePhysician, Rights: RightAppend,
		From: day(2031, 1, 1), To: day(2032, 1, 1),
	}, facility, f.keys[1])
	if err != nil {
		t.Fatal(err)
	}
	e, err := VerifyChain(f.certs[0], []*Certificate{link, link2, facility, terminal}, day(2031, 6, 1))
	if err != nil || e.Roles != RolePhysician || e.Rights != RightAppend {
		t.Fatalf("chain of two links gives %v %v, %v", e.Roles, e.Rights, err)
	}
	if _, err := VerifyChain(f.certs[0], []*Certificate{link2, facility, terminal}, Date{}); !errors.Is(err, ErrIssuer) {
		t.Errorf("a link left out: %v", err)
	}
	if _, err := VerifyChain(f.certs[0], []*Certificate{link, link2, facility, terminal}, day(2050, 1, 2)); !errors.Is(err, ErrExpired) {
		t.Errorf("link that has ended: %v", err)
	}
}

// What a link must not do, signed by hand where IssueLink would refuse.
func TestRelinkRefuses(t *testing.T) {
	f := newFamily(t)
	narrow, narrowKey := nextAnchor(t, "IQNARROW00001", RightAppend)
	next, _ := nextAnchor(t, "IQROOT00002", AllRights)
	good := Template{
		CHR: "IQROOT00002", Public: next.Public, Kind: KindAnchor, Roles: AllRoles, Rights: AllRights,
		From: day(2030, 1, 1), To: day(2040, 1, 1),
	}
	forge := func(change func(*Template), anchor *Certificate, key *ecdsa.PrivateKey) *Certificate {
		tpl := good
		change(&tpl)
		c, err := sign(tpl, anchor.CHR, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	same := func(*Template) {}
	for name, c := range map[string]struct {
		anchor, link *Certificate
		want         error
	}{
		"good":                   {f.certs[0], forge(same, f.certs[0], f.keys[0]), nil},
		"another anchor's":       {narrow, forge(same, f.certs[0], f.keys[0]), ErrIssuer},
		"signed by another":      {f.certs[0], forge(same, f.certs[0], narrowKey), ErrSignature},
		"more rights":            {narrow, forge(same, narrow, narrowKey), ErrIssuer},
		"begins before":          {narrow, forge(func(c *Template) { c.Rights, c.From = RightAppend, day(2029, 1, 1) }, narrow, narrowKey), ErrIssuer},
		"a facility's":           {f.certs[0], f.certs[1], ErrIssuer},
		"signed by a facility":   {f.certs[1], forge(same, f.certs[1], f.keys[1]), ErrIssuer},
		"self-signed, no link":   {f.certs[0], next, ErrIssuer},
		"itself":                 {f.certs[0], f.certs[0], ErrIssuer},
		"ended before the date":  {f.certs[0], forge(func(c *Template) { c.To = day(2030, 1, 2) }, f.certs[0], f.keys[0]), ErrExpired},
		"ends on the very day":   {f.certs[0], forge(func(c *Template) { c.To = day(2030, 6, 1) }, f.certs[0], f.keys[0]), nil},
		"outlives the old one":   {f.certs[0], forge(func(c *Template) { c.To = day(2060, 1, 1) }, f.certs[0], f.keys[0]), nil},
		"begins after the date":  {f.certs[0], forge(func(c *Template) { c.From = day(2031, 1, 1) }, f.certs[0], f.keys[0]), nil},
		"fewer roles and rights": {f.certs[0], forge(func(c *Template) { c.Roles, c.Rights = RoleNurse, 0 }, f.certs[0], f.keys[0]), nil},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := Relink(c.anchor, c.link, day(2030, 6, 1))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (e.Leaf != c.link || e.Roles != c.link.Roles || e.Rights != c.link.Rights) {
				t.Errorf("chain begins at %+v", e)
			}
		})
	}
}

func TestIssueLinkRefuses(t *testing.T) {
	f := newFamily(t)
	next, nextKey := nextAnchor(t, "IQROOT00002", AllRights)
	twin, _ := nextAnchor(t, "IQROOT00001", AllRights)
	for name, c := range map[string]struct {
		next, old *Certificate
		signer    *ecdsa.PrivateKey
	}{
		"another's key":     {next, f.certs[0], nextKey},
		"to a facility":     {f.certs[1], f.certs[0], f.keys[0]},
		"by a facility":     {next, f.certs[1], f.keys[1]},
		"of the same name":  {twin, f.certs[0], f.keys[0]},
		"signed by the new": {next, next, nextKey},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := IssueLink(c.next, c.old, c.signer); !errors.Is(err, ErrIssuer) {
				t.Errorf("got %v", err)
			}
		})
	}
	narrow, narrowKey := nextAnchor(t, "IQNARROW00001", RightAppend)
	link, err := IssueLink(next, narrow, narrowKey)
	if err != nil || link.Rights != RightAppend {
		t.Errorf("link to an anchor of all rights by one of few gives %v, %v", link, err)
	}
}
