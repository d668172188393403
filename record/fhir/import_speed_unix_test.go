//go:build unix

package fhir

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dhamani-iq/dhamani/record"
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

// madeOf is a Bundle of at least a size of ours: a patient of the fixtures whose
// visits come again every year.
func madeOf(tb testing.TB, size int) []byte {
	tb.Helper()
	b := family(tb)["patients/amina.json"]
	var text bytes.Buffer
	for visits, n := b.Entries, 1; text.Len() < size; n++ {
		for _, e := range visits {
			later := *e
			later.ID, later.Start = record.EntryID{}, e.Start.AddDate(0, 0, n)
			b.Entries = append(b.Entries, &later)
		}
		text.Reset()
		if err := Export(b, &text); err != nil {
			tb.Fatal(err)
		}
	}
	return text.Bytes()
}

// BenchmarkImport reads a Bundle of about a megabyte, one of our own, most of
// which is read, and one of a Synthea patient, most of which is not. Others read
// the same bytes: the library beneath, to see whether they are JSON and into
// values without a type, and the standard one the same.
func BenchmarkImport(b *testing.B) {
	for _, in := range []struct {
		name string
		raw  []byte
	}{{"made", madeOf(b, 1<<20)}, {"Synthea", patientOf(b, 1<<20)}} {
		for _, by := range []struct {
			name string
			read func(raw []byte) error
		}{
			{"import", func(raw []byte) error {
				_, _, err := Import(bytes.NewReader(raw))
				return err
			}},
			{"library, sound", func(raw []byte) error {
				if !jsontext.Value(raw).IsValid(reading) {
					return ErrBundle
				}
				return nil
			}},
			{"library, values", func(raw []byte) error {
				var v any
				return read(raw, &v)
			}},
			{"standard, sound", func(raw []byte) error {
				if !json.Valid(raw) {
					return ErrBundle
				}
				return nil
			}},
			{"standard, values", func(raw []byte) error {
				var v any
				return json.Unmarshal(raw, &v)
			}},
		} {
			b.Run(in.name+"/"+by.name, func(b *testing.B) {
				b.SetBytes(int64(len(in.raw)))
				b.ReportAllocs()
				start := userTime(b)
				for b.Loop() {
					if err := by.read(in.raw); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(in.raw)*b.N)/1e6/(userTime(b)-start).Seconds(), "user-MB/s")
			})
		}
	}
}
