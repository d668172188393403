package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dhamani-iq/dhamani/record"
)

// print shows the record as a table for a technician; --json has all of it.
func (r *cardRecord) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "card\t%s\npatient\t%s\nread as\t%s\n", r.Card, r.Patient, r.Role)
	names, born := &r.Identity.Names, r.Identity.Born
	if m := r.Identity.Member(r.Person); m != nil {
		names, born = &m.Names, m.Born
		fmt.Fprintf(w, "person\t%d, %s of %s\n", m.Person, m.Relation, r.Identity.DisplayName("en"))
	}
	for _, name := range []*record.Name{names.Latin, names.Arabic, names.Sorani} {
		if name != nil {
			fmt.Fprintf(w, "name\t%s\n", name)
		}
	}
	if !born.IsZero() {
		fmt.Fprintf(w, "born\t%s\n", born)
	}
	for i := range r.Identity.Family {
		if m := &r.Identity.Family[i]; m.Person > 0 && m.Person != r.Person {
			fmt.Fprintf(w, "also on it\t%d %s, %s\n", m.Person, m.Names.In("en"), m.Relation)
		}
	}
	if r.Cover != nil {
		fmt.Fprintf(w, "cover\t%s %s\n", r.Cover.Payer, r.Cover.Plan)
	}
	if r.Summary != nil {
		for _, alert := range r.Summary.Alerts() {
			fmt.Fprintf(w, "alert\t%s\n", alert.Text)
		}
	}
	fmt.Fprintf(w, "entries\t%d, in %d commands and %d bytes\n", len(r.Entries), r.APDUs, r.Bytes)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range r.Entries {
		fmt.Fprintf(w, "  %d\t%s\t%s\n", e.Seq, e.ID.Short(), e.line())
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// line is an entry in one line: when, by whom, which codes.
func (e readEntry) line() string {
	if e.Problem != "" {
		return "NOT GOOD: " + e.Problem
	}
	parts := []string{e.Entry.Start.Format("2006-01-02 15:04"), e.Author}
	for _, d := range e.Entry.Diagnoses {
		parts = append(parts, d.Code.Value)
	}
	for _, p := range e.Entry.Prescriptions {
		parts = append(parts, p.Medicine.Value)
	}
	if e.Entry.EnteredInError {
		parts = append(parts, "entered in error")
	}
	if e.Entry.Amends != nil {
		parts = append(parts, "amends "+e.Entry.Amends.Short())
	}
	for _, id := range e.AmendedBy {
		parts = append(parts, "amended by "+id.Short())
	}
	if n := len(e.Entry.Observations); n > 0 {
		parts = append(parts, fmt.Sprintf("%d observations", n))
	}
	if len(e.Entry.Missing) > 0 {
		locked := make([]string, len(e.Entry.Missing))
		for i, s := range e.Entry.Missing {
			locked[i] = s.String()
		}
		parts = append(parts, "locked: "+strings.Join(locked, ", "))
	}
	return strings.Join(parts, "  ")
}
