package card_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// script is a file of firmware-fixtures/apdu; docs/formats/card.md describes
// the form. Steps and comments are written by hand, what follows a step is
// written by this test with -update.
type script struct {
	intro  []string // comments and parameters
	random []byte   // what the card draws
	steps  []scriptStep
}

type scriptStep struct {
	comments []string
	do       []string // name and arguments
	result   string
	wire     [][2][]byte // command, answer
}

const scriptFolder = "../firmware-fixtures/apdu"

// readScript reads a script; it leaves the file's form to a comparison of what
// it writes again.
func readScript(t *testing.T, path string) *script {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{}
	var comments []string
	var last *[]byte
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return b
	}
	for line := range strings.SplitSeq(strings.TrimRight(string(raw), "\n"), "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		var step *scriptStep
		if len(s.steps) > 0 {
			step = &s.steps[len(s.steps)-1]
		}
		switch {
		case strings.HasPrefix(line, "  ") && last != nil:
			*last = append(*last, unhex(strings.TrimSpace(line))...)
		case mark == "random":
			s.random = unhex(rest)
			s.intro = append(append(s.intro, comments...), line)
			comments = nil
		case mark == "step":
			s.steps = append(s.steps, scriptStep{comments: comments, do: strings.Fields(rest)})
			comments = nil
		case mark == "=" && step != nil:
			step.result = rest
		case mark == ">" && step != nil:
			step.wire = append(step.wire, [2][]byte{unhex(rest)})
			last = &step.wire[len(step.wire)-1][0]
		case mark == "<" && step != nil && len(step.wire) > 0:
			last = &step.wire[len(step.wire)-1][1]
			*last = unhex(rest)
		case strings.HasPrefix(line, "# -- "): // names a command; written anew
		case line == "", strings.HasPrefix(line, "#"):
			comments = append(comments, line)
		default:
			t.Fatalf("%s: line %q", path, line)
		}
	}
	return s
}

var commandNames = map[byte]string{
	0x20: "VERIFY", 0x21: "VERIFY, finger", 0x22: "MSE: Set", 0x24: "CHANGE REFERENCE DATA", 0x2A: "PSO: VERIFY CERTIFICATE",
	0x44: "ACTIVATE FILE", 0x47: "GENERATE ASYMMETRIC KEY PAIR", 0x82: "EXTERNAL AUTHENTICATE", 0x84: "GET CHALLENGE",
	0x86: "GENERAL AUTHENTICATE", 0xA4: "SELECT", 0xB0: "READ BINARY", 0xB1: "READ BINARY, log", 0xC0: "GET RESPONSE",
	0xCA: "GET DATA", 0xCB: "GET DATA, named", 0xD6: "UPDATE BINARY", 0xDA: "PUT DATA", 0xE2: "APPEND RECORD",
}

// String writes the script in its one form.
func (s *script) String() string {
	var b strings.Builder
	for _, line := range s.intro {
		b.WriteString(line + "\n")
	}
	for _, step := range s.steps {
		for _, line := range step.comments {
			b.WriteString(line + "\n")
		}
		b.WriteString("step " + strings.Join(step.do, " ") + "\n")
		for _, w := range step.wire {
			b.WriteString("# -- " + commandNames[w[0][1]] + "\n")
			for i, mark := range []string{"> ", "< "} {
				for part := range slices.Chunk(w[i], 40) {
					b.WriteString(mark + strings.ToUpper(hex.EncodeToString(part)) + "\n")
					mark = "  "
				}
			}
		}
		b.WriteString("= " + step.result + "\n")
	}
	return b.String()
}

// line is the wire of a script: it passes commands to a soft card and writes
// down what goes over it, or plays the card's part strictly.
type line struct {
	t    *testing.T
	card *softcard.Card // nil: play
	tr   card.Transport
	wire [][2][]byte
}

func (l *line) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if l.card != nil {
		answer, err := l.tr.Transmit(ctx, cmd)
		l.wire = append(l.wire, [2][]byte{bytes.Clone(cmd), bytes.Clone(answer)})
		return answer, err
	}
	if len(l.wire) == 0 {
		l.t.Fatalf("the host sends % X, the script is over", cmd)
	}
	next := l.wire[0]
	l.wire = l.wire[1:]
	if !bytes.Equal(cmd, next[0]) {
		l.t.Fatalf("the host sends\n% X, the script has\n% X", cmd, next[0])
	}
	return bytes.Clone(next[1]), nil
}

func (l *line) ATR() []byte { return []byte{0x3B, 0x80, 0x01, 0x81} }

func (l *line) Close() error { return nil }

// connect puts the card into the reader anew.
func (l *line) connect() card.Transport {
	if l.card != nil {
		l.tr = l.card.Transport()
	}
	return l
}

