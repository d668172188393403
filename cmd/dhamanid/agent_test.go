//go:build cgo && linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// enrolled makes a workstation's folder as a technician and a centre would.
func enrolled(tb testing.TB) string {
	tb.Helper()
	ctx := tb.Context()
	dir := tb.TempDir()
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	st, err := sqlite.Open(ctx, filepath.Join(dir, "central.db"), sqlite.Options{})
	check(err)
	defer func() { check(st.Close()) }()
	check(os.Mkdir(filepath.Join(dir, "centre"), 0o700))
	centre, err := authority.Init(ctx, filepath.Join(dir, "centre"), st, authority.Config{Name: "Test centre", URL: "https://127.0.0.1:1"})
	check(err)
	folder := filepath.Join(dir, "ws")
	raw, err := home.Request(folder, "Test clinic", "desk")
	check(err)
	request := new(wire.EnrolRequest)
	check(wire.Decode(raw, request))
	grant, err := centre.Enrol(ctx, request, authority.EnrolOptions{Facility: 1, Role: cvc.RoleReceptionist, Rights: authority.RightsOf(cvc.RoleReceptionist)})
	check(err)
	raw, err = wire.Encode(grant)
	check(err)
	check(home.Accept(folder, raw))
	check(home.Change(folder, func(c *home.Config) { c.Listen = "127.0.0.1:0" }))
	return folder
}

// program builds the agent once.
func program(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "dhamanid")
	if out, err := exec.CommandContext(tb.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		tb.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// started is a running agent.
type started struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	took time.Duration // from the start of the process to its first answer
	api  *localapi.Client
}

func start(tb testing.TB, path, folder string) *started {
	tb.Helper()
	s := &started{cmd: exec.CommandContext(tb.Context(), path, "run", "--home", folder), log: &bytes.Buffer{}}
	s.cmd.Stderr = s.log
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	for time.Since(begin) < time.Minute {
		api, err := localapi.Dial(home.SocketPath(folder))
		if err == nil {
			if _, err = api.Health(tb.Context()); err == nil {
				s.took, s.api = time.Since(begin), api
				return s
			}
		}
		time.Sleep(time.Millisecond)
	}
	tb.Fatalf("the agent is not ready:\n%s", s.log)
	return nil
}

// stop asks the agent to end and returns its error.
func (s *started) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

func TestAgentStartsServesAndEnds(t *testing.T) {
	testpcsc.Use(t)
	folder := enrolled(t)
	s := start(t, program(t), folder)
	h, err := s.api.Health(t.Context())
	if err != nil || h.PCSC != "up" || h.Role != "receptionist" || h.Facility != 1 {
		t.Fatalf("health %+v, %v", h, err)
	}
	second := exec.CommandContext(t.Context(), s.cmd.Path, "run", "--home", folder)
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "in use") || !strings.Contains(string(out), "next: end the other agent") {
		t.Fatalf("a second agent on the same folder: %v\n%s", err, out)
	}
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Fatalf("end: %v\n%s", err, s.log)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Fatalf("the agent took %v to end", took)
	}
	if _, err := os.Stat(home.SocketPath(folder)); !os.IsNotExist(err) {
		t.Fatalf("the socket is left behind: %v", err)
	}
}

// TestCacheCutShortUnderARunningAgent truncates the file that the agent has
// open: the agent goes on with a new one.
func TestCacheCutShortUnderARunningAgent(t *testing.T) {
	testpcsc.Use(t)
	folder := enrolled(t)
	s := start(t, program(t), folder)
	time.Sleep(3 * time.Second) // longer than the least time between two starts
	if err := os.Truncate(home.CachePath(folder), 5000); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		h, err := s.api.Health(t.Context())
		if err == nil && len(h.Problems) == 1 && h.Problems[0].Code == "cache_corrupt" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("health %+v, %v\n%s", h, err, s.log)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if aside, err := filepath.Glob(home.CachePath(folder) + ".broken-*"); err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	if err := s.stop(); err != nil {
		t.Fatalf("end: %v\n%s", err, s.log)
	}
}

