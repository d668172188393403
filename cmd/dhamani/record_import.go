package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

type importOptions struct {
	report bool
	strict bool
}

func newRecordImportCommand(g *globals) *cobra.Command {
	var opts importOptions
	cmd := &cobra.Command{
		Use:   "import FILE|DIR",
		Short: "Tell what of a FHIR Bundle a record carries",
		Long: `Read a FHIR R4 Bundle of one patient (.json or .json.gz, - for standard input),
or every Bundle in a folder, and tell what of it a record carries: for each kind
of resource how many were carried whole, in part and not at all, which elements
were left out and why. Also how long the encounters are, and which codes have no
words in the terminology table. Nothing is written.

--report says of every single resource what became of it. --strict fails when
something of the record would be lost: a resource that is not carried, or only in
part. Facilities, authors and outlines, which every export makes anew, are not
counted then.`,
		Example: `  dhamani record import patient.json
  dhamani record import patient.json.gz --report --strict
  dhamani record import patients/ --json`,
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRecordImport(cmd.Context(), cmd, g, opts, args[0])
		},
	}
	cmd.Flags().BoolVar(&opts.report, "report", false, "say of every resource what became of it")
	cmd.Flags().BoolVar(&opts.strict, "strict", false, "fail when anything of the record is left out")
	return cmd
}

// recordImport is the JSON answer of record import.
type recordImport struct {
	Report     *fhir.Report `json:"report"`
	Items      []importItem `json:"items,omitempty"` // every resource, when asked for
	Patients   int          `json:"patients"`
	NotCarried int          `json:"not_carried"`     // resources of which nothing is carried that an export does not make anew
	InPart     int          `json:"carried_in_part"` // resources
	Encounters int          `json:"encounters"`
	Parts      int          `json:"parts"`   // sealed entries that they become
	Bytes      int          `json:"bytes"`   // of content, all together
	Longest    int          `json:"longest"` // bytes of content of the longest encounter
	Identity   int          `json:"identity_bytes"`
	Cover      int          `json:"cover_bytes"`
	Summary    int          `json:"summary_bytes"`
}

func runRecordImport(ctx context.Context, cmd *cobra.Command, g *globals, opts importOptions, path string) error {
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if files, err = bundlesIn(path); err != nil {
			return err
		}
	}
	answer := recordImport{Report: fhir.NewReport()}
	bar := newProgressBar(cmd.ErrOrStderr(), len(files))
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(files) > 1 {
			bar.show(filepath.Base(file))
		}
		if err := answer.take(file, cmd.InOrStdin(), opts.report); err != nil {
			bar.clear()
			return err
		}
		bar.done++
	}
	bar.clear()
	if err := answer.tell(cmd.OutOrStdout(), g.json); err != nil {
		return err
	}
	if opts.strict && answer.NotCarried+answer.InPart > 0 {
		err := fmt.Errorf("of %d resources nothing is carried, of %d a part is left out", answer.NotCarried, answer.InPart)
		next := "the list above says which; keep the Bundle beside the record"
		if !opts.report {
			next = "--report says which; keep the Bundle beside the record"
		}
		return cli.Advise(err, cli.ExitFailed, next)
	}
	return nil
}

// take adds what became of one file's Bundle.
func (a *recordImport) take(file string, in io.Reader, each bool) error {
	bundle, report, err := readBundle(file, in)
	if err != nil {
		return bundleAdvice(err)
	}
	refused, partly := report.Lost()
	a.NotCarried, a.InPart, a.Patients = a.NotCarried+refused, a.InPart+partly, a.Patients+1
	a.Encounters += len(bundle.Entries)
	a.Report.Add(report)
	if each {
		for i := range report.Items {
			a.Items = append(a.Items, importItem{filepath.Base(file), report.Items[i]})
		}
	}
	if err := a.measure(bundle); err != nil {
		return fmt.Errorf("measure %s: %w", file, err)
	}
	return nil
}

func (a *recordImport) tell(out io.Writer, asJSON bool) error {
	if asJSON {
		return cli.PrintJSON(out, a)
	}
	return a.print(out)
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

// importItem is what became of one resource.
type importItem struct {
	File string `json:"file"`
	fhir.Item
}

// line tells an item in words.
func (x *importItem) line() string {
	name := x.Kind
	if x.ID != "" {
		name += "/" + x.ID
	}
	words := map[string]string{
		fhir.FateCarried: "carried whole", fhir.FatePartly: "carried, without " + strings.Join(x.Left, ", "),
		fhir.FateRefused: "NOT carried: " + x.Why, fhir.FateElsewhere: "not carried: " + x.Why,
	}[x.Fate]
	if len(x.Units) > 0 {
		words += "; units: " + strings.Join(x.Units, ", ")
	}
	if x.Kept > 0 {
		words += fmt.Sprintf("; %d items of a later version kept as they are", x.Kept)
	}
	return fmt.Sprintf("%s: %d. %s: %s", x.File, x.Entry, name, words)
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
		*x.size += len(raw)
	}
	return nil
}

func (a *recordImport) print(out io.Writer) error {
	for i := range a.Items {
		fmt.Fprintln(out, a.Items[i].line())
	}
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
	for _, told := range slices.Sorted(maps.Keys(a.Report.Units)) {
		fmt.Fprintf(out, "unit: %s (%d)\n", told, a.Report.Units[told])
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
