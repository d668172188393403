package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

type auditOptions struct {
	before uint64
	limit  int
}

// releaseStatus is one release of a patient's section keys.
type releaseStatus struct {
	Number   uint64           `json:"number"`
	At       time.Time        `json:"at"`
	Facility uint32           `json:"facility"`
	Key      string           `json:"key"` // identifier of the workstation's author key
	Card     string           `json:"card"`
	Patient  record.PatientID `json:"patient"`
}

func newAuditCommand(g *globals) *cobra.Command {
	var opts auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "List who was given the section keys of patients, newest first",
		Long: `audit lists every release of a patient's section keys: when, to which facility
and workstation, for which card of which patient. Each card that is issued or
asked for again leaves one line. None is ever deleted, and none says anything
of anybody's health.`,
		Example: `  dhamani-central audit --dir ./centre
  dhamani-central audit --dir ./centre --before 4711 --limit 1000 --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.limit < 1 || opts.limit > 10_000 {
				return cli.WrongUsage(cmd, "--limit must be 1 to 10000")
			}
			return runAudit(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	cmd.Flags().Uint64Var(&opts.before, "before", 0, "begin behind the line of this number, for the next page")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "how many to list at most")
	return cmd
}

func runAudit(ctx context.Context, out io.Writer, g *globals, opts auditOptions) error {
	return withCentre(ctx, g, func(c *centre) error {
		list := []releaseStatus{}
		err := c.store.View(ctx, func(r store.Reader) error {
			releases, err := r.Releases(opts.before, opts.limit)
			for _, v := range releases {
				list = append(list, releaseStatus{
					v.Number, v.At, v.Facility, hex.EncodeToString(v.Author[:]), hex.EncodeToString(v.Card[:]), v.Patient,
				})
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("list releases: %w", err)
		}
		return answer(out, g.json, list, func(p *printer) {
			tw := p.table()
			for _, v := range list {
				tw.printf("%d\t%s\tfacility %d\tkey %s\tcard %s\tpatient %s\n",
					v.Number, v.At.UTC().Format(time.DateTime), v.Facility, v.Key, v.Card, v.Patient)
			}
			tw.flush()
			p.printf("%d releases of section keys\n", len(list))
		})
	})
}
