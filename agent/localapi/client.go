package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/sync/client"
)

var (
	// ErrNotRunning is returned when no agent answers on the socket.
	ErrNotRunning = errors.New("the agent is not running")
	// ErrAnswer is returned when what answers does not speak this API.
	ErrAnswer = errors.New("unexpected answer from the agent")
)

// Error is a refusal by the agent.
type Error struct {
	Status int // of HTTP
	agent.Failure
	Left   *int           // tries at PIN or finger, where the card counts them
	Alerts []alerts.Alert // of a draft that was refused for them
}

// Error gives the code only: the words for people are in Text.
func (e *Error) Error() string { return "agent refused: " + e.Code }

// maxAnswer bounds what is read of one answer: a whole record of 100 years.
const maxAnswer = 32 << 20

// Client speaks to the agent over its unix socket. It may be used by several
// goroutines.
type Client struct {
	http *http.Client
}

// Dial returns a client of the agent behind the socket at path. It owes
// ErrNotRunning when there is no such socket or nobody listens on it.
func Dial(path string) (*Client, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
		}
		return conn, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConns: 4}}}, nil
}

// Close ends the connections that are not in use.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Health returns the agent's own state.
func (c *Client) Health(ctx context.Context) (agent.Health, error) {
	return call[agent.Health](ctx, c, http.MethodGet, "/v1/health", nil)
}

// Readers lists the card readers.
func (c *Client) Readers(ctx context.Context) ([]agent.ReaderState, error) {
	return call[[]agent.ReaderState](ctx, c, http.MethodGet, "/v1/readers", nil)
}

// Sync tells where the exchange with the centre stands.
func (c *Client) Sync(ctx context.Context) (client.Status, error) {
	return call[client.Status](ctx, c, http.MethodGet, "/v1/sync", nil)
}

// Visits lists the visits that are open.
func (c *Client) Visits(ctx context.Context) ([]agent.Visit, error) {
	return call[[]agent.Visit](ctx, c, http.MethodGet, "/v1/visits", nil)
}

// Visit returns one visit; an *Error of code "visit_unknown" when it is over.
func (c *Client) Visit(ctx context.Context, id string) (agent.Visit, error) {
	return call[agent.Visit](ctx, c, http.MethodGet, "/v1/visits/"+url.PathEscape(id), nil)
}

// ShowPerson has a visit show another person on its card.
func (c *Client) ShowPerson(ctx context.Context, visit string, person uint8) (agent.Visit, error) {
	return call[agent.Visit](ctx, c, http.MethodPost, "/v1/visits/"+url.PathEscape(visit)+"/person", map[string]uint8{"person": person})
}

// Append writes an entry to the card of a visit. An *Error of status 202 comes
// with a Written: the entry is kept and will arrive, but not all went well.
func (c *Client) Append(ctx context.Context, visit string, entry *record.Entry) (agent.Written, error) {
	answer, err := call[appendAnswer](ctx, c, http.MethodPost, "/v1/visits/"+url.PathEscape(visit)+"/entries", entry)
	if err == nil && answer.Failure != nil {
		err = &Error{Status: http.StatusAccepted, Failure: *answer.Failure}
	}
	return answer.Written, err
}

// OpenCardless opens a visit without the card and returns its identifier.
func (c *Client) OpenCardless(ctx context.Context, ask agent.Cardless) (string, error) {
	opened, err := call[openedVisit](ctx, c, http.MethodPost, "/v1/cardless", ask)
	return opened.Visit, err
}

// Lookup finds the patients whom a line of a magnetic stripe reader names
// among those whose cards were read here.
func (c *Client) Lookup(ctx context.Context, line string) ([]agent.Found, error) {
	return call[[]agent.Found](ctx, c, http.MethodPost, "/v1/lookup", map[string]string{"line": line})
}

// Claim checks the text of a QR code against the agent's lists.
func (c *Client) Claim(ctx context.Context, text string) (agent.Claimed, error) {
	return call[agent.Claimed](ctx, c, http.MethodPost, "/v1/claim", map[string]string{"text": text})
}

// Operator tells who is signed in, and who may be.
func (c *Client) Operator(ctx context.Context) (Signed, error) {
	return call[Signed](ctx, c, http.MethodGet, operatorPath, nil)
}

// SignIn signs an operator in by a passphrase or a PIN.
func (c *Client) SignIn(ctx context.Context, id string, secret redact.String) (agent.OperatorInfo, error) {
	return call[agent.OperatorInfo](ctx, c, http.MethodPost, operatorPath, credential{id, secret.Reveal()})
}

// SignOut signs the operator out, if there is one.
func (c *Client) SignOut(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, operatorPath, nil)
	return err
}

// PageCode returns the page's address with a fresh one-time code.
func (c *Client) PageCode(ctx context.Context) (PageCode, error) {
	return call[PageCode](ctx, c, http.MethodPost, "/v1/pagecode", struct{}{})
}

// call sends one request and reads its answer as a T.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var result T
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return result, fmt.Errorf("encode request: %w", err)
		}
		reader = bytes.NewReader(encoded)
	}
	answer, err := c.send(ctx, method, path, reader, "application/json")
	if err != nil {
		return result, err
	}
	raw, err := readAnswer(answer)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return result, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return result, nil
}

// readAnswer reads the bounded body of an answer and closes it.
func readAnswer(answer *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer of the agent: %w", err)
	}
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, maxAnswer)
	}
	return raw, nil
}

// send sends one request; a refusal becomes an *Error.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, accept string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://dhamani"+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", accept)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the agent: %w", err)
	}
	if answer.StatusCode < 400 {
		return answer, nil
	}
	var refused struct { // every refusal has a part of it
		alertsRefusal
		Left *int `json:"left"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, 512<<10)).Decode(&refused)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("%w: status %d", ErrAnswer, answer.StatusCode)
	}
	return nil, &Error{Status: answer.StatusCode, Failure: refused.Error, Left: refused.Left, Alerts: refused.Alerts}
}
