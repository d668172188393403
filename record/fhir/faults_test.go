package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record/fhir/ipscheck"
)

// TestSummaryChecked demands that our own checker finds nothing in summaries,
// not even a warning.
func TestSummaryChecked(t *testing.T) {
	for name, b := range family(t) {
		checked(t, name, b, Options{})
		b, o := signed(b)
		o.Sensitive, o.Language = true, "ar"
		checked(t, name+", signed", b, o)
	}
	checked(t, "everything", whole(), Options{Sensitive: true})
}

func checked(t *testing.T, name string, b *Bundle, o Options) {
	t.Helper()
	o.Form = Summary
	_, _, raw := written(t, b, o)
	found, err := ipscheck.Check(bytes.NewReader(raw))
	if err != nil || len(found) > 0 {
		t.Errorf("%s: %v %+v", name, err, found)
	}
}

// object and list are JSON as it was read.
type (
	object = map[string]any
	list   = []any
)

// planted is a summary taken apart, in which faults are planted.
type planted struct{ object }

func (p planted) entries() list { return p.object["entry"].(list) }

// resource returns the n-th resource of a type.
func (p planted) resource(kind string, n int) object {
	for _, e := range p.entries() {
		r := e.(object)["resource"].(object)
		if r["resourceType"] != kind {
			continue
		}
		if n == 0 {
			return r
		}
		n--
	}
	panic("no " + kind)
}

// place is where the first resource of a type stands.
func (p planted) place(kind string) int {
	return slices.IndexFunc(p.entries(), func(e any) bool { return e.(object)["resource"].(object)["resourceType"] == kind })
}

func (p planted) section(code string) object {
	for _, s := range p.resource("Composition", 0)["section"].(list) {
		if s.(object)["code"].(object)["coding"].(list)[0].(object)["code"] == code {
			return s.(object)
		}
	}
	panic("no section " + code)
}

func (p planted) without(code string) {
	c := p.resource("Composition", 0)
	c["section"] = slices.DeleteFunc(c["section"].(list), func(s any) bool {
		return s.(object)["code"].(object)["coding"].(list)[0].(object)["code"] == code
	})
}

// address returns the fullUrl of the first resource of a type.
func (p planted) address(kind string) any {
	for _, e := range p.entries() {
		if e.(object)["resource"].(object)["resourceType"] == kind {
			return e.(object)["fullUrl"]
		}
	}
	panic("no " + kind)
}

