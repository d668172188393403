package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	fixtures "github.com/dhamani-iq/dhamani/firmware-fixtures"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

// cardDesk is a desk with one virtual reader.
type cardDesk struct {
	t    *testing.T
	slot testpcsc.Slot
	in   *softcard.Slot
}

// put takes out what is in the reader and puts the card in.
func (d *cardDesk) put(c *softcard.Card) {
	d.t.Helper()
	service := pcsc.New(slog.New(slog.DiscardHandler))
	deadline := time.Now().Add(waitForCard)
	if d.in != nil {
		d.in.Remove()
		d.in = nil
	}
	for {
		// The virtual reader refuses a card until it has seen the last one go.
		readers, err := service.List(d.t.Context())
		if err != nil && !errors.Is(err, pcsc.ErrWatching) { // the command looks at the same time
			d.t.Error(err)
			return
		}
		for _, r := range readers {
			if r.Name != d.slot.Reader {
				continue
			}
			if d.in != nil && r.Present {
				return
			}
			if d.in == nil && !r.Present {
				if in, err := c.Plug(d.t.Context(), d.slot.Addr); err == nil {
					d.in = in
				}
			}
		}
		if time.Now().After(deadline) {
			d.t.Error("the reader does not see the card")
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

const twoBundle = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient",
"name":[{"family":"Two","given":["Synthetic"]}],"birthDate":"1980-01-01"}}]}`

// TestCardLife leads cards through their life with the command line, the real
// card service and a centre: a batch of two, a card held and activated, blocked
// and given back, reissued, refused offline, ended.
func TestCardLife(t *testing.T) {
	testpcsc.Use(t)
	c, stopCentre := servedCentre(t)
	station := c.enrolled(t, c.station, cvc.RoleIssuer)
	physician := c.enrolled(t, 101, cvc.RolePhysician)
	desk := &cardDesk{t: t, slot: testpcsc.Slots()[0]}
	t.Cleanup(func() {
		if desk.in != nil {
			desk.in.Remove()
		}
	})
	amina, err := fs.ReadFile(fixtures.FS, demoPatient)
	if err != nil {
		t.Fatal(err)
	}
	patients := t.TempDir()
	for name, content := range map[string][]byte{"1-amina.json": amina, "2-two.json": []byte(twoBundle)} {
		if err := os.WriteFile(filepath.Join(patients, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := softcard.New(softcard.Options{}), softcard.New(softcard.Options{})

	t.Run("refused", func(t *testing.T) {
		for name, tt := range map[string]struct {
			dir  string
			args []string
			code int
		}{
			"neither":       {station, []string{"card", "personalise"}, cli.ExitUsage},
			"both":          {station, []string{"card", "personalise", "--bundle", "a", "--batch", "b"}, cli.ExitUsage},
			"a physician":   {physician, []string{"card", "personalise", "--batch", patients}, exitRefused},
			"no batch":      {station, []string{"card", "personalise", "--batch", filepath.Join(patients, "none")}, cli.ExitUsage},
			"no card":       {station, []string{"card", "personalise", "--bundle", filepath.Join(patients, "2-two.json")}, exitNoCard},
			"not sure":      {station, []string{"card", "terminate"}, cli.ExitUsage},
			"nobody's card": {station, []string{"card", "reissue"}, cli.ExitUsage},
			"no number":     {station, []string{"card", "reissue", "--replaces", "12"}, cli.ExitUsage},
		} {
			if _, code, err := run(t, tt.dir, tt.args...); code != tt.code {
				t.Errorf("%s: exit code %d, want %d: %v", name, code, tt.code, err)
			}
		}
	})

	var made personalise.Report
	t.Run("batch", func(t *testing.T) {
		desk.put(first)
		swapped := make(chan struct{})
		go func() {
			defer close(swapped)
			for begin := time.Now(); time.Since(begin) < waitForCard; time.Sleep(10 * time.Millisecond) {
				raw, _ := os.ReadFile(filepath.Join(station, "personalise.jsonl"))
				if strings.Contains(string(raw), `"whole"`) {
					desk.put(second)
					return
				}
			}
		}()
		out, _, err := run(t, station, "card", "personalise", "--batch", patients, "--json", "--wait", "2m")
		<-swapped
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatal(err)
		}
		if made.Made != 2 || made.Items[0].Card != first.ID() || made.Items[1].Card != second.ID() || made.Items[0].OnCard < 10 {
			t.Fatalf("%+v", made)
		}
		out, _, err = run(t, station, "card", "personalise", "--batch", patients)
		if err != nil || !strings.Contains(out, "0 of 2 cards made, 2 made before") {
			t.Fatalf("%v: %s", err, out)
		}
	})
	if t.Failed() {
		return
	}

	held := softcard.New(softcard.Options{})
	t.Run("hold and activate", func(t *testing.T) {
		bundle := filepath.Join(t.TempDir(), "three.json")
		if err := os.WriteFile(bundle, []byte(strings.Replace(twoBundle, "Two", "Three", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		desk.put(held)
		if _, code, err := run(t, station, "card", "activate"); code != exitRefused {
			t.Fatalf("a card that nobody filled is activated: %v", err)
		}
		pins := filepath.Join(t.TempDir(), "pins.txt")
		out, _, err := run(t, station, "card", "personalise", "--bundle", bundle, "--hold", "--pin-out", pins)
		if err != nil || !strings.Contains(out, "not activated") {
			t.Fatalf("%v: %s", err, out)
		}
		if raw, err := os.ReadFile(pins); err != nil || len(raw) != 16+1+6+1 || !strings.HasPrefix(string(raw), held.ID().String()) {
			t.Fatalf("%v: %d bytes", err, len(raw))
		}
		if out, _, err = run(t, station, "card", "activate", "--json"); err != nil || !strings.Contains(out, `"operational"`) {
			t.Fatalf("%v: %s", err, out)
		}
		if _, code, err := run(t, station, "card", "activate"); code != exitRefused || !errors.Is(err, card.ErrNotBlank) {
			t.Fatalf("activated twice: %v", err)
		}
	})

	t.Run("space", func(t *testing.T) {
		desk.put(first)
		for dir, summary := range map[string]bool{physician: true, station: false} {
			args := []string{"card", "space", "--json"}
			if summary {
				args = append(args, "--operator", testOperator)
			}
			out, _, err := runWith(t, testPassphrase+"\n", dir, args...)
			if err != nil {
				t.Fatal(err)
			}
			var space cardSpace
			if err := json.Unmarshal([]byte(out), &space); err != nil {
				t.Fatal(err)
			}
			l := space.Log
			if l.Used+l.Free != card.LogSize || int(l.Entries) != made.Items[0].OnCard || l.Visits == nil || *l.Visits != l.Free/l.Mean || l.Freed != 0 {
				t.Errorf("%+v", l)
			}
			if (space.Summary != nil) != summary || summary && (space.Summary.Used == 0 || space.Summary.Version != 1) {
				t.Errorf("summary %+v", space.Summary)
			}
		}
		if out, _, err := run(t, physician, "card", "space"); err != nil || !strings.Contains(out, "more visits of") {
			t.Errorf("%v: %s", err, out)
		}
	})

	t.Run("pin and audit", func(t *testing.T) {
		for _, step := range []struct {
			name, in, dir string
			args          []string
			code          int
			is            error
			says          string
		}{
			{"no PIN", "1234\n4321\n", physician, []string{"card", "pin", "change"}, exitRefused, card.ErrNoReference, ""},
			{"a physician gives one", "1234\n", physician, []string{"card", "pin", "unblock"}, exitRefused, nil, ""},
			{"none typed", "", station, []string{"card", "pin", "unblock"}, cli.ExitFailed, errNoSecret, ""},
			{"too short", "123\n", station, []string{"card", "pin", "unblock"}, cli.ExitUsage, card.ErrPINForm, ""},
			{"first PIN", "1234\n", station, []string{"card", "pin", "unblock"}, 0, nil, "PIN set"},
			{"change", "1234\n98765\n", physician, []string{"card", "pin", "change"}, 0, nil, "PIN changed"},
			{"old PIN", "1234\n1111\n", physician, []string{"card", "pin", "change"}, exitRefused, card.ErrVerify, ""},
			{"tries", "", station, []string{"card", "pin", "unblock", "--keep", "--json"}, 0, nil, `"unblocked"`},
			{"tries of fingers", "", station, []string{"card", "pin", "unblock", "--fingers"}, 0, nil, "PIN unblocked"},
			{"both", "", station, []string{"card", "pin", "unblock", "--fingers", "--keep"}, cli.ExitUsage, nil, ""},
			{"audit by the workstation", "", physician, []string{"card", "audit"}, exitRefused, nil, ""},
			{"audit", testPassphrase + "\n", physician, []string{"card", "audit", "--operator", testOperator}, 0, nil, "pin-change"},
			{"audit with the PIN", "98765\n", physician, []string{"card", "audit", "--pin"}, 0, nil, "reset"},
			{"audit with another", "1234\n", physician, []string{"card", "audit", "--pin"}, exitRefused, card.ErrVerify, ""},
		} {
			out, code, err := runWith(t, step.in, step.dir, step.args...)
			if code != step.code || (step.code == 0) != (err == nil) || step.is != nil && !errors.Is(err, step.is) || !strings.Contains(out, step.says) {
				t.Errorf("%s: exit code %d, %v: %s", step.name, code, err, out)
			}
		}
		out, _, err := run(t, station, "card", "audit", "--json")
		var audit cardAudit
		if err := errors.Join(err, json.Unmarshal([]byte(out), &audit)); err != nil {
			t.Fatal(err)
		}
		if n := len(audit.Lines); n < 4 || audit.Lines[n-1].Role != "issuer" || audit.Card != first.ID() {
			t.Errorf("%+v", audit)
		}
	})

	t.Run("block and unblock", func(t *testing.T) {
		if _, code, err := run(t, physician, "card", "block"); code != exitRefused {
			t.Fatalf("a physician blocks: %v", err)
		}
		if _, code, err := run(t, station, "card", "unblock"); code != exitRefused {
			t.Fatalf("a card in use is unblocked: %v", err)
		}
		if out, _, err := run(t, station, "card", "block"); err != nil || !strings.Contains(out, "is blocked") {
			t.Fatalf("%v: %s", err, out)
		}
		if _, code, err := run(t, physician, "card", "read"); code != exitRefused || !errors.Is(err, card.ErrBlocked) {
			t.Fatalf("a blocked card is read: %v", err)
		}
		if _, _, err := run(t, station, "card", "unblock"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := run(t, physician, "card", "read"); err != nil {
			t.Fatal(err)
		}
	})

	rebuilt := softcard.New(softcard.Options{})
	t.Run("reissue", func(t *testing.T) {
		desk.put(rebuilt)
		if _, code, err := run(t, station, "card", "reissue", "--replaces", "0102030405060708"); code != exitRefused {
			t.Fatalf("nobody's card is replaced: %v", err)
		}
		out, _, err := run(t, station, "card", "reissue", "--replaces", first.ID().String(), "--json")
		if err != nil {
			t.Fatal(err)
		}
		var res personalise.Result
		if err := json.Unmarshal([]byte(out), &res); err != nil {
			t.Fatal(err)
		}
		if res.Patient != made.Items[0].Patient || res.OnCard != made.Items[0].OnCard || res.Sent != 0 || res.Unverified != 0 {
			t.Fatalf("%+v", res)
		}
		if _, _, err := run(t, physician, "card", "read"); err != nil {
			t.Fatal(err)
		}
		if _, code, err := run(t, station, "card", "reissue", "--patient", res.Patient.String()); code != exitRefused || !errors.Is(err, card.ErrNotBlank) {
			t.Fatalf("a card in use is overwritten: %v", err)
		}
	})

	t.Run("old card", func(t *testing.T) {
		late := c.enrolled(t, 102, cvc.RolePhysician) // with the newest block list
		desk.put(first)
		if _, _, err := run(t, station, "card", "block"); err != nil {
			t.Fatal(err)
		}
		if _, code, err := run(t, station, "card", "unblock"); code != exitRefused || !strings.Contains(err.Error(), "block list") {
			t.Fatalf("a card that was replaced is given back: %v", err)
		}
		stopCentre()
		if _, code, err := run(t, late, "card", "read"); code != exitRefused || !errors.Is(err, card.ErrBlocked) {
			t.Fatalf("a card that was replaced is read offline: %v", err)
		}
		if out, _, err := run(t, station, "card", "terminate", "--yes", "--json"); err != nil || !strings.Contains(out, "terminated") {
			t.Fatalf("%v: %s", err, out)
		}
		if out, _, err := run(t, station, "card", "info"); err != nil || !strings.Contains(out, "terminated") {
			t.Fatalf("%v: %s", err, out)
		}
		if _, code, err := run(t, station, "card", "terminate", "--yes"); code != exitRefused {
			t.Fatalf("ended twice: %v", err)
		}
		desk.put(softcard.New(softcard.Options{}))
		if _, code, err := run(t, station, "card", "reissue", "--replaces", rebuilt.ID().String()); code != exitUnreachable {
			t.Fatalf("reissued without the centre: exit code %d, %v", code, err)
		}
	})
}

// TestSpace checks the arithmetic of the budget.
func TestSpace(t *testing.T) {
	empty := spaceOf(card.Head{}, nil, card.MaxEntry)
	if empty.Free != card.LogSize || empty.Visits != nil || empty.Largest != card.LogSize/(card.MaxEntry+card.LenLength) {
		t.Errorf("%+v", empty)
	}
	some := spaceOf(card.Head{Seq: 12, StartSeq: 2, Start: 100, Tail: 1101}, []card.Mark{{Seq: 5, Offset: 400}, {Seq: 9, Offset: 800}}, card.MaxEntry)
	if some.Entries != 10 || some.Ever != 12 || some.Used != 1001 || some.Mean != 101 || *some.Visits != (card.LogSize-1001)/101 ||
		some.Freed != 2 || some.Marked != 700 || empty.Marked != 0 {
		t.Errorf("%+v", some)
	}
}

// TestBatchPaths reads the two forms of a batch.
func TestBatchPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.json", "a.json.gz", "c.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(dir, "c.txt")
	if err := os.WriteFile(list, []byte("# today\n\nb.json\n /x/y.json \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		dir:                          {filepath.Join(dir, "a.json.gz"), filepath.Join(dir, "b.json")},
		list:                         {filepath.Join(dir, "b.json"), "/x/y.json"},
		filepath.Join(dir, "none"):   nil,
		filepath.Join(dir, "b.json"): nil, // names nothing
	} {
		got, err := batchPaths(path)
		if strings.Join(got, " ") != strings.Join(want, " ") || (err == nil) != (want != nil) {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}

// TestProgressBar: nothing is drawn where there is no terminal.
func TestProgressBar(t *testing.T) {
	var out bytes.Buffer
	bar := newProgressBar(&out, 2)
	bar.show("log 1/2")
	bar.clear()
	if out.Len() != 0 {
		t.Errorf("drew %q", &out)
	}
	bar.say(&out, "card %d", 1)
	bar.out, bar.done = &out, 1
	bar.show("log 1/2")
	bar.show("x")
	bar.clear()
	if got := out.String(); !strings.HasPrefix(got, "card 1\n\r[############............] 1/2  log 1/2\r[") {
		t.Errorf("drew %q", got)
	}
}
