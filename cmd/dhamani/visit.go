package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func newVisitCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "visit", Short: "Open visits at the running agent"}, newVisitCardlessCommand(g))
}

type cardlessOptions struct {
	reason string
	photo  bool
	person uint8
}

func newVisitCardlessCommand(g *globals) *cobra.Command {
	var opts cardlessOptions
	cmd := &cobra.Command{
		Use:   "without-card PATIENT",
		Short: "Open a visit of a patient whose card is not there",
		Long: `without-card opens a visit of a patient whose card is not there. The operator who is
signed in at the agent compares the patient with the photo and says so with
--photo-checked; the centre then gives the keys that the operator's role may have,
for half an hour, and writes down who asked, for whom and why.

PATIENT is the patient's number; 'dhamani card swipe' finds it by the magnetic card
or the member's number, 'dhamani claim show' by the QR code. What is written goes to
the centre at once, and onto the card when it is next tapped here.`,
		Example: `  dhamani visit without-card 3WQ6NP2DF1W8G --reason forgotten --photo-checked
  dhamani visit without-card 3WQ6NP2DF1W8G --person 2 --reason lost --photo-checked --json`,
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			patient, err := record.ParsePatientID(args[0])
			switch {
			case err != nil:
				return cli.WrongUsage(cmd, "%w", err)
			case !wire.CheckReason(opts.reason):
				return cli.WrongUsage(cmd, "--reason must be forgotten, lost, broken or emergency")
			case !opts.photo:
				return cli.WrongUsage(cmd, "compare the patient with the photo, and say so with --photo-checked")
			}
			ask := agent.Cardless{Patient: patient, Person: opts.person, Proof: wire.ProofPhoto, Reason: opts.reason}
			return askAgent(g, func(api *localapi.Client) error {
				return runVisitCardless(cmd.Context(), g, api, ask, cmd.OutOrStdout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.reason, "reason", "", "why the card is not there: forgotten, lost, broken or emergency")
	flags.BoolVar(&opts.photo, "photo-checked", false, "the operator has compared the patient with the photo")
	flags.Uint8Var(&opts.person, "person", 0, "number of the person on the card")
	return cmd
}

func runVisitCardless(ctx context.Context, g *globals, api *localapi.Client, ask agent.Cardless, out io.Writer) error {
	id, err := api.OpenCardless(ctx, ask)
	if err != nil {
		return err
	}
	visit, err := api.Visit(ctx, id)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, visit)
	}
	fmt.Fprintf(out, "%s, %d entries, as %s until %s.\n", latinName(visit.Identity), len(visit.Entries), visit.Role, visit.Until.Local().Format("15:04"))
	return nil
}
