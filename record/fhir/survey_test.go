package fhir

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSurvey reads what a resource begins with, wherever in it that stands.
func TestSurvey(t *testing.T) {
	for name, tt := range map[string]struct {
		raw              string
		kind, id         string
		secret, modified bool
	}{
		"in order":             {`{"resourceType":"Goal","id":"7"}`, "Goal", "7", false, false},
		"the kind at the end":  {`{"id":"7","resourceType":"Goal"}`, "Goal", "7", false, false},
		"a kind without model": {`{"resourceType":"Dev\u0069ce","id":"\u0037"}`, "Device", "7", false, false},
		"two kinds":            {`{"resourceType":"Goal","resourceType":"Device"}`, "Goal", "", false, false},
		"restricted":           {`{"meta":{"security":[{"code":"N"},{"code":"V"}]},"resourceType":"Goal"}`, "Goal", "", true, false},
		"turned round, escaped": {
			`{"resourceType":"Goal","zzz":[{"modifierExtensio\u006e":[]}]}`, "Goal", "", false, true,
		},
		"turned round within":    {`{"resourceType":"Goal","contained":[{"resourceType":"Goal","modifierExtension":[]}]}`, "Goal", "", false, true},
		"a word of the same":     {`{"resourceType":"Goal","description":{"text":"modifierExtension"}}`, "Goal", "", false, false},
		"no kind":                {`{"id":"7"}`, "", "7", false, false},
		"a kind that is no word": {`{"resourceType":1,"id":"7","meta":{"security":[{"code":"R"}]}}`, "", "", false, false},
		"an id that is no word":  {`{"resourceType":"Goal","id":7}`, "", "", false, false},
		"a malformed label":      {`{"resourceType":"Goal","meta":{"security":"R"}}`, "", "", false, false},
		"no object":              {`["resourceType","Goal"]`, "", "", false, false},
		"nothing":                {`null`, "", "", false, false},
	} {
		x := new(res)
		newLedger().survey(x, []byte(tt.raw))
		if x.kind != tt.kind || x.id != tt.id || x.secret != tt.secret || x.modified != tt.modified {
			t.Errorf("%s: %+v", name, *x)
		}
	}
}

// TestLedger demands that no Bundle can make the account of it longer than it
// is itself many times over: paths have a length, and a number.
func TestLedger(t *testing.T) {
	deep := strings.Repeat(`{"url":"u","extension":[`, 900) + `{"zzz":1}` + strings.Repeat(`]}`, 900)
	l := newLedger()
	x := new(res)
	l.survey(x, []byte(`{"resourceType":"Claim","extension":[`+deep+`],"total":{"extension":[`+deep+`]}}`))
	if len(x.left) != 2 || x.left[0] != "extension" || len(x.left[1]) > maxPath+len("…") || !strings.HasPrefix(x.left[1], "total.extension.extension.") {
		t.Errorf("%q", x.left)
	}
	var many strings.Builder
	for i := range maxPaths + 100 {
		fmt.Fprintf(&many, `,"z%d":1`, i)
	}
	l.survey(x, []byte(`{"resourceType":"Goal"`+many.String()+`}`))
	if n := len(x.left); n < maxPaths-2 || n > maxPaths || !slices.Contains(x.left, further) {
		t.Errorf("%d paths, the last %q", n, x.left[n-1])
	}
	l.survey(x, []byte(`{"resourceType":"Goal","extension":[],"more":1,"evenmore":1}`))
	if !slices.Equal(x.left, []string{"extension", further}) {
		t.Errorf("%q", x.left)
	}
}

// TestKept demands that of a resource only what is read is kept, and nothing of
// that is changed.
func TestKept(t *testing.T) {
	for name, tt := range map[string]struct{ raw, want string }{
		"what is not read":       {`{"resourceType":"Goal","zzz":[1,{"a":"}"}],"lifecycleStatus" : "active","description":{"zzz":1,"text":"\u0061\"b","id":"d"} , "z":0}`, `{"lifecycleStatus":"active","description":{"text":"\u0061\"b"}}`},
		"what the survey reads":  {`{"resourceType":"Goal","meta":{"profile":["p"]},"text":{"status":"generated","div":"x"},"subject":{"reference":"r"},"language":"ar"}`, `{}`},
		"an escaped name":        {`{"resourceType":"Goal","descri\u0070tion":{"text":"x"}}`, `{"description":{"text":"x"}}`},
		"twice":                  {`{"resourceType":"Goal","description":{"text":"x"},"description":{"text":"y"}}`, `{"description":{"text":"x"},"description":{"text":"y"}}`},
		"lists":                  {`{"resourceType":"Condition","category":[{"coding":[{},{"code":"a","v":1}, {"z":1}]},null],"note":[]}`, `{"category":[{"coding":[{},{"code":"a"},{}]},null],"note":[]}`},
		"an object for a word":   {`{"resourceType":"Condition","recordedDate":{"a": 1}}`, `{"recordedDate":{"a": 1}}`},
		"a word for an object":   {`{"resourceType":"Condition","code":"a","onsetPeriod":[1.50,true]}`, `{"code":"a","onsetPeriod":[1.50,true]}`},
		"whatever it is":         {`{"resourceType":"Observation","valuePeriod":{"a" : [1]}}`, `{"valuePeriod":{"a" : [1]}}`},
		"of a kind not read":     {`{"resourceType":"Organization","name":"n", "x":1}`, `{"resourceType":"Organization","name":"n", "x":1}`},
		"what is no resource":    {`[1]`, `[1]`},
		"nothing":                {`null`, ``},
		"nothing in it":          {`{}`, `{}`},
		"contained, and no more": {`{"resourceType":"Goal","contained":[]}`, `{}`},
	} {
		x := new(res)
		newLedger().survey(x, []byte(tt.raw))
		if string(x.raw) != tt.want {
			t.Errorf("%s: %s, want %s", name, x.raw, tt.want)
		}
	}
}
