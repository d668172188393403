package main

import (
	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newReaderCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:     "reader",
		Short:   "Look at the card readers",
		Example: "  dhamani reader list\n  dhamani reader watch",
	}, newReaderListCommand(g), newReaderWatchCommand(g))
}
