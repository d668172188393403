package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

func newReaderListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the card readers and what is in them",
		Example: "  dhamani reader list\n  dhamani reader list --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReaderList(cmd.Context(), cmd.OutOrStdout(), g)
		},
	}
}

// readerLine is one reader in the JSON answer of reader list.
type readerLine struct {
	Name   string `json:"name"`
	Device string `json:"device"`         // its own name, or that of the first of several slots of one device
	Card   bool   `json:"card"`           // a card is in it
	Mute   bool   `json:"mute,omitempty"` // and does not answer
	InUse  bool   `json:"in_use"`         // a program is connected to the card
	ATR    string `json:"atr,omitempty"`  // hexadecimal
}

func runReaderList(ctx context.Context, out io.Writer, g *globals) error {
	readers, err := pcsc.New(g.log).List(ctx)
	if err != nil {
		return err
	}
	lines := make([]readerLine, len(readers))
	names := make([]string, len(readers))
	for i, r := range readers {
		names[i] = r.Name
	}
	devices := pcsc.Devices(names)
	var holders *pcsc.Holders
	for i, r := range readers {
		if r.InUse && holders == nil {
			found, err := pcsc.FindHolders()
			if err != nil {
				g.log.DebugContext(ctx, "programs at the card service are not known", logkey.Error, err)
			}
			holders = &found
		}
		lines[i] = readerLine{Name: r.Name, Device: devices[r.Name], Card: r.Present, Mute: r.Mute, InUse: r.InUse, ATR: hexUpper(r.ATR)}
	}
	if g.json {
		answer := map[string]any{"readers": lines}
		if holders != nil {
			answer["holders"] = holders
		}
		return cli.PrintJSON(out, answer)
	}
	if len(lines) == 0 {
		return fmt.Errorf("list readers: %w", card.ErrNoReader)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "READER\tCARD\tATR")
	for _, l := range lines {
		name := l.Name
		if l.Device != l.Name {
			name += " (with " + l.Device + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", name, l.state(), l.ATR)
	}
	if err := table.Flush(); err != nil || holders == nil {
		return err
	}
	_, err = fmt.Fprintf(out, "in use: %v\n", holders)
	return err
}

// state words what is in the reader.
func (l readerLine) state() string {
	switch {
	case !l.Card:
		return "none"
	case l.Mute:
		return "does not answer"
	case l.InUse:
		return "in use"
	default:
		return "yes"
	}
}

func hexUpper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
