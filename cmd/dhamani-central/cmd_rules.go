package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// rulesStatus is one edition of rules in an answer.
type rulesStatus struct {
	Kind    string         `json:"kind"` // alerts or cover
	Edition uint32         `json:"edition"`
	Issued  string         `json:"issued,omitempty"` // absent for the first
	Digest  string         `json:"digest,omitempty"` // of the text
	Rules   int            `json:"rules,omitempty"`  // in a table of alerts
	Periods []periodStatus `json:"periods,omitempty"`
}

// periodStatus says from which day on which rules of entitlement count.
type periodStatus struct {
	From    string `json:"from,omitempty"` // absent: from the beginning
	Version uint32 `json:"version"`
}

func newRulesCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "rules",
		Short: "Publish alerts and rules of entitlement and look at what was published",
		Long: `rules makes editions of the table of alerts and of the rules of entitlement. Each
is signed, whole, and takes the place of the one before at every clinic that hears
of it. The first edition is part of every program.`,
	}, cli.Group(&cobra.Command{Use: "publish", Short: "Check and sign the next edition of a kind of rules"}, newPublishAlertsCommand(g), newPublishCoverCommand(g)),
		newRulesListCommand(g), newRulesShowCommand(g))
}

func newPublishAlertsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "alerts FILE.tsv...",
		Short: "Check and sign the next edition of the table of alerts",
		Long: `publish alerts makes one edition of the files, in their order; together they are
the whole table, as docs/formats/alerts.md describes it, and begin with the line
"edition" and the number of the next edition. Begin with what 'rules show alerts'
prints, and try the result with 'dhamani record check --rules'.`,
		Example: `  dhamani-central rules show alerts --dir ./centre > table.tsv
  dhamani-central rules publish alerts --dir ./centre table.tsv`,
		Args: cli.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readFiles(args, alerts.MaxTable, alerts.ErrTable)
			if err != nil {
				return err
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				e, err := c.auth.PublishAlerts(cmd.Context(), text)
				if err != nil {
					return err
				}
				return tellPublished(cmd.OutOrStdout(), g, alertsStatus(e))
			})
		},
	}
}

func newPublishCoverCommand(g *globals) *cobra.Command {
	var from, words string
	cmd := &cobra.Command{
		Use:   "cover FILE.json",
		Short: "Check and sign rules of entitlement that count from a day on",
		Long: `publish cover makes an edition of the rules in the file, which count from the day
that --from names, in Baghdad; what was charged before is judged by the rules that
counted then. What an earlier edition has planned from that day on is dropped. The
version in the file is the number of the next edition. Name a day that gives the
clinics time to hear of it: one that has not, goes on with the rules that it has.
With --words, a file of words for reasons by code and language takes the place of
the program's.`,
		Example: `  dhamani-central rules show cover --dir ./centre > cover.json
  dhamani-central rules publish cover --dir ./centre cover.json --from 2027-01-01`,
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := time.Parse(time.DateOnly, from); err != nil {
				return cli.WrongUsage(cmd, "--from %q is no day; write it as 2027-01-01", from)
			}
			return runPublishCover(cmd.Context(), cmd.OutOrStdout(), g, args[0], from, words)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "day from which the rules count, as 2027-01-01")
	cmd.Flags().StringVar(&words, "words", "", "file with words for reasons")
	_ = cmd.MarkFlagRequired("from")
	return cmd
}

func runPublishCover(ctx context.Context, out io.Writer, g *globals, file, from, words string) error {
	text, err := readFiles([]string{file}, entitle.MaxRules, entitle.ErrRules)
	if err != nil {
		return err
	}
	r, err := entitle.ParseRules([]byte(text))
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	var own map[entitle.Code]map[string]string
	if words != "" {
		if text, err = readFiles([]string{words}, entitle.MaxSchedule, entitle.ErrRules); err != nil {
			return err
		}
		if own, err = entitle.ParseWords([]byte(text)); err != nil {
			return fmt.Errorf("read %s: %w", words, err)
		}
	}
	return withCentre(ctx, g, func(c *centre) error {
		e, err := c.auth.PublishCover(ctx, r, from, own)
		if err != nil {
			return err
		}
		return tellPublished(out, g, coverStatus(e))
	})
}

