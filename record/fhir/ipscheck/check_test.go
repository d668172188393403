package ipscheck

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExamples demands that the guide's own examples pass.
func TestExamples(t *testing.T) {
	dir := os.Getenv("DHAMANI_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "ips", "Bundle-*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no examples of the guide: set DHAMANI_DATA to run this test")
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Check(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if x.Severity == SeverityError {
				t.Errorf("%s: %+v", filepath.Base(name), x)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]error{
		"": ErrFormat, "[]": ErrFormat, "null": ErrFormat, "{": ErrFormat, `{"resourceType":"Bundle"} {}`: ErrFormat,
		strings.Repeat("[", 100_000): ErrFormat,
	} {
		if _, err := Check(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := Check(endless{}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// TestNoAddress finds references that are no text, which others stumble over.
func TestNoAddress(t *testing.T) {
	for _, ref := range []string{"7", "true", "null"} {
		found, err := Check(strings.NewReader(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Flag","encounter":{"reference":` + ref + `}}}]}`))
		if err != nil || !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == RuleDangling }) {
			t.Errorf("%s: %v, %+v", ref, err, found)
		}
	}
	found, err := Check(strings.NewReader(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Consent","provision":{"data":[{"reference":{"display":"x"}}]}}}]}`))
	if err != nil || slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == RuleDangling }) {
		t.Errorf("an element of that name: %v, %+v", err, found)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

func TestNarrative(t *testing.T) {
	for text, want := range map[string]error{
		`<div xmlns="http://www.w3.org/1999/xhtml">x</div>`:                       nil,
		`<div xmlns="http://www.w3.org/1999/xhtml"><img src="#a" alt="a"/></div>`: nil,
		`<div xmlns="http://www.w3.org/1999/xhtml"> <p> </p></div>`:               errBlank,
		`<div>x</div>`: errDiv, `x`: errDiv, ``: errBlank, `<div xmlns="http://www.w3.org/1999/xhtml">x</p></div>`: errMarkup,
		`<div xmlns="http://www.w3.org/1999/xhtml">x</div><div xmlns="http://www.w3.org/1999/xhtml">y</div>`: errDiv,
		`<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>`:                                 errActive,
	} {
		if err := readable(text); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTableIsRead(t *testing.T) {
	if len(profiles) < 25 || len(profiles["Composition-uv-ips"].rows) < 30 {
		t.Fatalf("%d profiles", len(profiles))
	}
	for _, text := range []string{"x 1 1", "profile A B\nx 1", "profile A B\nx a 1", "profile A B\nx 1 b", "profile A B\nx 1 1 y=z", "profile A B\nx:y.z 1 1"} {
		if _, err := parseTable(text); err == nil {
			t.Errorf("accepted: %q", text)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition",` +
		`"section":[{"code":{"coding":[{"code":"11450-4"}]},"entry":[{"reference":"#x"}],"text":{"status":"generated","div":"<div>x</div>"}}]}},` +
		`{"resource":{"resourceType":"Observation","effectiveDateTime":"2026","subject":{"reference":"urn:uuid:1"}}}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","entry":{"resource":[]},"type":["document"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := Check(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, x := range found {
			if x.Rule == "" || x.Severity == "" || !strings.HasPrefix(x.Path, "Bundle") || x.Text == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
