package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// coverFlags are the question of the commands about cover.
type coverFlags struct {
	service, place, on, lang string
	cost                     int64
	person                   uint8
	emergency                bool
}

func (f *coverFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.service, "service", "visit", "visit, operation, dental, laboratory, imaging, pharmacy, vaccination or other")
	flags.StringVar(&f.place, "place", "", "kind of the facility: public, primary, private-wing or private")
	flags.StringVar(&f.on, "on", "", "day of the service, as 2026-11-22 (default: now)")
	flags.StringVar(&f.lang, "lang", "en", "language of the reasons: ar, ckb or en")
	flags.Int64Var(&f.cost, "cost", -1, "cost in dinars (default: not known)")
	flags.Uint8Var(&f.person, "person", 0, "number of the person on the card")
	flags.BoolVar(&f.emergency, "emergency", false, "it is an emergency")
}

// question reads the flags; place is the facility's own kind, where it is known.
func (f *coverFlags) question(cmd *cobra.Command, place entitle.Place) (entitle.Question, error) {
	q := entitle.Question{Person: f.person, At: time.Now(), Place: place}
	if f.lang != "ar" && f.lang != "ckb" && f.lang != "en" {
		return q, cli.WrongUsage(cmd, "there is no language %q; ar, ckb and en are known", f.lang)
	}
	if err := q.Service.UnmarshalText([]byte(f.service)); err != nil {
		return q, cli.WrongUsage(cmd, "there is no service %q", f.service)
	}
	if f.place != "" {
		if err := q.Place.UnmarshalText([]byte(f.place)); err != nil {
			return q, cli.WrongUsage(cmd, "there is no kind of facility %q", f.place)
		}
	}
	if f.on != "" {
		day, err := time.Parse(time.DateOnly, f.on)
		if err != nil {
			return q, cli.WrongUsage(cmd, "%q is no day; write it as 2026-11-22", f.on)
		}
		q.At = day.Add(9 * time.Hour) // noon in Baghdad
	}
	if cmd.Flags().Changed("cost") {
		q.Cost = &f.cost
	}
	if f.emergency {
		q.Class = record.ClassEmergency
	}
	return q, nil
}

func newCardCoverCommand(g *globals) *cobra.Command {
	var opts cardOptions
	var flags coverFlags
	cmd := &cobra.Command{
		Use:   "cover",
		Short: "Say what the cover of the card in the reader pays for, and what is left",
		Long: `Read the card in the reader with the workstation's certificate and say whether
a service is covered, what the patient pays and what is left of the year, by the
signed cover and the entries on the card alone. The answer is provisional: what
the centre knows beyond that is shown by the page of the running agent.`,
		Example: "  dhamani card cover\n  dhamani card cover --service dental --cost 60000 --person 2 --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := actorOf(cmd.Context(), g, "", newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			q, err := flags.question(cmd, who.home.Config.FacilityKind)
			if err != nil {
				return err
			}
			q.Facility = who.home.Grant.Facility
			if err := useRules(cmd.Context(), g, who.home, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return runCardCover(cmd.Context(), cmd.OutOrStdout(), g, who, opts, q, flags.lang)
		},
	}
	opts.addFlags(cmd)
	flags.add(cmd)
	return cmd
}

func runCardCover(ctx context.Context, out io.Writer, g *globals, who cardActor, opts cardOptions, q entitle.Question, lang string) error {
	r, err := readCard(ctx, g, who, opts, q.Person)
	if err != nil {
		return err
	}
	k := entitle.Known{Rules: who.home.CoverRules(), Identity: r.Identity, Cover: r.Cover, Issued: r.issued}
	for _, e := range r.Entries {
		k.Entries = append(k.Entries, entitle.Seen{ID: e.ID, Facility: e.Facility, Entry: e.Entry})
		k.Locked = k.Locked || e.Entry == nil || slices.Contains(e.Entry.Missing, record.SectionCoverage)
	}
	return tellCover(out, g, &k, q, lang)
}

func newRecordEligibilityCommand(g *globals) *cobra.Command {
	var flags coverFlags
	var rules string
	cmd := &cobra.Command{
		Use:   "eligibility FILE",
		Short: "Say what the cover in a FHIR Bundle pays for, and what is left",
		Long: `Read a FHIR R4 Bundle of one patient (.json or .json.gz, - for standard input)
and say whether a service is covered, what the patient pays and what is left of the
year, by the rules of the programme and the claims in the Bundle. The rules are those
in use at this workstation, else the program's own; with --rules others are tried.`,
		Example: "  dhamani record eligibility patient.json --on 2026-06-15\n  dhamani record eligibility patient.json --service dental --place private --cost 60000 --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := flags.question(cmd, entitle.PlaceUnknown)
			if err != nil {
				return err
			}
			schedule, err := coverRulesOf(cmd.Context(), g, rules, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return runRecordEligibility(cmd.OutOrStdout(), cmd.InOrStdin(), g, schedule, args[0], q, flags.lang)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&rules, "rules", "", "rules of entitlement to use instead of those in use")
	return cmd
}

func runRecordEligibility(out io.Writer, in io.Reader, g *globals, rules *entitle.Schedule, file string, q entitle.Question, lang string) error {
	b, _, err := readBundle(file, in)
	if err != nil {
		return bundleAdvice(err)
	}
	k := entitle.Known{Rules: rules, Identity: b.Identity, Cover: b.Cover}
	for i, e := range b.Entries {
		s := entitle.Seen{ID: e.ID, Facility: e.Facility, Entry: e}
		if s.ID == (record.EntryID{}) { // a Bundle's encounters are not sealed
			binary.BigEndian.PutUint64(s.ID[:], uint64(i)+1) // #nosec G115 -- an index
		}
		k.Entries = append(k.Entries, s)
	}
	return tellCover(out, g, &k, q, lang)
}

// tellCover answers a question and writes the answer.
func tellCover(out io.Writer, g *globals, k *entitle.Known, q entitle.Question, lang string) error {
	a, err := entitle.Ask(k, q)
	if err != nil {
		return cli.Advise(err, cli.ExitUsage, "give a cost of zero or more dinars, and a day of this century")
	}
	if g.json {
		return cli.PrintJSON(out, a)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	sure := "provisional"
	if a.Final {
		sure = "final"
	}
	fmt.Fprintf(w, "%s\t%s, %s\n", a.Service, a.Outcome, sure)
	if a.Patient != nil {
		fmt.Fprintf(w, "patient pays\t%d of %d dinars\n", *a.Patient, *a.Cost)
	} else {
		fmt.Fprintf(w, "patient pays\t%d per cent\n", a.PerCent)
	}
	if b := a.Balance; b != nil {
		fmt.Fprintf(w, "left in %d\t%d of %d visits, %d of %d operations, %d of %d dinars for dental care\n", b.Year,
			b.Visits.Left, b.Visits.Allowed, b.Operations.Left, b.Operations.Allowed, b.Dental.Left, b.Dental.Allowed)
	}
	for _, r := range a.Reasons {
		fmt.Fprintf(w, "%s\t%s\n", r.Code, r.Text[lang])
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
