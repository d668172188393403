package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// pullLoop follows the change feed. It ends with ctx.
func (c *Client) pullLoop(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.listed:
	}
	back := c.newBackoff()
	for {
		began := time.Now()
		brought, err := c.pullPage(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.note(activityPull, err)
		var wait time.Duration
		switch {
		case err != nil:
			wait, _ = back.after(err)
			c.waiting(activityPull, wait)
		case brought:
			back.reset()
			c.wakeOther()
			continue
		default: // a centre that answers at once is not asked at once again
			back.reset()
			c.wakeOther()
			wait = c.tuning.pollEvery - time.Since(began)
		}
		if err := pause(ctx, max(wait, 0), 0, nil); err != nil {
			return err
		}
		c.waiting(activityPull, 0)
	}
}

// pullPage fetches and keeps one page; brought says that it held something, so
// that the next one is worth asking for at once.
func (c *Client) pullPage(ctx context.Context) (brought bool, err error) {
	cursor, err := c.store.Cursor()
	if err != nil {
		return false, fmt.Errorf("read cursor: %w", err)
	}
	if _, _, err := wire.Cursor(cursor).Split(); err != nil {
		cursor = ""
	}
	query := url.Values{
		wire.QueryMax:  {strconv.Itoa(wire.MaxItems)},
		wire.QueryWait: {strconv.Itoa(int(c.tuning.wait / time.Second))},
	}
	if cursor != "" {
		query.Set(wire.QueryCursor, cursor)
	}
	page := new(wire.ChangesPage)
	err = c.call(ctx, request{path: wire.PathChanges, query: query, timeout: c.tuning.wait + c.tuning.timeout}, page)
	var server *ServerError
	if errors.As(err, &server) && server.Status == http.StatusGone && server.Code == wire.CodeEpoch && cursor != "" {
		if err := c.store.ResetCursor(); err != nil {
			return false, fmt.Errorf("reset cursor: %w", err)
		}
		c.cfg.Log.InfoContext(ctx, "change feed begins anew")
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("pull changes: %w", err)
	}
	if err := checkPage(wire.Cursor(cursor), page); err != nil {
		return false, fmt.Errorf("pull changes: %w", err)
	}
	items := c.sound(page.Envelopes())
	if err := c.store.ApplyChanges(items, string(page.Next)); err != nil {
		return false, fmt.Errorf("keep changes: %w", err)
	}
	c.mu.Lock()
	c.status.Pulled += uint64(len(items))
	c.mu.Unlock()
	return page.More || len(page.Items) > 0, nil
}

// checkPage checks that a page follows the cursor: its places rise, it goes
// forward, and it says there is more only if it brought something.
func checkPage(cursor wire.Cursor, page *wire.ChangesPage) error {
	epoch, last, err := page.Next.Split()
	if err != nil || epoch != page.Epoch {
		return fmt.Errorf("next cursor: %w", ErrProtocol)
	}
	var pos uint64
	if cursor != "" {
		had, at, err := cursor.Split()
		if err != nil || had != epoch {
			return fmt.Errorf("page of another epoch: %w", ErrProtocol)
		}
		pos = at
	}
	if last < pos || page.More && last == pos {
		return fmt.Errorf("page does not go forward: %w", ErrProtocol)
	}
	for i, item := range page.Items {
		if item.Pos <= pos && (i > 0 || cursor != "") || item.Pos > last {
			return fmt.Errorf("item %d out of order: %w", i, ErrProtocol)
		}
		pos = item.Pos
	}
	return nil
}

// sound leaves out what is no sealed entry. It would be no use to anybody, and
// must not hold up the others; the count shows in the status.
func (c *Client) sound(items []wire.Envelope) []wire.Envelope {
	return slices.DeleteFunc(items, func(e wire.Envelope) bool { return c.malformed(e.Sealed) })
}

func (c *Client) malformed(sealed []byte) bool {
	if _, err := envelope.Parse(sealed); err == nil {
		return false
	}
	c.cfg.Log.Warn("malformed entry from the centre passed over", logkey.Entry, envelope.IDOf(sealed).Short())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Malformed++
	return true
}
