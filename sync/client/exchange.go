package client

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dhamani-iq/dhamani/sync/wire"
)

// maxErrorBody bounds the body of an answer that says no.
const maxErrorBody = 64 << 10

// request is one question to the centre.
type request struct {
	path    string
	query   url.Values
	body    []byte // encoded message; nil means GET
	etag    string // of what is known already
	media   string // expected media type; "" means CBOR
	limit   int    // bytes of the answer; 0 means wire.MaxBody
	timeout time.Duration
}

// answer is a good answer; body is nil when nothing has changed.
type answer struct {
	body []byte
	etag string
}

// call asks and decodes the answer into m. It owes ErrOffline, ErrProtocol,
// *ServerError and the context's error.
func (c *Client) call(ctx context.Context, r request, m wire.Message) error {
	got, err := c.ask(ctx, r)
	if err != nil {
		return err
	}
	if got.body == nil {
		return fmt.Errorf("answer without a body: %w", ErrProtocol)
	}
	if err := wire.Decode(got.body, m); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return nil
}

// ask makes one request and reads the whole answer, within the time limit.
func (c *Client) ask(parent context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(parent, r.timeout)
	defer cancel()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		err = network(parent, ctx, err)
		if errors.Is(err, ErrOffline) && c.expired(time.Now()) {
			// HTTP/2 does not pass on what the centre said to the certificate.
			err = fmt.Errorf("%w: %w", ErrCertificate, err)
		}
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	got, err := read(resp, r)
	var server *ServerError
	if err != nil && !errors.Is(err, ErrProtocol) && !errors.As(err, &server) {
		return answer{}, network(parent, ctx, err)
	}
	return got, err
}

// expired reports whether the workstation's own certificate is past its end.
func (c *Client) expired(now time.Time) bool {
	for _, cert := range c.cfg.TLS.Certificates {
		leaf := cert.Leaf
		if leaf == nil && len(cert.Certificate) > 0 {
			leaf, _ = x509.ParseCertificate(cert.Certificate[0])
		}
		if leaf != nil && now.After(leaf.NotAfter) {
			return true
		}
	}
	return false
}

func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	target := c.cfg.BaseURL + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	method, body, encoding := http.MethodGet, io.Reader(nil), ""
	if r.body != nil {
		var packed []byte
		packed, encoding = wire.PackBody(r.body)
		method, body = http.MethodPost, bytes.NewReader(packed)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		req.Header.Set("Content-Type", wire.ContentCBOR)
	}
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	if r.etag != "" {
		req.Header.Set("If-None-Match", r.etag)
	}
	req.Header.Set("Accept-Encoding", wire.EncodingZstd)
	return req, nil
}

// read sorts an answer by its status. Errors other than ErrProtocol and
// *ServerError are the network's.
func read(resp *http.Response, r request) (answer, error) {
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return answer{}, nil
	case resp.StatusCode == http.StatusOK:
		want := r.media
		if want == "" {
			want = wire.ContentCBOR
		}
		if !sameMedia(resp.Header.Get("Content-Type"), want) {
			return answer{}, fmt.Errorf("unexpected media type: %w", ErrProtocol)
		}
		limit := r.limit
		if limit == 0 {
			limit = wire.MaxBody
		}
		body, err := readBody(resp, limit)
		return answer{body: body, etag: resp.Header.Get("ETag")}, err
	case resp.StatusCode >= http.StatusBadRequest:
		return answer{}, refusal(resp)
	default:
		return answer{}, fmt.Errorf("status %d: %w", resp.StatusCode, ErrProtocol)
	}
}

func readBody(resp *http.Response, limit int) ([]byte, error) {
	body, err := wire.ReadBody(resp.Body, resp.Header.Get("Content-Encoding"), limit)
	if errors.Is(err, wire.ErrTooLarge) || errors.Is(err, wire.ErrEncoding) || errors.Is(err, wire.ErrMalformed) {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if err == nil && body == nil {
		body = []byte{}
	}
	return body, err
}

// refusal reads an answer of status 400 and above. A server on the way may
// answer 5xx or 429 without a message of the protocol; any other status without
// one is ErrProtocol.
func refusal(resp *http.Response) error {
	out := &ServerError{Status: resp.StatusCode, Code: CodeHTTP, RetryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	var m wire.Error
	body, err := readBody(resp, maxErrorBody)
	if err == nil && sameMedia(resp.Header.Get("Content-Type"), wire.ContentCBOR) && wire.Decode(body, &m) == nil && plain(m.Code) {
		out.Code, out.Message, out.coded = m.Code, m.Message, true
		out.RetryAfter = max(out.RetryAfter, m.Wait())
		return out
	}
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		return out
	}
	return fmt.Errorf("status %d without a message: %w", resp.StatusCode, ErrProtocol)
}

// retryAfter reads the header's two forms, seconds and a date (RFC 9110
// section 10.2.3); anything else is zero.
func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second // #nosec G115 -- 31 bits
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

func sameMedia(got, want string) bool {
	g, _, err1 := mime.ParseMediaType(got)
	w, _, err2 := mime.ParseMediaType(want)
	return err1 == nil && err2 == nil && g == w
}

// plain reports whether a code of the centre is fit for a log and a page.
func plain(code string) bool {
	for _, r := range code {
		if r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return code != "" && len(code) <= wire.MaxCode
}
