package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
)

// opinions asks the checkers of other parties about the files of a folder:
// Google's library for Go and the npm package fhir. It returns the errors that
// each tells, by the file's name.
func opinions(t *testing.T, dir string) map[string]map[string][]string {
	t.Helper()
	if os.Getenv("DHAMANI_FHIR") == "" {
		t.Skip("set DHAMANI_FHIR=1, and run npm ci in tools/fhir, to ask the checkers of other parties")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing to ask about", err)
	}
	tools, err := filepath.Abs(filepath.Join("..", "..", "tools", "fhir"))
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]map[string][]string)
	for name, command := range map[string][]string{
		"google/fhir": {"go", "run", "."}, "npm fhir": {"node", "validate.mjs"},
	} {
		out[name] = make(map[string][]string)
		cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], files...)...)
		cmd.Dir = tools
		cmd.Stderr = os.Stderr
		raw, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		for {
			var v struct {
				File   string
				Errors []string
			}
			if err := d.Decode(&v); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out[name][filepath.Base(v.File)] = v.Errors
		}
		if len(out[name]) != len(files) {
			t.Fatalf("%s: %d answers on %d files", name, len(out[name]), len(files))
		}
	}
	return out
}

// signed gives a bundle's entries the identifiers and signers that entries of a
// card have.
func signed(b *Bundle) (*Bundle, Options) {
	o := Options{Patient: record.PatientID{1, 2, 3}, Facility: 12, Signers: make(map[record.EntryID]Signer)}
	c := *b
	c.Entries = nil
	for i, e := range b.Entries {
		copied := *e
		copied.ID = record.EntryID{1, byte(i), byte(i >> 8)}
		c.Entries = append(c.Entries, &copied)
		o.Signers[copied.ID] = Signer{Name: "Dr. <Zaynab> & co", Operator: i%2 == 0, Facility: uint32(i % 3)}
	}
	return &c, o
}

// asked is a folder of files to ask about.
type asked struct{ dir string }

func (a asked) put(t *testing.T, name string, b *Bundle, o Options) {
	t.Helper()
	var buf bytes.Buffer
	if err := errors.Join(Write(b, o, &buf), os.WriteFile(filepath.Join(a.dir, name+".json"), buf.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// agree demands that others find no error in any file.
func (a asked) agree(t *testing.T) {
	t.Helper()
	for checker, files := range opinions(t, a.dir) {
		for file, found := range files {
			for _, e := range found {
				t.Errorf("%s: %s: %s", checker, file, e)
			}
		}
		t.Logf("%s: %d files", checker, len(files))
	}
}

func TestFixturesOpinions(t *testing.T) {
	a := asked{t.TempDir()}
	for name, b := range family(t) {
		name = filepath.Base(name)
		a.put(t, name+"-collection", b, Options{})
		b, o := signed(b)
		o.Form, o.Language, o.Sensitive = Summary, "ar", true
		a.put(t, name+"-summary", b, o)
		o.Form = Transaction
		a.put(t, name+"-transaction", b, o)
	}
	a.put(t, "nothing", &Bundle{Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "X"}}}}, Options{Form: Summary})
	a.put(t, "everything", whole(), Options{Form: Transaction})
	a.agree(t)
}
