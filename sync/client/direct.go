package client

import (
	"context"
	"crypto/rand"

	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Push sends up to wire.MaxItems entries that are not in the outbox, as a
// personalisation desk does with an imported history, and returns what became
// of each of them, in order. It owes ErrOffline, ErrProtocol and *ServerError;
// after ErrOffline the same entries may be sent again.
func (c *Client) Push(ctx context.Context, items []wire.Envelope) ([]wire.Result, error) {
	req := &wire.PushRequest{Items: items}
	_, _ = rand.Read(req.Batch[:]) // never fails
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp.Results, nil
}
