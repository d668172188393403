// Package alerts finds what a prescriber should hear before a medicine, a
// vaccine or a laboratory value is written: allergies, medicines given twice,
// interactions, pregnancy, age and illness, implausible doses and values. The
// rules are a table of text, described in docs/formats/alerts.md.
package alerts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
)

// ErrTable is returned for a table of rules that cannot be used.
var ErrTable = errors.New("malformed table of alerts")

// Severity says how loud an alert is. In JSON it is note, warn or stop.
type Severity uint8

// The severities.
const (
	Note Severity = iota // worth knowing
	Warn                 // to be seen before signing
	Stop                 // to be answered before signing
)

var severityNames = [...]string{"note", "warn", "stop"}

// String returns the name, as in JSON and in the table.
func (s Severity) String() string {
	if int(s) >= len(severityNames) {
		return fmt.Sprintf("severity(%d)", uint8(s))
	}
	return severityNames[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It owes ErrTable.
func (s *Severity) UnmarshalText(b []byte) error {
	i := slices.Index(severityNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("severity %.10q: %w", b, ErrTable)
	}
	*s = Severity(i) // #nosec G115 -- one of three
	return nil
}

// Alert is one thing that collides with another.
type Alert struct {
	Rule     string            `json:"rule"` // stable: a-z, 0-9 and hyphens, at most 32 bytes
	Kind     record.AlertKind  `json:"kind"`
	Severity Severity          `json:"severity"`
	About    []record.Code     `json:"about"`  // what collides, 1 to 4 codes in order
	Text     map[string]string `json:"text"`   // why, and what to do, by language
	Source   string            `json:"source"` // title of where it may be read up
	// Sensitive says that something it is about lies in the sensitive section;
	// an override of it belongs there too.
	Sensitive bool `json:"sensitive,omitempty"`
	// Answer is how it was overridden, now or earlier in the same course.
	Answer *record.Override `json:"answer,omitempty"`
	// More are lesser alerts about the same.
	More []Alert `json:"more,omitempty"`
}

// Report is what Check found, the loudest first and what was answered last.
type Report struct {
	Edition uint32  `json:"edition"` // of the table by which it was found
	Alerts  []Alert `json:"alerts"`
	// Unchecked names the sections of the record that were locked for the
	// reader: what they hold was not looked at.
	Unchecked []string `json:"unchecked,omitempty"`
}

// Open returns the alerts that must be answered before the draft is written.
func (r *Report) Open() []Alert {
	var out []Alert
	for _, a := range r.Alerts {
		if a.Severity == Stop && a.Answer == nil {
			out = append(out, a)
		}
	}
	return out
}

func compareCodes(a, b record.Code) int {
	return cmp.Or(cmp.Compare(a.System, b.System), strings.Compare(a.Value, b.Value))
}

func compareAlerts(a, b Alert) int {
	answered := func(x Alert) int {
		if x.Answer != nil {
			return 1
		}
		return 0
	}
	return cmp.Or(answered(a)-answered(b), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Kind, b.Kind),
		strings.Compare(a.Rule, b.Rule), slices.CompareFunc(a.About, b.About, compareCodes))
}

// fold puts alerts in order and gives each pair one: a lesser alert about the
// same, or another of the same kind, goes into More of the loudest.
func fold(list []Alert) []Alert {
	slices.SortFunc(list, compareAlerts)
	out := make([]Alert, 0, len(list))
next:
	for _, a := range list {
		for i := range out {
			top := &out[i]
			if !slices.Equal(top.About, a.About) {
				continue
			}
			switch {
			case top.Rule == a.Rule && top.Text["en"] == a.Text["en"]:
				continue next
			case top.Answer == nil && (a.Severity < top.Severity || a.Kind == top.Kind):
				top.More = append(top.More, a)
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}
