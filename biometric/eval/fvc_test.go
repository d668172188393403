//go:build !race

// A single goroutine compares 12,640 pairs; the race detector has nothing to
// find in it and makes it ten times as long.

package eval

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestFVC holds the error rates on the databases of the Fingerprint
// Verification Competitions.
func TestFVC(t *testing.T) {
	root := os.Getenv("DHAMANI_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	var eer, fmr1000 float64
	for _, db := range FVC() {
		dir := filepath.Join(root, "fvc", db.Name)
		if _, err := os.Stat(dir); err != nil {
			t.Skipf("no images in %s: set DHAMANI_DATA to run this test", dir)
		}
		r, err := Run(t.Context(), dir, db.DPI, AllFingers, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %+v", db.Name, r)
		if r.Failures > 0 || r.Genuine != 280 || r.Impostor != 2880 {
			t.Errorf("%s: %d failures, %d and %d comparisons", db.Name, r.Failures, r.Genuine, r.Impostor)
		}
		eer += r.EER / 4
		fmr1000 += r.FMR1000 / 4
	}
	t.Logf("mean: EER %.2f %%, FMR1000 %.2f %%", eer, fmr1000)
	if eer > 4.4 || fmr1000 > 13 || math.IsNaN(eer) {
		t.Errorf("mean EER %.2f %%, FMR1000 %.2f %%", eer, fmr1000)
	}
}
