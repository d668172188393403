// Package ipscheck checks a FHIR R4 Bundle against the International Patient
// Summary, edition 2.0.0: what its profiles say of how often an element stands,
// of its value and of what a reference may name, and what makes a Bundle a
// document. It knows nothing of the words of value sets.
package ipscheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// MaxSize is the greatest size of a document that Check reads, in bytes, and
// maxFindings the greatest number of findings.
const (
	MaxSize     = 64 << 20
	maxFindings = 1000
)

// Errors of Check, for what cannot be checked at all.
var (
	ErrFormat   = errors.New("no JSON object")
	ErrTooLarge = errors.New("document too large")
)

// The rules.
const (
	RuleType        = "bundle-type"        // the Bundle is no document
	RuleFirst       = "composition-first"  // the first entry is no Composition, or another one is
	RulePatient     = "patient-one"        // not exactly one Patient
	RuleMissing     = "missing"            // an element that must be there
	RuleMany        = "too-many"           // more of an element than there may be
	RuleForbidden   = "forbidden"          // an element that must not be there
	RuleCode        = "wrong-code"         // another value than the fixed one
	RuleSection     = "section-missing"    // a required section
	RuleRepeated    = "section-repeated"   // a section twice
	RuleEmpty       = "section-empty"      // a required section with neither entries nor a reason, or one with both
	RuleEntry       = "section-entry-type" // a section refers to a type that is not its own
	RuleReference   = "reference-type"     // a reference to a type that it may not name
	RuleDangling    = "reference-dangling" // a reference to nothing in the document
	RuleAddress     = "fullurl"            // an address that is none, or twice
	RuleNarrative   = "narrative"          // a text that is no XHTML, or empty
	RuleName        = "patient-name"       // a name without words
	RuleValue       = "result-value"       // a result with neither value nor reason
	RuleUnreachable = "unreachable"        // a resource that nothing refers to (a warning)
)

// Severities of a finding.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Finding is something that is not as the guide demands. It holds names and
// places, never values.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Path     string `json:"path"` // as Bundle.entry[3].resource.subject
	Text     string `json:"text"` // in English
}

// entry is one of the Bundle.
type entry struct {
	path, url, kind, id string
	resource            map[string]any
}

type checker struct {
	findings []Finding
	entries  []*entry
	byURL    map[string]*entry
	byName   map[string]*entry // by type and id
	reached  map[*entry]bool
	at       *entry // that is being looked at
}

// Check reads a document and returns what is wrong with it, nothing for one
// that is as the guide demands; at most a thousand findings are told. It owes
// ErrFormat and ErrTooLarge.
func Check(r io.Reader) ([]Finding, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read document: %w", err)
	case len(raw) > MaxSize:
		return nil, fmt.Errorf("read document: over %d bytes: %w", MaxSize, ErrTooLarge)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var bundle map[string]any
	if err := d.Decode(&bundle); err != nil || bundle == nil {
		return nil, fmt.Errorf("read document: %w", errors.Join(ErrFormat, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read document: %w: trailing data", ErrFormat)
	}
	c := &checker{byURL: make(map[string]*entry), byName: make(map[string]*entry), reached: make(map[*entry]bool)}
	c.bundle(bundle)
	return c.findings, nil
}

func (c *checker) find(rule, path, format string, args ...any) {
	if len(c.findings) == maxFindings {
		return
	}
	f := Finding{Rule: rule, Severity: SeverityError, Path: path, Text: fmt.Sprintf(format, args...)}
	if rule == RuleUnreachable {
		f.Severity = SeverityWarning
	}
	c.findings = append(c.findings, f)
}

func (c *checker) bundle(b map[string]any) {
	if b["resourceType"] != "Bundle" {
		c.find(RuleType, "Bundle", "resourceType is not Bundle")
		return
	}
	if b["type"] != "document" {
		c.find(RuleType, "Bundle.type", "the type is not document")
	}
	c.index(b)
	c.at = &entry{}
	c.rows(profiles["Bundle-uv-ips"], "Bundle", b)
	patients := 0
	for i, e := range c.entries {
		c.at = e
		if isComposition := e.kind == "Composition"; isComposition != (i == 0) {
			c.find(RuleFirst, e.path, "the first entry, and it alone, must be a Composition")
		}
		if e.kind == "Patient" {
			patients++
		}
		if e.kind == "Composition" {
			c.empties(e.path+".resource", e.resource)
		}
		if p := e.profile(); p != nil {
			c.rows(p, e.path+".resource", e.resource)
		}
		if p := e.profile(); p != nil && p.name == laboratory {
			c.result(e.path+".resource", e.resource)
		}
		c.narrative(e.path+".resource.text", e.resource["text"])
		c.references(e, e.path+".resource", e.resource)
	}
	if patients != 1 {
		c.find(RulePatient, "Bundle.entry", "%d Patients, not one", patients)
	}
	c.reach()
}

// index lists the entries and their addresses.
func (c *checker) index(b map[string]any) {
	list, _ := b["entry"].([]any)
	for i, v := range list {
		m, _ := v.(map[string]any)
		e := &entry{path: "Bundle.entry[" + strconv.Itoa(i) + "]"}
		e.url, _ = m["fullUrl"].(string)
		e.resource, _ = m["resource"].(map[string]any)
		e.kind, _ = e.resource["resourceType"].(string)
		e.id, _ = e.resource["id"].(string)
		c.entries = append(c.entries, e)
		if e.kind == "" {
			c.find(RuleMissing, e.path+".resource", "no resource, or none with a type")
		}
		if e.url != "" {
			if !absolute(e.url) {
				c.find(RuleAddress, e.path+".fullUrl", "not an absolute address")
			}
			if c.byURL[e.url] != nil {
				c.find(RuleAddress, e.path+".fullUrl", "the address of another entry too")
			} else {
				c.byURL[e.url] = e
			}
		}
		if e.id != "" && c.byName[e.kind+"/"+e.id] == nil {
			c.byName[e.kind+"/"+e.id] = e
		}
	}
}

const laboratory = "Observation-results-laboratory-pathology-uv-ips"

// profile is the one of the resource's type. Of observations the guide has
// several: the one that it claims, else that of its category.
func (e *entry) profile() *profile {
	if e.kind != "Observation" && e.kind != "Device" {
		return profiles[ofType[e.kind]]
	}
	meta, _ := e.resource["meta"].(map[string]any)
	claims, _ := meta["profile"].([]any)
	for _, claim := range claims {
		s, _ := claim.(string)
		if p := profiles[tail(s)]; p != nil && p.kind == e.kind {
			return p
		}
	}
	if e.kind == "Observation" && slices.ContainsFunc(objects(e.resource["category"]), func(m map[string]any) bool { return hasCode(m, "laboratory") }) {
		return profiles[laboratory]
	}
	return nil
}

// ofType names the profile of each type that has one alone.
var ofType = func() map[string]string {
	out := make(map[string]string)
	for name, p := range profiles {
		if p.kind != "Bundle" && p.kind != "Observation" && p.kind != "Device" {
			out[p.kind] = name
		}
	}
	return out
}()
