package client

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// useStoredTerms takes the editions of the terminology table that the store
// holds into use, one after the other.
func (c *Client) useStoredTerms() {
	for n := uint32(2); ; n++ {
		raw, err := c.store.List(wire.EditionName(wire.ListTerms, n))
		if err != nil || len(raw) == 0 {
			return // a missing edition is fetched, a failing store shows itself at once
		}
		version, err := c.accept(wire.ListTerms, raw)
		if err == nil && version != uint64(n) {
			err = fmt.Errorf("edition %d in place of %d: %w", version, n, ErrProtocol)
		}
		if err != nil {
			c.cfg.Log.Warn("stored list refused", logkey.Path, wire.EditionName(wire.ListTerms, n), logkey.Error, err)
			return
		}
		c.setTerms(n, raw)
	}
}

// refreshTerms fetches the editions of the terminology table behind the one in
// use, each of which is verified, used and, by a client with a store, kept before
// the next is asked for.
func (c *Client) refreshTerms(ctx context.Context) error {
	for {
		c.mu.Lock()
		have, tag := max(c.status.TermsEdition, 1), c.termsTag
		c.mu.Unlock()
		got, err := c.ask(ctx, request{
			path: wire.PathLists + wire.ListTerms, query: url.Values{wire.QueryAfter: {strconv.FormatUint(have, 10)}},
			media: wire.ContentCOSE, limit: wire.MaxList, timeout: c.tuning.listTimeout, etag: tag,
		})
		if err != nil || got.body == nil {
			return err
		}
		version, err := c.accept(wire.ListTerms, got.body)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		case version != have+1:
			return fmt.Errorf("edition %d behind %d: %w", version, have, ErrProtocol)
		}
		edition := uint32(version) // #nosec G115 -- an edition's number
		if c.store != nil {
			if err := c.store.PutList(wire.EditionName(wire.ListTerms, edition), got.body); err != nil {
				return err
			}
		}
		c.setTerms(edition, got.body)
	}
}

func (c *Client) setTerms(edition uint32, raw []byte) {
	c.setVersion(wire.ListTerms, uint64(edition))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.termsTag = wire.EditionTag(wire.ListTerms, edition, raw)
}
