package eval

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
)

// ErrEmpty says that the folder holds no two images of the names that are looked for.
var ErrEmpty = errors.New("folder holds no images named FINGER_IMPRESSION.png")

// maxImages bounds an evaluation: the comparisons are its square.
const maxImages = 10000

// Report is what an evaluation found.
type Report struct {
	Metrics
	Failures      int     `json:"failures"` // images without a template
	ExtractMS     float64 `json:"extract_ms_p50"`
	MatchUS       float64 `json:"match_us_p50"`
	TemplateBytes int     `json:"template_bytes_p50"`
	Genuine       int     `json:"genuine"` // comparisons
	Impostor      int     `json:"impostor"`
}

// Kind is whose impressions were compared.
type Kind byte

// The kinds of a comparison.
const (
	Genuine  Kind = 'G' // one finger's
	First    Kind = 'F' // impression 1 of two fingers
	Impostor Kind = 'I' // any others of two fingers
)

// sample is one image, named <finger>_<impression>.png.
type sample struct {
	path               string
	finger, impression int
	probe              *match.Probe // nil where extraction failed
}

var name = regexp.MustCompile(`^(\d{1,9})_(\d{1,9})\.png$`)

func samples(dir string, fingers Fingers) ([]sample, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []sample
	for _, e := range entries {
		m := name.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		finger, _ := strconv.Atoi(m[1]) // nine digits at most
		if !fingers.has(finger) {
			continue
		}
		impression, _ := strconv.Atoi(m[2])
		all = append(all, sample{path: filepath.Join(dir, e.Name()), finger: finger, impression: impression})
	}
	if len(all) < 2 || len(all) > maxImages {
		return nil, ErrEmpty
	}
	slices.SortFunc(all, func(a, b sample) int {
		return slices.Compare([]int{a.finger, a.impression}, []int{b.finger, b.impression})
	})
	return all, nil
}

// Run evaluates those images of a folder that are of fingers, have dpi pixels an
// inch, and writes a line "kind score" of each comparison to scores. An image
// without a template has score 0 with every other. It owes ErrEmpty and ctx's
// error.
func Run(ctx context.Context, dir string, dpi int, fingers Fingers, scores io.Writer) (Report, error) {
	all, err := samples(dir, fingers)
	if err != nil {
		return Report{}, err
	}
	var r Report
	var took, sizes []float64
	for i := range all {
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
		img, err := open(all[i].path)
		if err != nil {
			return Report{}, err
		}
		start := time.Now()
		t, err := extract.Extract(img, dpi)
		took = append(took, float64(time.Since(start).Nanoseconds())/1e6)
		if err != nil || len(t.Views[0].Minutiae) == 0 {
			r.Failures++
			continue
		}
		raw, err := fmr.Marshal(t)
		if err != nil {
			return Report{}, fmt.Errorf("write template of %s: %w", filepath.Base(all[i].path), err)
		}
		sizes = append(sizes, float64(len(raw)))
		// What is compared is what the template's bytes say.
		if t, err = fmr.Parse(raw); err != nil {
			return Report{}, fmt.Errorf("read template of %s: %w", filepath.Base(all[i].path), err)
		}
		if all[i].probe, err = match.Prepare(t, 0); err != nil {
			return Report{}, fmt.Errorf("prepare %s: %w", filepath.Base(all[i].path), err)
		}
	}
	r.ExtractMS, r.TemplateBytes = rounded(Median(took)), int(Median(sizes))
	return compareAll(ctx, all, r, scores)
}

func open(path string) (*image.Gray, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("open image: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	img, err := extract.ReadImage(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return img, nil
}

func compareAll(ctx context.Context, all []sample, r Report, scores io.Writer) (Report, error) {
	var genuine, impostor, took []float64
	for i := range all {
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
		for j := i + 1; j < len(all); j++ {
			a, b := &all[i], &all[j]
			var score match.Score
			if a.probe != nil && b.probe != nil {
				start := time.Now()
				score = match.Compare(a.probe, b.probe)
				took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
			}
			kind := kindOf(a, b)
			if kind == Genuine {
				genuine = append(genuine, float64(score))
			} else {
				impostor = append(impostor, float64(score))
			}
			if _, err := fmt.Fprintf(scores, "%c %.6f\n", kind, score); err != nil {
				return Report{}, fmt.Errorf("write scores: %w", err)
			}
		}
	}
	r.Metrics = Measure(genuine, impostor)
	r.MatchUS, r.Genuine, r.Impostor = rounded(Median(took)), len(genuine), len(impostor)
	return r, nil
}

func kindOf(a, b *sample) Kind {
	switch {
	case a.finger == b.finger:
		return Genuine
	case a.impression == 1 && b.impression == 1:
		return First
	default:
		return Impostor
	}
}

func rounded(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }
