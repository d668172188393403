package fhir

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
)

// dataDir is where third parties' data lie; it is never part of the project.
func dataDir(tb testing.TB, name string) string {
	tb.Helper()
	dir := os.Getenv("DHAMANI_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, name)
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("no third-party data in %s: set DHAMANI_DATA to run this test", dir)
	}
	return dir
}

// syntheaRead keeps the patients for all tests: none changes them.
var syntheaRead []*Bundle

// synthea reads the patients of the Synthea set.
func synthea(tb testing.TB) []*Bundle {
	tb.Helper()
	if syntheaRead != nil {
		return syntheaRead
	}
	files, err := filepath.Glob(filepath.Join(dataDir(tb, "synthea"), "*.json.gz"))
	if err != nil || len(files) == 0 {
		tb.Skip("no Synthea patients found")
	}
	if testing.Short() {
		files = files[:min(10, len(files))]
	}
	var out []*Bundle
	for _, f := range files {
		raw, err := os.Open(f)
		if err != nil {
			tb.Fatal(err)
		}
		z, err := gzip.NewReader(raw)
		if err != nil {
			tb.Fatal(err)
		}
		b, _, err := Import(z)
		if err != nil {
			tb.Fatalf("%s: %v", filepath.Base(f), err)
		}
		if err := raw.Close(); err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	syntheaRead = out
	return out
}

// again exports a bundle and imports what was written.
func again(t *testing.T, b *Bundle) (*Bundle, *Report) {
	t.Helper()
	var buf bytes.Buffer
	if err := Export(b, &buf); err != nil {
		t.Fatal(err)
	}
	c, report, err := Import(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return c, report
}

// same fails the test at the first difference of two bundles.
func same(t *testing.T, a, b *Bundle) {
	t.Helper()
	if !reflect.DeepEqual(a.Identity, b.Identity) {
		t.Fatalf("identity:\n%+v\n%+v", a.Identity, b.Identity)
	}
	if !reflect.DeepEqual(a.Cover, b.Cover) {
		t.Fatalf("cover:\n%+v\n%+v", a.Cover, b.Cover)
	}
	if len(a.Entries) != len(b.Entries) {
		t.Fatalf("%d entries became %d", len(a.Entries), len(b.Entries))
	}
	for i := range a.Entries {
		if !reflect.DeepEqual(a.Entries[i], b.Entries[i]) {
			x, _ := json.MarshalIndent(a.Entries[i], "", " ")
			y, _ := json.MarshalIndent(b.Entries[i], "", " ")
			t.Fatalf("entry %d:\n%s\n%s", i, x, y)
		}
	}
	if !reflect.DeepEqual(a.Summary, b.Summary) {
		t.Fatalf("summary:\n%+v\n%+v", a.Summary, b.Summary)
	}
}

func TestSyntheaRoundTrip(t *testing.T) {
	largest, parts := 0, 0
	for _, b := range synthea(t) {
		c, _ := again(t, b)
		same(t, b, c)
		c, _, _ = written(t, b, Options{Form: Transaction})
		same(t, b, c)
		for _, e := range b.Entries {
			n, err := e.Size()
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, n)
			split := record.Split(e, record.MaxContent)
			parts = max(parts, len(split))
			for _, p := range split {
				roundTrip(t, p)
			}
		}
	}
	t.Logf("largest encounter: %d bytes of content, %d parts", largest, parts)
}

// roundTrip demands that an entry decodes from its sections as it was.
func roundTrip(t *testing.T, e *record.Entry) {
	t.Helper()
	sections, err := e.Sections()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range sections {
		n += len(b)
	}
	if n > record.MaxContent {
		t.Fatalf("%d bytes of content after the split", n)
	}
	d, err := record.Decode(e.Meta(), sections)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d, e) {
		x, _ := json.MarshalIndent(e, "", " ")
		y, _ := json.MarshalIndent(d, "", " ")
		t.Fatalf("became another entry:\n%s\n%s", x, y)
	}
}

func TestSyntheaReport(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataDir(t, "synthea"), "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Skip("no Synthea patients found")
	}
	raw, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, report, err := Import(z)
	if err != nil {
		t.Fatal(err)
	}
	for kind, c := range report.Resources {
		if c.Read != c.Carried+c.Partly+c.Refused {
			t.Errorf("%s: %d read, %d accounted for", kind, c.Read, c.Carried+c.Partly+c.Refused)
		}
		t.Logf("%s %+v", kind, c)
	}
	for _, kind := range []string{"Patient", "Encounter", "Condition", "MedicationRequest", "Observation", "Procedure", "CarePlan"} {
		if c := report.Resources[kind]; c != nil && c.Refused > 0 {
			t.Errorf("%s: refused: %v", kind, c.Reasons)
		}
	}
}

// BenchmarkContent measures the bytes of content of an encounter, over every
// encounter of the Synthea patients.
func BenchmarkContent(b *testing.B) {
	bundles := synthea(b)
	var total, clinical, entries, sections float64
	var units int
	for b.Loop() {
		total, clinical, entries, sections = 0, 0, 0, 0
		for _, p := range bundles {
			for _, e := range p.Entries {
				all, err := e.Sections()
				if err != nil {
					b.Fatal(err)
				}
				entries++
				sections += float64(len(all))
				for _, c := range all {
					total += float64(len(c))
				}
				free := *e
				free.Cost = nil
				n, err := free.Size()
				if err != nil {
					b.Fatal(err)
				}
				clinical += float64(n)
				units++
			}
		}
	}
	b.ReportMetric(total/entries, "bytes/encounter")
	b.ReportMetric(clinical/entries, "bytes-without-cost/encounter")
	b.ReportMetric(sections/entries, "sections/encounter")
}
