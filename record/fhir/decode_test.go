package fhir

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestRead shows how what others write is taken.
func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want string // empty: it is malformed
	}{
		"a number's digits":      {`{"valueQuantity":{"value":1.50}}`, `{"valueQuantity":{"value":1.50}}`},
		"a number without end":   {`{"valueQuantity":{"value":-1E400}}`, `{"valueQuantity":{"value":-1E400}}`},
		"a number in quotes":     {`{"valueQuantity":{"value":"7.0"}}`, `{"valueQuantity":{"value":7.0}}`},
		"a blank in quotes":      {`{"valueQuantity":{"value":" 7"}}`, ``},
		"two numbers in quotes":  {`{"valueQuantity":{"value":"7 7"}}`, ``},
		"nothing in quotes":      {`{"valueQuantity":{"value":""}}`, ``},
		"no number":              {`{"valueQuantity":{"value":true}}`, ``},
		"nothing for a number":   {`{"valueQuantity":{"value":null}}`, `{"valueQuantity":{}}`},
		"an element twice":       {`{"valueString":"a","valueString":"b"}`, `{"valueString":"b"}`},
		"of another case":        {`{"ValueString":"a"}`, `{}`},
		"a word for an object":   {`{"valueQuantity":"7"}`, ``},
		"characters of Latin-1":  {"{\"valueString\":\"\xb5g\"}", "{\"valueString\":\"\ufffdg\"}"},
		"half a character":       {`{"valueString":"\ud83d x"}`, "{\"valueString\":\"\ufffd x\"}"},
		"a name with an escape":  {`{"value\u0053tring":"\u0645"}`, `{"valueString":"م"}`},
		"an element of no model": {`{"zzz":[{"a":[1,"]"]}],"valueBoolean":true}`, `{"valueBoolean":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			var v valueX
			if err := read([]byte(tt.raw), &v); err != nil {
				if tt.want != "" {
					t.Fatal(err)
				}
				return
			}
			if got, err := json.Marshal(v); err != nil || string(got) != tt.want {
				t.Fatalf("%s, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestReadBytes reads base64 that is broken into lines, as MIME has it.
func TestReadBytes(t *testing.T) {
	var a attachment
	if err := read([]byte(`{"data":"bm90\r\nZXM="}`), &a); err != nil || string(a.Data) != "notes" {
		t.Errorf("%q, %v", a.Data, err)
	}
	if read([]byte(`{"data":"bm9%"}`), &a) == nil {
		t.Error("what is no base64 is read")
	}
}

// TestBroken demands that a Bundle which is not JSON is refused with the place
// of the fault, wherever in it the fault is.
func TestBroken(t *testing.T) {
	whole := bundle(`{"resourceType":"Condition","code":{"text":"x"},"recordedDate":"2026-01-01"}`)
	if _, _, err := Import(strings.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if _, _, err := Import(strings.NewReader(whole[:n])); !errors.Is(err, ErrBundle) || !strings.Contains(err.Error(), "at byte") {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for name, text := range map[string]string{
		"too deep in an unread element": `{"resourceType":"Bundle","zzz":` + deep + `}`,
		"too deep in a resource":        bundle(`{"resourceType":"Condition","zzz":` + deep + `}`),
		"a control character":           bundle("{\"resourceType\":\"Condition\",\"zzz\":\"\x01\"}"),
		"a number that is none":         bundle(`{"resourceType":"Condition","zzz":01}`),
		"a comma too many":              bundle(`{"resourceType":"Condition",}`),
	} {
		if _, _, err := Import(strings.NewReader(text)); !errors.Is(err, ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
