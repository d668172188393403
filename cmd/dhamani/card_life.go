package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// lifeMove is a change of the life cycle that the issuer makes on a card in
// use.
type lifeMove struct {
	name   string
	from   []card.State
	to     card.State
	listed bool // may be done to a card that the block list names
	do     func(*card.Session, context.Context) error
}

var (
	moveBlock = lifeMove{
		name: "block", from: []card.State{card.StateOperational}, to: card.StateBlocked, listed: true, do: (*card.Session).Block,
	}
	moveUnblock = lifeMove{
		name: "unblock", from: []card.State{card.StateBlocked}, to: card.StateOperational, do: (*card.Session).Unblock,
	}
	moveTerminate = lifeMove{
		name: "terminate", from: []card.State{card.StateOperational, card.StateBlocked}, to: card.StateTerminated, listed: true,
		do: (*card.Session).Terminate,
	}
)

func newCardBlockCommand(g *globals) *cobra.Command {
	return newLifeCommand(g, moveBlock, "Block the card in the reader; unblock gives it back", `Block the card in the reader: nothing can be read from it until 'dhamani card
unblock'. This is for a card that is here. One that is lost is blocked at the
centre, for good, with 'dhamani-central block' or by a reissue.

It needs the folder of a workstation with the role issuer (--home).`)
}

func newCardUnblockCommand(g *globals) *cobra.Command {
	return newLifeCommand(g, moveUnblock, "Give a blocked card back to its holder", `Give a card back that was blocked with 'dhamani card block'. A card that the
centre's block list names stays blocked: its holder gets another one.

It needs the folder of a workstation with the role issuer (--home).`)
}

func newCardTerminateCommand(g *globals) *cobra.Command {
	var yes bool
	cmd := newLifeCommand(g, moveTerminate, "End the card in the reader for good", `End the card in the reader for good. There is no way back: nothing can be read
from it any more. Say --yes if you mean it. The holder's records stay at the
centre; 'dhamani card reissue' puts them onto another card.

It needs the folder of a workstation with the role issuer (--home).`)
	cmd.Example = "  dhamani card terminate --yes --home station"
	cmd.Flags().BoolVar(&yes, "yes", false, "end the card; this cannot be undone")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !yes {
			return cli.Advise(errors.New("the card would end for good"), cli.ExitUsage, "say --yes if you mean it")
		}
		return nil
	}
	return cmd
}

func newLifeCommand(g *globals, move lifeMove, short, long string) *cobra.Command {
	var opts cardOptions
	cmd := &cobra.Command{
		Use: move.name, Short: short, Long: long,
		Example: fmt.Sprintf("  dhamani card %s --home station\n  dhamani card %[1]s --home station --wait 30s --json", move.name),
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCardLife(cmd.Context(), cmd.OutOrStdout(), g, opts, move)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

// lifeAnswer is the JSON answer of activate, block, unblock and terminate.
type lifeAnswer struct {
	Card  card.ID `json:"card"`
	State string  `json:"state"`
}

func printLife(out io.Writer, g *globals, a lifeAnswer) error {
	if g.json {
		return cli.PrintJSON(out, a)
	}
	if _, err := fmt.Fprintf(out, "card %s is %s\n", a.Card, a.State); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

func runCardLife(ctx context.Context, out io.Writer, g *globals, opts cardOptions, move lifeMove) error {
	h, err := loadIssuer(g)
	if err != nil {
		return err
	}
	opened, err := openCard(ctx, g, opts)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	info := opened.Info()
	if err := move.allowed(info); err != nil {
		return err
	}
	if !move.listed {
		refreshLists(ctx, g, h)
		if h.Trust.Blocked(info.ID) {
			return cli.Advise(fmt.Errorf("%s card %s: the centre's block list names it", move.name, info.ID), exitRefused,
				"give the holder another card with 'dhamani card reissue'")
		}
	}
	secure, err := recogniseIssued(ctx, opened.Session, h)
	if err != nil {
		return fmt.Errorf("recognise the card: %w", err)
	}
	if err := opened.Authenticate(ctx, secure.Public, h.Terminal); err != nil {
		return err
	}
	if err := move.do(opened.Session, ctx); err != nil {
		return err
	}
	return printLife(out, g, lifeAnswer{Card: info.ID, State: move.to.String()})
}

// allowed refuses what the state of the card does not allow, before anything
// is asked of it.
func (m lifeMove) allowed(info card.Info) error {
	if slices.Contains(m.from, info.State) {
		return nil
	}
	err := fmt.Errorf("%s card %s: it is %s already", m.name, info.ID, info.State)
	if info.State == m.to {
		return cli.Advise(err, exitRefused, "leave it as it is")
	}
	if cause := info.State.Err(); cause != nil {
		return fmt.Errorf("%s card %s: %w", m.name, info.ID, cause)
	}
	return cli.Advise(fmt.Errorf("%s card %s: it is %s", m.name, info.ID, info.State), exitRefused, "look at the card with 'dhamani card info'")
}

// recogniseIssued checks the card's signed key. A card that has expired is
// recognised too: its life can still be ended.
func recogniseIssued(ctx context.Context, s *card.Session, h *home.Home) (trust.CardSecurity, error) {
	raw, err := s.Security(ctx)
	if err != nil {
		return trust.CardSecurity{}, err
	}
	secure, err := h.Trust.CardSecurity(raw, time.Now())
	if err != nil && !errors.Is(err, trust.ErrExpired) {
		return trust.CardSecurity{}, err
	}
	if secure.Card != s.Info().ID {
		return trust.CardSecurity{}, fmt.Errorf("its signed key names another card: %w", card.ErrMalformed)
	}
	return secure, nil
}

// listsWithin bounds how long a command at a card waits for newer lists.
const listsWithin = 10 * time.Second

// refreshLists takes the centre's newest lists into use, if it can be reached.
func refreshLists(ctx context.Context, g *globals, h *home.Home) {
	ctx, cancel := context.WithTimeout(ctx, listsWithin)
	defer cancel()
	centre, err := h.Client(nil, g.log)
	if err == nil {
		err = centre.Refresh(ctx)
		centre.Close()
	}
	if err != nil {
		g.log.WarnContext(ctx, "lists may be old", logkey.Error, err.Error())
	}
}
