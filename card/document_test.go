package card_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

var update = flag.Bool("update", false, "rewrite the worked figures in docs/formats/card.md")

const (
	documentPath = "../docs/formats/card.md"
	figuresBegin = "<!-- figures: begin -->\n"
	figuresEnd   = "<!-- figures: end -->\n"
)

// figures writes the worked figures of the document.
type figures struct {
	bytes.Buffer
}

func (f *figures) line(name string, value []byte) {
	text := strings.ToUpper(hex.EncodeToString(value))
	for i := 0; i == 0 || i < len(text); i += 64 {
		_, _ = fmt.Fprintf(f, "    %-12s %s\n", name, text[i:min(i+64, len(text))])
		name = ""
	}
}

func (f *figures) text(format string, args ...any) {
	_, _ = fmt.Fprintf(f, "\n"+format+"\n\n", args...)
}

// fixedScalar makes the private keys of the figures.
func fixedScalar(name string) []byte {
	sum := sha256.Sum256([]byte("dhamani card figures: " + name))
	return sum[:]
}

// fixedSigner signs with RFC 6979, so that signatures can be repeated.
type fixedSigner struct{ key *ecdsa.PrivateKey }

func (s fixedSigner) Public() crypto.PublicKey { return &s.key.PublicKey }

func (s fixedSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(nil, digest, opts)
}

func fixedKey(t *testing.T, name string) fixedSigner {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), fixedScalar(name))
	if err != nil {
		t.Fatal(err)
	}
	return fixedSigner{k}
}

func fixedCertificate(t *testing.T, tpl cvc.Template, parent *cvc.Certificate, signer crypto.Signer) *cvc.Certificate {
	t.Helper()
	c, err := cvc.Issue(tpl, parent, signer)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recorder writes down what goes over the wire.
type recorder struct {
	card.Transport
	f *figures
}

func (r recorder) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	answer, err := r.Transport.Transmit(ctx, cmd)
	r.f.line(">", cmd)
	r.f.line("<", answer)
	return answer, err
}

// The worked figures of the document are those of a session of this package
// with a soft card, all keys and random numbers being fixed.
func TestDocument(t *testing.T) {
	document, err := os.ReadFile(filepath.FromSlash(documentPath))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(document), figuresBegin)
	have, after, ok2 := strings.Cut(rest, figuresEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for figures", documentPath)
	}
	want := workedFigures(t)
	if *update {
		if err := os.WriteFile(filepath.FromSlash(documentPath), []byte(before+figuresBegin+want+figuresEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have == want {
		return
	}
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("figure line %d is\n%s\nbut must be\n%s\n(rewrite with -update)", i+1, a[i], b[i])
		}
	}
	t.Fatalf("%d lines of figures, must be %d", len(a), len(b))
}

