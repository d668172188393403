//go:build !race

// The race detector keeps a shadow of the memory, which is too large to search.

package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
)

// place is one section of one person's record.
type place struct {
	person  uint8
	section record.Section
}

func (p place) String() string { return fmt.Sprintf("%s of person %d", p.section, p.person) }

// mayOpen says which sections a role may open, without a verification by the
// patient. It stands here a second time, on purpose: the design's table, not the
// card's.
var mayOpen = map[cvc.Roles][]record.Section{
	cvc.RoleReceptionist: {record.SectionCoverage},
	cvc.RoleNurse:        {record.SectionCoverage, record.SectionSummary, record.SectionClinical},
	cvc.RolePhysician: {
		record.SectionCoverage, record.SectionSummary, record.SectionMedication, record.SectionLaboratory, record.SectionClinical,
	},
	cvc.RolePharmacist: {record.SectionCoverage, record.SectionSummary, record.SectionMedication},
	cvc.RoleLaboratory: {record.SectionCoverage, record.SectionLaboratory},
	cvc.RoleEmergency:  {record.SectionSummary},
}

// allowed are the places that a role may open of some persons.
func allowed(role cvc.Roles, persons ...uint8) map[place]bool {
	out := make(map[place]bool)
	for _, person := range persons {
		for _, s := range mayOpen[role] {
			out[place{person, s}] = true
		}
	}
	return out
}

// marked is a card on which every section of every person's entry holds a text
// that stands nowhere else.
type marked struct {
	*patient
	marks  map[place]string
	sealed map[uint8][]byte // the entry of each person
}

func (n *nation) issueMarked() *marked {
	m := &marked{marks: make(map[place]string), sealed: make(map[uint8][]byte)}
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	entry := func(p *patient, person uint8) []byte {
		e := &record.Entry{Person: person, Start: at}
		for _, s := range record.AllSections() {
			var secret [20]byte
			_, _ = rand.Read(secret[:])
			m.marks[place{person, s}] = hex.EncodeToString(secret[:])
			e.Extensions = append(e.Extensions, record.Extension{Section: s, Key: 1, Data: []byte(m.marks[place{person, s}])})
		}
		m.sealed[person] = n.sealFor(p, person, at, must[map[record.Section][]byte](n.tb)(e.Sections()))
		return m.sealed[person]
	}
	m.patient = n.issueWith(0, func(p *patient) []byte { return entry(p, 0) })
	// The others' entries come by another terminal, as they would.
	session := n.session(m.patient, cvc.RolePhysician)
	for i, person := range []uint8{1, 2} {
		if _, err := session.Append(n.tb.Context(), uint32(i+1), entry(m.patient, person)); err != nil {
			n.tb.Fatal(err)
		}
	}
	if err := session.Close(); err != nil {
		n.tb.Fatal(err)
	}
	return m
}

// session opens and authenticates a session with a card.
func (n *nation) session(p *patient, role cvc.Roles) *card.Session {
	n.tb.Helper()
	s := must[*card.Session](n.tb)(card.Open(n.tb.Context(), p.card.Transport()))
	security := must[trust.CardSecurity](n.tb)(n.trust().CardSecurity(must[[]byte](n.tb)(s.Security(n.tb.Context())), time.Now()))
	if err := s.Authenticate(n.tb.Context(), security.Public, n.terminal(role, time.Now().AddDate(0, 1, 0))); err != nil {
		n.tb.Fatal(err)
	}
	return s
}

// TestSecrecyByRole has a workstation of each role tap a card, in a process of
// its own, and then looks for what that role may not see: in the process's
// memory, in its cache file with every secret of the workstation and its
// operator at hand, and in all that the role can read out of the card. What the
// role may see has to be found by the same search. (The chip's own memory holds
// all keys, as it must; to open a chip is another attack.)
func TestSecrecyByRole(t *testing.T) {
	if testing.Short() {
		t.Skip("starts seven processes")
	}
	for _, role := range slices.Sorted(maps.Keys(mayOpen)) {
		t.Run(role.String(), func(t *testing.T) { secrecyOf(t, role, "") })
	}
	t.Run("physician with the patient's PIN", func(t *testing.T) { secrecyOf(t, cvc.RolePhysician, testPIN) })
}

