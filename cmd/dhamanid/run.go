package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/agent/web"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/sync/client"
)

type runOptions struct {
	home      string
	logLevel  string
	logFormat string
}

func newRunCommand() *cobra.Command {
	var opts runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the agent until it is asked to end",
		Example: `  dhamanid run --home /var/lib/dhamani
  dhamanid run --home ./ws --log-level debug`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(cmd.ErrOrStderr(), opts.logFormat, opts.logLevel)
			if err != nil {
				return cli.WrongUsage(cmd, "%w", err)
			}
			return runAgent(cmd.Context(), opts, log)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.home, "home", home.DefaultDir(), "the workstation's folder")
	flags.StringVar(&opts.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&opts.logFormat, "log-format", "text", "text or json")
	_ = cmd.MarkFlagDirname("home")
	return cmd
}

// runAgent serves until ctx ends. A cache that breaks while it is in use (the
// file was cut short, the disk fails) is opened anew, which sets the damaged
// file aside; only damage that comes back at once ends the program.
func runAgent(ctx context.Context, opts runOptions, log *slog.Logger) error {
	for {
		begin := time.Now()
		err := serve(ctx, opts, log)
		if !errors.Is(err, cache.ErrCorrupt) || ctx.Err() != nil || time.Since(begin) < restartGap {
			return err
		}
		log.ErrorContext(ctx, "start again", logkey.Code, agent.Classify(err).Code, logkey.Error, err)
	}
}

// restartGap is how long an agent must have served for a restart to help.
const restartGap = 2 * time.Second

func serve(ctx context.Context, opts runOptions, log *slog.Logger) (err error) {
	begin := time.Now()
	h, err := home.Load(opts.home)
	if err != nil {
		return err
	}
	alerts.Use(h.AlertRules())
	store, damage, err := agent.OpenCache(home.CachePath(h.Dir), h.CacheKey, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	readers, hub := pcsc.New(log), scanner.NewHub(scannersOf(h, log))
	if h.Config.SoftScanner != "" {
		log.WarnContext(ctx, "soft scanner in use: its fingers prove nobody", logkey.Address, h.Config.SoftScanner)
		damage = append(damage, agent.ErrSoftScanner)
	}
	a, err := agent.New(agent.Config{
		Version: cli.Version(), Facility: h.Grant.Facility, Place: h.Config.FacilityKind, CoverRules: h.CoverRules, Role: h.Role, Only: h.Config.Readers,
		Expires: h.Expires, Terminal: h.Terminal, Author: h.Author, Operators: operators.Of(h).In(readers), Idle: h.Config.Lock(),
		Found: damage, Readers: readers, Scanners: hub, Liveness: agent.Liveness(h.Config.Liveness), Cache: store, Trust: h.Trust, Log: log,
		Centre: func(s client.Store) (*client.Client, error) { return h.Client(s, log) },
	})
	if err != nil {
		return err
	}
	page, err := web.Handler()
	if err != nil {
		return err
	}
	server := localapi.New(localapi.Config{
		Addr: cmp.Or(h.Config.Listen, localapi.DefaultAddr), Socket: home.SocketPath(h.Dir), Page: page, Log: log,
		Ready: func(page string) {
			log.InfoContext(ctx, "ready", logkey.Address, page, logkey.Facility, h.Grant.Facility, logkey.Took, time.Since(begin))
			_, _ = daemon.SdNotify(false, daemon.SdNotifyReady) // without systemd there is nobody to tell
		},
	}, a)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.Run(ctx) })
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { serveScanners(ctx, hub, h, log); return nil })
	err = group.Wait()
	_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
	return err
}
