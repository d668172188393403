package client

import (
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Standing fetches the centre's word on what was charged for a person this
// year, sealed for who has the person's coverage key; nothing of it has been
// checked but its length. It owes ErrOffline, ErrProtocol and *ServerError
// (wire.CodeNoPatient).
func (c *Client) Standing(ctx context.Context, id record.PatientID, person uint8) ([]byte, error) {
	got, err := c.ask(ctx, request{
		path: wire.PatientStandingPath(id.String(), person), media: wire.ContentCOSE, limit: wire.MaxSealed, timeout: c.tuning.timeout,
	})
	if err != nil {
		return nil, fmt.Errorf("fetch standing: %w", err)
	}
	if len(got.body) == 0 {
		return nil, fmt.Errorf("fetch standing: empty answer: %w", ErrProtocol)
	}
	return got.body, nil
}
