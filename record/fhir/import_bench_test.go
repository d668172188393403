package fhir

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// patientOf returns the text of the Synthea patient whose Bundle is nearest to
// a size.
func patientOf(tb testing.TB, size int) []byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(dataDir(tb, "synthea"), "*.json.gz"))
	if err != nil || len(files) == 0 {
		tb.Skip("no Synthea patients found")
	}
	var best []byte
	for _, name := range files[:min(20, len(files))] {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		raw, err := io.ReadAll(z)
		if err != nil {
			tb.Fatal(err)
		}
		if err := f.Close(); err != nil {
			tb.Fatal(err)
		}
		if best == nil || max(len(raw), size)-min(len(raw), size) < max(len(best), size)-min(len(best), size) {
			best = raw
		}
	}
	return best
}

// BenchmarkImport reads a Bundle of about a megabyte, and has the standard
// library read the same bytes: once to see whether they are JSON, once into
// values without a type.
func BenchmarkImport(b *testing.B) {
	raw := patientOf(b, 1<<20)
	for name, read := range map[string]func() error{
		"import": func() error {
			_, _, err := Import(bytes.NewReader(raw))
			return err
		},
		"valid": func() error {
			if !json.Valid(raw) {
				return ErrBundle
			}
			return nil
		},
		"decode": func() error {
			var v any
			return json.Unmarshal(raw, &v)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
