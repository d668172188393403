package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

func newRecordImportCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Tell what of a FHIR Bundle a record carries",
		Long: `Read a FHIR R4 Bundle of one patient (.json or .json.gz, - for standard input)
and tell what of it a record carries: for each kind of resource how many were
carried whole, in part and not at all, which elements were left out and why.
Also how long the encounters are, and which codes have no words in the
terminology table. Nothing is written.`,
		Example: "  dhamani record import patient.json\n  dhamani record import patient.json.gz --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRecordImport(cmd.Context(), cmd.OutOrStdout(), cmd.InOrStdin(), g, args[0])
		},
	}
}

// recordImport is the JSON answer of record import.
type recordImport struct {
	Report     *fhir.Report `json:"report"`
	Encounters int          `json:"encounters"`
	Parts      int          `json:"parts"`   // sealed entries that they become
	Bytes      int          `json:"bytes"`   // of content, all together
	Longest    int          `json:"longest"` // bytes of content of the longest encounter
	Identity   int          `json:"identity_bytes"`
	Cover      int          `json:"cover_bytes"`
	Summary    int          `json:"summary_bytes"`
}

func runRecordImport(_ context.Context, out io.Writer, in io.Reader, g *globals, file string) error {
	bundle, report, err := readBundle(file, in)
	if err != nil {
		return bundleAdvice(err)
	}
	answer := recordImport{Report: report, Encounters: len(bundle.Entries)}
	if err := answer.measure(bundle); err != nil {
		return fmt.Errorf("measure %s: %w", file, err)
	}
	if g.json {
		return cli.PrintJSON(out, answer)
	}
	return answer.print(out)
}

// bundleAdvice says what to do about a file that cannot be read.
func bundleAdvice(err error) error {
	switch {
	case errors.Is(err, fhir.ErrTooLarge):
		return cli.Advise(err, cli.ExitFailed, "give the Bundle of one patient only")
	case errors.Is(err, fhir.ErrBundle), errors.Is(err, fhir.ErrNoPatient):
		return cli.Advise(err, cli.ExitFailed, "give a FHIR R4 Bundle in JSON that holds one Patient")
	default:
		return err
	}
}

func (a *recordImport) measure(b *fhir.Bundle) error {
	for _, e := range b.Entries {
		n, err := e.Size()
		if err != nil {
			return err
		}
		a.Bytes += n
		a.Longest = max(a.Longest, n)
		a.Parts += len(record.Split(e, record.MaxContent))
	}
	for _, x := range []struct {
		size   *int
		encode func() ([]byte, error)
		there  bool
	}{
		{&a.Identity, b.Identity.Encode, b.Identity != nil},
		{&a.Cover, b.Cover.Encode, b.Cover != nil},
		{&a.Summary, b.Summary.Encode, b.Summary != nil},
	} {
		if !x.there {
			continue
		}
		raw, err := x.encode()
		if err != nil {
			return err
		}
		*x.size = len(raw)
	}
	return nil
}

func (a *recordImport) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "resource\tread\twhole\tin part\tnot carried")
	for _, kind := range a.Report.Types() {
		c := a.Report.Resources[kind]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", kind, c.Read, c.Carried, c.Partly, c.Refused)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	for _, kind := range a.Report.Types() {
		c := a.Report.Resources[kind]
		for _, element := range slices.Sorted(maps.Keys(c.Elements)) {
			fmt.Fprintf(out, "left out: %s.%s (%d)\n", kind, element, c.Elements[element])
		}
		for _, why := range slices.Sorted(maps.Keys(c.Reasons)) {
			fmt.Fprintf(out, "not carried: %s: %s (%d)\n", kind, why, c.Reasons[why])
		}
	}
	if n := len(a.Report.Unnamed); n > 0 {
		fmt.Fprintf(out, "codes without words: %d, such as %s\n", n, slices.Min(slices.Collect(maps.Keys(a.Report.Unnamed))))
	}
	mean := 0.0
	if a.Encounters > 0 {
		mean = float64(a.Bytes) / float64(a.Encounters)
	}
	_, err := fmt.Fprintf(out, "%d encounters, %d entries on the card, %.1f bytes of content each, the longest %d\n"+
		"identity %d bytes, cover %d, summary %d\n", a.Encounters, a.Parts, mean, a.Longest, a.Identity, a.Cover, a.Summary)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
