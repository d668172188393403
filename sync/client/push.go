package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// pushState is what the push loop remembers between two batches.
type pushState struct {
	count    int              // entries in the next batch at most
	batch    [16]byte         // of the batch whose outcome is not known
	ids      []record.EntryID // of that batch
	failures int              // in a row, of the single entry in ids
	lists    time.Time        // when the lists are due
	narrowed bool             // the last failure made the next batch smaller

	// suspects are single entries that were postponed, with the number of
	// entries that had been pushed by then.
	suspects map[record.EntryID]uint64
}

// pushLoop keeps the order: lists before entries. It ends with ctx.
func (c *Client) pushLoop(ctx context.Context) error {
	c.push.count = c.tuning.batchCount
	c.push.suspects = make(map[record.EntryID]uint64)
	back := c.newBackoff()
	for {
		err := c.pushAll(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			back.reset()
			if err := pause(ctx, max(time.Until(c.push.lists), c.tuning.kickGap), 0, c.kick); err != nil {
				return err
			}
			continue
		}
		if c.push.narrowed {
			back.ease()
		}
		wait, asked := back.after(err)
		c.waiting(activityPush, wait)
		kick := c.kick
		if asked {
			kick = nil
		}
		if err := pause(ctx, wait, c.tuning.kickGap, kick); err != nil {
			return err
		}
		c.waiting(activityPush, 0)
	}
}

// pushAll refreshes the lists when they are due and empties the outbox. A
// failure with the lists holds the entries up only when the centre is out of
// reach anyhow.
func (c *Client) pushAll(ctx context.Context) error {
	var listErr error
	if !time.Now().Before(c.push.lists) {
		listErr = c.refreshLists(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.openGate()
		if listErr == nil {
			c.push.lists = time.Now().Add(c.tuning.listEvery)
		} else if stop(listErr) {
			return listErr
		}
	}
	for {
		more, err := c.pushBatch(ctx)
		if err != nil {
			return err
		}
		if !more {
			return listErr
		}
	}
}

// stop reports an error after which nothing else is worth asking at once.
func stop(err error) bool {
	if server, ok := errors.AsType[*ServerError](err); ok {
		return server.RetryAfter > 0
	}
	return errors.Is(err, ErrOffline) && !errors.Is(err, ErrTimeout)
}

// pushBatch sends the head of the outbox; more is false when it is empty.
func (c *Client) pushBatch(ctx context.Context) (more bool, err error) {
	c.push.narrowed = false
	items, err := c.store.OutboxBatch(c.push.count, c.tuning.batchBytes)
	if err != nil {
		err = fmt.Errorf("read outbox: %w", err)
		c.note(activityPush, err)
		return false, err
	}
	if len(items) == 0 {
		return false, nil
	}
	req := c.nameBatch(items)
	resp, err := c.send(ctx, req)
	if err == nil {
		err = c.settle(resp)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	c.note(activityPush, err)
	if err != nil {
		again, narrowErr := c.narrow(err)
		if again && narrowErr == nil {
			return true, nil
		}
		return false, errors.Join(err, narrowErr)
	}
	c.push.ids, c.push.failures = nil, 0
	c.push.count = min(2*c.push.count, c.tuning.batchCount)
	return true, nil
}

// nameBatch numbers a batch. The number stays the same while the same entries
// are sent again, so that the centre gives the same receipt.
func (c *Client) nameBatch(items []wire.Envelope) *wire.PushRequest {
	ids := make([]record.EntryID, len(items))
	for i := range items {
		ids[i] = items[i].ID()
	}
	if !slices.Equal(ids, c.push.ids) {
		c.push.ids, c.push.failures = ids, 0
		_, _ = rand.Read(c.push.batch[:]) // never fails
	}
	return &wire.PushRequest{Batch: c.push.batch, Items: items}
}

// send makes the request and checks everything that the answer says.
func (c *Client) send(ctx context.Context, req *wire.PushRequest) (*wire.PushResponse, error) {
	body, err := wire.Encode(req)
	if err != nil {
		return nil, fmt.Errorf("push entries: %w", err)
	}
	resp := new(wire.PushResponse)
	if err := c.call(ctx, request{path: wire.PathRecords, body: body, timeout: c.tuning.timeout}, resp); err != nil {
		return nil, fmt.Errorf("push entries: %w", err)
	}
	if len(resp.Results) != len(req.Items) {
		return nil, fmt.Errorf("push entries: %d results for %d entries: %w", len(resp.Results), len(req.Items), ErrProtocol)
	}
	var accepted []record.EntryID
	for i, r := range resp.Results {
		switch {
		case r.ID != req.Items[i].ID():
			return nil, fmt.Errorf("push entries: result %d names another entry: %w", i, ErrProtocol)
		case r.Status != wire.StatusRejected:
			accepted = append(accepted, r.ID)
		case !plain(r.Code):
			return nil, fmt.Errorf("push entries: result %d has a malformed code: %w", i, ErrProtocol)
		}
	}
	if len(accepted) > 0 {
		if err := c.cfg.Verify(resp.Receipt, req.Batch, accepted); err != nil {
			return nil, fmt.Errorf("push entries: receipt: %w: %w", ErrProtocol, err)
		}
	}
	return resp, nil
}

// settle acknowledges what the centre answered.
func (c *Client) settle(resp *wire.PushResponse) error {
	if err := c.store.Acknowledge(resp.Results, resp.Receipt); err != nil {
		return fmt.Errorf("acknowledge entries: %w", err)
	}
	pushed := uint64(0)
	for _, r := range resp.Results {
		if r.Status == wire.StatusRejected {
			c.cfg.Log.Warn("entry refused by the centre", logkey.Entry, r.ID.Short(), logkey.Code, r.Code)
			continue
		}
		pushed++
	}
	c.mu.Lock()
	c.status.Pushed += pushed
	c.mu.Unlock()
	return nil
}
