package ipscheck

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rule checks what the guide says in words, by the key of its constraint.
func (c *checker) rule(r *row, f place) {
	if s, ok := f.value.(string); ok && r.rule == "ips-1" && len(s) < len("20060102") {
		c.find(RuleValue, f.path, "a time less precise than a day")
	}
	m, ok := f.value.(map[string]any)
	if !ok {
		return
	}
	switch r.rule {
	case "ips-comp-1":
		named := slices.ContainsFunc(objects(m["entry"]), func(e map[string]any) bool { return e["reference"] != nil })
		if !named && m["emptyReason"] == nil {
			c.find(RuleEmpty, f.path, "neither entries nor the reason why there are none")
		}
	case "ips-pat-1":
		if m["family"] == nil && m["given"] == nil && m["text"] == nil {
			c.find(RuleName, f.path, "a name without family, given name or text")
		}
	default:
	}
	if r.text == "section.text" {
		c.narrative(f.path, m)
	}
}

// result checks the rules ips-2 and ips-3 of a laboratory's observation.
func (c *checker) result(path string, m map[string]any) {
	told := func(m map[string]any) bool {
		for key := range m {
			if strings.HasPrefix(key, "value") {
				return true
			}
		}
		return m["dataAbsentReason"] != nil
	}
	if !told(m) && m["hasMember"] == nil && m["component"] == nil {
		c.find(RuleValue, path, "neither value, parts nor the reason why there is none")
	}
	parts := objects(m["component"])
	if len(parts) > 0 && !slices.ContainsFunc(parts, told) {
		c.find(RuleValue, path+".component", "no part with a value or the reason why there is none")
	}
}

// narrative checks a text for people: a div of XHTML with something in it.
func (c *checker) narrative(path string, v any) {
	if v == nil {
		return
	}
	m, _ := v.(map[string]any)
	status, _ := m["status"].(string)
	if !slices.Contains([]string{"generated", "extensions", "additional", "empty"}, status) {
		c.find(RuleNarrative, path+".status", "no status of a narrative")
	}
	div, _ := m["div"].(string)
	if err := readable(div); err != nil {
		c.find(RuleNarrative, path+".div", "%v", err)
	}
}

var (
	errMarkup = errors.New("not well-formed XHTML")
	errDiv    = errors.New("not one div of XHTML")
	errBlank  = errors.New("nothing to read in it")
	errActive = errors.New("an element that a narrative must not have")
)

// active are elements that a narrative must not have (FHIR R4, 2.4.0).
var active = []string{"script", "form", "input", "object", "iframe", "frame", "base", "link", "head", "body", "button", "embed", "applet"}

func readable(div string) error {
	d := xml.NewDecoder(strings.NewReader(div))
	d.Entity = xml.HTMLEntity
	depth, words := 0, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errMarkup
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 && (t.Name.Local != "div" || t.Name.Space != "http://www.w3.org/1999/xhtml") || depth == 0 && words {
				return errDiv
			}
			if slices.Contains(active, strings.ToLower(t.Name.Local)) {
				return errActive
			}
			words = words || t.Name.Local == "img"
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); s != "" {
				if depth == 0 {
					return errDiv
				}
				words = true
			}
		default:
		}
	}
	if !words {
		return errBlank
	}
	return nil
}

// references checks that what a resource refers to is there, and marks it.
func (c *checker) references(from *entry, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		switch ref := v["reference"].(type) {
		case string:
			c.reference(from, path, ref, v)
		case json.Number, bool, nil:
			if _, there := v["reference"]; there {
				c.find(RuleDangling, path, "an address that is no text")
			}
		default: // some types have an element of that name
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			c.references(from, path+"."+key, v[key])
		}
	case []any:
		for i, w := range v {
			c.references(from, path+"["+strconv.Itoa(i)+"]", w)
		}
	default:
	}
}

func (c *checker) reference(from *entry, path, ref string, m map[string]any) {
	if id, local := strings.CutPrefix(ref, "#"); local {
		inside := slices.ContainsFunc(objects(from.resource["contained"]), func(m map[string]any) bool { return m["id"] == id })
		if !inside && id != "" {
			c.find(RuleDangling, path, "names a contained resource that is not there")
		}
		return
	}
	e := c.resolve(m)
	switch {
	case e != nil:
	case absolute(ref) && !strings.HasPrefix(ref, "urn:") && from.kind != "Composition":
		// Something that another system has.
	default:
		c.find(RuleDangling, path, "names nothing in the document")
	}
}

// resolve finds what a reference names: by its address, or by type and id. An
// address names what has it, and nothing else of the same type and id.
func (c *checker) resolve(m map[string]any) *entry {
	ref, _ := m["reference"].(string)
	if e := c.byURL[ref]; e != nil {
		return e
	}
	parts := strings.Split(ref, "/")
	if i := slices.Index(parts, "_history"); i > 0 {
		parts = parts[:i]
	}
	if absolute(ref) {
		return c.byURL[strings.Join(parts, "/")]
	}
	if len(parts) < 2 {
		return nil
	}
	return c.byName[parts[len(parts)-2]+"/"+parts[len(parts)-1]]
}

// named is the same, and finds what the resource itself contains.
func (c *checker) named(m map[string]any) *entry {
	ref, _ := m["reference"].(string)
	id, local := strings.CutPrefix(ref, "#")
	if !local {
		return c.resolve(m)
	}
	for _, r := range objects(c.at.resource["contained"]) {
		if r["id"] == id && id != "" {
			kind, _ := r["resourceType"].(string)
			return &entry{kind: kind}
		}
	}
	return nil
}

// empties checks that a section with entries gives no reason for having none
// (the standard's rule cmp-2).
func (c *checker) empties(path string, composition map[string]any) {
	for _, s := range walk(place{path, composition}, []step{{name: "section"}}) {
		m, _ := s.value.(map[string]any)
		if len(objects(m["entry"])) > 0 && m["emptyReason"] != nil {
			c.find(RuleEmpty, s.path, "both entries and the reason why there are none")
		}
	}
}

func absolute(url string) bool {
	for _, prefix := range []string{"http://", "https://", "urn:uuid:", "urn:oid:"} {
		if rest, ok := strings.CutPrefix(url, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

// reach warns of resources that have no way to or from the Composition: a
// document holds what it refers to, and who made it (Provenance).
func (c *checker) reach() {
	if len(c.entries) == 0 {
		return
	}
	for todo := []*entry{c.entries[0]}; len(todo) > 0; todo = c.makers() {
		for len(todo) > 0 {
			e := todo[0]
			if todo = todo[1:]; c.reached[e] {
				continue
			}
			c.reached[e] = true
			each(e.resource, func(m map[string]any) {
				if next := c.resolve(m); next != nil {
					todo = append(todo, next)
				}
			})
		}
	}
	for _, e := range c.entries {
		if !c.reached[e] {
			c.find(RuleUnreachable, e.path, "nothing in the document refers to it")
		}
	}
}

// makers are the provenances of what was reached, which are not yet reached.
func (c *checker) makers() []*entry {
	var out []*entry
	for _, e := range c.entries {
		if e.kind != "Provenance" || c.reached[e] {
			continue
		}
		each(e.resource["target"], func(m map[string]any) {
			if t := c.resolve(m); t != nil && c.reached[t] {
				out = append(out, e)
			}
		})
	}
	return out
}

// each calls f for every reference within v.
func each(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["reference"].(string); ok {
			f(v)
		}
		for _, w := range v {
			each(w, f)
		}
	case []any:
		for _, w := range v {
			each(w, f)
		}
	default:
	}
}
