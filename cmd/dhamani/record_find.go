package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func newRecordFindCommand(g *globals) *cobra.Command {
	var lang string
	var limit int
	cmd := &cobra.Command{
		Use:   "find WORD...",
		Short: "Find codes by words in any language, or by the code",
		Long: `Look in the terminology table for diagnoses, medicines, tests, vaccines and
other acts. The beginnings of words suffice. It does not matter which of the
letters is written that people write one for another (أ and ا, ى and ي, ه and ة,
ک and ك), nor whether vowels are marked, nor which digits are used; and a slip
of the hand in a longer word is forgiven.

The table is the edition that this workstation has in use: the running agent is
asked, and without one what it kept is read. Elsewhere it is the first edition.
--json tells its number.`,
		Example: "  dhamani record find metformin\n  dhamani record find ضغط الدم --lang ar",
		Args:    cli.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRecordFind(cmd.Context(), cmd.OutOrStdout(), g, strings.Join(args, " "), lang, limit)
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the words: ar, ckb or en")
	cmd.Flags().IntVar(&limit, "limit", 10, "how many to tell, 1 to 50")
	return cmd
}

func runRecordFind(ctx context.Context, out io.Writer, g *globals, query, lang string, limit int) error {
	if !slices.Contains(terms.Languages(), lang) {
		return cli.Advise(fmt.Errorf("unknown language %q", lang), cli.ExitUsage, "choose ar, ckb or en")
	}
	if limit < 1 || limit > localapi.MaxTerms {
		return cli.Advise(fmt.Errorf("limit %d out of range", limit), cli.ExitUsage, fmt.Sprintf("choose 1 to %d", localapi.MaxTerms))
	}
	if len(query) > terms.MaxQuery {
		return cli.Advise(fmt.Errorf("search of %d bytes", len(query)), cli.ExitUsage, fmt.Sprintf("give at most %d", terms.MaxQuery))
	}
	found, err := findTerms(ctx, g, query, lang, limit)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, found)
	}
	if len(found.Terms) == 0 {
		_, err := fmt.Fprintf(out, "nothing found in edition %d of the table: try fewer words, or a more general one\n", found.Edition)
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range found.Terms {
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.System, t.Code, t.Words)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// findTerms searches the edition that this workstation has in use: the agent's
// when it runs, else the one that it kept.
func findTerms(ctx context.Context, g *globals, query, lang string, limit int) (found localapi.FoundTerms, err error) {
	api, err := localapi.Dial(home.SocketPath(g.home))
	switch {
	case err == nil:
		found, err = api.Terms(ctx, query, lang, limit)
		return found, errors.Join(err, api.Close())
	case !errors.Is(err, localapi.ErrNotRunning):
		return found, err
	}
	if err := useKeptEditions(g); err != nil {
		return found, err
	}
	return localapi.FindTerms(terms.Current(), terms.Query{Text: query, Limit: limit}, lang), nil
}

// useKeptEditions takes into use the editions that the agent of the home folder
// kept, as it does when it starts. Where no workstation is enrolled, or has not
// run yet, that is the first.
func useKeptEditions(g *globals) error {
	h, err := home.Load(g.home)
	if errors.Is(err, home.ErrNotEnrolled) {
		return nil
	}
	if err != nil {
		return err
	}
	return useKept(g, h)
}
