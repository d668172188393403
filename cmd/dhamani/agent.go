package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// askAgent calls fn with a client of the agent of the home folder.
func askAgent(g *globals, fn func(*localapi.Client) error) error {
	api, err := localapi.Dial(home.SocketPath(g.home))
	if errors.Is(err, localapi.ErrNotRunning) {
		return cli.Advise(fmt.Errorf("agent of %s: %w", g.home, localapi.ErrNotRunning), exitUnreachable, "start it with 'dhamanid run --home "+g.home+"', or name its folder with --home")
	}
	if err != nil {
		return err
	}
	return errors.Join(fn(api), api.Close())
}

func newSyncCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "sync", Short: "Look at the exchange with the centre"}, &cobra.Command{
		Use:   "status",
		Short: "Tell where the exchange with the centre stands",
		Example: `  dhamani sync status
  dhamani sync status --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return askAgent(g, func(api *localapi.Client) error {
				return runSyncStatus(cmd.Context(), g, api, cmd.OutOrStdout())
			})
		},
	})
}

func runSyncStatus(ctx context.Context, g *globals, api *localapi.Client, out io.Writer) error {
	s, err := api.Sync(ctx)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, s)
	}
	state := "offline"
	if s.Online {
		state = "online"
	}
	fmt.Fprintf(out, "centre:      %s\n", state)
	if !s.LastSuccess.IsZero() {
		fmt.Fprintf(out, "last answer: %s\n", s.LastSuccess.Local().Format(time.DateTime))
	}
	if s.LastError != "" {
		fmt.Fprintf(out, "last error:  %s\n", s.LastError)
	}
	if !s.NextTry.IsZero() {
		fmt.Fprintf(out, "next try:    %s\n", s.NextTry.Local().Format(time.DateTime))
	}
	fmt.Fprintf(out, "outbox:      %d entries wait\n", s.Outbox)
	fmt.Fprintf(out, "quarantine:  %d entries were refused\n", s.Quarantined)
	fmt.Fprintf(out, "exchanged:   %d sent, %d received since the agent started\n", s.Pushed, s.Pulled)
	fmt.Fprintf(out, "lists:       trust %d, block %d\n", s.TrustVersion, s.BlockVersion)
	fmt.Fprintf(out, "editions:    terms %d, alerts %d, cover %d\n", max(s.TermsEdition, 1), max(s.AlertsEdition, 1), max(s.CoverEdition, 1))
	if s.Refused != "" {
		fmt.Fprintf(out, "refused:     %s; the one before stays in use\n", s.Refused)
	}
	return nil
}

func newPageCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "page",
		Short:   "Print the reception page's address with a code that works once",
		Example: `  dhamani page`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return askAgent(g, func(api *localapi.Client) error {
				code, err := api.PageCode(cmd.Context())
				if err != nil {
					return err
				}
				if g.json {
					return cli.PrintJSON(cmd.OutOrStdout(), code)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), code.URL)
				return err
			})
		},
	}
}
