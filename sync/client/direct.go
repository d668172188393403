package client

import (
	"context"
	"crypto/rand"
	"fmt"

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

// Refresh fetches the signed lists and takes them into use, for a client
// without a store. It owes ErrOffline, ErrProtocol and *ServerError.
func (c *Client) Refresh(ctx context.Context) error {
	for _, name := range listNames {
		if name == wire.ListTerms {
			if err := c.refreshTerms(ctx); err != nil {
				return fmt.Errorf("refresh terms: %w", err)
			}
			continue
		}
		got, err := c.ask(ctx, request{path: wire.PathLists + name, media: wire.ContentCOSE, limit: wire.MaxList, timeout: c.tuning.listTimeout})
		if mayLack(name, err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("refresh %s list: %w", name, err)
		}
		if _, err := c.accept(name, got.body); err != nil {
			return fmt.Errorf("refresh %s list: %w: %w", name, ErrProtocol, err)
		}
	}
	return nil
}

// Close ends the idle connections of a client that only asks. Run does so for
// one that runs.
func (c *Client) Close() { c.http.CloseIdleConnections() }
