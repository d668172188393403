package fhir

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
)

// written writes a bundle and reads it back.
func written(tb testing.TB, b *Bundle, o Options) (*Bundle, *Report, []byte) {
	tb.Helper()
	var buf bytes.Buffer
	if err := Write(b, o, &buf); err != nil {
		tb.Fatal(err)
	}
	raw := bytes.Clone(buf.Bytes())
	c, report, err := Import(&buf)
	if err != nil {
		tb.Fatal(err)
	}
	return c, report, raw
}

// sameSummary demands that a summary reads back to what was extracted.
func sameSummary(t *testing.T, b *Bundle, o Options) {
	t.Helper()
	c, _, raw := written(t, b, o)
	want, err := extract(b.Entries, summaryTime(b, o.Time), o.Sensitive)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range want {
		e.ID = record.EntryID{}
	}
	same(t, &Bundle{Identity: alone(b.Identity), Cover: b.Cover, Entries: want, Summary: c.Summary}, c)
	// A summary of what a summary carries is the same again.
	o.Time = summaryTime(b, o.Time)
	again, err := extract(c.Entries, o.Time, o.Sensitive)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range again {
		e.ID = record.EntryID{}
	}
	same(t, c, &Bundle{Identity: c.Identity, Cover: b.Cover, Entries: again, Summary: c.Summary})
	var doc struct {
		Type  string
		Entry []struct{ Resource struct{ ResourceType string } }
	}
	if err := json.Unmarshal(raw, &doc); err != nil || doc.Type != "document" || doc.Entry[0].Resource.ResourceType != "Composition" {
		t.Fatalf("no document: %v", err)
	}
}

func TestSyntheaSummary(t *testing.T) {
	for _, b := range synthea(t) {
		sameSummary(t, b, Options{Form: Summary})
		sameSummary(t, b, Options{Form: Summary, Language: "ckb", Sensitive: true})
	}
}

func TestFixturesSummary(t *testing.T) {
	for name, b := range family(t) {
		t.Run(name, func(t *testing.T) {
			for _, lang := range []string{"ar", "ckb", "en"} {
				sameSummary(t, b, Options{Form: Summary, Language: lang})
				sameSummary(t, b, Options{Form: Summary, Language: lang, Sensitive: true})
			}
		})
	}
}
