package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
)

// feeder hands out the cards that an operator, or a machine, puts in one after
// the other.
type feeder struct {
	service *pcsc.Service
	opts    cardOptions
	ask     func(text string) // tells the operator what is waited for
}

// next waits for a card that is not spent. It owes card.ErrNoCard when none
// comes in time, and the errors of the card service.
func (f *feeder) next(ctx context.Context, spent func(card.ID) bool) (personalise.Presented, error) {
	wait := f.opts.wait
	limit := time.NewTimer(max(wait, time.Millisecond))
	defer limit.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		got, err := f.look(ctx, spent)
		if err == nil || wait <= 0 || !errors.Is(err, card.ErrNoCard) && !passing(err) {
			return got, err
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return personalise.Presented{}, fmt.Errorf("wait %v for the next card: %w", wait, err)
		case <-ctx.Done():
			return personalise.Presented{}, ctx.Err()
		}
	}
}

// passing reports an error that goes away when the card lies still.
func passing(err error) bool {
	for _, is := range []error{card.ErrRemoved, card.ErrReset, card.ErrBusy, card.ErrUnpowered, card.ErrNotDhamani, pcsc.ErrWatching} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// look selects the application on each card that lies in a reader.
func (f *feeder) look(ctx context.Context, spent func(card.ID) bool) (personalise.Presented, error) {
	readers, err := f.service.List(ctx)
	if err != nil {
		return personalise.Presented{}, err
	}
	last := card.ErrNoCard
	known := f.opts.reader == ""
	for _, r := range readers {
		if f.opts.reader != "" && r.Name != f.opts.reader {
			continue
		}
		known = true
		if !r.Present {
			continue
		}
		info, err := f.info(ctx, r.Name)
		if err != nil {
			last = fmt.Errorf("card in %q: %w", r.Name, err)
			continue
		}
		if spent(info.ID) {
			f.ask(fmt.Sprintf("take card %s out and put the next one in", info.ID))
			continue
		}
		return personalise.Presented{Reader: r.Name, Info: info}, nil
	}
	if len(readers) == 0 || !known {
		return personalise.Presented{}, fmt.Errorf("look for a card in %q: %w", f.opts.reader, card.ErrNoReader)
	}
	if errors.Is(last, card.ErrNoCard) {
		f.ask("put a blank card in")
	}
	return personalise.Presented{}, fmt.Errorf("look for a card: %w", last)
}

func (f *feeder) info(ctx context.Context, reader string) (card.Info, error) {
	transport, err := f.service.Connect(ctx, reader)
	if err != nil {
		return card.Info{}, err
	}
	session, err := card.Open(ctx, transport)
	if err != nil {
		return card.Info{}, errors.Join(err, transport.Close())
	}
	return session.Info(), session.Close()
}
