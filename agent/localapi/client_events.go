package localapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/internal/wait"
)

// maxEventLine bounds one line of the event stream.
const maxEventLine = 256 << 10

// eventsPause is the time before the stream is opened again after it ended.
const eventsPause = time.Second

// Events calls fn for every event after the cursor, with the cursor that
// stands behind it, until ctx is done (then it returns nil), fn returns an
// error (which it returns) or the agent cannot be reached. A stream that ends
// is opened again where it stopped.
func (c *Client) Events(ctx context.Context, after Cursor, fn func(Cursor, agent.Event) error) error {
	for {
		err := c.follow(ctx, &after, fn)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the caller asked to stop
		}
		if err != nil {
			return err
		}
		if wait.For(ctx, eventsPause) != nil {
			return nil //nolint:nilerr // the caller asked to stop
		}
	}
}

// follow reads one stream to its end, which is no error.
func (c *Client) follow(ctx context.Context, after *Cursor, fn func(Cursor, agent.Event) error) error {
	answer, err := c.send(ctx, http.MethodGet, "/v1/events?after="+url.QueryEscape(string(*after)), nil, "text/event-stream")
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // a stream that was read, nothing was written
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxEventLine)
	var id Cursor
	var data string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = Cursor(value)
		case "data":
			data = value
		case "": // the end of a block, or a comment
			if id != "" && data != "" {
				if err := deliver(id, data, fn); err != nil {
					return err
				}
				*after = id
			}
			id, data = "", ""
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%w: event of more than %d bytes", ErrAnswer, maxEventLine)
	}
	return nil
}

func deliver(id Cursor, data string, fn func(Cursor, agent.Event) error) error {
	var event agent.Event
	if err := json.Unmarshal([]byte(data), &event); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return fn(id, event)
}