func TestAgentRefusesFoldersThatAreNotReady(t *testing.T) {
	path := program(t)
	unknown := enrolled(t)
	if err := os.WriteFile(filepath.Join(unknown, "agent.json"), []byte(`{"reader":"typo"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	both := enrolled(t)
	if err := os.WriteFile(filepath.Join(both, "agent.json"), []byte(`{"soft_scanner":"/s","scanner_service":{"on":true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, cover := enrolled(t), enrolled(t)
	for folder, name := range map[string]string{rules: "alert_rules", cover: "cover_rules"} {
		for file, text := range map[string]string{"agent.json": `{"` + name + `":"mine"}`, "mine": "not a table\n"} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := enrolled(t)
	keys, err := filepath.Glob(filepath.Join(open, "keys", "*"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	if err := os.Chmod(keys[0], 0o644); err != nil { // #nosec G302 -- that is what is to be refused
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ folder, want, next string }{
		"empty folder":        {t.TempDir(), "not enrolled", "next: enrol the workstation with 'dhamani enrol request'"},
		"unknown name in it":  {unknown, "configuration is not right", "next: correct agent.json"},
		"made-up fingers":     {both, "exclude each other", "next: correct agent.json"},
		"alerts of no table":  {rules, "alert_rules", "next: correct agent.json"},
		"rules of no table":   {cover, "cover_rules", "next: correct agent.json"},
		"key open to others":  {open, "open to others", "next: let only the agent's user read the folder keys"},
		"folder of a request": {requested(t), "not enrolled", "next: enrol the workstation"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, cli.ExitFailed, tt.want, tt.next, path, "run", "--home", tt.folder) })
	}
}

func TestWrongUsage(t *testing.T) {
	path := program(t)
	for line, want := range map[string]string{
		"rum":                     `did you mean "run"?`,
		"run twice":               "unknown command",
		"run --nonsense":          "unknown flag",
		"run --log-level loud":    "debug, info, warn and error are known",
		"run --log-format pretty": "text and json are known",
	} {
		t.Run(line, func(t *testing.T) {
			refused(t, cli.ExitUsage, want, "--help'", append([]string{path}, strings.Fields(line)...)...)
		})
	}
}

// refused runs a command line that is to fail: its exit code, its error and
// the next step that it names.
func refused(tb testing.TB, code int, want, next string, line ...string) {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), line[0], line[1:]...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != code {
		tb.Fatalf("%v, want exit code %d\n%s", err, code, out)
	}
	if !strings.Contains(string(out), want) || !strings.Contains(string(out), next) {
		tb.Fatalf("said %q, want %q and %q", out, want, next)
	}
}

func requested(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	if _, err := home.Request(dir, "Clinic", "desk"); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// startsMeasured is how many starts the medians are taken over.
const startsMeasured = 10

// BenchmarkAgentStart measures the time from the start of the process to its
// first answer, and the resident memory two seconds later, with nothing to do.
func BenchmarkAgentStart(b *testing.B) {
	testpcsc.Use(b)
	folder, path := enrolled(b), program(b)
	var times []time.Duration
	var resident []float64
	for range b.N * startsMeasured {
		s := start(b, path, folder)
		times = append(times, s.took)
		time.Sleep(2 * time.Second)
		resident = append(resident, residentMiB(b, s.cmd.Process.Pid))
		if err := s.stop(); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(times)
	slices.Sort(resident)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ready-p50-ms")
	b.ReportMetric(resident[len(resident)/2], "resident-MiB")
	b.ReportMetric(0, "ns/op")
}

// residentMiB reads VmRSS of a process (proc(5)).
func residentMiB(tb testing.TB, pid int) float64 {
	tb.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				tb.Fatal(err)
			}
			return kib / 1024
		}
	}
	tb.Fatal("no VmRSS")
	return 0
}
