package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// scannerSoftOptions are the flags of scanner soft.
type scannerSoftOptions struct {
	socket string
	seed   uint64
}

func newScannerSoftCommand(g *globals) *cobra.Command {
	opts := scannerSoftOptions{seed: 1}
	cmd := &cobra.Command{
		Use:   "soft",
		Short: "Serve a soft scanner with a finger of nobody, for trials",
		Long: `soft serves a soft U.are.U 4500 at a unix socket, and puts a finger of nobody on
it whenever it asks for one, until it is interrupted. An agent uses it in the
place of all scanners when its agent.json says "soft_scanner": "PATH"; it says so
in its log and its health, and every finger is marked as of no device. The
templates of the same fingers come from 'dhamani finger synth' and 'extract'.`,
		Example: "  dhamani scanner soft --socket ./finger.sock --finger 7",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScannerSoft(cmd.Context(), g, opts, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&opts.socket, "socket", "", "path of the socket (required)")
	cmd.Flags().Uint64Var(&opts.seed, "finger", opts.seed, "seed of the finger, as of 'dhamani finger synth'")
	_ = cmd.MarkFlagRequired("socket")
	return cmd
}

func runScannerSoft(ctx context.Context, g *globals, opts scannerSoftOptions, out io.Writer) error {
	plate, err := newSoftPlate(ctx, opts.socket)
	if err != nil {
		return err
	}
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
