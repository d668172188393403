package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// listNames are the signed lists in the order in which they are refreshed: the
// trust list first, because the others may be signed by a key in it.
var listNames = [...]string{wire.ListTrust, wire.ListBlock, wire.ListTerms, wire.ListAlerts, wire.ListCover}

// mayLack reports whether a centre that has no such list is as it should be:
// rules that were never published are those of the program.
func mayLack(name string, err error) bool {
	server, ok := errors.AsType[*ServerError](err)
	return ok && server.Code == wire.CodeNotFound && (name == wire.ListAlerts || name == wire.ListCover)
}

// accept takes a list into use, and notes whether it was refused.
func (c *Client) accept(name string, raw []byte) (uint64, error) {
	version, err := c.cfg.Accept(name, raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.status.Refused = name
	case c.status.Refused == name:
		c.status.Refused = ""
	}
	return version, err
}

// UseStoredLists takes the lists of the last run into use, as Run does first.
// A list that is missing or no longer accepted is passed over.
func (c *Client) UseStoredLists() {
	for _, name := range listNames {
		if name == wire.ListTerms {
			c.useStoredTerms()
			continue
		}
		raw, err := c.store.List(name)
		if err != nil || len(raw) == 0 {
			continue // a missing list is fetched, a failing store shows itself at once
		}
		version, err := c.accept(name, raw)
		if err != nil {
			c.cfg.Log.Warn("stored list refused", logkey.Path, name, logkey.Error, err)
			_ = c.store.PutList(name+tagSuffix, nil) // asks for it anew
			continue
		}
		c.setVersion(name, version)
	}
}

// refreshLists fetches each list that has changed; one that fails does not
// hold up the other.
func (c *Client) refreshLists(ctx context.Context) error {
	var errs []error
	for _, name := range listNames {
		if err := c.refreshList(ctx, name); err != nil {
			errs = append(errs, fmt.Errorf("refresh %s list: %w", name, err))
			if ctx.Err() != nil || stop(err) {
				break
			}
		}
	}
	err := errors.Join(errs...)
	if ctx.Err() == nil {
		c.note(activityLists, err)
	}
	return err
}

func (c *Client) refreshList(ctx context.Context, name string) error {
	if name == wire.ListTerms {
		return c.refreshTerms(ctx)
	}
	have, err := c.store.List(name)
	if err != nil {
		return err
	}
	r := request{path: wire.PathLists + name, media: wire.ContentCOSE, limit: wire.MaxList, timeout: c.tuning.listTimeout}
	if len(have) > 0 {
		tag, err := c.store.List(name + tagSuffix)
		if err != nil {
			return err
		}
		r.etag = string(tag)
	}
	got, err := c.ask(ctx, r)
	if len(have) == 0 && mayLack(name, err) {
		return nil
	}
	if err != nil || got.body == nil {
		return err
	}
	if len(got.body) == 0 || len(got.etag) > maxTag {
		return fmt.Errorf("empty list or long tag: %w", ErrProtocol)
	}
	version, err := c.accept(name, got.body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if err := c.store.PutList(name, got.body); err != nil {
		return err
	}
	c.setVersion(name, version)
	// The tag after the list: between the two, the old tag costs one more
	// answer; the other way round it would hide the new list.
	return c.store.PutList(name+tagSuffix, []byte(got.etag))
}

const (
	tagSuffix = ".tag"
	maxTag    = 128
)

func (c *Client) setVersion(name string, version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch name {
	case wire.ListTrust:
		c.status.TrustVersion = version
	case wire.ListBlock:
		c.status.BlockVersion = version
	case wire.ListTerms:
		c.status.TermsEdition = version
	case wire.ListAlerts:
		c.status.AlertsEdition = version
	case wire.ListCover:
		c.status.CoverEdition = version
	}
}

// openGate lets the pull loop begin, once the lists have been asked for.
func (c *Client) openGate() {
	select {
	case <-c.listed:
	default:
		close(c.listed)
	}
}
