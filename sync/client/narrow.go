package client

import (
	"errors"
	"net/http"

	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// maxSuspects bounds the memory of pushState.suspects.
const maxSuspects = 1024

// narrow makes the next batch smaller after a failure that an entry may have
// caused; again says that the smaller one may go at once. A single entry that
// keeps failing goes to the end of the outbox. If the centre refuses it there
// again, by itself and in so many words, while it has taken others in between,
// then it is the entry, and it goes to the quarantine: a centre that refuses
// everything never empties an outbox that way.
func (c *Client) narrow(err error) (again bool, _ error) {
	var server *ServerError
	definite := false
	if errors.As(err, &server) {
		if server.Status == http.StatusConflict { // the batch's number was taken
			c.push.ids = nil
			return false, nil
		}
		tooLarge := server.Status == http.StatusRequestEntityTooLarge
		definite = server.coded && (tooLarge || server.Status == http.StatusBadRequest)
		if !definite && !tooLarge && (server.Status < 500 || server.Status == http.StatusServiceUnavailable) {
			return false, nil // it is not the batch
		}
	} else if !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrProtocol) {
		return false, nil // the line or the disk
	}
	if n := len(c.push.ids); n > 1 {
		c.push.count, c.push.narrowed = n/2, true
		return definite, nil
	}
	id := c.push.ids[0]
	if c.push.failures++; !definite && c.push.failures < c.tuning.postpone {
		return false, nil
	}
	c.push.failures = 0
	pushed := c.Status().Pushed
	if then, suspect := c.push.suspects[id]; suspect && definite && pushed > then {
		delete(c.push.suspects, id)
		c.cfg.Log.Warn("entry refused by the centre", logkey.Entry, id.Short(), logkey.Code, server.Code)
		return true, c.store.Acknowledge([]wire.Result{{ID: id, Status: wire.StatusRejected, Code: server.Code}}, nil)
	}
	if len(c.push.suspects) >= maxSuspects {
		clear(c.push.suspects)
	}
	if _, suspect := c.push.suspects[id]; !suspect {
		c.push.suspects[id] = pushed
	}
	return false, c.store.Postpone([]record.EntryID{id})
}
