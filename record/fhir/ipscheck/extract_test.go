package ipscheck

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write table.txt anew from the guide's package")

// TestTable compares table.txt with the guide's StructureDefinitions, or with
// -update writes it. They are in the npm package hl7.fhir.uv.ips, edition 2.0.0,
// which tools/test.sh unpacks.
func TestTable(t *testing.T) {
	dir := os.Getenv("DHAMANI_IPS")
	if dir == "" {
		t.Skip("set DHAMANI_IPS to the unpacked npm package hl7.fhir.uv.ips to compare the table with the guide")
	}
	files, err := filepath.Glob(filepath.Join(dir, "StructureDefinition-*-uv-ips.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d definitions: %v", len(files), err)
	}
	defs := make(map[string]*definition)
	types := map[string]string{"vitalsigns": "Observation"}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d := new(definition)
		if err := json.Unmarshal(raw, d); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		name := last(d.URL)
		defs[name], types[name] = d, d.Type
	}
	var b strings.Builder
	b.WriteString(header)
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		if d := defs[name]; d.Kind == "resource" {
			d.write(&b, name, types)
		}
	}
	if *update {
		if err := os.WriteFile("table.txt", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b.String() != tableText && !*update {
		t.Error("table.txt is not what the guide says: run the test with -update and look at the difference")
	}
}

const header = `# What the profiles of the International Patient Summary 2.0.0 demand, taken from their StructureDefinitions by TestTable.
# profile NAME TYPE, then one line an element: path min max, and what else is said of it:
#   code=SYSTEM|CODE or code=CODE   the value is this one
#   slice=CODE                      the elements whose code this is
#   ref=TYPE,...                    what a reference may name
#   rule=NAME                       a rule in words of the guide, see rules.go
`

type definition struct {
	URL, Kind, Type string
	Snapshot        struct{ Element []map[string]json.RawMessage }
}

type element struct {
	ID, Path, Max string
	Min           int
	Base          struct{ Max string }
	Type          []struct {
		Code          string
		TargetProfile []string
	}
	Constraint []struct{ Key, Severity string }
	PatternCC  *struct {
		Coding []struct{ System, Code string }
	} `json:"patternCodeableConcept"`
	FixedCode string
	PatternB  *bool `json:"patternBoolean"`
}

func (d *definition) write(b *strings.Builder, name string, types map[string]string) {
	var list []element
	codes := make(map[string]string)
	for _, raw := range d.Snapshot.Element {
		text, _ := json.Marshal(raw)
		var e element
		if json.Unmarshal(text, &e) != nil {
			continue
		}
		list = append(list, e)
		if parent, ok := strings.CutSuffix(e.ID, ".code"); ok && e.PatternCC != nil && strings.Contains(leaf(parent), ":") {
			codes[parent] = e.PatternCC.Coding[0].Code
		}
	}
	fmt.Fprintf(b, "profile %s %s\n", name, d.Type)
	said := make(map[string]bool)
	for i := range list {
		line := list[i].line(d.Type, codes, types)
		if path, rest, ok := strings.Cut(line, ":"); ok && !strings.Contains(rest, "slice=") {
			if _, of, _ := strings.Cut(rest, "."); said[path+"."+of] {
				continue // the same as for every element of the list
			}
		}
		if said[line] = true; line != "" {
			b.WriteString(line + "\n")
		}
	}
}

// line tells what is checked of an element; nothing for one that is free, and
// for slices that only a profile or a type tells apart.
func (e *element) line(kind string, codes, types map[string]string) string {
	path, ok := strings.CutPrefix(e.ID, kind+".")
	if !ok || strings.Contains(path, "xtension") || strings.HasSuffix(path, ".id") {
		return ""
	}
	for part := e.ID; strings.Contains(part, "."); part = part[:strings.LastIndexByte(part, '.')] {
		if strings.Contains(leaf(part), ":") && codes[part] == "" {
			return ""
		}
	}
	var facts []string
	if code := codes[e.ID]; code != "" {
		facts = append(facts, "slice="+code)
	}
	switch {
	case e.PatternCC != nil && codes[strings.TrimSuffix(e.ID, ".code")] == "":
		facts = append(facts, "code="+e.PatternCC.Coding[0].System+"|"+e.PatternCC.Coding[0].Code)
	case e.FixedCode != "":
		facts = append(facts, "code="+e.FixedCode)
	case e.PatternB != nil:
		facts = append(facts, fmt.Sprintf("code=%t", *e.PatternB))
	}
	var refs []string
	for _, t := range e.Type {
		for _, p := range t.TargetProfile {
			if t.Code != "Reference" {
				continue
			}
			p, _, _ = strings.Cut(last(p), "|")
			if known := types[p]; known != "" {
				p = known
			}
			refs = append(refs, p)
		}
	}
	if len(refs) > 0 && !slices.Contains(refs, "Resource") {
		facts = append(facts, "ref="+strings.Join(unique(refs), ","))
	}
	for _, c := range e.Constraint {
		if strings.Contains(c.Key, "ips-") && c.Severity == "error" {
			facts = append(facts, "rule="+c.Key)
		}
	}
	if e.Min == 0 && e.Max != "0" && (e.Max != "1" || e.Base.Max != "*") && len(facts) == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %d %s %s", path, e.Min, e.Max, strings.Join(facts, " ")))
}

func last(url string) string  { return url[strings.LastIndexByte(url, '/')+1:] }
func leaf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
