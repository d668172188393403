package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/agent/web"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// TestBrowser drives the page in a real Chromium by tools/browser/page.mjs,
// which prints one line of JSON for each thing that it checked. It skips where
// Chromium, node or the script's packages are missing, unless DHAMANI_BROWSER
// is 1. Pictures of every state go to DHAMANI_SHOTS, if set.
func TestBrowser(t *testing.T) {
	script := browserScript(t)
	backend := apitest.New()
	page, codes := serve(t, backend)
	control := httptest.NewServer(controls(backend, codes))
	defer control.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Base(script), page, control.URL, os.Getenv("DHAMANI_SHOTS"))
	cmd.Dir = filepath.Dir(script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var check struct{ Name, Error string }
		if err := json.Unmarshal(lines.Bytes(), &check); err != nil {
			t.Fatalf("line of the script %q: %v", lines.Text(), err)
		}
		checks++
		t.Run(check.Name, func(t *testing.T) {
			if check.Error != "" {
				t.Error(check.Error)
			}
		})
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("browser script: %v\n%s", err, stderr.String())
	}
	if checks == 0 {
		t.Error("the browser script checked nothing")
	}
}

// TestShot takes a picture with tools/browser/shot.mjs, as the maintainers do.
func TestShot(t *testing.T) {
	script := filepath.Join(filepath.Dir(browserScript(t)), "shot.mjs")
	backend := apitest.New()
	backend.Tap(apitest.Patient(time.Now()))
	_, codes := serve(t, backend)
	address, err := codes()
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("DHAMANI_SHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	out := filepath.Join(dir, "shot.png")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if text, err := exec.CommandContext(ctx, "node", script, address, out, "ckb").CombinedOutput(); err != nil {
		t.Fatalf("shot: %v\n%s", err, text)
	}
	picture, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG\r\n")) || len(picture) < 20_000 {
		t.Errorf("picture of %d bytes, %v", len(picture), err)
	}
}

// browserScript returns the path of the script, or skips the test.
func browserScript(t *testing.T) string {
	t.Helper()
	missing := func(what string) {
		if os.Getenv("DHAMANI_BROWSER") == "1" {
			t.Fatalf("browser test asked for, but %s", what)
		}
		t.Skipf("browser test: %s", what)
	}
	script, err := filepath.Abs(filepath.Join("..", "..", "tools", "browser", "page.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	chromium := os.Getenv("DHAMANI_CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	if _, err := os.Stat(chromium); err != nil {
		missing("no Chromium at " + chromium)
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node is not installed")
	}
	for _, name := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(script), "node_modules", name)); err != nil {
			missing("run npm ci in tools/browser first")
		}
	}
	return script
}

// serve runs the page in front of backend and returns its address and a
// source of addresses with fresh one-time codes.
func serve(t *testing.T, backend localapi.Backend) (string, func() (string, error)) {
	t.Helper()
	handler, err := web.Handler()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "a.sock")
	ready := make(chan string, 1)
	server := localapi.New(localapi.Config{
		Addr: "127.0.0.1:0", Socket: socket, Page: handler, Heartbeat: 200 * time.Millisecond,
		Ready: func(url string) { ready <- url },
	}, backend)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	var url string
	select {
	case url = <-ready:
	case err := <-done:
		done <- nil
		t.Fatalf("serve: %v", err)
	}
	control, err := localapi.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	return url, func() (string, error) {
		code, err := control.PageCode(t.Context())
		return code.URL, err
	}
}

