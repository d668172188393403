package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

type cardVerifyOptions struct {
	pin    bool
	way    string
	attest string // how the patient is known instead
	reason string // why
}

func newCardVerifyCommand(g *globals) *cobra.Command {
	var opts cardVerifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify the patient whose card is at the running agent",
		Long: `Verify the patient whose card lies at the running agent: by a finger on its
scanner, or by the PIN (--pin), which is asked for or read from the standard
input. The card compares the finger and counts tries; with --way host the agent
does, where its certificate allows that, and the card writes it down.

Where neither can be used, --attest says how the patient is known (photo or
guardian) and --reason why: finger_refused, finger_unreadable, none_enrolled,
scanner_absent, pin_forgotten or emergency. It is noted and opens nothing more.`,
		Example: `  dhamani card verify
  dhamani card verify --way host --json
  dhamani card verify --pin
  dhamani card verify --attest photo --reason finger_unreadable`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case opts.way != agent.OnCard && opts.way != agent.OnHost:
				return cli.WrongUsage(cmd, "--way must be card or host")
			case (opts.attest != "") != (opts.reason != "") || opts.attest != "" && (opts.pin || cmd.Flags().Changed("way")):
				return cli.WrongUsage(cmd, "give --attest with --reason, and without --pin and --way")
			case opts.attest != "" && !attestable(opts):
				return cli.WrongUsage(cmd, "--attest is photo or guardian; the reasons stand above")
			case opts.pin && cmd.Flags().Changed("way"):
				return cli.WrongUsage(cmd, "give either --pin or --way")
			}
			var pin redact.String
			if opts.pin {
				var err error
				if pin, err = newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()).read("PIN of the patient"); err != nil {
					return err
				}
			}
			return askAgent(g, func(api *localapi.Client) error {
				return runCardVerify(cmd.Context(), g, api, opts, pin, cmd.OutOrStdout(), cmd.ErrOrStderr())
			})
		},
	}
	cmd.Flags().BoolVar(&opts.pin, "pin", false, "verify by the PIN")
	cmd.Flags().StringVar(&opts.way, "way", agent.OnCard, "who compares the finger: card or host")
	cmd.Flags().StringVar(&opts.attest, "attest", "", "how the patient is known instead: photo or guardian")
	cmd.Flags().StringVar(&opts.reason, "reason", "", "why neither finger nor PIN can be used")
	return cmd
}

// attestable tells whether way and reason are of the agent's lists.
func attestable(opts cardVerifyOptions) bool {
	ways, reasons := agent.Attestations()
	return slices.Contains(ways, opts.attest) && slices.Contains(reasons, opts.reason)
}

// errNoVisitHere says that no card lies at the agent.
var errNoVisitHere = errors.New("no card is at the agent")

// verified is the JSON answer of card verify.
type verified struct {
	Visit  string          `json:"visit"`
	By     string          `json:"by"` // "pin", "finger", or how the patient is known
	Reason string          `json:"reason,omitempty"`
	Finger *agent.Fingered `json:"finger,omitempty"`
}

func runCardVerify(ctx context.Context, g *globals, api *localapi.Client, opts cardVerifyOptions, pin redact.String, out, guide io.Writer) error {
	visits, err := api.Visits(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(visits, func(v agent.Visit) bool { return v.Present })
	if i < 0 {
		return cli.Advise(errNoVisitHere, exitNoCard, "put the patient's card on the agent's reader")
	}
	done := verified{Visit: visits[i].ID, By: "pin"}
	if opts.attest != "" {
		done.By, done.Reason = opts.attest, opts.reason
		_, err = api.Attest(ctx, done.Visit, opts.attest, opts.reason)
	} else if opts.pin {
		_, err = api.Verify(ctx, done.Visit, agent.Proof{PIN: pin})
	} else {
		var finger agent.Fingered
		finger, err = takeFinger(ctx, g, api, done.Visit, opts.way, guide)
		done.By, done.Finger = "finger", &finger
	}
	switch {
	case err != nil:
		return err
	case g.json:
		return cli.PrintJSON(out, done)
	case done.Reason != "":
		fmt.Fprintf(out, "noted: known by %s, %s\n", done.By, done.Reason)
	case done.Finger == nil:
		fmt.Fprintln(out, "verified by the PIN")
	case done.Finger.Way == agent.OnHost:
		fmt.Fprintf(out, "verified by finger %d, compared by the agent: at most 1 in %.0f other fingers is as much alike\n", done.Finger.Finger, 1/done.Finger.FMR)
	default:
		fmt.Fprintf(out, "verified by finger %d, compared by the card\n", done.Finger.Finger)
	}
	return nil
}

// takeFinger has a finger verified, and tells meanwhile what to do.
func takeFinger(ctx context.Context, g *globals, api *localapi.Client, visit, way string, guide io.Writer) (agent.Fingered, error) {
	following, stop := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		if g.json {
			return
		}
		_ = api.Events(following, localapi.CursorNow, func(_ localapi.Cursor, ev agent.Event) error { // guidance only
			if ev.Visit == visit && ev.Finger != nil {
				fmt.Fprintln(guide, ev.Finger.Text["en"])
			}
			return nil
		})
	}()
	finger, err := api.VerifyFinger(ctx, visit, way)
	stop()
	<-told
	return finger, err
}
