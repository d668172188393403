package alerts

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

const head = "edition\t1\n"

// least is the least text that is a table.
func least() string {
	text := head
	for _, key := range templates {
		text += "phrase\t" + key + "\tx\tx\tx\n"
	}
	return text + "source\ts\tTitle\nphrase\te\tx\tx\tx\nclass\tc\tA B01\tx\tx\tx\n"
}

func TestParse(t *testing.T) {
	if _, err := Parse(least()); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty":           "",
		"no edition":      strings.TrimPrefix(least(), head),
		"edition 0":       "edition\t0\n",
		"edition twice":   least() + head,
		"no phrases":      head,
		"no end":          strings.TrimSuffix(least(), "\n"),
		"no text":         least() + "\xff\n",
		"kind":            least() + "joke\tx\n",
		"fields":          least() + "source\tx\n",
		"empty field":     least() + "source\tx\t\n",
		"long field":      least() + "source\tx\t" + strings.Repeat("x", maxField+1) + "\n",
		"source twice":    least() + "source\ts\tTitle\n",
		"class twice":     least() + "class\tc\tA\tx\tx\tx\n",
		"class unknown":   least() + "class\td\t@x\tx\tx\tx\n",
		"pattern":         least() + "class\td\tjoke:1\tx\tx\tx\n",
		"rule name":       least() + "pair\tBad\tc\tc\tstop\te\te\ts\n",
		"rule twice":      least() + strings.Repeat("pair\tp\tc\tc\tstop\te\te\ts\n", 2),
		"severity":        least() + "pair\tp\tc\tc\tloud\te\te\ts\n",
		"phrase unknown":  least() + "pair\tp\tc\tc\tstop\tx\te\ts\n",
		"source unknown":  least() + "pair\tp\tc\tc\tstop\te\te\tx\n",
		"pair of nothing": least() + "pair\tp\tc\td\tstop\te\te\ts\n",
		"nameless class":  least() + "class\td\tA\t-\t-\t-\ntwice\tp\td\tstop\te\te\ts\n",
		"state":           least() + "caution\tp\tc\tage<8\tstop\te\te\ts\n",
		"state of 0":      least() + "caution\tp\tc\tage<0y\tstop\te\te\ts\n",
		"illness":         least() + "caution\tp\tc\tproblem:d\tstop\te\te\ts\n",
		"dose's unit":     least() + "dose\tN02BE01\tdrop\t1\t2\t3\t4\tday\ts\n",
		"dose's bounds":   least() + "dose\tN02BE01\tmg\t3\t2\t3\t4\tday\ts\n",
		"dose's number":   least() + "dose\tN02BE01\tmg\t1e3\t1x\t3\t4\tday\ts\n",
		"dose's time":     least() + "dose\tN02BE01\tmg\t1\t2\t3\t4\tyear\ts\n",
		"value's bounds":  least() + "value\t1-8\tmg\t5\t4\t4\t5\ts\n",
		"value twice":     least() + strings.Repeat("value\t1-8\tmg\t1\t9\t2\t8\ts\n", 2),
		"unit of nothing": least() + "unit\t1-8\tg\n",
		"unit unknown":    least() + "value\t1-8\tmg\t1\t9\t2\t8\ts\nunit\t1-8\tjoke\n",
		"word twice":      least() + "word\tx\tatc\tA01\nword\tx\tatc\tA02\n",
		"parts":           least() + "parts\tA01\ta thing\n",
		"usual":           least() + "usual\tnever\tA\n",
		"too long":        least() + strings.Repeat("# x\n", MaxTable/4),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(bad); !errors.Is(err, ErrTable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestBase looks at the table that every program has.
func TestBase(t *testing.T) {
	b := Base()
	if n := len(b.pairs); n < 80 {
		t.Errorf("%d interactions, at least 80 are due", n)
	}
	for _, name := range []string{classPregnancy, classBirth, classNursing, "any-procedure"} {
		if _, ok := b.index[name]; !ok {
			t.Errorf("no class %s", name)
		}
	}
	// Every code that is named as a medicine of the terminology table is known there.
	for _, atc := range slices.Sorted(maps.Keys(b.doses)) {
		if _, ok := terms.Lookup(terms.Code{System: terms.ATC, Value: atc}); !ok && atc != "R05DA04" {
			t.Errorf("dose of %s, which has no words", atc)
		}
	}
	for code := range b.values {
		if _, ok := terms.Lookup(code); !ok {
			t.Errorf("value of %s, which has no words", code)
		}
	}
	used := make(map[string]bool)
	for _, x := range b.pairs {
		used[x.effect], used[x.advice] = true, true
	}
	for _, x := range b.cautions {
		used[x.effect], used[x.advice] = true, true
	}
	for _, x := range b.twices {
		used[x.effect], used[x.advice] = true, true
	}
	for _, x := range b.crosses {
		used[x.evidence] = true
	}
	for _, key := range templates {
		used[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(b.phrases)) {
		if !used[key] {
			t.Errorf("phrase %s is not used", key)
		}
	}
	classed := make(map[int]bool)
	for _, x := range b.pairs {
		classed[x.a], classed[x.b] = true, true
	}
	for _, x := range b.cautions {
		classed[x.class] = true
		if x.state.is == stateIll {
			classed[x.state.class] = true
		}
	}
	for _, x := range b.twices {
		classed[x.class] = true
	}
	for _, x := range b.crosses {
		classed[x.allergen], classed[x.given] = true, true
	}
	text := BaseText()
	for i, c := range b.classes {
		if !classed[i] && !slices.Contains([]string{classPregnancy, classBirth, classNursing}, c.name) && !strings.Contains(text, "@"+c.name) {
			t.Errorf("class %s is not used", c.name)
		}
	}
}

// FuzzParse shows that no text makes the parser fail otherwise than it owes,
// and that a table that was read can be used.
func FuzzParse(f *testing.F) {
	f.Add(least())
	f.Add(least() + "pair\tp\tc\tc\tstop\te\te\ts\ncaution\tq\tc\tage<8y\twarn\te\te\ts\nvalue\t2339-0\tmg/dL\t1\t9\t2\t8\ts\nunit\t2339-0\tg\n")
	f.Add(least() + "means\trxnorm\t1\tA01AA01\nparts\tA01AA01\tB01AA03 A01AA01\nsame\tA01AA01\tB01AA03\nword\tx|y z\tatc\tB01\nnot\tno\ntwice\tt\tc\tnote\te\te\ts\n")
	e := entry(f, "A:text:x_y_z M:atc:A01AA01=5mg*2 M:rxnorm:1 O:loinc:2339-0=5g D:icd10:B01", now)
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrTable) {
				t.Fatalf("%v", err)
			}
			return
		}
		table.Check(table.Patient(person(t, "f30"), nil, []*record.Entry{e}, now), e)
	})
}

