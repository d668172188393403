package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
)

type initOptions struct {
	url, name string
	hosts     []string
}

func newInitCommand(g *globals) *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a centre: keys, certificates, lists and database",
		Long: `init makes a centre in the folder of --dir, which it creates when it is not there.
The private keys lie in its folder keys, readable by you alone: whoever has them
is the centre. Keep a copy of the whole folder where no network reaches.`,
		Example: `  dhamani-central init --dir ./centre
  dhamani-central init --dir /var/lib/dhamani-central --url https://centre.example:8443 --host 10.0.0.7`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInit(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.url, "url", "https://localhost:8443", "where workstations reach the centre")
	flags.StringVar(&opts.name, "name", "Dhamani centre", "the centre's name, shown to people")
	flags.StringArrayVar(&opts.hosts, "host", nil, "further DNS name or IP address of the server's certificate; may be repeated")
	return cmd
}

func runInit(ctx context.Context, out io.Writer, g *globals, opts initOptions) error {
	config := authority.Config{Name: opts.name, URL: opts.url, Hosts: opts.hosts}
	if u, err := url.Parse(opts.url); err == nil && u.Hostname() != "" {
		config.Hosts = append([]string{u.Hostname()}, config.Hosts...)
	}
	if err := config.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return fmt.Errorf("make the centre's folder: %w", err)
	}
	st, err := sqlite.Open(ctx, filepath.Join(g.dir, fileStore), sqlite.Options{})
	if err != nil {
		return err
	}
	_, err = authority.Init(ctx, g.dir, st, config)
	if err := errors.Join(err, st.Close()); err != nil {
		return err
	}
	return answer(out, g.json, map[string]any{"dir": g.dir, "url": config.URL, "name": config.Name}, func(p *printer) {
		p.printf("%s is ready in %s\n", config.Name, g.dir)
		p.printf("  next: dhamani-central serve --dir %s\n", g.dir)
	})
}
