package main

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/central"
)

type serveOptions struct {
	listen string
	limits central.Limits
}

func newServeCommand(g *globals) *cobra.Command {
	var opts serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer clinics, over HTTP/2 and mutual TLS 1.3",
		Long: `serve answers enrolled workstations until it is interrupted; requests under way
then have ten seconds to finish. What other commands change while it runs counts
at once: lists within a second, a revocation within two.`,
		Example: `  dhamani-central serve --dir ./centre
  dhamani-central serve --dir ./centre --listen 10.0.0.7:8443 --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), g, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.listen, "listen", "", "address to listen on (default: the port of the centre's URL, everywhere)")
	flags.Float64Var(&opts.limits.EntriesPerSecond, "entries-rate", 0, "entries a second that a facility may push (default 5000)")
	flags.Float64Var(&opts.limits.RequestsPerSecond, "requests-rate", 0, "requests a second that a facility may make (default 100)")
	return cmd
}

func runServe(ctx context.Context, g *globals, opts serveOptions) error {
	return withCentre(ctx, g, func(c *centre) error {
		addr := opts.listen
		if addr == "" {
			port := "443"
			if u, err := url.Parse(c.auth.Config().URL); err == nil && u.Port() != "" {
				port = u.Port()
			}
			addr = ":" + port
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", addr, err)
		}
		return central.New(c.auth, c.store, opts.limits, g.log).Serve(ctx, listener)
	})
}
