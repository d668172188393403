package cvc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func day(y, m, d int) Date { return DateOf(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)) }

// family is an anchor, a facility and a terminal with their keys.
type family struct {
	keys  [3]*ecdsa.PrivateKey
	certs [3]*Certificate
}

func newFamily(tb testing.TB) family {
	tb.Helper()
	f := family{keys: [3]*ecdsa.PrivateKey{newKey(tb), newKey(tb), newKey(tb)}}
	for i, t := range []Template{
		{CHR: "IQROOT00001", Kind: KindAnchor, Roles: AllRoles, Rights: AllRights, From: day(2026, 1, 1), To: day(2046, 1, 1)},
		{CHR: "IQFAC12300001", Kind: KindFacility, Roles: RolePhysician | RoleNurse, Rights: RightAppend | RightWriteSummary, From: day(2026, 2, 1), To: day(2028, 1, 1)},
		{CHR: "IQTERM4500001", Kind: KindTerminal, Roles: RolePhysician, Rights: RightAppend, From: day(2026, 11, 1), To: day(2026, 12, 1)},
	} {
		t.Public = &f.keys[i].PublicKey
		var parent *Certificate
		signer := f.keys[0]
		if i > 0 {
			parent, signer = f.certs[i-1], f.keys[i-1]
		}
		var err error
		if f.certs[i], err = Issue(t, parent, signer); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

func TestIssueAndVerify(t *testing.T) {
	f := newFamily(t)
	e, err := VerifyChain(f.certs[0], f.certs[1:], day(2026, 11, 22))
	if err != nil {
		t.Fatal(err)
	}
	if e.Roles != RolePhysician || e.Rights != RightAppend || e.Leaf.CHR != "IQTERM4500001" {
		t.Errorf("effective %v, %v, %s", e.Roles, e.Rights, e.Leaf.CHR)
	}
	for i, c := range f.certs {
		again, err := Parse(c.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if !again.Public.Equal(&f.keys[i].PublicKey) || again.CHR != c.CHR || again.CAR != c.CAR ||
			again.Roles != c.Roles || again.Rights != c.Rights || again.From != c.From || again.To != c.To {
			t.Errorf("certificate %d is read back as %+v", i, again)
		}
	}
	if n := len(f.certs[0].Raw); n > 512 {
		t.Errorf("anchor takes %d bytes", n)
	}
}

func TestVerifyChainRefuses(t *testing.T) {
	f, g := newFamily(t), newFamily(t)
	for name, c := range map[string]struct {
		anchor *Certificate
		chain  []*Certificate
		date   Date
		want   error
	}{
		"terminal expired":     {f.certs[0], f.certs[1:], day(2026, 12, 2), ErrExpired},
		"facility expired":     {f.certs[0], f.certs[1:2], day(2028, 1, 2), ErrExpired},
		"no terminal":          {f.certs[0], f.certs[1:2], day(2026, 11, 22), ErrAuthority},
		"anchor only":          {f.certs[0], nil, day(2026, 11, 22), ErrAuthority},
		"facility left out":    {f.certs[0], f.certs[2:], day(2026, 11, 22), ErrIssuer},
		"other way round":      {f.certs[0], []*Certificate{f.certs[2], f.certs[1]}, day(2026, 11, 22), ErrIssuer},
		"anchor twice":         {f.certs[0], f.certs[:], day(2026, 11, 22), ErrIssuer},
		"facility for anchor":  {f.certs[1], f.certs[2:], day(2026, 11, 22), ErrIssuer},
		"another anchor":       {g.certs[0], f.certs[1:], day(2026, 11, 22), ErrSignature},
		"another's terminal":   {f.certs[0], []*Certificate{f.certs[1], g.certs[2]}, day(2026, 11, 22), ErrSignature},
		"terminal as a parent": {f.certs[0], []*Certificate{f.certs[1], f.certs[2], f.certs[2]}, day(2026, 11, 22), ErrIssuer},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := VerifyChain(c.anchor, c.chain, c.date); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := VerifyChain(f.certs[0], f.certs[1:], Date{}); err != nil {
		t.Errorf("without a date: %v", err)
	}
	if _, err := (Effective{}).Extend(f.certs[1], Date{}); !errors.Is(err, ErrIssuer) {
		t.Errorf("chain from nowhere: %v", err)
	}
}

// TestAuthorityNarrows signs by hand what Issue would refuse to.
func TestAuthorityNarrows(t *testing.T) {
	f := newFamily(t)
	forge := func(tpl Template, parent *Certificate, signer *ecdsa.PrivateKey) *Certificate {
		body, err := encodeBody(tpl, parent.CHR)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := cose.SignES256(signer, body)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(tlv.Make(tagCertificate, body, tlv.Make(tagSignature, sig)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]struct {
		roles      Roles
		wantRoles  Roles
		wantRights Rights
		want       error
	}{
		"one role the facility has":   {RoleNurse, RoleNurse, RightAppend | RightWriteSummary, nil},
		"two roles, one is allowed":   {RoleNurse | RoleIssuer, RoleNurse, RightAppend | RightWriteSummary, nil},
		"a role the facility has not": {RoleIssuer, 0, 0, ErrAuthority},
		"two roles the facility has":  {RoleNurse | RolePhysician, 0, 0, ErrAuthority},
		"no role":                     {0, 0, 0, ErrAuthority},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := forge(Template{
				CHR: "IQX00001", Public: &newKey(t).PublicKey, Kind: KindTerminal, Roles: c.roles, Rights: AllRights,
				From: day(2026, 1, 1), To: day(2027, 1, 1),
			}, f.certs[1], f.keys[1])
			e, err := VerifyChain(f.certs[0], []*Certificate{f.certs[1], leaf}, day(2026, 5, 5))
			if !errors.Is(err, c.want) || e.Roles != c.wantRoles || e.Rights != c.wantRights {
				t.Errorf("%v, %v, %v", e.Roles, e.Rights, err)
			}
		})
	}
}

func TestIssueRefuses(t *testing.T) {
	f := newFamily(t)
	key := newKey(t)
	good := Template{
		CHR: "IQT00001", Public: &key.PublicKey, Kind: KindTerminal, Roles: RoleNurse, Rights: RightAppend,
		From: day(2026, 3, 1), To: day(2026, 4, 1),
	}
	if _, err := Issue(good, f.certs[1], f.keys[1]); err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Template)
		parent *Certificate
		signer *ecdsa.PrivateKey
		want   error
	}{
		"other signer":        {func(*Template) {}, f.certs[1], f.keys[0], ErrIssuer},
		"anchor for terminal": {func(*Template) {}, f.certs[0], f.keys[0], ErrIssuer},
		"terminal for itself": {func(*Template) {}, nil, key, ErrIssuer},
		"more roles":          {func(t *Template) { t.Roles = RoleIssuer }, f.certs[1], f.keys[1], ErrIssuer},
		"more rights":         {func(t *Template) { t.Rights = RightUnblock }, f.certs[1], f.keys[1], ErrIssuer},
		"outlives":            {func(t *Template) { t.To = day(2029, 1, 1) }, f.certs[1], f.keys[1], ErrIssuer},
		"begins before":       {func(t *Template) { t.From = day(2026, 1, 1) }, f.certs[1], f.keys[1], ErrIssuer},
		"ends before":         {func(t *Template) { t.To = day(2026, 2, 5) }, f.certs[1], f.keys[1], ErrFormat},
		"reference":           {func(t *Template) { t.CHR = "DET00001" }, f.certs[1], f.keys[1], ErrFormat},
		"no key":              {func(t *Template) { t.Public = nil }, f.certs[1], f.keys[1], ErrFormat},
		"p384":                {func(t *Template) { t.Public = &p384.PublicKey }, f.certs[1], f.keys[1], ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			tpl := good
			c.change(&tpl)
			if _, err := Issue(tpl, c.parent, c.signer); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestEveryByteCounts(t *testing.T) {
	f := newFamily(t)
	for i, c := range f.certs {
		parent := f.certs[max(i-1, 0)]
		for at := range c.Raw {
			for bit := range 8 {
				bad := bytes.Clone(c.Raw)
				bad[at] ^= 1 << bit
				changed, err := Parse(bad)
				if err == nil {
					err = changed.checkSignature(parent)
				}
				if err == nil {
					t.Fatalf("certificate %d: bit %d of byte %d does not count", i, bit, at)
				}
			}
			if _, err := Parse(c.Raw[:at]); !errors.Is(err, ErrFormat) {
				t.Fatalf("certificate %d cut at %d: %v", i, at, err)
			}
		}
		if _, err := Parse(append(bytes.Clone(c.Raw), 0)); !errors.Is(err, ErrFormat) {
			t.Errorf("trailing byte: %v", err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	f := newFamily(t)
	for name, c := range map[string]struct {
		cert     int
		old, new string
	}{
		"other curve's prime":        {0, string(p256Before[2:34]), strings.Repeat("\xff", 32)},
		"parameters in a terminal":   {2, "\x86\x41\x04", string(p256Before) + "\x86\x41\x04"},
		"no parameters in an anchor": {0, string(p256Before), ""},
		"infinity":                   {2, "\x86\x41\x04", "\x86\x41\x00"},
		"compressed point":           {2, "\x86\x41\x04", "\x86\x41\x02"},
		"other algorithm":            {2, string(oidECDSASHA256), string(oidECDSASHA256[:9]) + "\x01"},
		"other scheme":               {2, string(chatOID), string(chatOID[:19]) + "\x3f"},
		"unknown role":               {2, "\x53\x04\x00\x04", "\x53\x04\x00\x84"},
		"unknown kind":               {2, "\x53\x04\x00\x04", "\x53\x04\x40\x04"},
		"low bits of the kind":       {2, "\x53\x04\x00\x04", "\x53\x04\x01\x04"},
		"day 0":                      {2, "\x5f\x24\x06\x02\x06\x01\x02\x00\x01", "\x5f\x24\x06\x02\x06\x01\x02\x00\x00"},
		"31 November":                {2, "\x5f\x24\x06\x02\x06\x01\x02\x00\x01", "\x5f\x24\x06\x02\x06\x01\x01\x03\x01"},
		"digit 10":                   {2, "\x5f\x24\x06\x02\x06\x01\x02\x00\x01", "\x5f\x24\x06\x02\x06\x01\x02\x00\x0a"},
		"profile 1":                  {2, "\x5f\x29\x01\x00", "\x5f\x29\x01\x01"},
		"lower-case reference":       {2, "IQTERM4500001", "IQterm4500001"},
		"letters at the end":         {2, "IQTERM4500001", "IQTERM450000A"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := string(f.certs[c.cert].Raw)
			if !strings.Contains(raw, c.old) {
				t.Fatal("nothing to change")
			}
			if _, err := Parse(rewrap(t, strings.Replace(raw, c.old, c.new, 1), len(c.new)-len(c.old))); !errors.Is(err, ErrFormat) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := Parse(make([]byte, MaxSize+1)); !errors.Is(err, ErrFormat) {
		t.Errorf("too long: %v", err)
	}
}

// rewrap corrects the lengths of 7F21, 7F4E and 7F49 after a change by n bytes
// inside the last.
func rewrap(t *testing.T, raw string, n int) []byte {
	t.Helper()
	if n == 0 {
		return []byte(raw)
	}
	out := raw
	for _, tag := range []string{"\x7f\x49", "\x7f\x4e", "\x7f\x21"} {
		at := strings.Index(out, tag) + 2
		width, length := 1, int(out[at])
		switch out[at] {
		case 0x81:
			width, length = 2, int(out[at+1])
		case 0x82:
			width, length = 3, int(out[at+1])<<8|int(out[at+2])
		}
		head := tlv.AppendHeader(nil, tlv.Tag(0x01), length+n)[1:]
		out = out[:at] + string(head) + out[at+width:]
		n += len(head) - width
	}
	return []byte(out)
}

func TestDate(t *testing.T) {
	for _, c := range []struct {
		in   time.Time
		want string
	}{
		{time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC), "2026-11-22"},
		{time.Date(2026, 11, 23, 1, 0, 0, 0, time.FixedZone("", 3*3600)), "2026-11-22"},
		{time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "2000-01-01"},
		{time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC), "2099-12-31"},
		{time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), "no date"},
		{time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), "no date"},
	} {
		d := DateOf(c.in)
		if d.String() != c.want {
			t.Errorf("%v is %s", c.in, d)
		}
		if back, err := ParseDate(d[:]); !d.IsZero() && (err != nil || back != d) {
			t.Errorf("%v is read back as %v, %v", d, back, err)
		}
	}
	if !day(2026, 9, 30).Before(day(2026, 10, 1)) || day(2026, 10, 1).Before(day(2026, 10, 1)) {
		t.Error("before is wrong")
	}
}

func TestNames(t *testing.T) {
	if got := (RoleNurse | RoleIssuer).String(); got != "nurse,issuer" {
		t.Errorf("roles are %q", got)
	}
	if got := Roles(0).String(); got != "none" {
		t.Errorf("no roles are %q", got)
	}
	if got := (RightAppend | RightHostMatch).String(); got != "append,host-match" {
		t.Errorf("rights are %q", got)
	}
	for i := range roleNames {
		r, err := ParseRole(roleNames[i])
		if err != nil || r.String() != roleNames[i] || !r.Single() {
			t.Errorf("role %q is %v, %v", roleNames[i], r, err)
		}
	}
	if _, err := ParseRole("king"); !errors.Is(err, ErrFormat) {
		t.Errorf("unknown role: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	fam := newFamily(f)
	for _, c := range fam.certs {
		f.Add(c.Raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		body, err := encodeBody(Template{c.CHR, c.Public, c.Kind, c.Roles, c.Rights, c.From, c.To}, c.CAR)
		if err != nil {
			t.Fatal(err)
		}
		if again := tlv.Make(tagCertificate, body, tlv.Make(tagSignature, c.signature)); !bytes.Equal(again, raw) {
			t.Fatalf("%x is written again as %x", raw, again)
		}
	})
}

func BenchmarkVerifyChain(b *testing.B) {
	f := newFamily(b)
	for b.Loop() {
		leaf, err := Parse(f.certs[2].Raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := VerifyChain(f.certs[0], []*Certificate{f.certs[1], leaf}, day(2026, 11, 22)); err != nil {
			b.Fatal(err)
		}
	}
}