func tellPublished(out io.Writer, g *globals, s rulesStatus) error {
	return answer(out, g.json, s, func(p *printer) {
		p.printf("edition %d of %s published, digest %s\n", s.Edition, s.Kind, s.Digest)
	})
}

func newRulesListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the editions of alerts and of rules of entitlement",
		Example: `  dhamani-central rules list --dir ./centre --json`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRulesList(cmd.Context(), cmd.OutOrStdout(), g)
		},
	}
}

func runRulesList(ctx context.Context, out io.Writer, g *globals) error {
	return withCentre(ctx, g, func(c *centre) error {
		tables, err := c.auth.AlertRules(ctx)
		if err != nil {
			return err
		}
		schedules, err := c.auth.CoverRules(ctx)
		if err != nil {
			return err
		}
		var all []rulesStatus
		for _, e := range tables {
			all = append(all, alertsStatus(e))
		}
		for _, e := range schedules {
			all = append(all, coverStatus(e))
		}
		return answer(out, g.json, all, func(p *printer) {
			tw := p.table()
			for _, s := range all {
				tw.printf("%s\t%d\t%s\t%.16s\t%s\n", s.Kind, s.Edition, issuedOr(s.Issued), s.Digest, s.summary())
			}
			tw.flush()
		})
	})
}

// summary says what an edition holds.
func (s rulesStatus) summary() string {
	if len(s.Periods) == 0 {
		return fmt.Sprintf("%d rules", s.Rules)
	}
	parts := make([]string, 0, len(s.Periods))
	for _, p := range s.Periods {
		text := fmt.Sprintf("version %d", p.Version)
		if p.From != "" {
			text = "from " + p.From + " " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func newRulesShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show alerts|cover",
		Short: "Print the newest rules of a kind, as they are edited",
		Long: `show prints the newest table of alerts, or the newest rules of entitlement, in the
form in which 'rules publish' takes them: raise the number before publishing.`,
		Example: `  dhamani-central rules show cover --dir ./centre`,
		Args:    cli.Args(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)), ValidArgs: []string{rules.Alerts.Name(), rules.Cover.Name()},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRulesShow(cmd.Context(), cmd.OutOrStdout(), g, args[0])
		},
	}
}

func runRulesShow(ctx context.Context, out io.Writer, g *globals, kind string) error {
	return withCentre(ctx, g, func(c *centre) error {
		text := alerts.BaseText()
		if kind == rules.Cover.Name() {
			all, err := c.auth.CoverRules(ctx)
			if err != nil {
				return err
			}
			periods := all[len(all)-1].Rules.Periods()
			raw, err := json.MarshalIndent(periods[len(periods)-1].Rules, "", "  ")
			if err != nil {
				return fmt.Errorf("write rules: %w", err)
			}
			text = string(raw) + "\n"
		} else if all, err := c.auth.AlertRules(ctx); err != nil {
			return err
		} else if last := all[len(all)-1]; last.Text != "" {
			text = last.Text
		}
		if _, err := io.WriteString(out, text); err != nil {
			return fmt.Errorf("write rules: %w", err)
		}
		return nil
	})
}

func alertsStatus(e rules.Edition[*alerts.Table]) rulesStatus {
	return rulesStatus{
		Kind: rules.Alerts.Name(), Edition: e.Number, Issued: issuedAt(e.Issued), Digest: fmt.Sprintf("%x", e.Digest), Rules: e.Rules.Rules(),
	}
}

func coverStatus(e rules.Edition[*entitle.Schedule]) rulesStatus {
	s := rulesStatus{Kind: rules.Cover.Name(), Edition: e.Number, Issued: issuedAt(e.Issued)}
	if !e.Issued.IsZero() {
		s.Digest = fmt.Sprintf("%x", e.Digest)
	}
	for _, p := range e.Rules.Periods() {
		s.Periods = append(s.Periods, periodStatus{p.From, p.Rules.Version})
	}
	return s
}
