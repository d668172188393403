package main

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// errOtherFinger is how finger match ends when it does not accept.
var errOtherFinger = errors.New("the fingers are not taken for one")

func newFingerMatchCommand(g *globals) *cobra.Command {
	var opts fingerOptions
	rate := 1e-3
	cmd := &cobra.Command{
		Use:   "match A B",
		Short: "Compare two fingers",
		Long: `Compare two fingers, images or templates (ISO/IEC 19794-2:2005, INCITS 378).
Accepted is what at most the given rate of other fingers would reach. Of templates
with several views the best two count. Exit code 4 says that they are not taken
for one finger.`,
		Example: "  dhamani finger match monday.png tuesday.png\n  dhamani finger match a.fmr b.fmr --fmr 0.0001 --json",
		Args:    cli.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(rate > 0 && rate <= 1) {
				return cli.WrongUsage(cmd, "the false match rate %v is not between 0 and 1", rate)
			}
			return runFingerMatch(cmd.OutOrStdout(), g, args[0], args[1], opts.dpi, rate)
		},
	}
	opts.addDPI(cmd)
	cmd.Flags().Float64Var(&rate, "fmr", rate, "rate of other fingers that may be taken for this one")
	return cmd
}

// fingerMatch is the JSON answer of finger match.
type fingerMatch struct {
	Score    float64 `json:"score"` // negative decimal logarithm of the false match rate
	FMR      float64 `json:"fmr"`   // of accepting this score
	Accepted bool    `json:"accepted"`
}

func runFingerMatch(out io.Writer, g *globals, a, b string, dpi int, rate float64) error {
	first, err := readFinger(a, dpi)
	if err != nil {
		return err
	}
	second, err := readFinger(b, dpi)
	if err != nil {
		return err
	}
	score, err := bestViews(first, second)
	if err != nil {
		return err
	}
	answer := fingerMatch{Score: math.Round(float64(score)*1000) / 1000, FMR: score.FMR(), Accepted: score.Accepts(rate)}
	if g.json {
		err = cli.PrintJSON(out, answer)
	} else {
		word := "refused"
		if answer.Accepted {
			word = "accepted"
		}
		_, err = fmt.Fprintf(out, "%s: 1 in %.0f other fingers is as much alike (score %.2f)\n", word, 1/answer.FMR, answer.Score)
	}
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if !answer.Accepted {
		return cli.Advise(errOtherFinger, exitRefused, "capture the finger again, flat and in the middle of the sensor")
	}
	return nil
}

// bestViews compares every view of a with every view of b.
func bestViews(a, b *fmr.Template) (match.Score, error) {
	var scores []match.Score
	for i := range a.Views {
		p, err := match.Prepare(a, i)
		if err != nil {
			return 0, fmt.Errorf("prepare template: %w", err)
		}
		for j := range b.Views {
			q, err := match.Prepare(b, j)
			if err != nil {
				return 0, fmt.Errorf("prepare template: %w", err)
			}
			scores = append(scores, match.Compare(p, q))
		}
	}
	return match.Impressions(scores...), nil
}
