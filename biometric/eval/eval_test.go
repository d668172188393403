package eval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/synth"
)

func TestMeasure(t *testing.T) {
	for _, c := range []struct {
		name              string
		genuine, impostor []float64
		want              Metrics
	}{
		{"apart", []float64{5, 6, 7}, []float64{1, 2, 3}, Metrics{0, 0, 0, 0}},
		{"one of four too low", []float64{1, 6, 7, 8}, []float64{0, 2, 3, 4}, Metrics{25, 25, 25, 25}},
		{"all alike", []float64{1, 1}, []float64{1, 1}, Metrics{50, 100, 100, 100}},
		{"nothing", nil, []float64{1}, Metrics{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Measure(c.genuine, c.impostor); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestRun evaluates made up fingers.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for f := range 3 {
		finger := synth.New(uint64(f + 40))
		for i := range 2 {
			var b bytes.Buffer
			if err := png.Encode(&b, finger.Impression(synth.Random(uint64(f*10+i), 0.4))); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, fmt.Sprintf("%d_%d.png", f+1, i+1)), b.Bytes())
		}
	}
	write(t, filepath.Join(dir, "notes.txt"), nil)
	var scores strings.Builder
	r, err := Run(t.Context(), dir, 500, AllFingers, &scores)
	if err != nil {
		t.Fatal(err)
	}
	if r.Genuine != 3 || r.Impostor != 12 || r.Failures != 0 || r.EER != 0 {
		t.Errorf("%+v", r)
	}
	for kind, n := range map[string]int{"G ": 3, "F ": 3, "I ": 9} {
		if got := strings.Count(scores.String(), kind); got != n {
			t.Errorf("%d lines of kind %s", got, kind)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, dir, 500, AllFingers, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Run(t.Context(), t.TempDir(), 500, AllFingers, io.Discard); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty folder: %v", err)
	}
	write(t, filepath.Join(dir, "0_0.png"), []byte("no image"))
	if _, err := Run(t.Context(), dir, 500, AllFingers, io.Discard); err == nil || !strings.Contains(err.Error(), "0_0.png") {
		t.Errorf("bad image: %v", err)
	}
}

// TestFingers: every finger is of one half.
func TestFingers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1_1.png", "1_2.png", "2_1.png", "2_7.png", "103_1.png"} {
		write(t, filepath.Join(dir, name), nil)
	}
	for name, want := range map[string][]int{"all": {1, 1, 2, 2, 103}, "odd": {1, 1, 103}, "even": {2, 2}} {
		fingers, ok := ParseFingers(name)
		all, err := samples(dir, fingers)
		if err != nil || !ok {
			t.Fatal(err, ok)
		}
		var got []int
		for _, s := range all {
			got = append(got, s.finger)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: fingers %v, want %v", name, got, want)
		}
	}
	if _, ok := ParseFingers("left"); ok {
		t.Error("any name is taken")
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
