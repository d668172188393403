package main

import (
	"context"
	"encoding/hex"
	"io"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newBlockCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "block CARD",
		Short: "Put a lost or stolen card on the block list",
		Long: `block puts a card on the block list, for good. Its holder gets another card from
a personalisation station, with the same section keys.`,
		Example: `  dhamani-central block --dir ./centre 0123456789abcdef`,
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := hex.DecodeString(args[0])
			if err != nil || len(raw) != 8 {
				return cli.WrongUsage(cmd, "a card's number has 16 hexadecimal digits")
			}
			return runBlock(cmd.Context(), cmd.OutOrStdout(), g, [8]byte(raw))
		},
	}
}

func runBlock(ctx context.Context, out io.Writer, g *globals, card [8]byte) error {
	return withCentre(ctx, g, func(c *centre) error {
		if err := c.auth.BlockCard(ctx, card); err != nil {
			return err
		}
		_, list := c.auth.Trust().Versions()
		return answer(out, g.json, map[string]any{"blocked": hex.EncodeToString(card[:]), "block_version": list}, func(p *printer) {
			p.printf("card %x blocked; block list %d\n", card, list)
		})
	})
}