func secrecyOf(t *testing.T, role cvc.Roles, pin string) {
	t.Helper()
	n := newNation(t)
	m := n.issueMarked()
	d := n.startDesk(m, role, pin)

	d.await(t, "open")
	memory := d.memory(t)
	kept := allowed(role, 0, 2) // the spouse was not shown
	want := maps.Clone(kept)
	if pin != "" { // in memory for as long as the visit, never in the cache
		want[place{0, record.SectionSensitive}], want[place{2, record.SectionSensitive}] = true, true
	}
	m.same(t, "keys in memory", keysIn(t, memory, m), want)
	for at, mark := range m.marks {
		// The child's record was shown, and the holder's again after it.
		if found := bytes.Contains(memory, []byte(mark)); found != want[at] {
			t.Errorf("text of %s in memory: %v", at, found)
		}
	}
	for at, key := range m.otherKeys(t) {
		if bytes.Contains(memory, key) && !want[at] {
			t.Errorf("root or entry key of %s in memory", at)
		}
	}
	m.cacheHoldsOnly(t, d, kept)

	d.say(t)
	d.await(t, "out")
	m.same(t, "keys in memory after signing out", keysIn(t, d.memory(t), m), nil)
	m.cacheHoldsOnly(t, d, nil)
	d.say(t)
	m.cardGivesOnly(t, n, role)
}

// same compares what was found with what may be.
func (m *marked) same(t *testing.T, what string, got, want map[place]bool) {
	t.Helper()
	for at := range m.marks {
		if got[at] != want[at] {
			t.Errorf("%s: %s: %v, want %v", what, at, got[at], want[at])
		}
	}
}

// keysIn finds every section key in a dump: each 32 bytes that are no text and
// no numbers are tried against all commitments, which nobody needs a secret for.
func keysIn(t *testing.T, dump []byte, m *marked) map[place]bool {
	t.Helper()
	commitments := make(map[envelope.Commitment]place)
	for _, person := range m.subjects.Persons() {
		subject, _ := m.subjects.Of(person)
		for s, c := range subject.Commitments {
			commitments[c] = place{person, record.Section(s)}
		}
	}
	out := make(map[place]bool)
	seen := make(map[[32]byte]bool)
	text := append([]byte("dhamani key commitment v1"), make([]byte, 33)...)
	for i := 0; i+32 <= len(dump); i++ {
		w := dump[i : i+32]
		if !keyLike(w) || seen[[32]byte(w)] {
			continue
		}
		seen[[32]byte(w)] = true
		copy(text[26:], w)
		for s := range byte(record.NumSections) {
			text[25] = s
			sum := sha256.Sum256(text)
			if at, ok := commitments[envelope.Commitment(sum[:16])]; ok {
				out[at] = true
			}
		}
	}
	// One key in some thousands looks like numbers.
	for at := range m.marks {
		key, _ := m.keysOf(t, at.person).Get(at.section)
		out[at] = out[at] || !keyLike(key) && bytes.Contains(dump, key)
	}
	return out
}

// keyLike says no to what is text, small numbers or addresses.
func keyLike(w []byte) bool {
	high := uint64(0)
	for ; len(w) >= 8; w = w[8:] {
		word := binary.LittleEndian.Uint64(w)
		if word>>48 == 0 || word&0xffff == 0 || word>>48 == 0xffff {
			return false
		}
		high |= word
	}
	return high&0x8080808080808080 != 0
}

// otherKeys are the root keys, under their own person's places, and the key of
// each section of each entry.
func (m *marked) otherKeys(t *testing.T) map[place][]byte {
	t.Helper()
	out := make(map[place][]byte)
	for s := range record.Section(record.NumSections) {
		out[place{99, s}] = m.roots.Bytes()[int(s)*envelope.KeySize:][:envelope.KeySize]
		for person, raw := range m.sealed {
			key, _ := m.keysOf(t, person).Get(s)
			out[place{person, s}] = entryKey(t, raw, s, key)
		}
	}
	return out
}

// sealedEntry is docs/formats/entry.md.
type sealedEntry struct {
	_         struct{} `cbor:",toarray"`
	Info      uint64
	Time      uint64
	Origin    []byte // kid and salt
	Sections  map[uint64][]byte
	Signature []byte
}

func (e *sealedEntry) header() []byte {
	out := cose.AppendUint(cose.AppendUint(nil, e.Info), e.Time)
	return cose.AppendBytes(out, e.Origin)
}

func parseSealed(t *testing.T, raw []byte) *sealedEntry {
	t.Helper()
	e := new(sealedEntry)
	if err := cose.Unmarshal(raw, e); err != nil {
		t.Fatal(err)
	}
	return e
}

