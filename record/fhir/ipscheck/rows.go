package ipscheck

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rows checks a resource against every row of a profile.
func (c *checker) rows(p *profile, path string, resource map[string]any) {
	for i := range p.rows {
		r := &p.rows[i]
		last := len(r.path) - 1
		for _, parent := range walk(place{path, resource}, r.path[:last]) {
			m, ok := parent.value.(map[string]any)
			if !ok {
				continue
			}
			c.row(p, r, parent.path, under(place{parent.path, m}, r.path[last]))
		}
	}
}

// row checks the elements of one row under one parent.
func (c *checker) row(p *profile, r *row, parent string, found []place) {
	name := parent + "." + r.path[len(r.path)-1].name
	switch n := len(found); {
	case n < r.min && r.slice != "":
		c.find(RuleSection, name, "no section of code %s, which %s demands", r.slice, p.name)
	case n < r.min:
		c.find(RuleMissing, name, "%d of at least %d, by %s", n, r.min, p.name)
	case r.max == 0 && n > 0:
		c.find(RuleForbidden, name, "must not be there, by %s", p.name)
	case r.max > 0 && n > r.max && r.slice != "":
		c.find(RuleRepeated, name, "%d sections of code %s", n, r.slice)
	case r.max > 0 && n > r.max:
		c.find(RuleMany, name, "%d of at most %d, by %s", n, r.max, p.name)
	}
	if r.code != "" && p.kind != "Bundle" {
		c.fixed(p, r, name, found)
	}
	for _, f := range found {
		c.target(r, f)
		c.rule(r, f)
	}
}

// fixed checks a fixed value; of a list one element must have it.
func (c *checker) fixed(p *profile, r *row, name string, found []place) {
	if len(found) == 0 {
		return // whether it must be there is another matter
	}
	if !slices.ContainsFunc(found, func(f place) bool { return equals(f.value, r.code) }) {
		c.find(RuleCode, name, "not the value that %s fixes", p.name)
	}
}

// target checks what type a reference names.
func (c *checker) target(r *row, f place) {
	m, ok := f.value.(map[string]any)
	if !ok || len(r.refs) == 0 {
		return
	}
	e := c.named(m)
	if e == nil || slices.Contains(r.refs, e.kind) {
		return
	}
	rule := RuleReference
	if strings.HasSuffix(r.text, ".entry") {
		rule = RuleEntry
	}
	c.find(rule, f.path, "names a %s; %s may stand here", kindName(e.kind), strings.Join(r.refs, ", "))
}

// loinc is the system of the sections' codes.
const loinc = "http://loinc.org"

// kindName is a type as it may be told: it comes from the document.
func kindName(kind string) string {
	if len(kind) > 40 || strings.Trim(kind, letters) != "" || kind == "" {
		return "resource of no known type"
	}
	return kind
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// place is a value and where it stands.
type place struct {
	path  string
	value any
}

// walk follows steps from a place through every element of lists.
func walk(from place, steps []step) []place {
	list := []place{from}
	for _, s := range steps {
		var next []place
		for _, p := range list {
			next = append(next, under(p, s)...)
		}
		list = next
	}
	return list
}

// under returns the elements of a name, of a slice those of its code. A name
// that ends in [x] stands for one with any type behind it.
func under(p place, s step) []place {
	m, ok := p.value.(map[string]any)
	if !ok {
		return nil
	}
	var out []place
	add := func(key string) {
		list, many := m[key].([]any)
		if !many {
			if m[key] != nil {
				out = append(out, place{p.path + "." + key, m[key]})
			} else if m["_"+key] != nil { // a value that is not there, and why
				out = append(out, place{p.path + "." + key, nil})
			}
			return
		}
		for i, v := range list {
			out = append(out, place{p.path + "." + key + "[" + strconv.Itoa(i) + "]", v})
		}
	}
	if stem, choice := strings.CutSuffix(s.name, "[x]"); choice {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			key, beside := strings.CutPrefix(key, "_")
			if beside && m[key] != nil {
				continue
			}
			if rest, ok := strings.CutPrefix(key, stem); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
				add(key)
			}
		}
	} else {
		add(s.name)
	}
	if s.slice == "" {
		return out
	}
	return slices.DeleteFunc(out, func(f place) bool {
		m, _ := f.value.(map[string]any)
		if s.name == "section" { // whose slices are told apart by codes of LOINC
			return !equals(m["code"], loinc+"|"+s.slice)
		}
		return !slices.ContainsFunc(objects(m["code"]), func(c map[string]any) bool { return hasCode(c, s.slice) })
	})
}

// objects returns an object, or those of a list.
func objects(v any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var out []map[string]any
		for _, w := range v {
			if m, ok := w.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return out
	default:
		return nil
	}
}

// hasCode reports whether a concept has a coding of this code.
func hasCode(concept map[string]any, code string) bool {
	return slices.ContainsFunc(objects(concept["coding"]), func(m map[string]any) bool { return m["code"] == code })
}

// equals compares a value with SYSTEM|CODE of a concept, or with a code.
func equals(v any, want string) bool {
	switch v := v.(type) {
	case string:
		return v == want
	case bool:
		return strconv.FormatBool(v) == want
	case map[string]any:
		system, code, _ := strings.Cut(want, "|")
		return slices.ContainsFunc(objects(v["coding"]), func(m map[string]any) bool { return m["system"] == system && m["code"] == code })
	default:
		return false
	}
}

func tail(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
