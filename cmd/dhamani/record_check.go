package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

func newRecordCheckCommand(g *globals) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Tell what alerts a record gives, visit by visit",
		Long: `Read a FHIR R4 Bundle of one patient (.json or .json.gz, - for standard input)
and check every visit against what was known before it: allergies, medicines
given twice, interactions, pregnancy, age and illness, implausible doses and
laboratory values. At the end the record as it stands, as at the next tap of
the card. The rules are those in use at this workstation, else the program's own;
with --rules another table is tried. docs/formats/alerts.md describes it.`,
		Example: "  dhamani record check patient.json\n  dhamani record check patient.json --notes --lang ar\n  dhamani record check patient.json --rules new.tsv --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.lang != "ar" && o.lang != "ckb" && o.lang != "en" {
				return cli.WrongUsage(cmd, "there is no language %q; ar, ckb and en are known", o.lang)
			}
			return runRecordCheck(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), cmd.InOrStdin(), g, args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.lang, "lang", "en", "language of the alerts: ar, ckb or en")
	cmd.Flags().StringVar(&o.rules, "rules", "", "table of rules to use instead of the one in use")
	cmd.Flags().BoolVar(&o.notes, "notes", false, "tell mere notes too")
	return cmd
}

type checkOptions struct {
	lang, rules string
	notes       bool
}

// recordCheck is the JSON answer of record check: the visits that gave alerts,
// oldest first, and the record as it stands after the last.
type recordCheck struct {
	Edition    uint32         `json:"edition"` // of the table of alerts
	Encounters int            `json:"encounters"`
	Counts     map[string]int `json:"counts"` // alerts of the visits by severity
	Visits     []checkedVisit `json:"visits"`
	Now        []alerts.Alert `json:"now"`
}

type checkedVisit struct {
	Start  time.Time      `json:"start"`
	Alerts []alerts.Alert `json:"alerts"`
}

func runRecordCheck(ctx context.Context, out, errOut io.Writer, in io.Reader, g *globals, file string, o checkOptions) error {
	table, err := alertRulesOf(ctx, g, o.rules, errOut)
	if err != nil {
		return err
	}
	bundle, _, err := readBundle(file, in)
	if err != nil {
		return bundleAdvice(err)
	}
	answer, err := checkBundle(ctx, table, bundle)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, answer)
	}
	return answer.print(out, o)
}

// checkBundle checks every encounter of a record as if it were being written.
func checkBundle(ctx context.Context, table *alerts.Table, b *fhir.Bundle) (*recordCheck, error) {
	who := alerts.Person{Born: b.Identity.Born, Sex: b.Identity.Sex}
	answer := &recordCheck{
		Edition: table.Edition, Encounters: len(b.Entries), Counts: make(map[string]int), Visits: []checkedVisit{}, Now: []alerts.Alert{},
	}
	var summary *record.Summary
	at := time.Time{}
	then := make([]*record.Entry, len(b.Entries))
	for i, e := range b.Entries {
		then[i] = asWritten(e)
	}
	for i, e := range then {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at = e.Start
		found := table.Check(table.Patient(who, nil, then[:i], at), e).Alerts
		for _, a := range found {
			answer.Counts[a.Severity.String()]++
		}
		if len(found) > 0 {
			answer.Visits = append(answer.Visits, checkedVisit{at, found})
		}
	}
	if len(b.Entries) == 0 {
		summary, at = b.Summary, time.Now()
	}
	answer.Now = table.Check(table.Patient(who, summary, b.Entries, at), nil).Alerts
	return answer, nil
}

// asWritten returns an encounter as it was on its day: an export says of a
// medicine that its course is over by now, which nobody knew then.
func asWritten(e *record.Entry) *record.Entry {
	then := *e
	then.Prescriptions = slices.Clone(e.Prescriptions)
	for i := range then.Prescriptions {
		if x := &then.Prescriptions[i]; x.Status == record.MedicationCompleted || x.Status == record.MedicationStopped {
			x.Status = record.MedicationActive
		}
	}
	return &then
}

func (a *recordCheck) print(out io.Writer, o checkOptions) error {
	for _, v := range a.Visits {
		if err := printAlerts(out, v.Start.Format("2006-01-02 15:04"), v.Alerts, o); err != nil {
			return err
		}
	}
	if err := printAlerts(out, "as it stands", a.Now, o); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d visits, %d of them with alerts: %d to stop at, %d to see, %d notes\n",
		a.Encounters, len(a.Visits), a.Counts["stop"], a.Counts["warn"], a.Counts["note"])
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// printAlerts writes alerts below a title, and nothing when none is to be told.
func printAlerts(out io.Writer, title string, list []alerts.Alert, o checkOptions) error {
	for _, a := range list {
		if a.Severity == alerts.Note && !o.notes {
			continue
		}
		if title != "" {
			if _, err := fmt.Fprintln(out, title); err != nil {
				return fmt.Errorf("write answer: %w", err)
			}
			title = ""
		}
		answered := ""
		if a.Answer != nil {
			answered = " (answered: " + a.Answer.Reason.String() + ")"
		}
		if _, err := fmt.Fprintf(out, "  %s %s: %s%s\n", a.Severity, a.Rule, a.Text[o.lang], answered); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		if err := printAlerts(out, "", a.More, o); err != nil {
			return err
		}
	}
	return nil
}