func entryKey(t *testing.T, raw []byte, s record.Section, personKey []byte) []byte {
	t.Helper()
	header := parseSealed(t, raw).header()
	info := "dhamani entry v1" + string([]byte{byte(s), 0x83}) + string(header)
	return must[[]byte](t)(hkdf.Key(sha256.New, personKey, nil, info, 32))
}

// opens decrypts a section with the standard library alone, by the document:
// the checks of package envelope must not be what keeps a reader out.
func opens(t *testing.T, raw []byte, s record.Section, personKey []byte) bool {
	t.Helper()
	e := parseSealed(t, raw)
	block := must[cipher.Block](t)(aes.NewCipher(entryKey(t, raw, s, personKey)))
	gcm := must[cipher.AEAD](t)(cipher.NewGCM(block))
	aad := cose.EncStructure([]byte{0xa1, 1, 3}, cose.AppendUint(append([]byte{0x84}, e.header()...), uint64(s)))
	_, err := gcm.Open(nil, make([]byte, 12), e.Sections[uint64(s)], aad)
	return err == nil
}

// tryAll opens every section of the entries with every key, whatever each key
// is said to be for.
func (m *marked) tryAll(t *testing.T, entries, keys [][]byte) map[place]bool {
	t.Helper()
	out := make(map[place]bool)
	for _, raw := range entries {
		person, _ := envelope.PersonOf(raw)
		for s := range record.Section(record.NumSections) {
			for _, key := range keys {
				if opens(t, raw, s, key) {
					out[place{person, s}] = true
				}
			}
		}
	}
	return out
}

// cacheHoldsOnly plays the thief of a workstation who has its keys and the
// operator's vault.
func (m *marked) cacheHoldsOnly(t *testing.T, d *deskProcess, want map[place]bool) {
	t.Helper()
	raw, err := os.ReadFile(d.file.Cache)
	if err != nil {
		t.Fatal(err)
	}
	for at, mark := range m.marks {
		key, _ := m.keysOf(t, at.person).Get(at.section)
		if bytes.Contains(raw, []byte(mark)) || bytes.Contains(raw, key) {
			t.Errorf("text or key of %s stands in the cache file", at)
		}
	}
	path := filepath.Join(t.TempDir(), "stolen.db") // the owner holds the lock of the other
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	store := must[*cache.Cache](t)(cache.Open(path, d.file.CacheKey, slog.New(slog.DiscardHandler)))
	defer func() { _ = store.Close() }()
	var keys, entries [][]byte
	for person := range uint8(card.MaxPersons) {
		for _, h := range []cache.Holder{{}, {Operator: "operator", Vault: d.file.Vault}} {
			for _, key := range must[map[record.Section][]byte](t)(store.SectionKeys(m.subjects.Patient, person, h, time.Now())) {
				keys = append(keys, key)
			}
		}
	}
	for _, e := range must[[]cache.Entry](t)(store.History(m.subjects.Patient)) {
		entries = append(entries, e.Sealed)
	}
	if len(entries) != len(m.sealed) {
		t.Fatalf("%d entries in the cache", len(entries))
	}
	m.same(t, "opened from the cache", m.tryAll(t, entries, keys), want)
}

