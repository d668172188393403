package main

import "github.com/spf13/cobra"

func newReaderCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "reader",
		Short:   "Look at the card readers",
		Example: "  dhamani reader list\n  dhamani reader watch",
	}
	asGroup(cmd)
	cmd.AddCommand(newReaderListCommand(g), newReaderWatchCommand(g))
	return cmd
}
