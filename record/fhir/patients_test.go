//go:build !race

package fhir

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// These tests go through all patients several times and start no goroutine: the
// race detector has nothing to find in them.

func TestSyntheaSummary(t *testing.T) {
	for _, b := range synthea(t) {
		sameSummary(t, b, Options{Form: Summary})
		sameSummary(t, b, Options{Form: Summary, Language: "ckb", Sensitive: true})
	}
}

func TestSyntheaOpinions(t *testing.T) {
	a := asked{t.TempDir()}
	for i, b := range synthea(t) {
		a.put(t, fmt.Sprintf("%03d-transaction", i), b, Options{Form: Transaction})
		a.put(t, fmt.Sprintf("%03d-summary", i), b, Options{Form: Summary, Language: []string{"ar", "ckb", "en"}[i%3], Sensitive: i%2 == 0})
	}
	a.agree(t)
}

// TestDocsTell demands that the document tells of every element that was left
// out or changed when the test data were read.
func TestDocsTell(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataDir(t, "synthea"), "*.json.gz"))
	more, err2 := filepath.Glob(filepath.Join(dataDir(t, "ips"), "*.json"))
	if err != nil || err2 != nil || len(files)+len(more) == 0 {
		t.Skip("no patients found")
	}
	if testing.Short() {
		files = files[:min(10, len(files))]
	}
	for _, name := range append(files, more...) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var in io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if in, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		_, report, err := Import(in)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		for kind, count := range report.Resources {
			for element := range count.Elements {
				top, _, _ := strings.Cut(element, ".")
				top, note, _ := strings.Cut(top, " ")
				full := kind + "." + top
				// Further codings, and displays of codes, are told once for all.
				if strings.Contains(element, "further codings") || strings.HasSuffix(element, ".text") || strings.Contains(element, "._display") || top == "date" && note != "" {
					continue
				}
				if changed[full] == "" && leftOut[full] == "" && dropped[full] == "" {
					t.Errorf("docs/fhir.md does not tell of %s.%s", kind, element)
				}
			}
		}
	}
}

func TestSyntheaChecked(t *testing.T) {
	for i, b := range synthea(t) {
		checked(t, fmt.Sprint(i), b, Options{Sensitive: i%2 == 0})
	}
}
