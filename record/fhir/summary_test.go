package fhir

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
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

// TestTransactionTwice demands that what is sent names itself the same again,
// whichever parts were open, and that nothing in it would change anything.
func TestTransactionTwice(t *testing.T) {
	b, o := signed(family(t)["patients/amina.json"])
	urls := func(b *Bundle, o Options) map[string]*request {
		_, _, raw := written(t, b, o)
		var doc outBundle
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		out := make(map[string]*request)
		for _, e := range doc.Entry {
			if out[e.FullURL] != nil {
				t.Fatalf("%s twice", e.FullURL)
			}
			out[e.FullURL] = e.Request
			var p struct{ ResourceType, ID string }
			switch r := e.Request; {
			case o.Form == Summary && r != nil:
				t.Errorf("a request in a document: %+v", *r)
			case o.Form == Summary:
				out[e.FullURL] = new(request)
			case r == nil:
				t.Fatal("no request")
			case r.Method == http.MethodPost && !strings.HasPrefix(r.IfNoneExist, "identifier=https"):
				t.Errorf("%+v", *r)
			case r.Method == http.MethodPut && (json.Unmarshal(e.Resource, &p) != nil || r.URL != p.ResourceType+"/"+p.ID || p.ID == ""):
				t.Errorf("%+v of %+v", *r, p)
			}
		}
		return out
	}
	o.Form = Transaction
	whole := urls(b, o)
	part := *b
	part.Entries = nil
	for _, e := range b.Entries {
		c := *e
		c.Prescriptions, c.Missing = nil, []record.Section{record.SectionMedication}
		part.Entries = append(part.Entries, &c)
	}
	for url := range urls(&part, o) {
		if whole[url] == nil {
			t.Errorf("%s has another name where less is open", url)
		}
	}
	o.Form, o.Sensitive = Summary, true
	known := 0
	for url := range urls(b, o) {
		if whole[url] != nil {
			known++
		}
	}
	if n := len(urls(b, o)); known < n-3 { // the Composition, its author and its custodian are new
		t.Errorf("%d of %d resources of a summary have the names of the transaction", known, n)
	}
}

// TestLockedIsTold demands that a summary tells what was locked from what is
// not known, and nothing of what is sensitive.
func TestLockedIsTold(t *testing.T) {
	e := &record.Entry{Start: record.Epoch, ID: record.EntryID{1}, Missing: []record.Section{record.SectionMedication, record.SectionSensitive}}
	b := &Bundle{Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "<X>"}}}, Entries: []*record.Entry{e}}
	for _, sensitive := range []bool{false, true} {
		_, _, raw := written(t, b, Options{Form: Summary, Sensitive: sensitive})
		var doc outBundle
		var c composition
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(doc.Entry[0].Resource, &c); err != nil {
			t.Fatal(err)
		}
		for _, s := range c.Section {
			want := "unavailable"
			if s.Code.token() == outline[sectionMedicines].code {
				want = "withheld"
			}
			if s.Empty.token() != want {
				t.Errorf("%s: %s", s.Title, s.Empty.token())
			}
		}
		if div := c.Text.Div; !strings.Contains(div, "may not open: medicines</li>") || !strings.Contains(div, "left out") || !strings.Contains(div, "&lt;X&gt;") {
			t.Error(div)
		}
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
