package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

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
of the hand in a longer word is forgiven.`,
		Example: "  dhamani record find metformin\n  dhamani record find ضغط الدم --lang ar",
		Args:    cli.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRecordFind(cmd.Context(), cmd.OutOrStdout(), g, strings.Join(args, " "), lang, limit)
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the words: ar, ckb or en")
	cmd.Flags().IntVar(&limit, "limit", 10, "how many to tell, 1 to 100")
	return cmd
}

func runRecordFind(_ context.Context, out io.Writer, g *globals, query, lang string, limit int) error {
	if !slices.Contains([]string{"ar", "ckb", "en"}, lang) {
		return cli.Advise(fmt.Errorf("unknown language %q", lang), cli.ExitUsage, "choose ar, ckb or en")
	}
	if limit < 1 || limit > 100 {
		return cli.Advise(fmt.Errorf("limit %d out of range", limit), cli.ExitUsage, "choose 1 to 100")
	}
	found := terms.Current().Search(query, limit)
	codes := make([]terms.Code, 0, len(found))
	for _, t := range found {
		codes = append(codes, t.Code)
	}
	if g.json {
		return cli.PrintJSON(out, codes)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range codes {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.System, c.Value, terms.Display(c, lang))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
