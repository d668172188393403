package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

type revokeOptions struct {
	key      string
	facility uint32
	since    string
}

func newRevokeCommand(g *globals) *cobra.Command {
	var opts revokeOptions
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "Revoke a workstation, or a facility with all its workstations",
		Long: `revoke ends the trust in a workstation's author key and closes the centre to it.
What the key signed from --since on counts nowhere any more; what it signed
before stays good. If the key may have been stolen, give the time from which it
may have been in other hands.`,
		Example: `  dhamani-central revoke --dir ./centre --key 1a2b3c4d
  dhamani-central revoke --dir ./centre --key 1a2b3c4d --since 2026-03-01T08:00:00Z
  dhamani-central revoke --dir ./centre --facility 12`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			since := time.Now()
			if opts.since != "" {
				t, err := time.Parse(time.RFC3339, opts.since)
				if err != nil || t.After(since) {
					return cli.WrongUsage(cmd, "--since must be a time that has passed, such as 2026-03-01T08:00:00Z")
				}
				since = t
			}
			if (opts.key == "") == (opts.facility == 0) {
				return cli.WrongUsage(cmd, "give either --key or --facility")
			}
			var kid [4]byte
			if opts.key != "" {
				raw, err := hex.DecodeString(opts.key)
				if err != nil || len(raw) != len(kid) {
					return cli.WrongUsage(cmd, "--key must be 8 hexadecimal digits")
				}
				kid = [4]byte(raw)
			}
			return runRevoke(cmd.Context(), cmd.OutOrStdout(), g, opts, kid, since)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.key, "key", "", "identifier of the author key, 8 hexadecimal digits")
	flags.Uint32Var(&opts.facility, "facility", 0, "number of the facility")
	flags.StringVar(&opts.since, "since", "", "from when on its signatures count no more (default: now)")
	return cmd
}

func runRevoke(ctx context.Context, out io.Writer, g *globals, opts revokeOptions, kid [4]byte, since time.Time) error {
	return withCentre(ctx, g, func(c *centre) (err error) {
		what := fmt.Sprintf("facility %d", opts.facility)
		if opts.facility != 0 {
			err = c.auth.RevokeFacility(ctx, opts.facility, since)
		} else {
			what = "key " + opts.key
			err = c.auth.RevokeAuthor(ctx, kid, since)
		}
		if err != nil {
			return err
		}
		list, _ := c.auth.Trust().Versions()
		return answer(out, g.json, map[string]any{"revoked": what, "since": since.UTC().Format(time.RFC3339), "trust_version": list}, func(p *printer) {
			p.printf("%s revoked since %s; trust list %d\n", what, since.UTC().Format(time.RFC3339), list)
		})
	})
}
