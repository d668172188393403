package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/veraison/go-cose"

	ours "github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// patient is a subject with its keys and an author.
type patient struct {
	roots   *Roots
	subject Subject
	keys    *Keys
	author  Author
	public  *ecdsa.PublicKey
}

func newPatient(tb testing.TB) patient {
	tb.Helper()
	roots, err := NewRoots(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := roots.Person(2)
	if err != nil {
		tb.Fatal(err)
	}
	subject, err := NewSubject(record.PatientID{1, 2, 3, 4, 5, 6, 7, 8}, 1, 2, keys)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return patient{roots, subject, keys, Author{[4]byte{9, 8, 7, 6}, signer}, &signer.PublicKey}
}

func someSections() map[record.Section][]byte {
	return map[record.Section][]byte{
		record.SectionCoverage:   bytes.Repeat([]byte{0xc0}, 20),
		record.SectionMedication: bytes.Repeat([]byte{0xed}, 40),
		record.SectionClinical:   bytes.Repeat([]byte{0xc1}, 60),
	}
}

var visit = time.Date(2026, 11, 22, 9, 41, 30, 0, time.UTC)

func (p patient) seal(tb testing.TB) []byte {
	tb.Helper()
	raw, err := Seal(p.subject, p.keys, p.author, Meta{Person: 2, Time: visit}, someSections(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// open parses and verifies.
func (p patient) open(tb testing.TB, raw []byte) *Sealed {
	tb.Helper()
	s, err := Parse(raw)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Verify(p.subject, p.public); err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestSealAndOpen(t *testing.T) {
	p := newPatient(t)
	raw := p.seal(t)
	s := p.open(t, raw)
	if s.Person() != 2 || s.Epoch() != 1 || s.KID() != p.author.KID || !s.Time().Equal(visit.Truncate(time.Minute)) {
		t.Errorf("header is person %d, epoch %d, kid %x, time %v", s.Person(), s.Epoch(), s.KID(), s.Time())
	}
	if s.ID() != IDOf(raw) || !bytes.Equal(s.Raw(), raw) {
		t.Error("identifier or bytes differ")
	}
	want := []record.Section{record.SectionCoverage, record.SectionMedication, record.SectionClinical}
	if !slices.Equal(s.Sections(), want) {
		t.Errorf("sections %v", s.Sections())
	}
	if s.Length(record.SectionSensitive) != 0 || s.Length(record.NumSections) != 0 {
		t.Error("a section that is not there has a length")
	}
	texts, locked, err := s.OpenAll(p.keys)
	if err != nil || len(locked) != 0 {
		t.Fatalf("open: locked %v, %v", locked, err)
	}
	for section, text := range someSections() {
		if !bytes.Equal(texts[section], text) || s.Length(section) != len(text) {
			t.Errorf("%s differs", section)
		}
	}
}

func TestEverySetOfSections(t *testing.T) {
	p := newPatient(t)
	for set := 1; set < 1<<record.NumSections; set++ {
		sections := make(map[record.Section][]byte)
		for _, s := range record.AllSections() {
			if set>>s&1 == 1 {
				sections[s] = []byte{byte(s), byte(set)}
			}
		}
		raw, err := Seal(p.subject, p.keys, p.author, Meta{Person: 2, Time: visit}, sections, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		texts, _, err := p.open(t, raw).OpenAll(p.keys)
		if err != nil || len(texts) != len(sections) {
			t.Fatalf("set %06b: %v", set, err)
		}
	}
}

func TestOneSectionsKeyIsEnough(t *testing.T) {
	p := newPatient(t)
	s := p.open(t, p.seal(t))
	key, _ := p.keys.Get(record.SectionMedication)
	pharmacist, err := KeysFromMap(map[record.Section][]byte{record.SectionMedication: key}, p.subject)
	if err != nil {
		t.Fatal(err)
	}
	texts, locked, err := s.OpenAll(pharmacist)
	if err != nil || len(texts) != 1 || !slices.Equal(locked, []record.Section{record.SectionCoverage, record.SectionClinical}) {
		t.Errorf("texts %d, locked %v, %v", len(texts), locked, err)
	}
	if _, err := s.Open(pharmacist, record.SectionClinical); !errors.Is(err, ErrNoKey) {
		t.Errorf("clinical: %v", err)
	}
	if _, err := s.Open(nil, record.SectionClinical); !errors.Is(err, ErrNoKey) {
		t.Errorf("no keys: %v", err)
	}
	if _, err := s.Open(pharmacist, record.SectionSensitive); !errors.Is(err, ErrNoSection) {
		t.Errorf("sensitive: %v", err)
	}
	if _, err := s.Open(pharmacist, 99); !errors.Is(err, ErrNoSection) {
		t.Errorf("section 99: %v", err)
	}
}

func TestOpenDemandsVerify(t *testing.T) {
	p := newPatient(t)
	raw := p.seal(t)
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(p.keys, record.SectionClinical); !errors.Is(err, ErrNotVerified) {
		t.Errorf("before verify: %v", err)
	}
	if err := s.Verify(p.subject, newPatient(t).public); !errors.Is(err, ErrSignature) {
		t.Errorf("another author: %v", err)
	}
	if _, err := s.Open(p.keys, record.SectionClinical); !errors.Is(err, ErrNotVerified) {
		t.Errorf("after a failed verify: %v", err)
	}
}

// TestBoundToPatient moves a sound entry to another patient, epoch and keys.
func TestBoundToPatient(t *testing.T) {
	p, q := newPatient(t), newPatient(t)
	s, err := Parse(p.seal(t))
	if err != nil {
		t.Fatal(err)
	}
	otherPatient := p.subject
	otherPatient.Patient[0] ^= 1
	otherEpoch := p.subject
	otherEpoch.Epoch++
	otherKey := p.subject
	otherKey.Commitments[record.SectionSensitive] = q.subject.Commitments[record.SectionSensitive]
	for name, c := range map[string]struct {
		subject Subject
		want    error
	}{
		"patient": {otherPatient, ErrSignature},
		"epoch":   {otherEpoch, ErrKeyMismatch},
		"key":     {otherKey, ErrSignature},
		"all":     {q.subject, ErrSignature},
	} {
		if err := s.Verify(c.subject, p.public); !errors.Is(err, c.want) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestKeysAreChecked(t *testing.T) {
	p, q := newPatient(t), newPatient(t)
	if _, err := KeysFromMap(q.keys.Map(), p.subject); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("another's keys: %v", err)
	}
	mine, _ := p.keys.Get(record.SectionCoverage)
	for name, m := range map[string]map[record.Section][]byte{
		"under another section": {record.SectionSummary: mine},
		"short":                 {record.SectionCoverage: mine[:31]},
		"unknown section":       {record.NumSections: mine},
		"empty":                 {record.SectionCoverage: nil},
	} {
		if _, err := KeysFromMap(m, p.subject); !errors.Is(err, ErrKeyMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Seal(p.subject, q.keys, p.author, Meta{Person: 2, Time: visit}, someSections(), rand.Reader); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("seal under another's keys: %v", err)
	}
	if _, err := p.open(t, p.seal(t)).Open(q.keys, record.SectionClinical); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("open under another's keys: %v", err)
	}
	again, err := KeysFromMap(p.keys.Map(), p.subject)
	if err != nil || len(again.Sections()) != record.NumSections {
		t.Fatalf("own keys: %v", err)
	}
	if out := fmt.Sprintf("%v %+v %#v", again, again, again); out != "[redacted] [redacted] [redacted]" {
		t.Errorf("keys print as %s", out)
	}
	again.Wipe()
	if len(again.Sections()) != 0 || !p.keys.Has(record.SectionCoverage) {
		t.Error("wipe forgets too little or too much")
	}
	partial := &Keys{}
	if _, err := NewSubject(p.subject.Patient, 0, 2, partial); !errors.Is(err, ErrNoKey) {
		t.Errorf("subject without keys: %v", err)
	}
	if _, err := Seal(p.subject, partial, p.author, Meta{Person: 2, Time: visit}, someSections(), rand.Reader); !errors.Is(err, ErrNoKey) {
		t.Errorf("seal without keys: %v", err)
	}
	if _, err := NewRoots(iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("keys without entropy")
	}
}

func TestEveryBitCounts(t *testing.T) {
	p := newPatient(t)
	raw := p.seal(t)
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			s, err := Parse(bad)
			if err == nil {
				err = s.Verify(p.subject, p.public)
			}
			if err == nil {
				t.Fatalf("bit %d of byte %d does not count", bit, i)
			}
		}
		if _, err := Parse(raw[:i]); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := Parse(append(bytes.Clone(raw), 0)); !errors.Is(err, ErrFormat) {
		t.Errorf("trailing byte: %v", err)
	}
}

// TestSecondFormOfSignature is why low s is demanded: without it anyone could
// give a sound entry a second identifier.
func TestSecondFormOfSignature(t *testing.T) {
	p := newPatient(t)
	raw := p.seal(t)
	other := bytes.Clone(raw)
	s := other[len(other)-32:]
	new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(s)).FillBytes(s)
	if _, err := Parse(other); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
}

// TestAuthorCannotSwapCiphertext tries what GCM alone allows: one ciphertext
// that two keys open. The key is fixed by the commitment before it is used.
func TestAuthorCannotSwapCiphertext(t *testing.T) {
	p := newPatient(t)
	s := p.open(t, p.seal(t))
	wrong := &Keys{}
	if err := wrong.Set(record.SectionClinical, bytes.Repeat([]byte{7}, KeySize)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(wrong, record.SectionClinical); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("got %v", err)
	}
	// The author signs a ciphertext that is none: found at opening.
	s.sections[record.SectionClinical][0] ^= 1
	message := ours.SigStructure(ours.ProtectedES256, p.subject.Bytes(), s.payload())
	var err error
	if s.signature, err = ours.SignES256(p.author.Signer, message); err != nil {
		t.Fatal(err)
	}
	if _, err := p.open(t, s.encode()).Open(p.keys, record.SectionClinical); !errors.Is(err, ErrDecrypt) {
		t.Errorf("changed and signed again: %v", err)
	}
}

// TestSaltSurvivesRepeatedRandom seals two texts with a random source that
// stands still, as that of a machine restored from a snapshot may.
func TestSaltSurvivesRepeatedRandom(t *testing.T) {
	p := newPatient(t)
	still := func() *bytes.Reader { return bytes.NewReader(make([]byte, 16)) }
	seen := make(map[[saltSize]byte]bool)
	for i := range 100 {
		sections := map[record.Section][]byte{record.SectionClinical: {byte(i)}}
		raw, err := Seal(p.subject, p.keys, p.author, Meta{Person: 2, Time: visit}, sections, still())
		if err != nil {
			t.Fatal(err)
		}
		salt := p.open(t, raw).header.salt
		if seen[salt] {
			t.Fatal("two texts share a salt")
		}
		seen[salt] = true
	}
	if _, err := Seal(p.subject, p.keys, p.author, Meta{Person: 2, Time: visit}, someSections(), bytes.NewReader(nil)); err == nil {
		t.Error("sealed without random bytes")
	}
}

// TestStandardForm shows that the compact form is COSE: another program
// verifies the signature, and each section is a COSE_Encrypt0's ciphertext.
func TestStandardForm(t *testing.T) {
	p := newPatient(t)
	s := p.open(t, p.seal(t))
	verifier, err := cose.NewVerifier(cose.AlgorithmES256, p.public)
	if err != nil {
		t.Fatal(err)
	}
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(s.COSE()); err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(p.subject.Bytes(), verifier); err != nil {
		t.Errorf("go-cose: %v", err)
	}
	for section, text := range someSections() {
		key, _ := p.keys.Get(section)
		entry, err := s.entryKey(key, section)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := ours.Encrypt0(entry, zeroNonce[:], text, s.external(section))
		if err != nil {
			t.Fatal(err)
		}
		standard, err := ours.ParseEncrypt0(raw)
		if err != nil || !bytes.Equal(standard.Ciphertext, s.sections[section]) {
			t.Errorf("%s is not the ciphertext of a COSE_Encrypt0, %v", section, err)
		}
	}
}