// scriptHost carries out the host's part of a script, with fixed keys.
type scriptHost struct {
	t       *testing.T
	line    *line
	s       *card.Session
	chip    *ecdh.PublicKey
	signers map[string]fixedSigner
	anchor  *cvc.Certificate
	last    card.Head
}

func newScriptHost(t *testing.T, l *line) *scriptHost {
	t.Helper()
	h := &scriptHost{t: t, line: l, signers: make(map[string]fixedSigner)}
	for _, name := range []string{"anchor", "facility", "terminal", "other"} {
		h.signers[name] = fixedKey(t, name)
	}
	h.anchor = h.certify("anchor", "IQDHAMANI00001", cvc.KindAnchor, cvc.AllRoles, 1, 120, nil, "anchor")
	return h
}

// certify makes a certificate for the key of a name, from one month of 2026 to
// another, signed by the key of another name.
func (h *scriptHost) certify(name, chr string, kind cvc.Kind, roles cvc.Roles, from, to time.Month, parent *cvc.Certificate, by string) *cvc.Certificate {
	h.t.Helper()
	return fixedCertificate(h.t, cvc.Template{
		CHR: chr, Public: &h.signers[name].key.PublicKey, Kind: kind, Roles: roles, Rights: cvc.AllRights,
		From: date(2026, from), To: date(2026, to),
	}, parent, h.signers[by])
}

// scriptActs are what a step may ask of the host.
var scriptActs = map[string]func(h *scriptHost, ctx context.Context, args []string) (string, error){
	"personalise": (*scriptHost).personalise,
	"open": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		var err error
		if h.s, err = card.Open(ctx, h.line.connect()); err != nil {
			return "", err
		}
		key, err := ecdh.P256().NewPrivateKey(fixedScalar("host"))
		h.s.UseEphemeral(key)
		h.s.UseClock(func() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) })
		return h.s.Info().State.String(), err
	},
	"security": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		raw, err := h.s.Security(ctx)
		return string(raw), err
	},
	"authenticate": (*scriptHost).authenticate,
	"clone": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		other, err := ecdh.P256().NewPrivateKey(fixedScalar("clone"))
		if err != nil {
			return "", err
		}
		return "", h.s.Authenticate(ctx, other.PublicKey(), h.terminal(cvc.RolePhysician, 3, 6, "facility", 1))
	},
	"identity": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		raw, err := h.s.ReadFile(ctx, card.FileID)
		return string(raw), err
	},
	"summary": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		raw, err := h.s.ReadFile(ctx, card.FileSummary)
		return string(raw), err
	},
	"write-summary": func(h *scriptHost, ctx context.Context, args []string) (string, error) {
		head, err := h.s.WriteSummary(ctx, h.last.SummaryVersion, []byte(args[0]))
		h.last = head
		return fmt.Sprintf("version %d", head.SummaryVersion), err
	},
	"head": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		head, err := h.s.Head(ctx)
		h.last = head
		return fmt.Sprintf("seq %d tail %d", head.Seq, head.Tail), err
	},
	"log": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		var sizes []string
		err := h.s.Entries(ctx, h.last, card.Head{}, func(seq uint32, sealed []byte) error {
			sizes = append(sizes, fmt.Sprintf("%d:%d", seq, len(sealed)))
			return nil
		})
		return strings.Join(sizes, " "), err
	},
	"append": func(h *scriptHost, ctx context.Context, args []string) (string, error) {
		n := make([]int, 2) // expected number, length
		for i := range n {
			var err error
			if n[i], err = strconv.Atoi(args[i]); err != nil {
				return "", err
			}
		}
		head, err := h.s.Append(ctx, uint32(n[0]), bytes.Repeat([]byte{0xEE}, n[1]))
		return fmt.Sprintf("seq %d tail %d", head.Seq, head.Tail), err
	},
	"keys": func(h *scriptHost, ctx context.Context, args []string) (string, error) {
		person, err := strconv.ParseUint(args[0], 10, 8)
		if err != nil {
			return "", err
		}
		keys, err := h.s.Keys(ctx, uint8(person))
		var names []string
		for _, s := range record.AllSections() {
			if keys[s] != nil {
				names = append(names, s.String())
			}
		}
		return strings.Join(names, " "), err
	},
	"verify-pin": func(h *scriptHost, ctx context.Context, args []string) (string, error) {
		return "verified", h.s.VerifyPIN(ctx, []byte(args[0]))
	},
	"change-pin": func(h *scriptHost, ctx context.Context, args []string) (string, error) {
		return "changed", h.s.ChangePIN(ctx, []byte(args[0]), []byte(args[1]))
	},
	"tries": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		left, verified, err := h.s.Tries(ctx, card.RefPIN)
		return fmt.Sprintf("%d left, verified %v", left, verified), err
	},
	"audit": func(h *scriptHost, ctx context.Context, _ []string) (string, error) {
		lines, err := h.s.Audit(ctx)
		var out []string
		for _, l := range lines {
			out = append(out, fmt.Sprintf("%d %v by %s", l.Number, l.Event, l.Role))
		}
		return strings.Join(out, "; "), err
	},
}

