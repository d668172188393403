package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// anchorStatus is one generation of the trust anchor in an answer.
type anchorStatus struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	To     string `json:"to"`
	Newest bool   `json:"newest"`
}

func newAnchorCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "anchor",
		Short: "Look after the trust anchor that cards check workstations against",
		Long: `anchor lists the generations of the trust anchor, and makes the next one before
the newest ends.`,
	}, newAnchorListCommand(g), newAnchorRollCommand(g))
}

func newAnchorListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the trust anchors and their days",
		Example: `  dhamani-central anchor list --dir ./centre`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withCentre(cmd.Context(), g, func(c *centre) error {
				return printAnchors(cmd.OutOrStdout(), g, c)
			})
		},
	}
}

func newAnchorRollCommand(g *globals) *cobra.Command {
	var strand bool
	cmd := &cobra.Command{
		Use:   "roll",
		Short: "Make the next trust anchor and the link that leads cards to it",
		Long: `roll makes a new trust anchor and a link certificate for it. Workstations that are
enrolled from now on belong to the new anchor and show the link to cards that do
not know it; a card keeps the new anchor and the one before, so workstations
enrolled earlier go on working until their certificates end. New cards get both.

A card keeps two anchors only. While workstations of the anchor before the newest
are left, roll refuses; --strand rolls all the same.`,
		Example: `  dhamani-central anchor roll --dir ./centre`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runAnchorRoll(cmd.Context(), cmd.OutOrStdout(), g, strand)
		},
	}
	cmd.Flags().BoolVar(&strand, "strand", false, "roll although cards will refuse workstations that were not enrolled anew since the last time")
	return cmd
}

func runAnchorRoll(ctx context.Context, out io.Writer, g *globals, strand bool) error {
	return withCentre(ctx, g, func(c *centre) error {
		if _, err := c.auth.RollAnchor(ctx, strand); err != nil {
			return err
		}
		return printAnchors(out, g, c)
	})
}

func printAnchors(out io.Writer, g *globals, c *centre) error {
	all := c.auth.Anchors()
	lines := make([]anchorStatus, len(all))
	for i, a := range all {
		lines[i] = anchorStatus{Name: a.CHR, From: a.From.String(), To: a.To.String(), Newest: i == len(all)-1}
	}
	today := cvc.DateOf(time.Now())
	return answer(out, g.json, lines, func(p *printer) {
		tw := p.table()
		for i, a := range all {
			state := "in use beside the newest"
			switch {
			case i == len(all)-1:
				state = "newest"
			case a.To.Before(today):
				state = "ended"
			case i < len(all)-2:
				state = "replaced"
			}
			tw.printf("%s\t%s to %s\t%s\n", a.CHR, a.From, a.To, state)
		}
		tw.flush()
	})
}
