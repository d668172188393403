package fhir

import (
	"io/fs"
	"slices"
	"testing"

	fixtures "github.com/dhamani-iq/dhamani/firmware-fixtures"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// family reads the fixtures' patients.
func family(tb testing.TB) map[string]*Bundle {
	tb.Helper()
	files, err := fs.Glob(fixtures.FS, "patients/*.json")
	if err != nil || len(files) != 5 {
		tb.Fatalf("%d patients: %v", len(files), err)
	}
	out := make(map[string]*Bundle)
	for _, name := range files {
		f, err := fixtures.FS.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		b, report, err := Import(f)
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		for kind, c := range report.Resources {
			// A claim and a goal are never carried whole, nor is a series of images.
			if c.Refused > 0 || c.Partly > 0 && kind != "Claim" && kind != "Goal" && kind != "ImagingStudy" {
				tb.Errorf("%s: %s: %+v", name, kind, *c)
			}
		}
		for c := range report.Unnamed {
			tb.Errorf("%s: no words for %s", name, c)
		}
		out[name] = b
	}
	return out
}

func TestFixturesRoundTrip(t *testing.T) {
	for name, b := range family(t) {
		t.Run(name, func(t *testing.T) {
			c, _ := again(t, b)
			same(t, b, c)
			for _, e := range b.Entries {
				roundTrip(t, e)
			}
			if n := len(b.Entries); n < 3 || n > 20 {
				t.Errorf("%d encounters", n)
			}
			id, err := b.Identity.Encode()
			if err != nil {
				t.Fatal(err)
			}
			cover, err := b.Cover.Encode()
			if err != nil {
				t.Fatal(err)
			}
			sum, err := b.Summary.Encode()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("identity %d, cover %d, summary %d bytes", len(id), len(cover), len(sum))
			// EF.ID holds both in 2,048 bytes with about 300 of signature and subject.
			if len(id)+len(cover) > 1700 {
				t.Errorf("identity %d and cover %d bytes do not fit a card", len(id), len(cover))
			}
		})
	}
}

func TestFixturesAlerts(t *testing.T) {
	all := family(t)
	alerts := all["patients/amina.json"].Summary.Alerts()
	if len(alerts) == 0 || alerts[0].Severity != record.AlertHigh || alerts[0].Code != (record.Code{System: terms.ATC, Value: "J01C"}) {
		t.Errorf("mother's first alert is not penicillin: %+v", alerts)
	}
	if g := all["patients/khadija.json"].Summary.BloodGroup.String(); g != "B+" {
		t.Errorf("grandmother's blood group is %q", g)
	}
	for _, p := range all["patients/amina.json"].Summary.Problems {
		if terms.Sensitive(p.Code) {
			t.Errorf("sensitive problem in the summary: %s", p.Code)
		}
	}
}

// TestFixturesSensitive checks that nothing sensitive leaves its section.
func TestFixturesSensitive(t *testing.T) {
	found := false
	for _, e := range family(t)["patients/amina.json"].Entries {
		i := slices.IndexFunc(e.Diagnoses, func(d record.Diagnosis) bool { return d.Code.Value == "F32.1" })
		if i < 0 {
			continue
		}
		found = true
		if !e.Sensitive || !e.Diagnoses[i].Sensitive || !e.Prescriptions[0].Sensitive || !e.Notes[0].Sensitive {
			t.Errorf("not all marked: %+v", e)
		}
		sections, err := e.Sections()
		if err != nil {
			t.Fatal(err)
		}
		meta := e.Meta()
		sections[record.SectionSensitive] = nil
		d, err := record.Decode(meta, sections)
		if err != nil {
			t.Fatal(err)
		}
		if d.Type != nil || d.Reasons != nil || len(d.Diagnoses)+len(d.Prescriptions)+len(d.Notes) > 0 ||
			!slices.Equal(d.Missing, []record.Section{record.SectionSensitive}) {
			t.Errorf("left without the sensitive section: %+v", d)
		}
	}
	if !found {
		t.Error("no sensitive encounter in the fixtures")
	}
}