// personalise makes a card with one person, a PIN and a summary.
func (h *scriptHost) personalise(ctx context.Context, _ []string) (string, error) {
	b, err := card.OpenBlank(ctx, h.line.connect())
	if err != nil {
		return "", err
	}
	if h.chip, err = b.GenerateKey(ctx); err != nil {
		return "", err
	}
	keys := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		keys[s] = bytes.Repeat([]byte{0xC0 + byte(s)}, 32)
	}
	_, summaryErr := b.WriteSummary(ctx, 0, []byte("sealed summary"))
	return "activated", errors.Join(
		summaryErr,
		b.WriteFile(ctx, card.FileSecurity, []byte("security")), b.WriteFile(ctx, card.FileID, []byte("identity of nobody")),
		b.PutAnchor(ctx, h.anchor.Raw), b.PutDate(ctx, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)),
		b.PutKeys(ctx, 0, keys), b.PutPIN(ctx, record.PersonsOf(0), []byte("271828")), b.Activate(ctx),
	)
}

// authenticate ROLE FROM TO [MONTH|SIGNER]: with a certificate of these months
// of 2026, of a facility whose own begins in that month, not in January, or
// signed by another key than the facility's.
func (h *scriptHost) authenticate(ctx context.Context, args []string) (string, error) {
	role, err := cvc.ParseRole(args[0])
	if err != nil {
		return "", err
	}
	from, err := strconv.Atoi(args[1])
	if err != nil {
		return "", err
	}
	to, err := strconv.Atoi(args[2])
	if err != nil {
		return "", err
	}
	by, since := "facility", 1
	if len(args) > 3 {
		if since, err = strconv.Atoi(args[3]); err != nil {
			by, since = args[3], 1
		}
	}
	return "authenticated", h.s.Authenticate(ctx, h.chip, h.terminal(role, time.Month(from), time.Month(to), by, time.Month(since)))
}

func (h *scriptHost) terminal(role cvc.Roles, from, to time.Month, by string, since time.Month) card.Terminal {
	h.t.Helper()
	facility := h.certify("facility", "IQBASRA00001", cvc.KindFacility, cvc.AllRoles, since, 12, h.anchor, "anchor")
	parent := facility
	if by != "facility" { // the same name, another key
		parent = h.certify(by, "IQBASRA00001", cvc.KindFacility, cvc.AllRoles, 1, 12, h.anchor, "anchor")
	}
	own := h.certify("terminal", "IQDESK00001", cvc.KindTerminal, role, from, to, parent, by)
	return card.Terminal{Chain: [][]byte{facility.Raw, own.Raw}, Signer: h.signers["terminal"]}
}

// run carries out the steps of a script, and returns it as it went.
func (s *script) run(t *testing.T, l *line) *script {
	t.Helper()
	h := newScriptHost(t, l)
	out := &script{intro: s.intro, random: s.random}
	for _, step := range s.steps {
		act := scriptActs[step.do[0]]
		if act == nil {
			t.Fatalf("no step %q", step.do[0])
		}
		l.wire = nil
		if l.card == nil {
			l.wire = step.wire
		}
		result, err := act(h, t.Context(), step.do[1:])
		if err != nil {
			result = "error: " + err.Error()
		}
		if l.card == nil {
			if len(l.wire) > 0 {
				t.Errorf("step %v leaves %d commands of the script", step.do, len(l.wire))
			}
			l.wire = step.wire
		}
		out.steps = append(out.steps, scriptStep{comments: step.comments, do: step.do, result: result, wire: l.wire})
	}
	return out
}

// TestScripts plays every script of firmware-fixtures/apdu to this host, byte
// for byte; with -update it writes them anew with a soft card.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(scriptFolder, "*.apdu"))
	if err != nil || len(paths) < 7 {
		t.Fatalf("%d scripts, %v", len(paths), err)
	}
	commands := 0
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s := readScript(t, path)
			if *update {
				soft := softcard.New(softcard.Options{Random: bytes.NewReader(s.random)})
				s = s.run(t, &line{t: t, card: soft})
				if err := os.WriteFile(path, []byte(s.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := s.run(t, &line{t: t})
			if got.String() != string(raw) {
				t.Errorf("the host sees it otherwise; it has\n%s", got)
			}
			for _, step := range s.steps {
				commands += len(step.wire)
			}
		})
	}
	t.Logf("%d scripts, %d commands", len(paths), commands)
}
