package fhir

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// specimens are resources with every element that their kind's table names,
// as deep as our types go, whatever stands in them.
func specimens(t *testing.T) map[string]map[string]any {
	t.Helper()
	out := make(map[string]map[string]any)
	for kind, s := range shapes() {
		out[kind] = specimen(s, 0).(map[string]any)
		delete(out[kind], "contained")
		out[kind]["resourceType"] = kind
	}
	return out
}

func specimen(s *shape, depth int) any {
	if s.parts == nil || depth > 6 {
		return "x"
	}
	m := make(map[string]any)
	for name, part := range s.parts {
		if part.left {
			continue
		}
		m[name] = specimen(part, depth+1)
		if part.parts != nil && len(name)%2 == 0 {
			m[name] = []any{m[name]} // a list is no level of its own
		}
	}
	return m
}

// plant puts an unknown element into every object of v, one at a time, and
// calls f with the path where it then stands.
func plant(v any, path string, f func(path string)) {
	switch v := v.(type) {
	case []any:
		for _, w := range v {
			plant(w, path, f)
		}
	case map[string]any:
		for _, name := range []string{"zzz", "_status"} {
			if _, there := v[name]; there {
				continue
			}
			v[name] = map[string]any{"a": []any{map[string]any{"b": 1}}}
			f(path + name)
			delete(v, name)
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			plant(v[name], path+name+".", f)
		}
	}
}

// TestNothingIsLostSilently plants an element that no standard knows at every
// level of every kind of resource, and finds it in what is reported.
func TestNothingIsLostSilently(t *testing.T) {
	total := 0
	for kind, r := range specimens(t) {
		if left := accountOf(t, r); len(onlyOne(left)) != 0 {
			t.Errorf("%s: of what is read %v are left out", kind, left)
		}
		n := 0
		plant(r, "", func(path string) {
			n++
			if left := onlyOne(accountOf(t, r)); !slices.Equal(left, []string{path}) {
				t.Errorf("%s: planted %s, reported %v", kind, path, left)
			}
		})
		total += n
		if n < 4 {
			t.Errorf("%s: planted at %d places only", kind, n)
		}
	}
	t.Logf("planted at %d places of %d kinds", total, len(elements))
}

func accountOf(t *testing.T, r any) []string {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	x := new(res)
	newLedger().survey(x, raw)
	j := &job{res: x}
	j.account()
	slices.Sort(j.left)
	return j.left
}

// onlyOne drops that a specimen has an element in each of its types.
func onlyOne(left []string) []string {
	return slices.DeleteFunc(left, func(path string) bool { return strings.HasSuffix(path, " (beside another type)") })
}

func TestAccount(t *testing.T) {
	for name, tt := range map[string]struct{ raw, want string }{
		"two types":            {`{"resourceType":"Observation","component":[{"valueString":"a"},{"valueString":"a","valueInteger":1}]}`, "component.valueInteger (beside another type)"},
		"twice":                {`{"resourceType":"Condition","code":{"text":"a","text":"b"}}`, "code.text (again)"},
		"an object for a word": {`{"resourceType":"Condition","recordedDate":{"a":1}}`, "recordedDate"},
		"contained":            {`{"resourceType":"CarePlan","contained":[{"resourceType":"Condition","id":"1","zzz":1}]}`, "contained.zzz"},
		"contained of a kind":  {`{"resourceType":"CarePlan","contained":[{"resourceType":"Device"}]}`, "contained (of a kind that is not read)"},
		"contained, no list":   {`{"resourceType":"CarePlan","contained":{"resourceType":"Condition"}}`, "contained"},
		"contained, no kind":   {`{"resourceType":"CarePlan","contained":[7,{}]}`, "contained (of a kind that is not read)"},
		"identifiers of ours":  {`{"resourceType":"Condition","identifier":[{"system":"` + uriEntry + `","value":"a"},{"system":"` + uriItem + `"}]}`, ""},
		"one is not ours":      {`{"resourceType":"Condition","identifier":[{"system":"` + uriEntry + `","value":"a"},{"value":"b"}]}`, "identifier"},
		"no identifiers":       {`{"resourceType":"Condition","identifier":{"system":"` + uriEntry + `"}}`, "identifier"},
		"narrative":            {`{"resourceType":"CarePlan","text":{"status":"additional","div":"x"}}`, "text"},
		"a long name":          {`{"resourceType":"Goal","` + strings.Repeat("ێ", 60) + `":1}`, strings.Repeat("ێ", 32) + "…"},
		"an escaped name":      {`{"resourceType":"Goal","descri\u0070tion":{"text":"x"},"z\"z":[[1,"\"}"],{}],"subject" : null }`, `z"z`},
		"nothing in it":        {` { "resourceType" : "Goal" , "description" : { } } `, ""},
		"an element's id":      {`{"resourceType":"Goal","description":{"id":"d","text":"x"}}`, ""},
		"by an extension":      {`{"resourceType":"Patient","name":[{"extension":[{"url":"u","valueInteger":1}]}]}`, "name.extension.valueInteger"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(accountOf(t, json.RawMessage(tt.raw)), ", ")
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzWalk goes over whatever the standard library takes for JSON: it comes to
// the end of it, and finds the same members.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Patient","id":"a","name":[{"family":"x\"}"}],"zzz":[1,2,{"a":null}]}`))
	f.Add([]byte(` { "resourceType" : "Goal" , "a\u0062" : [ [ ] , { } ] } `))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want map[string]json.RawMessage
		if json.Unmarshal(raw, &want) != nil || want == nil {
			return
		}
		got := make(map[string]json.RawMessage)
		members(raw, func(name, value []byte) { got[string(name)] = value })
		for name, value := range want {
			if strings.ContainsRune(name, '�') {
				continue // what is no UTF-8 has another name in Go
			}
			var a, b any
			if json.Unmarshal(value, &a) != nil || json.Unmarshal(got[name], &b) != nil || !reflect.DeepEqual(a, b) {
				t.Fatalf("%q is %s, and read as %s", name, value, got[name])
			}
		}
		w := walker{b: raw, to: newLedger()}
		w.value(shapes()["Patient"])
		if w.next(); w.i != len(raw) {
			t.Fatalf("the walk over %q ends at byte %d", raw, w.i)
		}
		again := walker{b: w.out, to: newLedger()}
		if again.value(shapes()["Patient"]); !bytes.Equal(again.out, w.out) || !jsontext.Value(w.out).IsValid(reading) {
			t.Fatalf("of %q %q is kept, and of that %q", raw, w.out, again.out)
		}
	})
}