// cardGivesOnly reads all that a role gets out of the card, for all persons.
func (m *marked) cardGivesOnly(t *testing.T, n *nation, role cvc.Roles) {
	t.Helper()
	s := n.session(m.patient, role)
	defer func() { _ = s.Close() }()
	var image []byte
	for f := range card.File(0x20) {
		if raw, err := s.ReadFile(t.Context(), f); err == nil {
			image = append(image, raw...)
		}
	}
	var entries [][]byte
	head := must[card.Head](t)(s.Head(t.Context()))
	if err := s.Entries(t.Context(), head, card.Head{}, func(_ uint32, raw []byte) error {
		entries, image = append(entries, raw), append(image, raw...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(m.sealed) || len(image) < 1000 {
		t.Fatalf("%d entries, %d bytes of the card", len(entries), len(image))
	}
	want := allowed(role, 0, 1, 2)
	m.same(t, "opened from the card", m.tryAll(t, entries, m.given(t, s)), want)
	if err := s.VerifyPIN(t.Context(), []byte(testPIN)); err != nil {
		t.Fatal(err)
	}
	if role == cvc.RolePhysician { // the holder, and the child whose guardian they are; not the spouse
		want[place{0, record.SectionSensitive}], want[place{2, record.SectionSensitive}] = true, true
	}
	m.same(t, "opened from the card after a verification", m.tryAll(t, entries, m.given(t, s)), want)
	for at, mark := range m.marks {
		if bytes.Contains(image, []byte(mark)) {
			t.Errorf("text of %s stands on the card in the clear", at)
		}
	}
	m.same(t, "keys in what the card lets be read", keysIn(t, image, m), nil)
}

// given are the keys that a card gives of all persons.
func (m *marked) given(t *testing.T, s *card.Session) [][]byte {
	t.Helper()
	var keys [][]byte
	for person := range uint8(card.MaxPersons) {
		given, err := s.Keys(t.Context(), person)
		if m.subjects.Has(person) != (err == nil) {
			t.Fatalf("keys of person %d: %v", person, err)
		}
		for _, key := range given {
			keys = append(keys, key)
		}
	}
	return keys
}

// deskProcess is a workstation in a process of its own.
type deskProcess struct {
	file  deskFile
	cmd   *exec.Cmd
	in    *os.File
	out   *bufio.Scanner
	words []string
}

func (n *nation) startDesk(m *marked, role cvc.Roles, pin string) *deskProcess {
	tb := n.tb
	tb.Helper()
	dir, err := os.MkdirTemp("", "desk") // a socket's path is short
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	op := n.operator("operator", role)
	author, terminal := op.Author.Signer.(*ecdsa.PrivateKey), op.Terminal.Signer.(*ecdsa.PrivateKey)
	d := &deskProcess{file: deskFile{
		Role: role.String(), Chain: op.Terminal.Chain, Terminal: must[[]byte](tb)(terminal.Bytes()), Author: must[[]byte](tb)(author.Bytes()),
		Root:     must[[]byte](tb)(n.root.PublicKey.Bytes()),
		Trust:    must[[]byte](tb)(trust.SignList(n.root, n.list)),
		Block:    must[[]byte](tb)(trust.SignBlockList(n.root, trust.BlockList{Version: 1, Issued: time.Now()})),
		CacheKey: [32]byte{1}, Vault: [32]byte{2}, PIN: pin, Socket: filepath.Join(dir, "card"), Cache: filepath.Join(dir, "cache.db"),
	}}
	if err := os.WriteFile(filepath.Join(dir, "desk.json"), must[[]byte](tb)(json.Marshal(d.file)), 0o600); err != nil {
		tb.Fatal(err)
	}
	serveCard(tb, d.file.Socket, m.card.Transport)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	tb.Cleanup(cancel)
	d.cmd = exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSecrecyDesk$") // #nosec G204 -- this test
	d.cmd.Env = append(os.Environ(), secrecyDir+"="+dir, "GODEBUG=clobberfree=1")
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	d.in, d.cmd.Stdin, d.cmd.Stderr = w, r, os.Stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	d.out = bufio.NewScanner(out)
	if err := d.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_, _ = w.Close(), r.Close()
		if err := d.cmd.Wait(); err != nil {
			tb.Errorf("workstation: %v: %q", err, d.words)
		}
	})
	return d
}

func (d *deskProcess) await(t *testing.T, word string) {
	t.Helper()
	for d.out.Scan() {
		if d.words = append(d.words, d.out.Text()); d.out.Text() == word {
			return
		}
	}
	t.Fatalf("the workstation ended before %q: %q", word, d.words)
}

func (d *deskProcess) say(t *testing.T) {
	t.Helper()
	if _, err := d.in.WriteString("\n"); err != nil {
		t.Fatal(err)
	}
}

// memory reads all that the process can write: heap, stacks, data.
func (d *deskProcess) memory(t *testing.T) []byte {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
	list, err := os.ReadFile(proc + "maps")
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(proc + "mem")
	if errors.Is(err, fs.ErrPermission) {
		t.Skipf("the system does not let a process look into its child: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mem.Close() }()
	const page = 4096
	var out []byte
	buf, empty := make([]byte, page), make([]byte, page)
	for line := range strings.Lines(string(list)) {
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil || !strings.HasPrefix(rights, "rw") {
			continue
		}
		for at := from; at < to; at += page {
			if _, err := mem.ReadAt(buf, int64(at)); err == nil && !bytes.Equal(buf, empty) {
				out = append(out, buf...)
			}
		}
	}
	if len(out) < 1<<20 {
		t.Fatalf("%d bytes of memory", len(out))
	}
	return out
}
