package envelope_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
)

var update = flag.Bool("update", false, "write the vectors into docs/formats/entry.md")

// page collects the lines of one block of vectors.
type page struct {
	t     *testing.T
	lines []string
}

func (p *page) add(name string, value []byte) {
	p.lines = append(p.lines, fmt.Sprintf("%-20s %x", name, value))
}

// check compares the block behind <!-- vectors: NAME --> with the lines.
func (p *page) check(name string) {
	p.t.Helper()
	path := filepath.Join("..", "..", "docs", "formats", "entry.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	const fence = "```"
	before, rest, found := strings.Cut(string(raw), "<!-- vectors: "+name+" -->\n"+fence+"text\n")
	block, after, closed := strings.Cut(rest, fence)
	if !found || !closed {
		p.t.Fatalf("the document has no block of vectors %q", name)
	}
	want := strings.Join(p.lines, "\n") + "\n"
	if block == want {
		return
	}
	if !*update {
		p.t.Fatalf("vectors %q differ; the code gives\n%s", name, want)
	}
	text := before + "<!-- vectors: " + name + " -->\n" + fence + "text\n" + want + fence + after
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// secret is how every fixed secret of the vectors is made.
func secret(label string) []byte {
	sum := sha256.Sum256([]byte("dhamani vector " + label))
	return sum[:]
}

// fixedSigner signs deterministically (RFC 6979).
type fixedSigner struct{ key *ecdsa.PrivateKey }

func (s fixedSigner) Public() crypto.PublicKey { return s.key.Public() }

func (s fixedSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(nil, digest, opts)
}

func fixedKey(t *testing.T, label string) fixedSigner {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret(label))
	if err != nil {
		t.Fatal(err)
	}
	return fixedSigner{key}
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var (
	visit  = time.Date(2026, 11, 22, 9, 41, 0, 0, time.UTC)
	person = uint8(2)
)

var patient = record.PatientID{1, 2, 3, 4, 5, 6, 7, 8}

func fixedRoots(t *testing.T) *envelope.Roots {
	t.Helper()
	var raw []byte
	for _, s := range record.AllSections() {
		raw = append(raw, secret("root key "+s.String())...)
	}
	return must[*envelope.Roots](t)(envelope.ParseRoots(raw))
}

// fixedSubjects are those of a holder and of the person of the vectors.
func fixedSubjects(t *testing.T) envelope.Subjects {
	t.Helper()
	roots := fixedRoots(t)
	holder := must[envelope.Subject](t)(roots.Subject(patient, 1, 0))
	other := must[envelope.Subject](t)(roots.Subject(patient, 1, person))
	return must[envelope.Subjects](t)(envelope.NewSubjects(holder, other))
}

// TestEntryVectors makes a sealed entry of fixed keys and takes it apart again
// with the standard library alone, step by step as the document says.
func TestEntryVectors(t *testing.T) {
	p := &page{t: t}
	subjects := fixedSubjects(t)
	subject := must[envelope.Subject](t)(subjects.Of(person))
	keys := must[*envelope.Keys](t)(fixedRoots(t).Person(person))
	author := fixedKey(t, "author key")
	texts := map[record.Section][]byte{
		record.SectionCoverage: []byte("coverage of the visit"),
		record.SectionClinical: []byte("clinical part of the visit"),
	}
	kid := trust.KIDOf(&author.key.PublicKey)
	sealed := must[[]byte](t)(envelope.Seal(subject, keys, envelope.Author{KID: kid, Signer: author},
		envelope.Meta{Person: person, Time: visit}, texts, bytes.NewReader(make([]byte, 16))))

	for _, s := range record.AllSections() {
		p.add("root key "+fmt.Sprint(uint8(s)), secret("root key "+s.String()))
	}
	var personKeys [record.NumSections][]byte
	for s, c := range subject.Commitments {
		personKeys[s] = must[[]byte](t)(hkdf.Key(sha256.New, secret("root key "+record.Section(s).String()), nil,
			"dhamani person v1"+string([]byte{byte(s), person}), 32))
		p.add("person key "+fmt.Sprint(s), personKeys[s])
		sum := sha256.Sum256(append(append([]byte("dhamani key commitment v1"), byte(s)), personKeys[s]...))
		if !bytes.Equal(sum[:16], c[:]) {
			t.Errorf("commitment %d", s)
		}
	}
	p.add("subjects", subjects.Bytes())
	p.add("subject", subject.Bytes())
	p.add("author private key", secret("author key"))
	p.add("author public key", must[[]byte](t)(author.key.PublicKey.Bytes()))

	salt := sealed[len("\x85\x12\x1a\x00\x00\x00\x00\x4a\x00\x00\x00\x00"):][:6]
	minutes := uint64(visit.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) / time.Minute)
	header := cose.AppendBytes(cose.AppendUint(cose.AppendUint(nil, 1<<4|2), minutes), append(kid[:len(kid):len(kid)], salt...))
	signed := append([]byte{0x85, 1}, header...)
	signed = cose.AppendMap(signed, len(texts))
	p.add("header", header)

	s := must[*envelope.Sealed](t)(envelope.Parse(sealed))
	rest := sealed[1+len(header)+1:]
	for _, section := range s.Sections() {
		entryKey := must[[]byte](t)(hkdf.Key(sha256.New, personKeys[section], nil,
			"dhamani entry v1"+string([]byte{byte(section), 0x83})+string(header), 32))
		aad := cose.EncStructure([]byte{0xa1, 1, 3}, cose.AppendUint(append([]byte{0x84}, header...), uint64(section)))
		block := must[cipher.Block](t)(aes.NewCipher(entryKey))
		gcm := must[cipher.AEAD](t)(cipher.NewGCM(block))
		ciphertext := gcm.Seal(nil, make([]byte, 12), texts[section], aad)
		digest := sha256.Sum256(ciphertext)
		signed = cose.AppendBytes(cose.AppendUint(signed, uint64(section)), digest[:])
		if item := cose.AppendBytes(cose.AppendUint(nil, uint64(section)), ciphertext); !bytes.HasPrefix(rest, item) {
			t.Fatalf("%s is not sealed as the document says", section)
		} else {
			rest = rest[len(item):]
		}
		n := fmt.Sprint(uint8(section))
		p.add("plaintext "+n, texts[section])
		p.add("entry key "+n, entryKey)
		p.add("Enc_structure "+n, aad)
		p.add("ciphertext "+n, ciphertext)
	}
	structure := cose.SigStructure([]byte{0xa1, 1, 0x26}, subject.Bytes(), signed)
	if err := cose.VerifyES256(&author.key.PublicKey, structure, rest[2:]); err != nil {
		t.Errorf("signature: %v", err)
	}
	p.add("Sig_structure", structure)
	p.add("sealed", sealed)
	id := s.ID()
	p.add("entry identifier", id[:])
	if err := s.Verify(subject, &author.key.PublicKey); err != nil {
		t.Error(err)
	}
	if opened, _, err := s.OpenAll(keys); err != nil || !bytes.Equal(opened[record.SectionClinical], texts[record.SectionClinical]) {
		t.Errorf("open: %v", err)
	}
	p.check("entry")
}

// TestTrustVectors makes the signed files and lists of fixed keys.
func TestTrustVectors(t *testing.T) {
	p := &page{t: t}
	root, issuer, centre, author := fixedKey(t, "root key"), fixedKey(t, "issuer key"), fixedKey(t, "centre key"), fixedKey(t, "author key")
	for _, k := range []struct {
		name string
		key  fixedSigner
	}{{"root", root}, {"issuer", issuer}, {"centre", centre}} {
		p.add(k.name+" public key", must[[]byte](t)(k.key.key.PublicKey.Bytes()))
	}
	from, to := visit.AddDate(-1, 0, 0), visit.AddDate(1, 0, 0)
	list := must[[]byte](t)(trust.SignList(root, trust.List{
		Version: 7, Issued: visit, Expires: visit.AddDate(0, 0, 30), Keys: []trust.Key{
			{Public: &issuer.key.PublicKey, Usage: trust.UsageIssuer, NotBefore: from, NotAfter: to},
			{Public: &author.key.PublicKey, Usage: trust.UsageAuthor, Facility: 258, Name: "Dr. A", NotBefore: from, NotAfter: to, Revoked: visit.Add(time.Hour)},
			{Public: &centre.key.PublicKey, Usage: trust.UsageCentre, NotBefore: from, NotAfter: to},
		},
	}))
	blocked := [8]byte{0xb1, 2, 3, 4, 5, 6, 7, 8}
	block := must[[]byte](t)(trust.SignBlockList(root, trust.BlockList{Version: 3, Issued: visit, Cards: [][8]byte{blocked}}))
	cardKey := must[*ecdh.PrivateKey](t)(ecdh.P256().NewPrivateKey(secret("card key")))
	card := [8]byte{0xca, 2, 3, 4, 5, 6, 7, 8}
	security := must[[]byte](t)(trust.SignCardSecurity(issuer, trust.CardSecurity{Card: card, Public: cardKey.PublicKey(), NotAfter: to}))
	subjects := fixedSubjects(t)
	identity := must[[]byte](t)(trust.SignIdentity(issuer, trust.IDFile{
		Card: card, Subjects: subjects, Identity: []byte("identity"), Cover: []byte("cover"), Issued: visit,
	}))
	receipt := must[[]byte](t)(trust.SignReceipt(centre, trust.Receipt{
		Batch: [16]byte{0xba}, IDs: []record.EntryID{sha256.Sum256([]byte("entry"))}, At: visit,
	}))

	writer := fixedKey(t, "terms key")
	ruled := must[[]byte](t)(trust.SignRules(writer, trust.RulesAlerts, trust.Rules{Format: 1, Number: 2, Issued: visit, Text: "text"}))
	edition := must[[]byte](t)(trust.SignEdition(writer, trust.Edition{
		Number: 2, Issued: visit, Before: sha256.Sum256([]byte("before")), After: sha256.Sum256([]byte("after")),
		Rows: []uint32{1, 2, 3, 4, 5}, Text: "text",
	}))

	s := trust.NewStore(&root.key.PublicKey)
	if err := s.UpdateTrust(list); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateBlock(block); err != nil || !s.Blocked(blocked) {
		t.Fatal(err)
	}
	if _, err := s.Author(trust.KIDOf(&author.key.PublicKey), visit); err != nil {
		t.Error(err)
	}
	if _, err := s.CardSecurity(security, visit); err != nil {
		t.Error(err)
	}
	if _, err := s.Identity(identity); err != nil {
		t.Error(err)
	}
	if _, err := s.Receipt(receipt); err != nil {
		t.Error(err)
	}
	more := must[[]byte](t)(trust.SignList(root, trust.List{Version: 8, Issued: visit, Expires: to, Keys: []trust.Key{
		{Public: &writer.key.PublicKey, Usage: trust.UsageTerms, NotBefore: from, NotAfter: to},
	}}))
	if err := s.UpdateTrust(more); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Rules(trust.RulesAlerts, ruled); err != nil || r.Text != "text" {
		t.Errorf("rules: %v", err)
	}
	if e, err := s.Edition(edition); err != nil || e.Text != "text" {
		t.Error(err)
	}
	p.add("trust list", list)
	p.add("block list", block)
	p.add("card public key", cardKey.PublicKey().Bytes())
	p.add("EF.CardSecurity", security)
	p.add("EF.ID", identity)
	p.add("receipt", receipt)
	p.add("edition", edition)
	p.add("rules", ruled)
	p.check("trust")
}
