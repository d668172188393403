package web

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dhamani-iq/dhamani/record/terms"
)

//go:embed picks.tsv
var pickTable string

// pick is a code that the page knows without asking for it.
type pick struct {
	System   string            `json:"system"`
	Code     string            `json:"code"`
	Displays map[string]string `json:"displays"` // by language; English always
	Unit     string            `json:"unit,omitempty"`

	Chronic   bool `json:"chronic,omitempty"`
	Sensitive bool `json:"sensitive,omitempty"`
}

// loadPicks reads the table and leaves out what has no words: a bare code is
// no help to the person who types.
func loadPicks(table string) ([]pick, error) {
	picks := []pick{}
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) < 2 || len(columns) > 3 {
			return nil, fmt.Errorf("suggestion of %d columns", len(columns))
		}
		system, ok := terms.SystemByName(columns[0])
		code := terms.Code{System: system, Value: columns[1]}
		if err := code.Validate(); !ok || err != nil {
			return nil, fmt.Errorf("suggestion of unknown system or code %q", line)
		}
		term, ok := terms.Lookup(code)
		if !ok {
			continue
		}
		p := pick{System: columns[0], Code: code.Value, Displays: make(map[string]string), Chronic: term.Chronic, Sensitive: terms.Sensitive(code)}
		for _, l := range languages {
			p.Displays[l.Tag] = terms.Display(code, l.Tag)
		}
		if len(columns) == 3 {
			p.Unit = columns[2]
		}
		picks = append(picks, p)
	}
	return picks, nil
}

// picksAsset is the suggestions as the page asks for them.
func picksAsset() (asset, error) {
	picks, err := loadPicks(pickTable)
	if err != nil {
		return asset{}, err
	}
	body, err := json.Marshal(picks)
	if err != nil {
		return asset{}, fmt.Errorf("encode suggestions: %w", err)
	}
	return newAsset("application/json", body), nil
}
