package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
)

func newCardPINCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:     "pin",
		Short:   "Change the PIN of the card in the reader, or give its tries back",
		Example: "  dhamani card pin change\n  dhamani card pin unblock --home station",
	}, newPINChangeCommand(g), newPINUnblockCommand(g))
}

func newPINChangeCommand(g *globals) *cobra.Command {
	var opts cardOptions
	cmd := &cobra.Command{
		Use:   "change",
		Short: "Have the holder change the PIN",
		Long: `Have the holder change the PIN of the card in the reader: the one that is, then
the new one, 4 to 8 digits. Both are asked for without showing them; when the
standard input is no terminal, they are its first two lines. Three wrong PINs
use up the tries. It needs an enrolled workstation's folder (--home).`,
		Example: "  dhamani card pin change\n  dhamani card pin change --wait 30s",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPINChange(cmd.Context(), cmd.OutOrStdout(), g, opts, newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()))
		},
	}
	opts.addFlags(cmd)
	return cmd
}

// pinAnswer is the JSON answer of both pin commands.
type pinAnswer struct {
	Card card.ID `json:"card"`
	PIN  string  `json:"pin"` // changed, unblocked or set
}

func printPIN(out io.Writer, g *globals, a pinAnswer) error {
	if g.json {
		return cli.PrintJSON(out, a)
	}
	if _, err := fmt.Fprintf(out, "card %s: PIN %s\n", a.Card, a.PIN); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

func runPINChange(ctx context.Context, out io.Writer, g *globals, opts cardOptions, ask *secrets) error {
	old, err := ask.read("PIN")
	if err != nil {
		return err
	}
	chosen, err := ask.fresh("New PIN")
	if err != nil {
		return err
	}
	who, err := actorOf(ctx, g, "", ask)
	if err != nil {
		return err
	}
	c, err := openAuthentic(ctx, g, who, opts)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.ChangePIN(ctx, []byte(old.Reveal()), []byte(chosen.Reveal())); err != nil {
		return err
	}
	return printPIN(out, g, pinAnswer{c.Info().ID, "changed"})
}

type pinUnblockOptions struct {
	cardOptions
	keep    bool
	fingers bool
}

func newPINUnblockCommand(g *globals) *cobra.Command {
	var opts pinUnblockOptions
	cmd := &cobra.Command{
		Use:   "unblock",
		Short: "Give the card a new PIN and all its tries",
		Long: `Give the card in the reader a new PIN with all its tries; it is asked for, or
read from the standard input. A card without a PIN gets its first one: it counts
for the holder and for those whom the holder answers for. --keep leaves the PIN
as it is and gives the tries back; --fingers gives those of the fingers back.
The card notes it.

It needs the folder of a workstation with the role issuer (--home).`,
		Example: "  dhamani card pin unblock --home station\n  dhamani card pin unblock --keep --home station",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.keep && opts.fingers {
				return cli.WrongUsage(cmd, "give either --keep or --fingers")
			}
			return runPINUnblock(cmd.Context(), cmd.OutOrStdout(), g, opts, newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()))
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().BoolVar(&opts.keep, "keep", false, "keep the PIN and give its tries back")
	cmd.Flags().BoolVar(&opts.fingers, "fingers", false, "give the tries of the fingers back")
	return cmd
}

func runPINUnblock(ctx context.Context, out io.Writer, g *globals, opts pinUnblockOptions, ask *secrets) error {
	h, err := loadIssuer(g)
	if err != nil {
		return err
	}
	var chosen []byte
	if !opts.keep && !opts.fingers {
		secret, err := ask.fresh("New PIN")
		if err != nil {
			return err
		}
		chosen = []byte(secret.Reveal())
		defer clear(chosen)
	}
	c, err := openAuthentic(ctx, g, cardActor{h, h.Role, h.Terminal}, opts.cardOptions)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	done := pinAnswer{c.Info().ID, "unblocked"}
	if opts.fingers {
		err = c.UnblockFingers(ctx)
	} else {
		err = c.UnblockPIN(ctx, chosen)
	}
	if errors.Is(err, card.ErrNoReference) && chosen != nil {
		done.PIN = "set"
		err = setFirstPIN(ctx, h, c.Session, chosen)
	}
	if err != nil {
		return err
	}
	return printPIN(out, g, done)
}

// setFirstPIN gives a card without a PIN one for the holder and their wards.
func setFirstPIN(ctx context.Context, h *home.Home, s *card.Session, pin []byte) error {
	raw, err := s.ReadFile(ctx, card.FileID)
	if err != nil {
		return err
	}
	file, err := h.Trust.Identity(raw)
	if err != nil {
		return err
	}
	identity, err := record.DecodeIdentity(file.Identity)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return s.SetPIN(ctx, identity.VerifiesFor(0), pin)
}
