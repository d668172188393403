package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// scannerSoftOptions are the flags of scanner soft.
type scannerSoftOptions struct {
	socket   string
	seed     uint64
	liveness string
}

// softWords are what a soft scanner can say of its fingers, with the score that
// goes with it; of "none" it says nothing.
var softWords = map[string]*scanner.Presentation{
	"none":     nil,
	"alive":    {Verdict: scanner.Alive, Score: 95},
	"unsure":   {Verdict: scanner.Unsure, Score: 50},
	"artefact": {Verdict: scanner.Artefact, Score: 5},
}

func newScannerSoftCommand(g *globals) *cobra.Command {
	opts := scannerSoftOptions{seed: 1, liveness: "none"}
	cmd := &cobra.Command{
		Use:   "soft",
		Short: "Serve a soft scanner with a finger of nobody, for trials",
		Long: `soft serves a soft U.are.U 4500 at a unix socket, and puts a finger of nobody on
it whenever it asks for one, until it is interrupted. An agent uses it in the
place of all scanners when its agent.json says "soft_scanner": "PATH"; it says so
in its log and its health, and every finger is marked as of no device. The
templates of the same fingers come from 'dhamani finger synth' and 'extract'. With
--liveness it says of the finger what a device with a sensor for living skin says.`,
		Example: "  dhamani scanner soft --socket ./finger.sock --finger 7",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScannerSoft(cmd, g, opts)
		},
	}
	cmd.Flags().StringVar(&opts.socket, "socket", "", "path of the socket (required)")
	cmd.Flags().Uint64Var(&opts.seed, "finger", opts.seed, "seed of the finger, as of 'dhamani finger synth'")
	cmd.Flags().StringVar(&opts.liveness, "liveness", opts.liveness, "what it says of the finger: none, alive, unsure or artefact")
	_ = cmd.MarkFlagRequired("socket")
	return cmd
}

func runScannerSoft(cmd *cobra.Command, g *globals, opts scannerSoftOptions) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	said, ok := softWords[opts.liveness]
	if !ok {
		return cli.WrongUsage(cmd, "--liveness %q is none of none, alive, unsure and artefact", opts.liveness)
	}
	plate, err := newSoftPlate(ctx, opts.socket)
	if err != nil {
		return err
	}
	plate.scanner.Claim(said)
	plate.presses = uint64(time.Now().UnixMilli()) // #nosec G115 -- not the impressions of the last time, which are replays
	plate.hold(synth.New(opts.seed))
	if g.json {
		if err := cli.PrintJSON(out, struct {
			Socket string `json:"socket"`
			Model  string `json:"model"`
		}{opts.socket, plate.model.Name}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "soft %s at %s; end with Ctrl-C\n", plate.model.Name, opts.socket)
	}
	return plate.serve(ctx)
}
