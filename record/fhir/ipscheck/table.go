package ipscheck

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed table.txt
var tableText string

// profile is what the guide demands of one type of resource.
type profile struct {
	name, kind string
	rows       []row
}

// row is what is demanded of one element.
type row struct {
	path  []step
	text  string // the path as it is written
	min   int
	max   int // -1: any number
	code  string
	slice string // LOINC's code, of a row that begins a slice
	refs  []string
	rule  string
}

// step is one name of a path; slice is the code by which elements are chosen.
type step struct{ name, slice string }

// profiles by name; the table is the program's own, so a line that cannot be
// read is a broken build.
var profiles = mustParse(tableText)

func mustParse(text string) map[string]*profile {
	out, err := parseTable(text)
	if err != nil {
		panic("ipscheck: internal error: " + err.Error())
	}
	return out
}

func parseTable(text string) (map[string]*profile, error) {
	out := make(map[string]*profile)
	var p *profile
	var slices map[string]string // codes of the slices that have begun
	n := 0
	for line := range strings.Lines(text) {
		n++
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "profile" && len(f) == 3:
			p, slices = &profile{name: f[1], kind: f[2]}, make(map[string]string)
			out[p.name] = p
		case p != nil && len(f) >= 3:
			r, err := parseRow(f, slices)
			if err != nil {
				return nil, fmt.Errorf("table, line %d: %w", n, err)
			}
			p.rows = append(p.rows, r)
		default:
			return nil, fmt.Errorf("table, line %d: not understood", n)
		}
	}
	return out, nil
}

func parseRow(f []string, slices map[string]string) (row, error) {
	r := row{text: f[0], max: -1}
	var err error
	if r.min, err = strconv.Atoi(f[1]); err != nil {
		return r, err
	}
	if f[2] != "*" {
		if r.max, err = strconv.Atoi(f[2]); err != nil {
			return r, err
		}
	}
	for _, fact := range f[3:] {
		key, value, _ := strings.Cut(fact, "=")
		switch key {
		case "code":
			r.code = value
		case "slice":
			r.slice, slices[f[0]] = value, value
		case "ref":
			r.refs = strings.Split(value, ",")
		case "rule":
			r.rule = value
		default:
			return r, fmt.Errorf("fact %q", key)
		}
	}
	at := 0
	for part := range strings.SplitSeq(f[0], ".") {
		at += len(part)
		name, sliced, _ := strings.Cut(part, ":")
		s := step{name: name}
		if sliced != "" {
			if s.slice = slices[f[0][:at]]; s.slice == "" {
				return r, fmt.Errorf("slice %q has no code", part)
			}
		}
		r.path = append(r.path, s)
		at++
	}
	return r, nil
}