// controls lets the script play the clinic: it taps cards and cuts networks.
func controls(backend *apitest.Agent, codes func() (string, error)) http.Handler {
	patient := apitest.Patient(time.Now())
	do := map[string]func(){
		"/tap":     func() { backend.Tap(patient) },
		"/remove":  func() { backend.Remove(patient.ID) },
		"/hostile": func() { backend.Tap(hostile()) },
		"/synced":  backend.Synced,
		"/cut":     backend.CutOff,
		"/offline": func() {
			backend.SetSync(client.Status{Outbox: 3, LastSuccess: time.Now().Add(-time.Hour), LastError: "centre_offline"})
		},
		"/noreader": func() { backend.SetHealth(agent.Health{PCSC: "up", Role: "physician", Facility: 1207}) },
		"/reader": func() {
			backend.SetHealth(agent.Health{PCSC: "up", Role: "physician", Facility: 1207}, agent.ReaderState{Name: "Reader 0"})
		},
		"/operators": func() {
			backend.SetOperators("a good passphrase",
				agent.OperatorRef{ID: "amal", Name: "Dr Amal", Kind: "passphrase", Role: "physician"},
				agent.OperatorRef{ID: "new", Name: "Not granted yet", Kind: "passphrase"})
		},
		"/operators/none": func() { backend.SetOperators("") },
		"/refuse":         func() { backend.Refuse(agent.ErrSectionLocked, nil) },
		"/torn":           func() { backend.Refuse(nil, agent.ErrWriteUnknown) },
		"/obey":           func() { backend.Refuse(nil, nil) },
		"/fail": func() {
			f := agent.Classify(errors.New("anything"))
			backend.Publish(agent.Event{Kind: agent.KindFailure, Reader: "Reader 0", Failure: &f})
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/code" {
			url, err := codes()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			_, _ = w.Write([]byte(url))
			return
		}
		if r.URL.Path == "/active" {
			_, _ = fmt.Fprint(w, backend.ActiveCalls())
			return
		}
		if act, ok := do[r.URL.Path]; ok {
			act()
			return
		}
		http.NotFound(w, r)
	})
}

// hostile is a patient whose every text tries to become part of the page.
func hostile() agent.Visit {
	attack := func(n string) string {
		return `<img src=x onerror="window.hacked=` + n + `"></bdi><script>window.hacked=` + n + `</script>` + "\u202e" + `{{.}}${alert(1)}`
	}
	text := func(n string) record.Code {
		return record.Code{System: terms.Text, Value: attack(n)}
	}
	v := apitest.Patient(time.Now())
	v.ID = "6e" + strings.Repeat("0", 30)
	v.Identity = &record.Identity{
		Names: record.Names{Arabic: &record.Name{Given: []string{attack("1")}}, Latin: &record.Name{Given: []string{attack("2")}}},
		Phone: attack("3"), NationalNumber: attack("4"), Born: record.Day(1990, 1, 1),
		Family: []record.Member{{Names: record.Names{Arabic: &record.Name{Given: []string{attack("5")}}}}},
	}
	v.Cover = &record.Cover{Payer: attack("6"), Plan: attack("7"), Member: attack("8"), Counters: []record.Counter{{Kind: attack("9"), Year: uint16(time.Now().Year())}}}
	v.Summary = &record.Summary{
		Allergies: []record.Allergy{{Code: text("10"), Reactions: []record.Code{text("11")}}},
		Problems:  []record.Problem{{Code: text("12"), Chronic: true}},
		Medicines: []record.Medicine{{Code: text("13"), Dose: &record.Quantity{Value: record.Int(1), Unit: attack("14")}}},
		Contact:   &record.Contact{Name: attack("15"), Phone: attack("16")},
	}
	v.Alerts = []record.Alert{{Kind: attack("17"), Code: text("18"), Text: attack("19")}}
	v.Problems = []agent.Failure{{Code: attack("20"), Action: attack("21"), Text: map[string]string{"ar": attack("22")}}}
	v.Entries = []agent.VisitEntry{{
		Author: attack("23"), Where: []string{attack("24")}, Locked: []string{attack("25")},
		Entry: &record.Entry{
			Start: time.Now(), Type: new(text("26")), Reasons: []record.Code{text("27")},
			Diagnoses:     []record.Diagnosis{{Code: text("28"), Note: attack("29")}},
			Prescriptions: []record.Prescription{{Medicine: text("30"), Directions: attack("31")}},
			Observations:  []record.Observation{{Code: text("32"), Value: record.Value{Text: attack("33")}, Note: attack("34")}},
			Procedures:    []record.Procedure{{Code: text("35")}}, Notes: []record.Note{{Text: attack("36")}},
			Immunisations: []record.Immunisation{{Vaccine: text("37"), Lot: attack("38")}},
			CarePlans:     []record.CarePlan{{Code: text("39"), Goals: []string{attack("40")}}},
			Imaging:       []record.Imaging{{Title: attack("41"), Modality: attack("42"), Study: attack("43")}},
			Cost:          &record.Cost{Total: record.Int(1), Currency: attack("44")},
			Referrals:     []record.Referral{{To: text("45"), Note: attack("46")}},
			Overrides:     []record.Override{{Rule: attack("47"), About: []record.Code{text("48")}, Note: attack("49")}},
		},
	}}
	return v
}
