package piv

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
)

// exchange sends a command in short blocks and collects the answer, whose
// every part must bring something and whose whole is bounded.
func (c *Card) exchange(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	blocks, err := apdu.Chain(cmd)
	if err != nil {
		return apdu.Response{}, err
	}
	var r apdu.Response
	for i, block := range blocks {
		if r, err = c.transmit(ctx, block); err != nil {
			return apdu.Response{}, err
		}
		if i < len(blocks)-1 && r.SW != apdu.SWOK {
			return r, nil // refused in mid-chain
		}
	}
	if n, again := r.SW.CorrectNe(); again && cmd.Ne > 0 {
		last, err := apdu.Parse(blocks[len(blocks)-1])
		if err != nil {
			return apdu.Response{}, err
		}
		last.Ne = n
		if r, err = c.send(ctx, last); err != nil {
			return apdu.Response{}, err
		}
	}
	var data []byte
	for {
		data = append(data, r.Data...)
		n, more := r.SW.More()
		if len(data) > maxObject || more && len(r.Data) == 0 && len(data) > 0 {
			return apdu.Response{}, fmt.Errorf("answer of %d bytes goes on: %w", len(data), ErrMalformed)
		}
		if !more {
			return apdu.Response{Data: data, SW: r.SW}, nil
		}
		if r, err = c.send(ctx, apdu.Command{INS: insGetResponse, Ne: n}); err != nil {
			return apdu.Response{}, err
		}
		if len(r.Data) == 0 {
			return apdu.Response{}, fmt.Errorf("announced data missing, status %v: %w", r.SW, ErrMalformed)
		}
	}
}

func (c *Card) send(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	raw, err := cmd.Encode()
	if err != nil {
		return apdu.Response{}, err
	}
	return c.transmit(ctx, raw)
}

func (c *Card) transmit(ctx context.Context, block []byte) (apdu.Response, error) {
	limited, cancel := context.WithTimeoutCause(ctx, answerLimit, card.ErrTooSlow)
	defer cancel()
	raw, err := c.t.Transmit(limited, block)
	if err != nil {
		if limited.Err() != nil && errors.Is(err, limited.Err()) {
			err = fmt.Errorf("%w: %w", context.Cause(limited), err)
		}
		return apdu.Response{}, err
	}
	r, err := apdu.ParseResponse(raw)
	switch {
	case err != nil:
		return apdu.Response{}, fmt.Errorf("%w: %w", card.ErrRemoved, err)
	case len(r.Data) > apdu.MaxShortNe:
		return apdu.Response{}, fmt.Errorf("%d bytes in a short answer: %w", len(r.Data), ErrMalformed)
	}
	return r, nil
}
