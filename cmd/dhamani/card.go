package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newCardCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:     "card",
		Short:   "Look at the health card in a reader, and lead it through its life",
		Example: "  dhamani card info\n  dhamani card read --home /var/lib/dhamani\n  dhamani card personalise --batch patients/ --home station",
	}, newCardInfoCommand(g), newCardReadCommand(g), newCardCoverCommand(g), newCardSpaceCommand(g), newCardSwipeCommand(g),
		newCardAuditCommand(g), newCardVerifyCommand(g), newCardPINCommand(g),
		newCardPersonaliseCommand(g), newCardActivateCommand(g), newCardReissueCommand(g),
		newCardBlockCommand(g), newCardUnblockCommand(g), newCardTerminateCommand(g), newCardBenchCommand(g))
}

// cardOptions choose the card that a command works on.
type cardOptions struct {
	reader string        // name of the reader; empty: the only one with a card
	wait   time.Duration // how long to wait for a card
}

func (o *cardOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.reader, "reader", "", "name of the reader (default: the only one with a card)")
	cmd.Flags().DurationVar(&o.wait, "wait", 0, "wait this long for a card, as 30s")
}

// openedCard is a card that was connected and selected.
type openedCard struct {
	*card.Session
	reader string
	atr    []byte
}

// openCard connects to the chosen card and selects its application.
func openCard(ctx context.Context, g *globals, o cardOptions) (*openedCard, error) {
	service := pcsc.New(g.log)
	reader, err := chooseReader(ctx, service, o)
	if err != nil {
		return nil, err
	}
	transport, err := service.Connect(ctx, reader)
	if err != nil {
		return nil, err
	}
	session, err := card.Open(ctx, transport, card.WithTrace(func(l card.TraceLine) {
		g.log.LogAttrs(ctx, slog.LevelDebug, "card command", slog.String("trace", l.String()))
	}))
	if err != nil {
		_ = transport.Close()
		return nil, fmt.Errorf("select the application on the card in %q: %w", reader, err)
	}
	return &openedCard{Session: session, reader: reader, atr: transport.ATR()}, nil
}

// lookEvery is how often the readers are asked while a card is waited for.
const lookEvery = 200 * time.Millisecond

// chooseReader finds the reader that the options mean, with a card in it.
func chooseReader(ctx context.Context, service *pcsc.Service, o cardOptions) (string, error) {
	if o.wait <= 0 {
		return readerWithCard(ctx, service, o.reader)
	}
	waited, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		reader, err := readerWithCard(ctx, service, o.reader)
		if err == nil {
			return reader, nil
		}
		select {
		case <-tick.C:
		case <-waited.Done():
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", err
		}
	}
}

func readerWithCard(ctx context.Context, service *pcsc.Service, name string) (string, error) {
	readers, err := service.List(ctx)
	if err != nil {
		return "", err
	}
	if len(readers) == 0 {
		return "", fmt.Errorf("look for a card: %w", card.ErrNoReader)
	}
	var found []string
	known := name == ""
	for _, r := range readers {
		known = known || r.Name == name
		if r.Present && (name == "" || r.Name == name) {
			found = append(found, r.Name)
		}
	}
	switch {
	case !known:
		return "", fmt.Errorf("look for a card in %q: %w", name, card.ErrNoReader)
	case len(found) == 0:
		return "", fmt.Errorf("look for a card: %w", card.ErrNoCard)
	case len(found) > 1:
		return "", cli.Advise(fmt.Errorf("look for a card: there are cards in %d readers", len(found)), cli.ExitUsage,
			fmt.Sprintf("choose one, as --reader %q", found[0]))
	}
	return found[0], nil
}