// faults are what can be wrong with a summary, and who finds it: o our own
// checker, by this rule, g Google's library, n the npm package fhir.
var faults = []struct {
	name  string
	rule  string
	finds string
	plant func(planted)
}{
	{"no problems section", ipscheck.RuleSection, "o", func(p planted) { p.without("11450-4") }},
	{"no allergies section", ipscheck.RuleSection, "o", func(p planted) { p.without("48765-2") }},
	{"a section of another code", ipscheck.RuleSection, "o", func(p planted) {
		p.section("10160-0")["code"].(object)["coding"].(list)[0].(object)["code"] = "10160-1"
	}},
	{"a section twice", ipscheck.RuleRepeated, "o", func(p planted) {
		c := p.resource("Composition", 0)
		c["section"] = append(c["section"].(list), p.section("11450-4"))
	}},
	{"a required section with nothing", ipscheck.RuleEmpty, "o", func(p planted) { delete(p.section("48765-2"), "entry") }},
	{"a medicine among the problems", ipscheck.RuleEntry, "o", func(p planted) {
		p.section("11450-4")["entry"].(list)[0].(object)["reference"] = p.address("MedicationRequest")
	}},
	{"a section of another system's code", ipscheck.RuleSection, "o", func(p planted) {
		p.section("11450-4")["code"].(object)["coding"].(list)[0].(object)["system"] = "http://snomed.info/sct"
	}},
	{"entries, and why there are none", ipscheck.RuleEmpty, "o", func(p planted) {
		p.section("11450-4")["emptyReason"] = object{"coding": list{object{"system": uriEmpty, "code": "unavailable"}}}
	}},
	{"a contained result among the problems", ipscheck.RuleEntry, "o", func(p planted) {
		p.resource("Composition", 0)["contained"] = list{object{"resourceType": "Observation", "id": "x", "status": "final", "code": object{"text": "x"}}}
		p.section("11450-4")["entry"].(list)[0].(object)["reference"] = "#x"
	}},
	{"a problem of another server", ipscheck.RuleDangling, "o", func(p planted) {
		e := p.entries()[p.place("Condition")].(object)
		e["resource"].(object)["id"] = "x"
		p.section("11450-4")["entry"].(list)[0].(object)["reference"] = "http://another.example/Condition/x"
	}},
	{"a collection", ipscheck.RuleType, "o", func(p planted) { p.object["type"] = "collection" }},
	{"a type that is none", ipscheck.RuleType, "ogn", func(p planted) { p.object["type"] = "summary" }},
	{"no type", ipscheck.RuleType, "ogn", func(p planted) { delete(p.object, "type") }},
	{"no identifier of the document", ipscheck.RuleMissing, "o", func(p planted) { delete(p.object, "identifier") }},
	{"no time of the document", ipscheck.RuleMissing, "o", func(p planted) { delete(p.object, "timestamp") }},
	{"the patient first", ipscheck.RuleFirst, "o", func(p planted) { slices.Reverse(p.entries()[:2]) }},
	{"two compositions", ipscheck.RuleFirst, "o", func(p planted) {
		p.object["entry"] = append(p.entries(), object{"fullUrl": "urn:uuid:9b1fcd40-2b1c-4b6b-9d35-3f6a3d3c5a11", "resource": p.resource("Composition", 0)})
	}},
	{"another document's type", ipscheck.RuleCode, "o", func(p planted) {
		p.resource("Composition", 0)["type"].(object)["coding"].(list)[0].(object)["code"] = "34133-9"
	}},
	{"no author", ipscheck.RuleMissing, "ogn", func(p planted) { delete(p.resource("Composition", 0), "author") }},
	{"no subject", ipscheck.RuleMissing, "o", func(p planted) { delete(p.resource("Composition", 0), "subject") }},
	{"no date", ipscheck.RuleMissing, "ogn", func(p planted) { delete(p.resource("Composition", 0), "date") }},
	{"no title of a section", ipscheck.RuleMissing, "o", func(p planted) { delete(p.section("11450-4"), "title") }},
	{"no text of a section", ipscheck.RuleMissing, "o", func(p planted) { delete(p.section("11450-4"), "text") }},
	{"no div in a text", ipscheck.RuleNarrative, "ogn", func(p planted) { delete(p.section("11450-4")["text"].(object), "div") }},
	{"a text that is no XHTML", ipscheck.RuleNarrative, "o", func(p planted) { p.section("11450-4")["text"].(object)["div"] = "<div>none" }},
	{"a script in a text", ipscheck.RuleNarrative, "o", func(p planted) {
		p.section("11450-4")["text"].(object)["div"] = `<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>`
	}},
	{"a section within a section", ipscheck.RuleForbidden, "o", func(p planted) {
		p.section("11450-4")["section"] = list{object{"title": "x", "code": object{"text": "x"}, "emptyReason": object{"text": "x"}}}
	}},
	{"a reference to nothing", ipscheck.RuleDangling, "o", func(p planted) {
		p.section("11450-4")["entry"].(list)[0].(object)["reference"] = "urn:uuid:00000000-0000-4000-8000-000000000000"
	}},
	{"a problem of nobody here", ipscheck.RuleDangling, "o", func(p planted) {
		p.resource("Condition", 0)["subject"] = object{"reference": "Patient/another"}
	}},
	{"a problem of no patient", ipscheck.RuleMissing, "ogn", func(p planted) { delete(p.resource("Condition", 0), "subject") }},
	{"an encounter as the subject", ipscheck.RuleReference, "o", func(p planted) {
		p.resource("Condition", 0)["subject"].(object)["reference"] = p.address("Encounter")
	}},
	{"a reference by a name of a type that it may not have", ipscheck.RuleDangling, "ogn", func(p planted) {
		p.resource("Condition", 0)["subject"] = object{"reference": "Medication/1"}
	}},
	{"one address twice", ipscheck.RuleAddress, "o", func(p planted) {
		p.entries()[3].(object)["fullUrl"] = p.entries()[2].(object)["fullUrl"]
	}},
	{"no address", ipscheck.RuleMissing, "o", func(p planted) { delete(p.entries()[3].(object), "fullUrl") }},
	{"a request in a document", ipscheck.RuleForbidden, "o", func(p planted) {
		p.entries()[3].(object)["request"] = object{"method": "POST", "url": "Condition"}
	}},
	{"a patient without a name", ipscheck.RuleMissing, "o", func(p planted) { delete(p.resource("Patient", 0), "name") }},
	{"a patient without a day of birth", ipscheck.RuleMissing, "o", func(p planted) { delete(p.resource("Patient", 0), "birthDate") }},
	{"two patients", ipscheck.RulePatient, "o", func(p planted) {
		p.object["entry"] = append(p.entries(), object{"fullUrl": "urn:uuid:9b1fcd40-2b1c-4b6b-9d35-3f6a3d3c5a12", "resource": p.resource("Patient", 0)})
	}},
	{"a result that nobody measured", ipscheck.RuleMissing, "o", func(p planted) {
		delete(p.resource("Observation", p.laboratory()), "performer")
	}},
	{"a result without a value", ipscheck.RuleValue, "o", func(p planted) {
		r := p.resource("Observation", p.laboratory())
		for key := range r {
			if strings.HasPrefix(key, "value") || key == "component" {
				delete(r, key)
			}
		}
	}},
	{"an allergy without a code", ipscheck.RuleMissing, "o", func(p planted) { delete(p.resource("AllergyIntolerance", 0), "code") }},
	{"an element that FHIR does not have", "", "gn", func(p planted) { p.resource("Condition", 0)["colour"] = "red" }},
	{"a date that is none", "", "gn", func(p planted) { p.resource("Condition", 0)["recordedDate"] = "soon" }},
	{"a status that is none", "", "gn", func(p planted) { p.resource("Observation", 0)["status"] = "good" }},
}

