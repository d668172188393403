package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func TestPointInTime(t *testing.T) {
	for in, want := range map[string]time.Time{
		"2026-03-01":                time.Date(2026, 3, 1, 23, 59, 59, 0, time.Local),
		"2026-03-01T10:30:00+03:00": time.Date(2026, 3, 1, 7, 30, 0, 0, time.UTC),
	} {
		if got, err := pointInTime(in); err != nil || !got.Equal(want) {
			t.Errorf("%s is %s, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "yesterday", "2026-02-30", "2026-03-01 10:30"} {
		if got, err := pointInTime(in); err == nil {
			t.Errorf("%q is %s", in, got)
		}
	}
}

// TestPrintHistory shows a corrected entry with what corrected it, and not one
// that came later.
func TestPrintHistory(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	entry := func(n byte, kept time.Time, code string, amends *record.EntryID) agent.VisitEntry {
		e := &record.Entry{
			ID: record.EntryID{n}, Start: at, Amends: amends,
			Allergies: []record.Allergy{{Code: record.Code{System: terms.ATC, Value: code}}},
		}
		return agent.VisitEntry{ID: e.ID, Author: "Dr. Zaynab", Kept: kept, Entry: e}
	}
	v := agent.Visit{Checks: &alerts.Report{}, Eligibility: &entitle.Answer{}, Entries: []agent.VisitEntry{
		entry(3, at.Add(3*time.Hour), "M01AE01", nil),
		entry(2, at.Add(time.Hour), "N02BA01", &record.EntryID{1}),
		entry(1, at, "J01CA04", nil),
	}}
	then := v.AsOf(at.Add(2 * time.Hour))
	h := recordHistory{At: at.Add(2 * time.Hour), Summary: then.Summary, Entries: then.Entries, Since: 1}
	var out bytes.Buffer
	if err := h.print(&out, "en"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"entries   2, and 1 more came later", "by Dr. Zaynab, amended by 02000000", "allergy   Aspirin", "not told  which alerts the record raised then, and what the cover paid"} {
		if !strings.Contains(strings.ToLower(out.String()), strings.ToLower(want)) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	told := map[string]any{}
	raw, err := json.Marshal(&then)
	if err := errors.Join(err, json.Unmarshal(raw, &told)); err != nil {
		t.Fatal(err)
	}
	for _, name := range notTold {
		if told[name] != nil {
			t.Errorf("%s of now: %v", name, told[name])
		}
	}
	if strings.Contains(out.String(), "03000000") {
		t.Errorf("what came later is told:\n%s", out.String())
	}
}
