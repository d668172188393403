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

	// Of a visit without a card only.
	Operator string `json:"operator,omitempty"` // identifier of the operator's author key
	Role     string `json:"role,omitempty"`
	Proof    string `json:"proof,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

func newAuditCommand(g *globals) *cobra.Command {
	var opts auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "List who was given the section keys of patients, newest first",
		Long: `audit lists every release of a patient's section keys: when, to which facility
and workstation, for which card of which patient. Each card that is issued or
asked for again leaves one line, and so does each visit without a card, with who
asked for it, how the patient was known and why the card was not there. None is ever deleted, and none says anything
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
				line := releaseStatus{
					Number: v.Number, At: v.At, Facility: v.Facility, Key: hex.EncodeToString(v.Author[:]),
					Card: hex.EncodeToString(v.Card[:]), Patient: v.Patient, Role: v.Role, Proof: v.Proof, Reason: v.Reason,
				}
				if v.Reason != "" {
					line.Operator = hex.EncodeToString(v.Operator[:])
				}
				list = append(list, line)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("list releases: %w", err)
		}
		return answer(out, g.json, list, func(p *printer) {
			tw := p.table()
			for _, v := range list {
				if v.Operator != "" {
					tw.printf("%d\t%s\tfacility %d\tkey %s\tno card: %s, %s\tpatient %s\tto operator %s as %s\n",
						v.Number, v.At.UTC().Format(time.DateTime), v.Facility, v.Key, v.Reason, v.Proof, v.Patient, v.Operator, v.Role)
					continue
				}
				tw.printf("%d\t%s\tfacility %d\tkey %s\tcard %s\tpatient %s\n",
					v.Number, v.At.UTC().Format(time.DateTime), v.Facility, v.Key, v.Card, v.Patient)
			}
			tw.flush()
			p.printf("%d releases of section keys\n", len(list))
		})
	})
}
