package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

// exportForms by the name of the flag.
var exportForms = map[string]fhir.Form{"collection": fhir.Collection, "transaction": fhir.Transaction, "ips": fhir.Summary}

type exportOptions struct {
	format, output, lang string
	sensitive            bool

	visit    string
	card     bool
	operator string
	reader   cardOptions
	person   uint8
}

func newRecordExportCommand(g *globals) *cobra.Command {
	var opts exportOptions
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write a record as a FHIR Bundle",
		Long: `Write a patient's record as a FHIR R4 Bundle, from one of three places:

  FILE         another FHIR Bundle (.json or .json.gz, - for standard input)
  --visit ID   a visit that is open at the running agent: the card's entries, and
               those that the workstation and the centre have besides
  --card       the card in the reader, read with the workstation's certificate or
               that of an operator

A transaction is for another system's server: each resource is created there only
where it is not yet, so sending it twice changes nothing. ips is a document of the
International Patient Summary: what counts now, with words in --lang. A collection is
the whole record for safekeeping.

Only what the role may open is written; a summary says which parts were locked. What
is sensitive is left out of a summary unless --sensitive is given. What is written is
not protected any more.`,
		Example: "  dhamani record export patient.json --format ips --lang ar -o summary.json\n" +
			"  dhamani record export --visit 7RWKPZ2M --format transaction -o visit.json --json",
		Args: cli.Args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, ok := exportForms[opts.format]; !ok {
				return cli.WrongUsage(cmd, "--format must be transaction, ips or collection")
			}
			if !slices.Contains([]string{"ar", "ckb", "en"}, opts.lang) {
				return cli.WrongUsage(cmd, "there is no language %q; ar, ckb and en are known", opts.lang)
			}
			places := len(args)
			for _, given := range []bool{opts.visit != "", opts.card} {
				if given {
					places++
				}
			}
			if places != 1 {
				return cli.WrongUsage(cmd, "name a file, or a visit, or --card: one of them")
			}
			if g.json && opts.output == "" {
				return cli.WrongUsage(cmd, "--json tells about the file of --output: name it")
			}
			return runRecordExport(cmd, g, &opts, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.format, "format", "transaction", "transaction, ips or collection")
	f.StringVarP(&opts.output, "output", "o", "", "file to write (default: standard output)")
	f.StringVar(&opts.lang, "lang", "en", "language of a summary's words: ar, ckb or en")
	f.BoolVar(&opts.sensitive, "sensitive", false, "have a summary carry what is sensitive too")
	f.StringVar(&opts.visit, "visit", "", "identifier of a visit at the running agent")
	f.BoolVar(&opts.card, "card", false, "read the card in the reader")
	f.StringVar(&opts.operator, "operator", "", "with --card: read with this operator's role (default: the workstation's)")
	f.Uint8Var(&opts.person, "person", 0, "with --card: number of the person on the card")
	opts.reader.addFlags(cmd)
	return cmd
}

// recordExport is the JSON answer of record export.
type recordExport struct {
	File      string         `json:"file"`
	Format    string         `json:"format"`
	Bytes     int            `json:"bytes"`
	Entries   int            `json:"entries"`          // of the record
	Resources map[string]int `json:"resources"`        // written, by type
	Locked    []string       `json:"locked,omitempty"` // parts that could not be opened
}

func runRecordExport(cmd *cobra.Command, g *globals, opts *exportOptions, args []string) error {
	bundle, o, err := opts.read(cmd, g, args)
	if err != nil {
		return err
	}
	o.Form, o.Language, o.Sensitive = exportForms[opts.format], opts.lang, opts.sensitive
	var body bytes.Buffer
	if err := fhir.Write(bundle, o, &body); err != nil {
		return err
	}
	if opts.output == "" {
		_, err := cmd.OutOrStdout().Write(body.Bytes())
		return err
	}
	if err := durable.WriteFile(opts.output, body.Bytes(), 0o600); err != nil {
		return err
	}
	answer := recordExport{
		File: opts.output, Format: opts.format, Bytes: body.Len(), Entries: len(bundle.Entries), Locked: lockedParts(bundle, o),
	}
	if answer.Resources, err = resourceCounts(body.Bytes()); err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(cmd.OutOrStdout(), answer)
	}
	return answer.print(cmd.OutOrStdout())
}