// laboratory is the number of the first observation of the laboratory.
func (p planted) laboratory() int {
	n := 0
	for _, e := range p.entries() {
		r := e.(object)["resource"].(object)
		if r["resourceType"] != "Observation" {
			continue
		}
		if c, _ := r["category"].(list); len(c) > 0 && c[0].(object)["coding"].(list)[0].(object)["code"] == "laboratory" {
			return n
		}
		n++
	}
	panic("no laboratory")
}

// plantedIn writes each fault into a summary of its own and returns their texts.
func plantedIn(t *testing.T) [][]byte {
	t.Helper()
	_, _, raw := written(t, family(t)["patients/amina.json"], Options{Form: Summary})
	out := make([][]byte, len(faults))
	for i, f := range faults {
		var doc object
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		f.plant(planted{doc})
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = text
	}
	return out
}

// TestFaults demands that our own checker finds each fault by its name, and
// leaves to the others what is theirs.
func TestFaults(t *testing.T) {
	texts := plantedIn(t)
	for i, f := range faults {
		found, err := ipscheck.Check(bytes.NewReader(texts[i]))
		if err != nil {
			t.Fatal(err)
		}
		named := slices.ContainsFunc(found, func(x ipscheck.Finding) bool { return x.Rule == f.rule && x.Severity == ipscheck.SeverityError })
		if ours := strings.Contains(f.finds, "o"); ours != named || !ours && len(found) > 0 {
			t.Errorf("%s: %+v", f.name, found)
		}
	}
}

// TestFaultsOpinions holds the table of who finds what against the checkers of
// other parties.
func TestFaultsOpinions(t *testing.T) {
	dir := t.TempDir()
	for i, text := range plantedIn(t) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.json", i)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := opinions(t, dir)
	for i, f := range faults {
		for letter, checker := range map[string]string{"g": "google/fhir", "n": "npm fhir"} {
			errors := said[checker][fmt.Sprintf("%02d.json", i)]
			if strings.Contains(f.finds, letter) != (len(errors) > 0) {
				t.Errorf("%s: %s says %q", f.name, checker, errors)
			}
		}
	}
}
