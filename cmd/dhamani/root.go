package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
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
		Short: "Look after card readers, health cards, records and their synchronisation",
		Long: `dhamani looks after a clinic's card readers, the health cards in them, the
records read from them and the way to the centre.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no card service, reader or card,
4 the card refused or is not a Dhamani card, 5 a signature or trust check failed,
6 the centre or the agent cannot be reached, 130 interrupted.`,
		Example: `  dhamani reader list
  dhamani reader watch --json
  dhamani card info`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			g.log = newLogger(cmd.ErrOrStderr(), g.verbose)
		},
	}
	asGroup(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{cmd: cmd.CommandPath(), err: err}
	})
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")

	flags := root.PersistentFlags()
	flags.BoolVar(&g.json, "json", false, "answer in JSON")
	flags.BoolVarP(&g.verbose, "verbose", "v", false, "log what is done on standard error")
	flags.StringVar(&g.home, "home", homeFolder(), "the agent's folder; also from "+homeVariable)
	_ = root.MarkPersistentFlagDirname("home")

	root.AddCommand(
		newReaderCommand(g),
		newCardCommand(g),
		newRecordCommand(g),
		newEnrolCommand(g),
		newSyncCommand(g),
		newPageCommand(g),
		newDemoCommand(g),
	)
	return root
}

// asGroup makes cmd a command that only holds others: alone it shows its
// help, and a word it does not know is wrong usage.
func asGroup(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("there is no command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w; did you mean %q?", err, near[0])
		}
		return usageError{cmd: cmd.CommandPath(), err: err}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// usage turns the error of an argument check into a usage error.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{cmd: cmd.CommandPath(), err: err}
		}
		return nil
	}
}

// homeFolder is the agent's folder when no --home is given.
func homeFolder() string {
	if dir := os.Getenv(homeVariable); dir != "" {
		return dir
	}
	return home.DefaultDir()
}

func newLogger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// printJSON writes v as one line of JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// version is the module version that the go command stamped into the program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
