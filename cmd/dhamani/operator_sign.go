package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newOperatorSignInCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "sign-in ID",
		Short: "Sign an operator in at the running agent",
		Long: `sign-in lets an operator take over the running agent: cards are read with the
operator's role, entries signed with the operator's key, until 'sign-out' or until
the page has been left alone for a while. The passphrase, or the PIN of the
operator's PIV card, is asked for, or read from the first line of standard input.
Taking the PIV card out signs out.`,
		Example: `  dhamani operator sign-in zaynab`,
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAgent(g, func(api *localapi.Client) error {
				secret, err := newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()).read(secretPrompt(args[0]))
				if err != nil {
					return err
				}
				who, err := api.SignIn(cmd.Context(), args[0], secret)
				if err != nil {
					return err
				}
				if g.json {
					return cli.PrintJSON(cmd.OutOrStdout(), who)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is signed in as %s.\n", who.Name, who.Role)
				return nil
			})
		},
	}
}

func newOperatorSignOutCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "sign-out",
		Short:   "Sign the operator out: the open visits end",
		Example: `  dhamani operator sign-out`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return askAgent(g, func(api *localapi.Client) error { return api.SignOut(cmd.Context()) })
		},
	}
}

func newOperatorStatusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Tell who is signed in at the running agent",
		Example: `  dhamani operator status --json`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return askAgent(g, func(api *localapi.Client) error {
				signed, err := api.Operator(cmd.Context())
				if err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				if g.json {
					return cli.PrintJSON(out, signed)
				}
				if signed.Operator == nil {
					fmt.Fprintln(out, "Nobody is signed in: the workstation sees what a receptionist may see.")
				} else {
					fmt.Fprintf(out, "%s (%s) is signed in as %s since %s.\n", signed.Operator.Name, signed.Operator.ID,
						signed.Operator.Role, signed.Operator.Since.Local().Format(time.TimeOnly))
				}
				return printOperators(out, signed.Operators)
			})
		},
	}
}
