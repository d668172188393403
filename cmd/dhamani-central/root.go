package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
)

// globals are the flags that every command has. They are set before a
// command's RunE is called and only read from then on.
type globals struct {
	json    bool   // --json: machine-readable answer on stdout, errors and logs as JSON on stderr
	verbose bool   // --verbose: debug log; never holds health data or keys
	dir     string // --dir: the centre's folder
	log     *slog.Logger
}

const (
	dirVariable = "DHAMANI_CENTRE"
	fileStore   = "centre.db"
)

func newRootCommand(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "dhamani-central",
		Short: "Run the reference central API and look after its keys, clinics and cards",
		Long: `dhamani-central is the reference central API. 'init' makes a centre in a folder:
national keys, certificates, signed lists and the database. 'serve' answers
clinics. The other commands work on the same folder while it serves.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 refused, 5 a proof or signature
does not hold, 130 interrupted.`,
		Example: `  dhamani-central init --dir ./centre --url https://centre.example:8443 --name "National centre"
  dhamani-central serve --dir ./centre
  dhamani-central enrol --dir ./centre --request request.cbor -o grant.cbor
  dhamani-central status --dir ./centre --json`,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			level := slog.LevelInfo
			if g.verbose {
				level = slog.LevelDebug
			}
			g.log = cli.NewLogger(cmd.ErrOrStderr(), level, g.json)
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&g.json, "json", false, "answer in JSON")
	flags.BoolVarP(&g.verbose, "verbose", "v", false, "log every request on standard error")
	flags.StringVar(&g.dir, "dir", cmp.Or(os.Getenv(dirVariable), "centre"), "the centre's folder; also from "+dirVariable)
	_ = root.MarkPersistentFlagDirname("dir")
	return cli.Root(root,
		newInitCommand(g), newServeCommand(g), newEnrolCommand(g), newRevokeCommand(g),
		newBlockCommand(g), newTermsCommand(g), newRulesCommand(g), newAnchorCommand(g), newStatusCommand(g), newPatientCommand(g), newReviewCommand(g), newAuditCommand(g),
	)
}

// centre is an open centre.
type centre struct {
	store *sqlite.Store
	auth  *authority.Authority
}

// openCentre opens the centre in the folder of --dir. The database is only
// opened when the configuration says that there is a centre, so a mistyped
// folder stays as it is.
func openCentre(ctx context.Context, g *globals) (*centre, error) {
	if _, err := authority.ReadConfig(g.dir); err != nil {
		return nil, fmt.Errorf("open centre in %s: %w", g.dir, err)
	}
	st, err := sqlite.Open(ctx, filepath.Join(g.dir, fileStore), sqlite.Options{})
	if err != nil {
		return nil, fmt.Errorf("open centre in %s: %w", g.dir, err)
	}
	auth, err := authority.Open(ctx, g.dir, st)
	if err != nil {
		return nil, fmt.Errorf("open centre in %s: %w", g.dir, errors.Join(err, st.Close()))
	}
	return &centre{store: st, auth: auth}, nil
}

// withCentre opens the centre for one command and closes it behind.
func withCentre(ctx context.Context, g *globals, do func(*centre) error) error {
	c, err := openCentre(ctx, g)
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.store.Close())
}

// answer prints v as one line of JSON, or what text prints.
func answer(w io.Writer, asJSON bool, v any, text func(*printer)) error {
	if !asJSON {
		p := &printer{w: w}
		text(p)
		return p.err
	}
	return cli.PrintJSON(w, v)
}
