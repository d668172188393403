package main

import (
	"cmp"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// globals are the flags that every command has. They are set before a
// command's RunE is called and only read from then on.
type globals struct {
	json    bool         // --json: machine-readable answer on stdout, errors as JSON on stderr
	verbose bool         // --verbose: debug log on stderr; never holds health data or keys
	home    string       // --home: the agent's folder (agent.json, keys/, certs/, cache)
	log     *slog.Logger // made from verbose; quiet below warnings without it
}

const homeVariable = "DHAMANI_HOME"

func newRootCommand(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "dhamani",
		Short: "Look after card readers, scanners, health cards, records and their synchronisation",
		Long: `dhamani looks after a clinic's card readers, the health cards in them, the
records read from them and the way to the centre.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no card service, reader or card,
4 the card refused or is not a Dhamani card, 5 a signature or trust check failed,
6 the centre or the agent cannot be reached, 130 interrupted.`,
		Example: `  dhamani reader list
  dhamani reader watch --json
  dhamani card info`,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			level := slog.LevelWarn
			if g.verbose {
				level = slog.LevelDebug
			}
			g.log = cli.NewLogger(cmd.ErrOrStderr(), level, false)
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&g.json, "json", false, "answer in JSON")
	flags.BoolVarP(&g.verbose, "verbose", "v", false, "log what is done on standard error")
	flags.StringVar(&g.home, "home", cmp.Or(os.Getenv(homeVariable), home.DefaultDir()), "the agent's folder; also from "+homeVariable)
	_ = root.MarkPersistentFlagDirname("home")

	return cli.Root(root,
		newReaderCommand(g),
		newCardCommand(g),
		newScannerCommand(g),
		newClaimCommand(g),
		newRecordCommand(g),
		newFingerCommand(g),
		newEnrolCommand(g),
		newOperatorCommand(g),
		newVisitCommand(g),
		newSyncCommand(g),
		newCentralCommand(g),
		newPageCommand(g),
		newDemoCommand(g),
	)
}