// read gets the record from where it is.
func (opts *exportOptions) read(cmd *cobra.Command, g *globals, args []string) (*fhir.Bundle, fhir.Options, error) {
	ctx := cmd.Context()
	switch {
	case opts.visit != "":
		return exportVisit(ctx, g, opts.visit)
	case opts.card:
		return opts.readCard(ctx, g, newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()))
	default:
		bundle, _, err := readBundle(args[0], cmd.InOrStdin())
		if err != nil {
			return nil, fhir.Options{}, bundleAdvice(err)
		}
		return bundle, fhir.Options{}, nil
	}
}

func exportVisit(ctx context.Context, g *globals, id string) (bundle *fhir.Bundle, o fhir.Options, err error) {
	err = askAgent(g, func(api *localapi.Client) error {
		visit, err := api.Visit(ctx, id)
		if err != nil {
			return err
		}
		health, err := api.Health(ctx)
		if err != nil {
			return err
		}
		bundle, o, err = visit.Bundle(time.Now())
		o.Facility = health.Facility
		return err
	})
	return bundle, o, err
}

func (opts *exportOptions) readCard(ctx context.Context, g *globals, ask *secrets) (*fhir.Bundle, fhir.Options, error) {
	who, err := actorOf(ctx, g, opts.operator, ask)
	if err != nil {
		return nil, fhir.Options{}, err
	}
	r, err := readCard(ctx, g, who, opts.reader, opts.person)
	if err != nil {
		return nil, fhir.Options{}, err
	}
	visit := agent.Visit{
		Ready: true, Identity: r.Identity, Cover: r.Cover, Person: r.Person, Patient: r.Patient, Summary: r.Summary, Locked: r.Locked,
	}
	var damaged int
	for _, e := range r.Entries {
		if e.Entry == nil {
			damaged++
			continue
		}
		visit.Entries = append(visit.Entries, agent.VisitEntry{ID: e.ID, Author: e.Author, Signer: e.Signer, Facility: e.Facility, Entry: e.Entry})
	}
	if damaged > 0 {
		return nil, fhir.Options{}, cli.Advise(errors.New("entries of the card failed their checks"), cli.ExitFailed,
			"run 'dhamani card read' to see which, and export the visit from the agent")
	}
	return visit.Bundle(time.Now())
}

func lockedParts(b *fhir.Bundle, o fhir.Options) []string {
	var locked [record.NumSections]bool
	for _, s := range o.Locked {
		locked[s] = true
	}
	for _, e := range b.Entries {
		for _, s := range e.Missing {
			locked[s] = true
		}
	}
	var out []string
	for s, is := range locked {
		if is {
			out = append(out, record.Section(s).String()) // #nosec G115 -- one of six
		}
	}
	return out
}

func resourceCounts(raw []byte) (map[string]int, error) {
	var b struct {
		Entry []struct {
			Resource struct {
				ResourceType string `json:"resourceType"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("count what was written: %w", err)
	}
	out := make(map[string]int)
	for _, e := range b.Entry {
		out[e.Resource.ResourceType]++
	}
	return out, nil
}

func (a *recordExport) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, kind := range slices.Sorted(maps.Keys(a.Resources)) {
		fmt.Fprintf(w, "%s\t%d\n", kind, a.Resources[kind])
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	for _, part := range a.Locked {
		fmt.Fprintf(out, "locked: %s\n", part)
	}
	_, err := fmt.Fprintf(out, "%d entries, %d bytes in %s\n", a.Entries, a.Bytes, a.File)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
