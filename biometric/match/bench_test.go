package match_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/eval"
	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

// BenchmarkCompare compares every impression of a database with every other,
// and those of fingers of nobody; an operation is one comparison.
func BenchmarkCompare(b *testing.B) {
	b.Run("nobody", func(b *testing.B) {
		var all []*fmr.Template
		for n := range 12 {
			t, err := extract.Extract(synth.New(uint64(20+n/3)).Impression(synth.Random(uint64(100*(n/3)+n%3), 0.6)), 500)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, t)
		}
		compareAll(b, all)
	})
	for _, db := range eval.FVC() {
		b.Run(db.Name, func(b *testing.B) {
			dir := filepath.Join(data(), db.Name)
			if _, err := os.Stat(dir); err != nil {
				b.Skipf("no images in %s: set DHAMANI_DATA to run this benchmark", dir)
			}
			images, err := eval.Templates(b.Context(), dir, db.DPI, eval.AllFingers)
			if err != nil {
				b.Fatal(err)
			}
			var all []*fmr.Template
			for _, x := range images {
				all = append(all, x.Template)
			}
			compareAll(b, all)
		})
	}
}

func compareAll(b *testing.B, all []*fmr.Template) {
	b.Helper()
	var probes []*match.Probe
	for _, t := range all {
		p, err := match.Prepare(t, 0)
		if err != nil {
			b.Fatal(err)
		}
		probes = append(probes, p)
	}
	i, j := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		if j++; j >= len(probes) {
			if i++; i >= len(probes)-1 {
				i = 0
			}
			j = i + 1
		}
		match.Compare(probes[i], probes[j])
	}
}

// data is the folder of the databases.
func data() string {
	if root := os.Getenv("DHAMANI_DATA"); root != "" {
		return filepath.Join(root, "fvc")
	}
	return filepath.Join("..", "..", "..", "shared", "data", "fvc")
}
