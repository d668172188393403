package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

// TestDemo runs the whole demo, with the programs that it starts, on the real
// card service.
func TestDemo(t *testing.T) {
	testpcsc.Use(t)
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../dhamanid", "../dhamani-central")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	g := &globals{json: true, log: slog.New(slog.DiscardHandler)}
	err := runDemo(t.Context(), g, demoOptions{offline: true, bin: bin}, nil, &out)
	if err != nil {
		t.Errorf("demo: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got demoReport
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("report %q: %v", lines[len(lines)-1], err)
	}
	if len(lines) != 1 || !got.OK || !got.Identical || got.Entries == 0 || got.OnCard == 0 || got.APDUs == 0 || got.Bytes == 0 || !got.Verified || len(got.Fingers) != 4 {
		t.Errorf("printed %s", &out)
	}
	var names []string
	for _, s := range got.Steps {
		names = append(names, s.Name)
	}
	if want := []string{
		"read the patient's bundle", "find the virtual readers", "start the centre", "plug a scanner in", "enrol three workstations",
		"enrol two fingers", "personalise the card", "start the first agent", "sign the physician in", "switch the centre off", "tap the card", "verify the finger", "show it on the page",
		"append an encounter", "switch the centre on", "synchronise", "tap at a second agent", "compare",
	}; !slices.Equal(names, want) {
		t.Errorf("steps %q, want %q", names, want)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// TestDemoReport checks what programs read of a demo that fails before
// anything was started.
func TestDemoReport(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"dhamanid", "dhamani-central"} {
		if err := os.WriteFile((&world{bin: bin}).program(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, bin, in, want string
		steps               int
	}{
		{"no programs", t.TempDir(), "", "is not there", 0},
		{"no bundle", bin, "garbage", "read the patient's bundle: ", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			g := &globals{json: true, log: slog.New(slog.DiscardHandler)}
			if err := runDemo(t.Context(), g, demoOptions{bundle: "-", bin: tt.bin}, strings.NewReader(tt.in), &out); err == nil {
				t.Fatal("no error")
			}
			var got demoReport
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.OK || got.Identical || got.Steps == nil || len(got.Steps) != tt.steps || !strings.Contains(got.Error, tt.want) {
				t.Errorf("printed %s", &out)
			}
		})
	}
}

func TestSweepFolders(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	alive, err := newTempFolder()
	if err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(temp, folderPrefix+"strange")
	if err := os.Mkdir(strange, 0o700); err != nil {
		t.Fatal(err)
	}
	dead, err := newTempFolder()
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil { // as the end of its demo does
		t.Fatal(err)
	}
	sweepFolders()
	for path, want := range map[string]bool{alive.path: true, strange: true, dead.path: false} {
		if exists(path) != want {
			t.Errorf("%s is there: %v, want %v", path, !want, want)
		}
	}
	if err := alive.remove(); err != nil || exists(alive.path) {
		t.Errorf("not removed: %v", err)
	}
}
