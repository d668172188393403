package fhir

import (
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A shape says what is read of a place in a resource: of a scalar nothing but
// itself, of an object its parts. Whatever a shape does not name was left out.
type shape struct {
	parts map[string]*shape // nil: a scalar
	loose bool              // read as it is, whatever is in it
	aside bool              // looked at by the survey, and not kept
	left  bool              // told as left out, though it is looked at

	choice string // of an element with several types, such as value[x]: the name before the type
	kind   string // of a whole resource
}

// resources are the kinds and what their converters read them into. What
// stands there in a data type of FHIR, such as a CodeableConcept, is read as
// far as our form of that type has fields.
var resources = map[string]any{
	"Patient": patient{}, "RelatedPerson": relatedPerson{}, "Coverage": coverage{}, "Encounter": encounter{},
	"Condition": condition{}, "MedicationRequest": medicationRequest{}, "MedicationStatement": medicationStatement{},
	"Medication": struct {
		Code *concept `json:"code"`
	}{}, "DiagnosticReport": diagnosticReport{}, "Observation": observation{}, "Procedure": procedure{},
	"Immunization": immunization{}, "AllergyIntolerance": allergy{}, "CarePlan": carePlan{}, "Goal": goal{},
	"ImagingStudy": imagingStudy{}, "DocumentReference": documentReference{}, "Claim": claimRead{},
	"ServiceRequest": serviceRequest{}, "DetectedIssue": detectedIssue{}, "Composition": outlineRead{},
	"ExplanationOfBenefit": explanationRead{},
}

// untyped are elements that the converters know and do not read into a type:
// they say what is known anyway, such as whose resource it is.
var untyped = map[string]reflect.Type{
	"subscriber": reflect.TypeFor[reference](), "policyHolder": reflect.TypeFor[reference](),
	"subject": reflect.TypeFor[reference](), "patient": reflect.TypeFor[reference](), "type": reflect.TypeFor[concept](),
	"_birthDate": reflect.TypeFor[struct {
		Extension []extension `json:"extension"`
	}](),
}

// shapes has one for each kind, made of the table of its elements and of the
// types that they are read into.
var shapes = sync.OnceValue(func() map[string]*shape {
	out := make(map[string]*shape, len(elements))
	for kind, paths := range elements {
		root := &shape{kind: kind, parts: map[string]*shape{
			"resourceType": {aside: true}, "language": {aside: true}, "meta": metaShape,
			"text": {aside: true, parts: map[string]*shape{"status": {}, "div": {}}},
		}}
		for path, whole := range paths {
			if whole {
				root.put(strings.Split(path, "."), shapeAt(reflect.TypeOf(resources[kind]), path))
			}
		}
		root.rest(reflect.TypeOf(resources[kind]), make(map[*shape]bool))
		for _, name := range []string{"subject", "patient", "beneficiary", "contained"} {
			if s := root.parts[name]; s != nil {
				s.aside = true
			}
		}
		out[kind] = root
	}
	return out
})

// metaShape is what an export says anew, and the labels that are read.
var metaShape = &shape{aside: true, parts: map[string]*shape{
	"versionId": {}, "lastUpdated": {}, "source": {}, "profile": {}, "tag": {loose: true},
	"security": {parts: map[string]*shape{"system": {}, "code": {}, "display": {}}},
}}

func (s *shape) put(path []string, leaf *shape) {
	for i, name := range path {
		if i == len(path)-1 {
			s.parts[name] = leaf.chosen(name)
			return
		}
		next := s.parts[name]
		if next == nil {
			next = &shape{parts: make(map[string]*shape)}
			s.parts[name] = next
		}
		s = next
	}
}

// choices are the elements that FHIR lets have one of several types.
var choices = []string{"value", "effective", "performed", "onset", "abatement", "medication", "deceased"}

// chosen notes of which choice an element is, by its name.
func (s *shape) chosen(name string) *shape {
	for _, stem := range choices {
		if kind, ok := strings.CutPrefix(name, stem); ok && kind != "" && unicode.IsUpper(rune(kind[0])) {
			s.choice = stem
		}
	}
	return s
}

// rest gives a shape to what is read into a struct, and stands in no table: it
// decides on a resource, as a value that cannot be carried, and is left out all
// the same.
func (s *shape) rest(t reflect.Type, seen map[*shape]bool) {
	if t = plain(t); seen[s] || s.loose || t.Kind() != reflect.Struct {
		return
	}
	seen[s] = true
	for name, t := range fields(t) {
		switch {
		case name == "id":
		case s.parts[name] == nil:
			s.parts[name] = &shape{loose: true, left: true, aside: s.kind != "" && name == "identifier"}
		default:
			s.parts[name].rest(t, seen)
		}
	}
}

// shapeAt is the shape of what a path leads to in a struct.
func shapeAt(t reflect.Type, path string) *shape {
	if path == "contained" {
		return &shape{loose: true} // looked at by itself
	}
	for name := range strings.SplitSeq(path, ".") {
		next, ok := field(t, name)
		if !ok {
			if next, ok = untyped[name]; !ok {
				return &shape{}
			}
		}
		t = next
	}
	return shapeOf(t)
}

// field finds the type of a field by its name in JSON.
func field(t reflect.Type, name string) (reflect.Type, bool) {
	if t = plain(t); t == nil || t.Kind() != reflect.Struct {
		return nil, false
	}
	for tag, t := range fields(t) {
		if tag == name {
			return plain(t), true
		}
	}
	return nil, false
}

// fields are the fields of a struct by their names in JSON, with those of the
// structs that are embedded in it.
func fields(t reflect.Type) iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) {
		for f := range t.Fields() {
			if f.Anonymous {
				for name, t := range fields(f.Type) {
					if !yield(name, t) {
						return
					}
				}
			} else if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !yield(name, f.Type) {
				return
			}
		}
	}
}

func plain(t reflect.Type) reflect.Type {
	for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8) {
		t = t.Elem()
	}
	return t
}

func shapeOf(t reflect.Type) *shape {
	t = plain(t)
	switch {
	case t.Kind() == reflect.Interface:
		return &shape{loose: true}
	case t.Kind() != reflect.Struct:
		return &shape{}
	}
	s := &shape{parts: make(map[string]*shape)}
	for name, f := range fields(t) {
		if plain(f) == t {
			s.parts[name] = s // an extension of an extension
		} else {
			s.parts[name] = shapeOf(f).chosen(name)
		}
	}
	if t == reflect.TypeFor[reference]() {
		s.parts["type"] = &shape{} // the address says it
	}
	return s
}

// account loses every element that the survey found left out.
func (j *job) account() {
	told := j.left
	for _, path := range j.res.left {
		if !slices.Contains(told, path) {
			j.left = append(j.left, path)
		}
	}
	j.loseIf(j.labelled, "meta.security")
}

// short cuts a name that no standard knows, and makes it fit to be printed.
func short(name string) string {
	const most = 64
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}
