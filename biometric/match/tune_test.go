//go:build !race

// A single goroutine measures; the race detector has nothing to find in it and
// makes it ten times as long.

package match_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/eval"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
)

var (
	tune   = flag.Bool("tune", false, "choose the parameters again, on fingers with odd numbers, and write them into the code")
	afresh = flag.Bool("afresh", false, "begin at the plausible values, not at the ones in the code")
	cached = flag.String("templates", "", "file with the odd fingers' templates, which is made where it is not there")
	result = flag.String("result", "", "file for what TestFit finds")
)

// root is the folder of the module.
const root = "../.."

// impression is a template and where it is from.
type impression struct {
	Database, Finger int
	Template         []byte
}

// impressions extracts the odd fingers of all four databases.
func impressions(t *testing.T) (all []impression) {
	t.Helper()
	if raw, err := os.ReadFile(*cached); err == nil && json.Unmarshal(raw, &all) == nil {
		return all
	}
	for n, db := range eval.FVC() {
		images, err := eval.Templates(t.Context(), filepath.Join(data(), db.Name), db.DPI, eval.OddFingers)
		if errors.Is(err, fs.ErrNotExist) {
			t.Skipf("no images of fingers in %s: set DHAMANI_DATA to run this test", data())
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range images {
			raw, err := fmr.Marshal(x.Template)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, impression{n, x.Finger, raw})
		}
	}
	if *cached != "" {
		save(t, *cached, all)
	}
	return all
}

func save(t *testing.T, file string, x any) {
	t.Helper()
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// compared are all comparisons of impressions of one database.
func compared(t *testing.T, all []impression) (out []*sample) {
	t.Helper()
	var probes []*match.Probe
	for i, x := range all {
		template, err := fmr.Parse(x.Template)
		if err != nil {
			t.Fatal(err)
		}
		p, err := match.Prepare(template, 0)
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, p)
		for j, y := range all[:i] {
			if x.Database == y.Database {
				f, ok := match.Features(probes[j], p)
				out = append(out, &sample{x.Database, [2]int{y.Finger, x.Finger}, x.Finger == y.Finger, f, !ok})
			}
		}
	}
	return out
}

// fitted is what TestFit finds.
type fitted struct {
	Loss          float64 // percent
	Weights       [8]float64
	Slope, Offset float64
}

// TestFit fits the weights and the line on fingers with odd numbers.
func TestFit(t *testing.T) {
	if !*tune && *result == "" {
		t.Skip("run with -args -tune to fit the weights again")
	}
	all := compared(t, impressions(t))
	crossed := crossed(all)
	m := fit(all)
	r := fitted{Loss: loss(crossed), Weights: m.weights}
	r.Slope, r.Offset = line(crossed)
	r.Offset += r.Slope * m.bias
	t.Logf("loss %.3f %%, weights %.4g, slope %.3f, offset %.2f", r.Loss, r.Weights, r.Slope, r.Offset)
	if r.Loss <= 0 || r.Loss > 50 || r.Slope <= 0 {
		t.Errorf("no fit: %+v", r)
	}
	if *result != "" {
		save(t, *result, r)
	}
}

// better is by how much the loss has to fall, in percent, before a value counts
// as better: three comparisons of 3920.
const better = 0.07

// TestTune chooses the parameters one after the other, each as long as its next
// value is better, for three rounds at most.
func TestTune(t *testing.T) {
	if !*tune {
		t.Skip("run with -timeout 3h -args -tune to choose the parameters again; it writes them into the code")
	}
	s := search{t: t, dir: t.TempDir(), known: map[string]float64{}}
	at := make([]int, len(parameters))
	for i, p := range parameters {
		value := p.start
		if !*afresh {
			value = s.inCode(p)
		}
		if at[i] = slices.Index(p.values, value); at[i] < 0 {
			t.Fatalf("%s is %s, which is none of its values: begin with -afresh", p.name, value)
		}
	}
	best := s.loss(at)
	t.Logf("start: %.3f %%", best)
	for round, changed := 1, true; changed && round <= 3; round++ {
		changed = false
		for i, p := range parameters {
			for _, step := range []int{1, -1} {
				moved := false
				for next := at[i] + step; next >= 0 && next < len(p.values); next += step {
					try := slices.Clone(at)
					try[i] = next
					l := s.loss(try)
					if l > best-better {
						break
					}
					t.Logf("round %d: %s = %s: %.3f %%", round, p.name, p.values[next], l)
					at, best, moved, changed = try, l, true, true
				}
				if moved {
					break
				}
			}
		}
	}
	for file, text := range s.sources(at) {
		if err := os.WriteFile(filepath.Join(root, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// search tries values, each in a build of its own.
type search struct {
	t     *testing.T
	dir   string
	known map[string]float64
}

// constant finds p in its file.
func (p *parameter) constant() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^((?:const|\t)\s*` + p.name + `\s*=\s*)([0-9.]+)`)
}

// inCode is the value that p has.
func (s *search) inCode(p parameter) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(root, p.file))
	if err != nil {
		s.t.Fatal(err)
	}
	found := p.constant().FindAllSubmatch(text, -1)
	if len(found) != 1 {
		s.t.Fatalf("%s has not one constant %s", p.file, p.name)
	}
	return string(found[0][2])
}

// sources are the files with the values in their place.
func (s *search) sources(at []int) map[string][]byte {
	s.t.Helper()
	out := map[string][]byte{}
	for i, p := range parameters {
		text, ok := out[p.file]
		if !ok {
			var err error
			if text, err = os.ReadFile(filepath.Join(root, p.file)); err != nil {
				s.t.Fatal(err)
			}
		}
		out[p.file] = p.constant().ReplaceAll(text, []byte("${1}"+p.values[at[i]]))
	}
	return out
}

// loss runs TestFit with the values in place of the ones in the code.
func (s *search) loss(at []int) float64 {
	s.t.Helper()
	if l, ok := s.known[fmt.Sprint(at)]; ok {
		return l
	}
	folder, err := filepath.Abs(root)
	if err != nil {
		s.t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	images := fnv.New64a()
	sources := s.sources(at)
	for i, p := range parameters {
		if strings.HasPrefix(p.file, "biometric/extract/") {
			_, _ = fmt.Fprint(images, at[i], " ")
		}
		file := filepath.Join(s.dir, strings.ReplaceAll(p.file, "/", "_"))
		overlay.Replace[filepath.Join(folder, p.file)] = file
		if err := os.WriteFile(file, sources[p.file], 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	save(s.t, filepath.Join(s.dir, "overlay"), overlay)
	found := filepath.Join(s.dir, "found")
	// #nosec G204 -- our own arguments
	out, err := exec.CommandContext(s.t.Context(), "go", "test", "-overlay", filepath.Join(s.dir, "overlay"), "-count=1", "-vet=off", "-run", "^TestFit$", ".",
		"-templates", filepath.Join(s.dir, fmt.Sprintf("templates-%x", images.Sum64())), "-result", found).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	raw, err := os.ReadFile(found)
	if err != nil {
		s.t.Fatal(err)
	}
	var r fitted
	if err := json.Unmarshal(raw, &r); err != nil {
		s.t.Fatal(err)
	}
	s.known[fmt.Sprint(at)] = r.Loss
	return r.Loss
}
