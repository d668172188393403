package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func newRecordHistoryCommand(g *globals) *cobra.Command {
	var asOf, lang string
	cmd := &cobra.Command{
		Use:   "history VISIT|PATIENT",
		Short: "Tell what this workstation knew of a patient at a time",
		Long: `history replays the record of a visit that is open at the running agent: which
entries this workstation had at a time, who wrote them, which of them were amended
by then, and what the summary said that follows from them. What counts is when an
entry came here (read from the card, sent by the centre, or written), not when the
encounter was: what stood on a card that nobody had tapped here, nobody here knew.

Which alerts the record would have raised, and what the cover paid, is not told:
that rests on rules, and on a word of the centre, of which only the last are kept.
The answers to alerts that were given stand in the entries.

The times are this workstation's clock. Only what the signed-in role may open is
shown. Name the visit, or the patient who has one.`,
		Example: "  dhamani record history 3WQ6NP2DF1W8G --as-of 2026-03-01\n" +
			"  dhamani record history 7RWKPZ2M --as-of 2026-03-01T10:30:00+03:00 --json",
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := time.Now()
			if asOf != "" {
				var err error
				if at, err = pointInTime(asOf); err != nil {
					return cli.WrongUsage(cmd, "--as-of must be a day such as 2026-03-01, its end is meant, or a time such as 2026-03-01T10:30:00+03:00")
				}
			}
			if !slices.Contains([]string{"ar", "ckb", "en"}, lang) {
				return cli.WrongUsage(cmd, "there is no language %q; ar, ckb and en are known", lang)
			}
			return askAgent(g, func(api *localapi.Client) error {
				v, err := visitOf(cmd.Context(), api, args[0])
				if err != nil {
					return err
				}
				then := v.AsOf(at)
				answer := recordHistory{
					At: at.UTC(), Patient: v.Patient, Person: v.Person, Since: len(v.Entries) - len(then.Entries),
					Summary: then.Summary, Entries: then.Entries, NotTold: notTold,
				}
				if g.json {
					return cli.PrintJSON(cmd.OutOrStdout(), answer)
				}
				return answer.print(cmd.OutOrStdout(), lang)
			})
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "day or time to look back to (default: now)")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the words: ar, ckb or en")
	return cmd
}

// recordHistory is the JSON answer of record history.
type recordHistory struct {
	At      time.Time          `json:"as_of"`
	Patient record.PatientID   `json:"patient"`
	Person  uint8              `json:"person"`
	Summary *record.Summary    `json:"summary"`
	Entries []agent.VisitEntry `json:"entries"`     // that were known, newest first
	Since   int                `json:"known_since"` // entries that came later
	NotTold []string           `json:"not_told"`    // fields of a visit that nobody can tell of then
}

// notTold are the fields of a visit that Visit.AsOf leaves out.
var notTold = []string{"checks", "eligibility"}

// pointInTime reads a time, or a day, of which the end is meant.
func pointInTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s, time.Local)
	return day.AddDate(0, 0, 1).Add(-time.Second), err
}

// visitOf finds an open visit by its identifier or its patient's number.
func visitOf(ctx context.Context, api *localapi.Client, name string) (agent.Visit, error) {
	visits, err := api.Visits(ctx)
	if err != nil {
		return agent.Visit{}, err
	}
	patient, err := record.ParsePatientID(name)
	for _, v := range visits {
		if v.Ready && (v.ID == name || err == nil && v.Patient == patient) {
			return v, nil
		}
	}
	return agent.Visit{}, cli.Advise(fmt.Errorf("visit of %.40q: %w", name, agent.ErrNoVisit), cli.ExitFailed,
		"tap the patient's card, or open a visit with 'dhamani visit without-card'")
}

func (h *recordHistory) print(out io.Writer, lang string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "patient\t%s, person %d\nknown on\t%s\n", h.Patient, h.Person, h.At.Local().Format("2006-01-02 15:04:05"))
	for _, a := range h.Summary.Alerts() {
		fmt.Fprintf(w, "%s\t%s\n", a.Kind, terms.Display(a.Code, lang))
	}
	for _, m := range h.Summary.Medicines {
		fmt.Fprintf(w, "takes\t%s\n", medicineLine(m.Code, m.Dose, m.Frequency, lang))
	}
	fmt.Fprintf(w, "entries\t%d, and %d more came later\n", len(h.Entries), h.Since)
	fmt.Fprintln(w, "not told\twhich alerts the record raised then, and what the cover paid")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	for _, e := range h.Entries {
		fmt.Fprintf(out, "%s  known since %s, by %s", e.ID.Short(), e.Kept.Local().Format("2006-01-02 15:04:05"), e.Author)
		for _, id := range e.AmendedBy {
			fmt.Fprintf(out, ", amended by %s", id.Short())
		}
		fmt.Fprintln(out)
		if err := printEntry(out, e.Entry, lang); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}
