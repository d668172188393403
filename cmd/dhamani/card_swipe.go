package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newCardSwipeCommand(g *globals) *cobra.Command {
	var alone bool
	cmd := &cobra.Command{
		Use:   "swipe",
		Short: "Read a magnetic stripe and tell whose card it is",
		Long: `Read what a magnetic stripe reader types, or a member's number, from standard
input and look the patient up among those whose cards this workstation's agent
has read. A stripe carries a number and proves nothing: no record is opened by
it. Without an agent the command tells what was read.`,
		Example: "  dhamani card swipe\n  echo 9368010004277816 | dhamani card swipe --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCardSwipe(cmd.Context(), cmd.OutOrStdout(), cmd.InOrStdin(), g, alone)
		},
	}
	cmd.Flags().BoolVar(&alone, "no-lookup", false, "only tell what was read")
	return cmd
}

// cardSwipe is the JSON answer of card swipe.
type cardSwipe struct {
	Number   stripe.Number `json:"number"`
	Looked   bool          `json:"looked_up"` // an agent was asked
	Patients []agent.Found `json:"patients"`
}

func runCardSwipe(ctx context.Context, out io.Writer, in io.Reader, g *globals, alone bool) error {
	number, err := readSwipe(in)
	if err != nil {
		return fmt.Errorf("read the stripe: %w", err)
	}
	answer := cardSwipe{Number: number, Patients: []agent.Found{}}
	if !alone {
		if err := answer.lookUp(ctx, g); err != nil {
			return err
		}
	}
	if g.json {
		return cli.PrintJSON(out, answer)
	}
	return answer.print(out)
}

// maxSwipeLines is the number of lines that a reader types that ends each of
// the three tracks with the Enter key.
const maxSwipeLines = 3

// readSwipe reads lines until one holds track 2 or a number.
func readSwipe(in io.Reader) (stripe.Number, error) {
	lines := bufio.NewScanner(io.LimitReader(in, maxSwipeLines*(stripe.MaxLine+1)))
	err := stripe.ErrEmpty
	for range maxSwipeLines {
		if !lines.Scan() {
			break
		}
		var n stripe.Number
		if n, err = stripe.Parse(lines.Text()); !errors.Is(err, stripe.ErrTrack) {
			return n, err
		}
	}
	if lines.Err() != nil {
		return stripe.Number{}, lines.Err()
	}
	return stripe.Number{}, err
}

// lookUp asks the agent of the home folder, if one runs.
func (s *cardSwipe) lookUp(ctx context.Context, g *globals) error {
	api, err := localapi.Dial(home.SocketPath(g.home))
	if err == nil {
		s.Patients, err = api.Lookup(ctx, s.Number.Digits())
		err = errors.Join(err, api.Close())
	}
	if errors.Is(err, localapi.ErrNotRunning) {
		s.Patients = []agent.Found{}
		return nil
	}
	s.Looked = err == nil
	return err
}

func (s *cardSwipe) print(out io.Writer) error {
	fmt.Fprintf(out, "number  %s\n", s.Number.Digits())
	switch {
	case !s.Looked:
		fmt.Fprintln(out, "nobody was looked up: no agent was asked")
		return nil
	case len(s.Patients) == 0:
		fmt.Fprintln(out, "no card of this number was read here before")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range s.Patients {
		state := ""
		if p.Blocked {
			state = "  card is blocked"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\tread %s%s\n", p.Patient, p.Names.In("en"), p.Born, p.Read.Local().Format(time.DateTime), state)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