// FuzzCheck shows that no record, however odd, makes Check fail, and that what
// it says of a draft can be overridden.
func FuzzCheck(f *testing.F) {
	for _, s := range scenes(f) {
		if s.draft == nil {
			continue
		}
		known, kerr := json.Marshal(s.entries[0])
		draft, derr := json.Marshal(s.draft)
		if kerr != nil || derr != nil {
			f.Fatal(kerr, derr)
		}
		f.Add(known, draft, int64(480), true)
	}
	f.Fuzz(func(t *testing.T, known, drafted []byte, months int64, female bool) {
		var e, draft record.Entry
		if json.Unmarshal(known, &e) != nil || json.Unmarshal(drafted, &draft) != nil {
			return
		}
		who := Person{Born: record.At(now.AddDate(0, -int(months%2000), 0)), Sex: record.SexMale}
		if female {
			who.Sex = record.SexFemale
		}
		p := Base().Patient(who, nil, []*record.Entry{&e}, now)
		Base().Check(p, nil)
		report := Base().Check(p, &draft)
		for _, a := range report.Alerts {
			draft.Overrides = append(draft.Overrides, record.Override{Rule: a.Rule, Kind: a.Kind, About: a.About})
		}
		if open := Base().Check(p, &draft).Open(); len(open) > 0 && len(report.Alerts) < maxAlerts {
			t.Fatalf("%d alerts cannot be answered, such as %s", len(open), open[0].Rule)
		}
	})
}

// TestDocument holds the document's kinds and phrases to the parser's.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for kind, k := range kinds {
		row := "| `" + kind + "` | "
		_, rest, ok := strings.Cut(doc, row)
		fields, _, _ := strings.Cut(rest, " |")
		if !ok || strings.Count(fields, ", ")+1 != k.fields {
			t.Errorf("kind %s: %q", kind, fields)
		}
	}
	for _, key := range templates {
		if !strings.Contains(doc, "`"+key+"`") {
			t.Errorf("no phrase %s", key)
		}
	}
}
