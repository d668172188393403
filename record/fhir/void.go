package fhir

import (
	"bytes"
	"encoding/json"
)

// What was entered in error, or replaced by an amending entry, is exported with
// the whole record, and other systems must not take it for true: each of its
// resources has the status entered-in-error, and an extension says what its
// statuses were, for reading it back.

// extVoid holds the statuses of what counts no more, by the element's name.
const extVoid = "https://dhamani.iq/fhir/StructureDefinition/status-before"

const inError = "entered-in-error"

// voidElements is the element of each kind that says so.
var voidElements = map[string]string{
	"Encounter": "status", "Condition": "verificationStatus", "AllergyIntolerance": "verificationStatus", "Goal": "lifecycleStatus",
	"MedicationRequest": "status", "MedicationStatement": "status", "Observation": "status", "DiagnosticReport": "status",
	"Procedure": "status", "Immunization": "status", "CarePlan": "status", "ServiceRequest": "status", "DetectedIssue": "status",
	"ImagingStudy": "status", "DocumentReference": "status", "Claim": "status",
}

// voided returns a resource of one of those kinds, marked as one that counts
// no more. It owes the errors of encoding/json.
func voided(kind string, raw []byte) ([]byte, error) {
	element := voidElements[kind]
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	before := extension{URL: extVoid}
	keep := func(name string) {
		if code := statusCode(m[name]); code != "" {
			before.Extension = append(before.Extension, extension{URL: name, Code: code})
		}
	}
	keep(element)
	m[element] = json.RawMessage(`"` + inError + `"`)
	if element == "verificationStatus" {
		keep("clinicalStatus")
		delete(m, "clinicalStatus") // con-5 and ait-2 forbid it then
		system := map[string]string{"Condition": uriVerStatus, "AllergyIntolerance": uriAlgVer}[kind]
		concept, err := json.Marshal(single(system, inError))
		if err != nil {
			return nil, err
		}
		m[element] = concept
	}
	var list []json.RawMessage
	if m["extension"] != nil {
		if err := json.Unmarshal(m["extension"], &list); err != nil {
			return nil, err
		}
	}
	mark, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	if m["extension"], err = json.Marshal(append(list, mark)); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

// statusCode returns a status that is a code, or a concept's first code.
func statusCode(raw json.RawMessage) string {
	var code string
	var c concept
	switch {
	case raw == nil:
		return ""
	case json.Unmarshal(raw, &code) == nil:
		return code
	case json.Unmarshal(raw, &c) == nil:
		return c.token()
	default:
		return ""
	}
}

// restored returns a resource with the statuses that it had before it was
// marked, and any other as it is.
func restored(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(extVoid)) {
		return raw
	}
	kind, _ := kindOf(raw)
	element, ok := voidElements[kind]
	if !ok {
		return raw
	}
	var m map[string]json.RawMessage
	var list, others []json.RawMessage
	if json.Unmarshal(raw, &m) != nil || json.Unmarshal(m["extension"], &list) != nil {
		return raw
	}
	for _, one := range list {
		var x extension
		if json.Unmarshal(one, &x) != nil || x.URL != extVoid {
			others = append(others, one)
			continue
		}
		for _, was := range x.Extension {
			code, err := json.Marshal(was.Code)
			if err != nil || was.URL != element && was.URL != "clinicalStatus" {
				return raw
			}
			if element == "verificationStatus" {
				code, err = json.Marshal(single("", was.Code))
			}
			if err != nil {
				return raw
			}
			m[was.URL] = code
		}
	}
	delete(m, "extension")
	if len(others) > 0 {
		rest, err := json.Marshal(others)
		if err != nil {
			return raw
		}
		m["extension"] = rest
	}
	out, err := json.Marshal(m)
	if err != nil {
		return raw
	}
	return out
}
