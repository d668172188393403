package client

import (
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Release asks the centre for one person's keys for a visit without the card.
// It owes ErrOffline, ErrProtocol and *ServerError.
func (c *Client) Release(ctx context.Context, req *wire.ReleaseRequest) (*wire.ReleaseAnswer, error) {
	body, err := wire.Encode(req)
	if err != nil {
		return nil, fmt.Errorf("ask for keys: %w", err)
	}
	answer := new(wire.ReleaseAnswer)
	if err := c.call(ctx, request{path: wire.PathReleases, body: body, timeout: c.tuning.timeout}, answer); err != nil {
		return nil, fmt.Errorf("ask for keys: %w", err)
	}
	return answer, nil
}
