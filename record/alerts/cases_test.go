package alerts

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// scene is a line of testdata/cases.txt.
type scene struct {
	line    string
	who     Person
	entries []*record.Entry
	draft   *record.Entry
	want    []string
}

func scenes(tb testing.TB) []scene {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "cases.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	var out []scene
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 4 {
			tb.Fatalf("case %q has %d fields", line, len(f))
		}
		s := scene{line: line, who: person(tb, strings.TrimSpace(f[0]))}
		s.entries = []*record.Entry{entry(tb, f[1], now.AddDate(0, 0, -14))}
		if strings.TrimSpace(f[2]) != "tap" {
			s.draft = entry(tb, f[2], now)
		}
		if want := strings.TrimSpace(f[3]); want != "none" {
			for w := range strings.SplitSeq(want, ",") {
				s.want = append(s.want, strings.TrimSpace(w))
			}
		}
		out = append(out, s)
	}
	return out
}

// person reads f30 (years) or m2m (months).
func person(tb testing.TB, s string) Person {
	tb.Helper()
	who := Person{Sex: record.SexMale}
	if s[0] == 'f' {
		who.Sex = record.SexFemale
	}
	digits, months := strings.CutSuffix(s[1:], "m")
	n, err := strconv.Atoi(digits)
	if err != nil {
		tb.Fatal(err)
	}
	if !months {
		n *= 12
	}
	born := now.AddDate(0, -n, -2)
	who.Born = record.Day(born.Year(), born.Month(), born.Day())
	return who
}

func codeOf(tb testing.TB, s string) record.Code {
	tb.Helper()
	name, value, ok := strings.Cut(s, ":")
	system, known := terms.SystemByName(name)
	if !ok || !known {
		tb.Fatalf("code %q", s)
	}
	return record.Code{System: system, Value: strings.ReplaceAll(value, "_", " ")}
}

// entry reads items by kind: A an allergy, I an intolerance, M a medicine, S
// one of the sensitive section, X one that is stopped, D a diagnosis, E one of
// the sensitive section, O an observation, V a vaccine, P a procedure. Behind =
// stands a dose or value with its unit, and after * how often a day.
func entry(tb testing.TB, text string, at time.Time) *record.Entry {
	tb.Helper()
	e := &record.Entry{Start: at}
	for word := range strings.FieldsSeq(text) {
		if word == "-" {
			continue
		}
		kind, rest, _ := strings.Cut(word, ":")
		code, amount, given := strings.Cut(rest, "=")
		c := codeOf(tb, code)
		switch kind {
		case "A", "I":
			a := record.Allergy{Code: c}
			if kind == "I" {
				a.Kind = record.KindIntolerance
			}
			e.Allergies = append(e.Allergies, a)
		case "M", "S", "X":
			x := record.Prescription{Medicine: c, Ongoing: true, Sensitive: kind == "S"}
			if kind == "X" {
				x.Status = record.MedicationStopped
			}
			if given {
				dose, often, _ := strings.Cut(amount, "*")
				x.Dose = quantity(tb, dose)
				x.Frequency = frequency(tb, often)
			}
			e.Prescriptions = append(e.Prescriptions, x)
		case "D", "E":
			e.Diagnoses = append(e.Diagnoses, record.Diagnosis{Code: c, Sensitive: kind == "E"})
		case "O":
			o := record.Observation{Code: c}
			if amount == "positive" || amount == "negative" {
				o.Value.Text = amount
			} else {
				o.Value.Quantity = quantity(tb, amount)
			}
			e.Observations = append(e.Observations, o)
		case "V":
			e.Immunisations = append(e.Immunisations, record.Immunisation{Vaccine: c})
		case "P":
			e.Procedures = append(e.Procedures, record.Procedure{Code: c})
		default:
			tb.Fatalf("kind %q", word)
		}
	}
	return e
}

func quantity(tb testing.TB, s string) *record.Quantity {
	tb.Helper()
	n := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if n < 0 {
		n = len(s)
	}
	v, _, err := record.ParseDecimal(s[:n])
	if err != nil {
		tb.Fatal(err)
	}
	return &record.Quantity{Value: v, Unit: strings.TrimPrefix(s[n:], "_")}
}

func frequency(tb testing.TB, s string) record.Frequency {
	tb.Helper()
	if s == "" {
		return record.Frequency{}
	}
	times, weekly := strings.CutSuffix(s, "w")
	n, err := strconv.ParseUint(times, 10, 8)
	if err != nil {
		tb.Fatal(err)
	}
	f := record.Frequency{Times: uint8(n), Period: 1}
	if weekly {
		f.Unit = record.PeriodWeek
	}
	return f
}

// found lists what a report says, lesser alerts too.
func found(list []Alert) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Severity.String()+" "+a.Rule)
		out = append(out, found(a.More)...)
	}
	return out
}

func TestCases(t *testing.T) {
	list := scenes(t)
	if len(list) < 100 {
		t.Errorf("%d cases, at least 100 are due", len(list))
	}
	for _, s := range list {
		t.Run(s.line, func(t *testing.T) {
			p := Base().Patient(s.who, nil, s.entries, now)
			got := found(Base().Check(p, s.draft).Alerts)
			slices.Sort(got)
			want := slices.Sorted(slices.Values(s.want))
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
