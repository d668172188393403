package localapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const maxDepth = 16

// errJSON is wrapped by every reason why a body was not read.
var errJSON = errors.New("malformed JSON")

// readJSON reads a bounded request body strictly into v.
func readJSON(r *http.Request, v any) *refusal {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &refuseSize
	case err != nil:
		return &refuseJSON
	}
	if err := decodeStrict(body, v); err != nil {
		return &refuseJSON
	}
	return nil
}

// decodeStrict reads one JSON value into v. It refuses what encoding/json
// lets pass: a name twice in one object, names that v does not know, deep
// nesting and anything after the value.
func decodeStrict(body []byte, v any) error {
	if err := checkShape(body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errJSON, err)
	}
	return nil
}

// checkShape walks the tokens of body.
func checkShape(body []byte) error {
	type level struct {
		names map[string]bool // nil in an array
		value bool            // in an object: a value is due, not a name
	}
	var open []level
	d := json.NewDecoder(bytes.NewReader(body))
	for first := true; first || len(open) > 0; first = false {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", errJSON, err)
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open) - 1; n >= 0 && open[n].names != nil {
			if !open[n].value {
				name, _ := token.(string)
				if open[n].names[name] {
					return fmt.Errorf("%w: a name stands twice", errJSON)
				}
				open[n].names[name], open[n].value = true, true
				continue
			}
			open[n].value = false
		}
		if delim, ok := token.(json.Delim); ok {
			if len(open) == maxDepth {
				return fmt.Errorf("%w: nested too deeply", errJSON)
			}
			next := level{}
			if delim == '{' {
				next.names = make(map[string]bool)
			}
			open = append(open, next)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more after the value", errJSON)
	}
	return nil
}
