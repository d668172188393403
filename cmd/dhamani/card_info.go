package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newCardInfoCommand(g *globals) *cobra.Command {
	var opts cardOptions
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Tell what the card in the reader is, without any keys",
		Long: `Tell what the card in the reader is: its number, version and state, and what it
presents as proof that it is genuine. This needs no keys and opens no health
data. On an enrolled workstation the proof is checked against the trust list
and the card against the block list.`,
		Example: "  dhamani card info\n  dhamani card info --wait 30s --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCardInfo(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

// cardInfo is the JSON answer of card info.
type cardInfo struct {
	Reader   string  `json:"reader"`
	ATR      string  `json:"atr"`
	Card     card.ID `json:"card"`
	Version  uint8   `json:"version"`
	State    string  `json:"state"`
	MaxBlock int     `json:"max_block"` // bytes of one read
	MaxEntry int     `json:"max_entry"` // bytes of one sealed entry
	Security int     `json:"security"`  // bytes of the signed card key; 0: none yet
	Trust    string  `json:"trust"`     // what the workstation's lists say of it
	NotAfter string  `json:"not_after,omitempty"`
}

// What card info says about the card's signed key.
const (
	trustUnchecked = "not checked: this workstation is not enrolled"
	trustNone      = "none: the card is not personalised"
	trustEnded     = "not readable: the card has ended"
	trustGood      = "signed by a trusted issuer"
	trustBlocked   = "blocked by the block list"
)

func runCardInfo(ctx context.Context, out io.Writer, g *globals, opts cardOptions) error {
	c, err := openCard(ctx, g, opts)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	said := c.Info()
	info := cardInfo{
		Reader: c.reader, ATR: hexUpper(c.atr), Card: said.ID, Version: said.Version, State: said.State.String(),
		MaxBlock: said.MaxBlock, MaxEntry: said.MaxEntry, Trust: trustNone,
	}
	security, err := c.Security(ctx)
	switch {
	case errors.Is(err, card.ErrFileNotFound), said.State == card.StateCreation && isStatus(err):
	case said.State == card.StateTerminated && isStatus(err):
		info.Trust = trustEnded
	case err != nil:
		return fmt.Errorf("read the card's signed key: %w", err)
	default:
		info.Security = len(security)
		if err := info.check(g.home, said.ID, security); err != nil {
			return err
		}
	}
	if g.json {
		return cli.PrintJSON(out, info)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "reader\t%s\nATR\t%s\ncard\t%s\nversion\t%d\nstate\t%s\n",
		info.Reader, info.ATR, info.Card, info.Version, info.State)
	fmt.Fprintf(table, "limits\tread %d bytes, entry %d bytes\n", info.MaxBlock, info.MaxEntry)
	fmt.Fprintf(table, "signed key\t%s\n", info.Trust)
	if info.NotAfter != "" {
		fmt.Fprintf(table, "valid until\t%s\n", info.NotAfter)
	}
	return table.Flush()
}

func isStatus(err error) bool {
	var status *card.StatusError
	return errors.As(err, &status)
}

// check compares the card's signed key with the lists of an enrolled
// workstation. What the lists say is an answer, not an error.
func (i *cardInfo) check(dir string, id card.ID, security []byte) error {
	h, err := home.Load(dir)
	if errors.Is(err, home.ErrNotEnrolled) {
		i.Trust = trustUnchecked
		return nil
	}
	if err != nil {
		return err
	}
	if h.Trust.Blocked(id) {
		i.Trust = trustBlocked
		return nil
	}
	secure, err := h.Trust.CardSecurity(security, time.Now())
	switch {
	case err != nil:
		i.Trust = err.Error()
	case secure.Card != id:
		i.Trust = "signed for another card"
	default:
		i.Trust = trustGood
	}
	if !secure.NotAfter.IsZero() {
		i.NotAfter = secure.NotAfter.Format(time.DateOnly)
	}
	return nil
}
