package main

import (
	"context"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

type patientOptions struct {
	after string
	limit int
}

// patientStatus names no person: identities stay sealed.
type patientStatus struct {
	Patient record.PatientID `json:"patient"`
	Created time.Time        `json:"created"`
	Updated time.Time        `json:"updated"`
	Cards   []cardStatus     `json:"cards"`
	Records int              `json:"records"`
}

type cardStatus struct {
	Card    string    `json:"card"`
	Issued  time.Time `json:"issued"`
	Blocked bool      `json:"blocked"`
}

func newPatientCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "patient",
		Short: "Look at the patients whom the centre has issued cards to",
	}, newPatientListCommand(g), newPatientArchiveCommand(g), newPatientUnarchiveCommand(g), newPatientForgetCommand(g))
}

func newPatientListCommand(g *globals) *cobra.Command {
	var opts patientOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List patients with their cards and the number of their records",
		Long: `list shows identifiers, dates, cards and numbers of records. Names and records
stay sealed.`,
		Example: `  dhamani-central patient list --dir ./centre
  dhamani-central patient list --dir ./centre --after 0J4Y8QZP3M1TC --limit 500 --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var after record.PatientID
			if opts.after != "" {
				var err error
				if after, err = record.ParsePatientID(opts.after); err != nil {
					return cli.WrongUsage(cmd, "--after: %w", err)
				}
			}
			if opts.limit < 1 || opts.limit > 10_000 {
				return cli.WrongUsage(cmd, "--limit must be 1 to 10000")
			}
			return runPatientList(cmd.Context(), cmd.OutOrStdout(), g, after, opts.limit)
		},
	}
	cmd.Flags().StringVar(&opts.after, "after", "", "begin behind this patient, for the next page")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "how many to list at most")
	return cmd
}

func runPatientList(ctx context.Context, out io.Writer, g *globals, after record.PatientID, limit int) error {
	return withCentre(ctx, g, func(c *centre) error {
		list, err := listPatients(ctx, c, after, limit)
		if err != nil {
			return err
		}
		return answer(out, g.json, list, func(p *printer) {
			tw := p.table()
			for _, one := range list {
				tw.printf("%s\tsince %s\t%d records\t%s\n", one.Patient, one.Created.UTC().Format(time.DateOnly), one.Records, cardNames(one.Cards))
			}
			tw.flush()
			p.printf("%d patients\n", len(list))
		})
	})
}

func cardNames(cards []cardStatus) string {
	if len(cards) == 0 {
		return "no card"
	}
	names := []string{"cards"}
	for _, c := range cards {
		if c.Blocked {
			c.Card += " (blocked)"
		}
		names = append(names, c.Card)
	}
	return strings.Join(names, " ")
}

func listPatients(ctx context.Context, c *centre, after record.PatientID, limit int) ([]patientStatus, error) {
	list := []patientStatus{}
	err := c.store.View(ctx, func(r store.Reader) error {
		patients, err := r.Patients(after, limit)
		if err != nil {
			return err
		}
		for _, p := range patients {
			st := patientStatus{Patient: p.ID, Created: p.Created, Updated: p.Updated, Cards: []cardStatus{}}
			cards, err := r.CardsOf(p.ID)
			if err != nil {
				return err
			}
			for _, card := range cards {
				st.Cards = append(st.Cards, cardStatus{hex.EncodeToString(card.ID[:]), card.Issued, !card.Blocked.IsZero()})
			}
			list = append(list, st)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		ids, err := c.store.IDs(ctx, list[i].Patient)
		if err != nil {
			return nil, err
		}
		list[i].Records = len(ids)
	}
	return list, nil
}

func newPatientForgetCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "forget-fingers PATIENT",
		Short: "Delete the templates of a patient's fingers",
		Long: `forget-fingers deletes what the centre keeps of a patient's fingers. Card and record
stay, and so do reviews that were raised; the fingers on the card are the card's. A
serving centre takes them out of its memory within seconds.`,
		Example: "  dhamani-central patient forget-fingers 3WQ6NP2DF1W8G --dir ./centre",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := record.ParsePatientID(args[0])
			if err != nil {
				return cli.WrongUsage(cmd, "%w", err)
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				if err := c.auth.ForgetFingers(cmd.Context(), id); err != nil {
					return err
				}
				return answer(cmd.OutOrStdout(), g.json, map[string]any{"forgotten": id}, func(p *printer) {
					p.printf("the fingers of patient %s are deleted\n", id)
				})
			})
		},
	}
}