func workedFigures(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	f := &figures{}
	anchorKey, facilityKey, terminalKey := fixedKey(t, "anchor"), fixedKey(t, "facility"), fixedKey(t, "terminal")
	day := func(year int, month time.Month) cvc.Date { return date(year, month) }
	anchor := fixedCertificate(t, cvc.Template{
		CHR: "IQDHAMANI00001", Public: &anchorKey.key.PublicKey, Kind: cvc.KindAnchor,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(2026, 1), To: day(2036, 1),
	}, nil, anchorKey)
	facility := fixedCertificate(t, cvc.Template{
		CHR: "IQBASRA00001", Public: &facilityKey.key.PublicKey, Kind: cvc.KindFacility,
		Roles: cvc.AllRoles, Rights: cvc.AllRights, From: day(2026, 1), To: day(2027, 1),
	}, anchor, anchorKey)
	terminal := fixedCertificate(t, cvc.Template{
		CHR: "IQDESK00001", Public: &terminalKey.key.PublicKey, Kind: cvc.KindTerminal,
		Roles: cvc.RolePhysician, Rights: cvc.RightAppend, From: day(2026, 3), To: day(2026, 6),
	}, facility, facilityKey)

	host, err := ecdh.P256().NewPrivateKey(fixedScalar("host"))
	if err != nil {
		t.Fatal(err)
	}
	chip, err := ecdh.P256().NewPrivateKey(fixedScalar("card"))
	if err != nil {
		t.Fatal(err)
	}
	id, challenge := []byte{1, 2, 3, 4, 5, 6, 7, 8}, []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}
	c := softcard.New(softcard.Options{
		Random:   bytes.NewReader(slices.Concat(id, chip.Bytes(), challenge, challenge)),
		Extended: true,
	})

	f.text("Keys, and the EF.CardSecurity and EF.ID of these figures (any bytes serve here):")
	security, identity := []byte("security"), []byte("identity of nobody")
	z, err := host.ECDH(chip.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	keys := sm.Derive(z)
	f.line("CardID", id)
	f.line("card d", chip.Bytes())
	f.line("card Q", chip.PublicKey().Bytes())
	f.line("host d", host.Bytes())
	f.line("host Q", host.PublicKey().Bytes())
	f.line("Z", z)
	f.line("KSenc", keys.Enc[:])
	f.line("KSmac", keys.MAC[:])
	f.line("security", security)
	f.line("identity", identity)

	f.text("Certificates of anchor, facility and terminal (signatures as in RFC 6979, s in the lower half):")
	f.line("anchor d", fixedScalar("anchor"))
	f.line("anchor", anchor.Raw)
	f.line("facility d", fixedScalar("facility"))
	f.line("facility", facility.Raw)
	f.line("terminal d", fixedScalar("terminal"))
	f.line("terminal", terminal.Raw)

	f.text("The log after two entries:")
	entries := [][]byte{[]byte("first sealed entry"), []byte("second sealed entry")}
	var head card.Head
	var logBytes []byte
	for i, e := range entries {
		head = head.Next(e)
		logBytes = append(append(logBytes, e...), byte(len(e)>>8), byte(len(e)))
		f.line(fmt.Sprintf("entry %d", i+1), e)
		f.line(fmt.Sprintf("chain %d", i+1), head.Chain[:])
	}
	raw, err := head.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	f.line("log", logBytes)
	f.line("head", raw)

	f.text("A receipt of the centre for these two entries, signed by the key of the terminal above (a card takes one only if a mark lies there and the certificate has the right):")
	signed := card.ReceiptInput(card.ID(id), head.Seq, head.Chain)
	f.line("signed", signed)
	signature, err := cose.SignES256(terminalKey, signed)
	if err != nil {
		t.Fatal(err)
	}
	f.line("signature", signature)

	sectionKeys := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		sectionKeys[s] = bytes.Repeat([]byte{0xC0 + byte(s)}, 32)
	}
	f.text("Creation state, in plain. Section keys: 32 bytes C0, C1, C2, C3, C4, C5.")
	b, err := card.OpenBlank(ctx, recorder{c.Transport(), f})
	if err != nil {
		t.Fatal(err)
	}
	pub, err := b.GenerateKey(ctx)
	if err != nil || !pub.Equal(chip.PublicKey()) {
		t.Fatal("the soft card made another key", err)
	}
	for i, e := range entries {
		if _, err := b.Append(ctx, uint32(i), e); err != nil {
			t.Fatal(err)
		}
	}
	for i, err := range []error{
		b.WriteFile(ctx, card.FileSecurity, security),
		b.WriteFile(ctx, card.FileID, identity),
		b.PutAnchor(ctx, anchor.Raw),
		b.PutDate(ctx, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)),
		b.PutKeys(ctx, 0, sectionKeys),
		b.Activate(ctx),
	} {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}

	f.text("SELECT, and EF.CardSecurity in plain:")
	s, err := card.Open(ctx, recorder{c.Transport(), f})
	if err != nil {
		t.Fatal(err)
	}
	s.UseEphemeral(host)
	s.UseClock(func() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) })
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Security(ctx)
	check(err)
	f.text("Chip Authentication, then Terminal Authentication as a physician with the right append; the challenge is 1122334455667788:")
	check(s.Authenticate(ctx, pub, card.Terminal{Chain: [][]byte{facility.Raw, terminal.Raw}, Signer: terminalKey}))
	f.text("EF.ID:")
	_, err = s.ReadFile(ctx, card.FileID)
	check(err)
	f.text("Section keys: all but sensitive and those of other roles.")
	_, err = s.Keys(ctx, 0)
	check(err)
	f.text("Head:")
	got, err := s.Head(ctx)
	check(err)
	if got != head {
		t.Fatalf("head %+v, want %+v", got, head)
	}
	f.text("The log, %d bytes from offset 0:", head.Size())
	check(s.Entries(ctx, got, card.Head{}, func(uint32, []byte) error { return nil }))
	f.text("APPEND RECORD of 300 bytes EE:")
	_, err = s.Append(ctx, got.Seq, bytes.Repeat([]byte{0xEE}, 300))
	check(err)
	f.text("The head, and the new entry alone, 302 bytes from offset %d:", head.Tail)
	now, err := s.Head(ctx)
	check(err)
	check(s.Entries(ctx, now, head, func(uint32, []byte) error { return nil }))

	f.text("The same entry, read with an extended APDU: a new session that begins as the one above, its next command after EXTERNAL AUTHENTICATE.")
	quiet := recorder{c.Transport(), &figures{}}
	s, err = card.Open(ctx, &quiet, card.WithLengths(card.Lengths{Extended: true}))
	check(err)
	s.UseEphemeral(host)
	check(s.Authenticate(ctx, pub, card.Terminal{Chain: [][]byte{facility.Raw, terminal.Raw}, Signer: terminalKey}))
	quiet.f = f
	check(s.Entries(ctx, now, head, func(uint32, []byte) error { return nil }))
	f.WriteString("\n")
	return f.String()
}
