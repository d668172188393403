package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func newRecordShowCommand(g *globals) *cobra.Command {
	lang := "en"
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Show a FHIR Bundle as the record that a card would carry",
		Long: `Read a FHIR R4 Bundle of one patient (.json or .json.gz, - for standard input)
and show it as people at a clinic see it: who, cover, alerts, and the encounters,
newest first. With --json it is the form of the local API.`,
		Example: "  dhamani record show patient.json\n  dhamani record show patient.json --lang ckb",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if lang != "ar" && lang != "ckb" && lang != "en" {
				return cli.WrongUsage(cmd, "there is no language %q; ar, ckb and en are known", lang)
			}
			return runRecordShow(cmd.Context(), cmd.OutOrStdout(), cmd.InOrStdin(), g, args[0], lang)
		},
	}
	cmd.Flags().StringVar(&lang, "lang", lang, "language of names and codes: ar, ckb or en")
	return cmd
}

func runRecordShow(_ context.Context, out io.Writer, in io.Reader, g *globals, file, lang string) error {
	bundle, _, err := readBundle(file, in)
	if err != nil {
		return bundleAdvice(err)
	}
	if g.json {
		return cli.PrintJSON(out, bundle)
	}
	return printBundle(out, bundle, lang)
}

func printBundle(out io.Writer, b *fhir.Bundle, lang string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\n", b.Identity.DisplayName(lang))
	fmt.Fprintf(w, "born\t%s, %s\n", b.Identity.Born, b.Identity.Sex)
	if b.Cover != nil {
		fmt.Fprintf(w, "cover\t%s %s, until %s\n", b.Cover.Payer, b.Cover.Plan, b.Cover.Until)
	}
	if b.Summary != nil && b.Summary.BloodGroup != 0 {
		fmt.Fprintf(w, "blood\t%s\n", b.Summary.BloodGroup)
	}
	for _, a := range b.Summary.Alerts() {
		fmt.Fprintf(w, "%s\t%s\n", a.Kind, terms.Display(a.Code, lang))
	}
	if b.Summary != nil {
		for _, m := range b.Summary.Medicines {
			fmt.Fprintf(w, "takes\t%s\n", medicineLine(m.Code, m.Dose, m.Frequency, lang))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	for _, e := range slices.Backward(b.Entries) {
		if err := printEntry(out, e, lang); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

func printEntry(out io.Writer, e *record.Entry, lang string) error {
	title := e.Class.String()
	if e.Type != nil {
		title = terms.Display(*e.Type, lang)
	}
	var lines []string
	add := func(kind, text string, secret bool) {
		if secret {
			text += " [sensitive]"
		}
		lines = append(lines, "  "+kind+": "+text)
	}
	for _, x := range e.Allergies {
		add("allergy", terms.Display(x.Code, lang), false)
	}
	for _, x := range e.Diagnoses {
		add("diagnosis", terms.Display(x.Code, lang), x.Sensitive)
	}
	for _, x := range e.Prescriptions {
		add("medicine", medicineLine(x.Medicine, x.Dose, x.Frequency, lang), x.Sensitive)
	}
	for _, x := range e.Observations {
		add("result", observationLine(&x, lang), x.Sensitive)
	}
	for _, p := range e.Panels {
		add("panel", terms.Display(p.Code, lang), p.Sensitive)
		for _, x := range p.Observations {
			add("  result", observationLine(&x, lang), x.Sensitive)
		}
	}
	for _, x := range e.Procedures {
		add("procedure", terms.Display(x.Code, lang), x.Sensitive)
	}
	for _, x := range e.Immunisations {
		add("vaccine", terms.Display(x.Vaccine, lang), false)
	}
	for _, x := range e.CarePlans {
		add("plan", terms.Display(x.Code, lang), x.Sensitive)
	}
	for _, x := range e.Referrals {
		add("referral", terms.Display(x.To, lang)+" ("+x.Urgency.String()+")", x.Sensitive)
	}
	for _, x := range e.Overrides {
		about := make([]string, 0, len(x.About))
		for _, c := range x.About {
			about = append(about, terms.Display(c, lang))
		}
		add("alert set aside", x.Kind.String()+": "+strings.Join(about, ", ")+" ("+x.Reason.String()+")", x.Sensitive)
	}
	for _, x := range e.Imaging {
		add("images", strings.TrimSpace(x.Modality+" "+x.Title), false)
	}
	for _, x := range e.Notes {
		kind := "note"
		if x.Kind == record.NoteCorrection {
			kind = "why corrected"
		}
		add(kind, strings.ReplaceAll(x.Text, "\n", " "), x.Sensitive)
	}
	_, err := fmt.Fprintf(out, "%s  %s\n%s", e.Start.Format("2006-01-02 15:04"), title, joinLines(lines))
	return err
}

func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func medicineLine(c record.Code, dose *record.Quantity, f record.Frequency, lang string) string {
	s := terms.Display(c, lang)
	if dose != nil {
		s += " " + quantityText(dose)
	}
	if f.Times > 0 {
		s += fmt.Sprintf(", %d × / %d %s", f.Times, f.Period, f.Unit)
	}
	return s
}

func quantityText(q *record.Quantity) string {
	return strings.TrimSpace(q.Value.String() + " " + q.Unit)
}

func observationLine(o *record.Observation, lang string) string {
	parts := []string{terms.Display(o.Code, lang), valueText(o.Value, lang)}
	for _, c := range o.Components {
		parts = append(parts, terms.Display(c.Code, lang)+" "+valueText(c.Value, lang))
	}
	if o.Interpretation != 0 {
		parts = append(parts, "("+o.Interpretation.String()+")")
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

func valueText(v record.Value, lang string) string {
	switch {
	case v.Quantity != nil:
		return quantityText(v.Quantity)
	case v.Code != nil:
		return terms.Display(*v.Code, lang)
	case v.Bool != nil:
		return fmt.Sprint(*v.Bool)
	default:
		return v.Text
	}
}
