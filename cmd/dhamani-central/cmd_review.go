package main

import (
	"cmp"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

func newReviewCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "review",
		Short: "Decide whether patients with the same fingers are one person",
		Long: `When a patient is enrolled with fingers, the serving centre looks afterwards whether
somebody else has the same ones, and raises a review for people to decide. Nothing is
ever refused because of it, and nothing follows from a decision by itself: who is one
person with two identities keeps both until somebody blocks a card ('block').

Each look at a review and each decision leaves a line with the account that this
command runs under ('review looks').`,
		Example: `  dhamani-central review list --dir ./centre
  dhamani-central review show 12 --identities --dir ./centre
  dhamani-central review close 12 --decision different --note "twins, both seen" --dir ./centre`,
	}, newReviewListCommand(g), newReviewShowCommand(g), newReviewCloseCommand(g), newReviewLooksCommand(g))
}

// account is who runs this command, for the lines of who looked.
func account() (string, error) {
	who, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find out who runs this command: %w", err)
	}
	return who.Username, nil
}

type reviewListOptions struct {
	all    bool
	before uint64
	limit  int
}

func newReviewListCommand(g *globals) *cobra.Command {
	var opts reviewListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the reviews that are open, newest first",
		Long: `list shows who may be one person, and how rarely the fingers of two people are as
much alike. It names nobody.`,
		Example: `  dhamani-central review list --dir ./centre
  dhamani-central review list --dir ./centre --all --before 4711 --limit 1000 --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.limit < 1 || opts.limit > 10_000 {
				return cli.WrongUsage(cmd, "--limit must be 1 to 10000")
			}
			who, err := account()
			if err != nil {
				return err
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				found, err := c.auth.Reviews(cmd.Context(), who, opts.before, opts.limit, !opts.all)
				if err != nil {
					return err
				}
				list := make([]reviewStatus, 0, len(found))
				for i := range found {
					list = append(list, newReviewStatus(&found[i]))
				}
				return answer(cmd.OutOrStdout(), g.json, list, func(p *printer) { printReviews(p, list) })
			})
		},
	}
	cmd.Flags().BoolVar(&opts.all, "all", false, "list those that are decided, too")
	cmd.Flags().Uint64Var(&opts.before, "before", 0, "begin behind the review of this number, for the next page")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "how many to list at most")
	return cmd
}

// reviewNumber reads the one argument of show and close.
func reviewNumber(cmd *cobra.Command, arg string) (uint64, error) {
	n, err := strconv.ParseUint(arg, 10, 63)
	if err != nil || n == 0 {
		return 0, cli.WrongUsage(cmd, "%q is no number of a review", arg)
	}
	return n, nil
}

func newReviewShowCommand(g *globals) *cobra.Command {
	var identities bool
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show a review: the two patients, their cards, their fingers",
		Long: `show shows one review. With --identities it opens the identities of both patients,
which a decision needs; the line that it leaves says so.`,
		Example: `  dhamani-central review show 12 --dir ./centre
  dhamani-central review show 12 --identities --dir ./centre --json`,
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := reviewNumber(cmd, args[0])
			if err != nil {
				return err
			}
			who, err := account()
			if err != nil {
				return err
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				found, err := c.auth.Review(cmd.Context(), who, number, identities)
				if err != nil {
					return err
				}
				shown := newReviewShown(found)
				return answer(cmd.OutOrStdout(), g.json, shown, shown.print)
			})
		},
	}
	cmd.Flags().BoolVar(&identities, "identities", false, "open the identities of both patients")
	return cmd
}

func newReviewCloseCommand(g *globals) *cobra.Command {
	var c authority.Closing
	cmd := &cobra.Command{
		Use:   "close NUMBER",
		Short: "Write down what was decided of a review",
		Long: `close writes a decision down, for good: same, for one person with two identities;
different, for two people; undecided, if nobody can tell. Undecided ones may be raised
again when either patient is enrolled with other fingers.`,
		Example: `  dhamani-central review close 12 --decision different --note "twins, both seen" --dir ./centre
  dhamani-central review close 12 --decision same --by "Dr Amal" --dir ./centre --json`,
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := reviewNumber(cmd, args[0])
			if err != nil {
				return err
			}
			if !slices.Contains(authority.Decisions(), c.Decision) {
				return cli.WrongUsage(cmd, "--decision must be one of: %s", strings.Join(authority.Decisions(), ", "))
			}
			if len(c.Note) > authority.MaxNote {
				return cli.WrongUsage(cmd, "--note has %d bytes, more than %d", len(c.Note), authority.MaxNote)
			}
			who, err := account()
			if err != nil {
				return err
			}
			c.By = cmp.Or(c.By, who)
			return withCentre(cmd.Context(), g, func(opened *centre) error {
				closed, err := opened.auth.CloseReview(cmd.Context(), who, number, c)
				if err != nil {
					return err
				}
				return answer(cmd.OutOrStdout(), g.json, newReviewStatus(&closed), func(p *printer) {
					p.printf("review %d closed: %s\n", number, c.Decision)
				})
			})
		},
	}
	cmd.Flags().StringVar(&c.Decision, "decision", "", "same, different or undecided")
	cmd.Flags().StringVar(&c.By, "by", "", "who decided (default: the account that this runs under)")
	cmd.Flags().StringVar(&c.Note, "note", "", "why, at most 500 bytes; it is kept sealed")
	return cmd
}

func newReviewLooksCommand(g *globals) *cobra.Command {
	var opts reviewListOptions
	cmd := &cobra.Command{
		Use:   "looks",
		Short: "List who looked at reviews and decided them, newest first",
		Example: `  dhamani-central review looks --dir ./centre
  dhamani-central review looks --dir ./centre --before 4711 --limit 1000 --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.limit < 1 || opts.limit > 10_000 {
				return cli.WrongUsage(cmd, "--limit must be 1 to 10000")
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				list := []lookStatus{}
				err := c.store.View(cmd.Context(), func(r store.Reader) error {
					found, err := r.Looks(opts.before, opts.limit)
					for _, v := range found {
						list = append(list, lookStatus(v))
					}
					return err
				})
				if err != nil {
					return fmt.Errorf("list looks: %w", err)
				}
				return answer(cmd.OutOrStdout(), g.json, list, func(p *printer) { printLooks(p, list) })
			})
		},
	}
	cmd.Flags().Uint64Var(&opts.before, "before", 0, "begin behind the line of this number, for the next page")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "how many to list at most")
	return cmd
}
