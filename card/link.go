package card

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
)

// maxResponse is the most that one command may bring back, in bytes: a read
// of MaxBlock in a data object of its own, padded and with its protection.
const maxResponse = MaxBlock + 64

// maxProtection is what secure messaging adds to the content of an answer at
// most, in bytes: the header of a 53 within, padding, padding indicator and
// header of the data object, DO99 and DO8E.
const maxProtection = 4 + 16 + 1 + 4 + 4 + 10

// answerLimit is how long one answer may take. The slowest command of an
// honest card, 2 KB appended over 106 kbit/s, takes a second; another program's
// transaction is waited for within it, too.
const answerLimit = 10 * time.Second

// TraceLine is what a trace shows of one APDU: never any data.
type TraceLine struct {
	CLA, INS, P1, P2 byte
	Sent, Received   int     // bytes on the wire, status word included
	SW               apdu.SW // 0 when the transport failed
	Took             time.Duration
}

// String gives the line as a technician reads it.
func (l TraceLine) String() string {
	return fmt.Sprintf("%02X %02X %02X %02X sent %d received %d status %v in %v",
		l.CLA, l.INS, l.P1, l.P2, l.Sent, l.Received, l.SW, l.Took)
}

// Stats counts what went over the wire.
type Stats struct {
	APDUs    int // commands sent
	Sent     int // bytes of commands
	Received int // bytes of responses, status words included
}

// Option changes how a session is opened.
type Option func(*link)

// WithTrace has fn called after every APDU, in the session's own goroutine.
func WithTrace(fn func(TraceLine)) Option { return func(l *link) { l.trace = fn } }

// WithLengths has the session use APDUs of these lengths, which the caller
// knows to pass; without it all are short. A Prober finds them out.
func WithLengths(lengths Lengths) Option { return func(l *link) { l.lengths = lengths.bounded() } }

// link sends commands over a transport: chaining, 61xx, secure messaging.
type link struct {
	t       Transport
	stats   Stats
	trace   func(TraceLine)
	lengths Lengths
	fault   func()      // called when an extended APDU came to grief; may be nil
	sm      *sm.Session // nil while in plain
	cut     bool        // the last answer is all that there was, as 6Cxx had said
	ended   error       // set once card and host may disagree about their state
}

func newLink(t Transport, opts []Option) *link {
	l := &link{t: t, lengths: Lengths{}.bounded()}
	for _, o := range opts {
		o(l)
	}
	return l
}

// end ends the link for good: after a failure in mid-exchange nobody knows
// what the card has seen.
func (l *link) end(err error) error {
	if l.ended == nil {
		l.ended = fmt.Errorf("%w: %w", ErrSessionEnded, err)
	}
	if l.sm != nil {
		l.sm.End()
	}
	return err
}

// do sends a command, under secure messaging once that has begun, and returns
// the data of the answer. Any status word but 9000 is a *StatusError.
func (l *link) do(ctx context.Context, c apdu.Command, mode sm.Mode) ([]byte, error) {
	r, err := l.send(ctx, c, mode)
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.SWOK {
		return nil, &StatusError{c.INS, r.SW}
	}
	return r.Data, nil
}

// send is do for callers that look at the status word themselves.
func (l *link) send(ctx context.Context, c apdu.Command, mode sm.Mode) (apdu.Response, error) {
	if l.ended != nil {
		return apdu.Response{}, l.ended
	}
	if ctx.Err() != nil {
		return apdu.Response{}, context.Cause(ctx) // nothing was sent: the session stays good
	}
	if l.sm == nil {
		return l.exchange(ctx, c)
	}
	wrapped, err := l.sm.WrapCommand(c, mode)
	if err != nil {
		return apdu.Response{}, l.end(fmt.Errorf("protect command %02X: %w", c.INS, err))
	}
	wrapped.Ne = max(wrapped.Ne, c.Ne+maxProtection)
	raw, err := l.exchange(ctx, wrapped)
	if errors.Is(err, ErrMalformed) { // nothing of it was protected: another card speaks
		err = fmt.Errorf("%w: command %02X: %v", ErrSecureMessaging, c.INS, err) //nolint:errorlint // callers are to see one cause
		return apdu.Response{}, l.blame(ctx, wrapped, err)
	}
	if err != nil {
		return apdu.Response{}, l.blame(ctx, wrapped, err)
	}
	plain, _, err := l.sm.UnwrapResponse(c.INS, raw)
	if err != nil {
		err = fmt.Errorf("%w: command %02X: %w", ErrSecureMessaging, c.INS, err)
		return apdu.Response{}, l.end(l.blame(ctx, wrapped, err))
	}
	return plain, nil
}

// exchange sends one command in as many APDUs as it takes and collects the
// response. Any error ends the link.
func (l *link) exchange(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	blocks, limit, err := l.encode(c)
	if err != nil {
		return apdu.Response{}, l.end(err)
	}
	last := len(blocks) - 1
	for _, block := range blocks[:last] {
		r, err := l.transmit(ctx, block, limit)
		switch {
		case err != nil:
			return apdu.Response{}, l.end(err)
		case r.SW != apdu.SWOK:
			return r, nil // refused in mid-chain: the card has dropped the chain
		case len(r.Data) > 0:
			return apdu.Response{}, l.end(malformed("data within a command chain"))
		}
	}
	r, err := l.transmit(ctx, blocks[last], limit)
	if err != nil {
		return apdu.Response{}, l.end(err)
	}
	l.cut = false
	if n, ok := r.SW.CorrectNe(); ok && c.Ne > 0 {
		l.cut = n < c.Ne
		if r, err = l.again(ctx, blocks[last], n); err != nil {
			return apdu.Response{}, l.end(err)
		}
	}
	if r, err = l.collect(ctx, r); err != nil {
		return apdu.Response{}, l.end(err)
	}
	return r, nil
}

// again repeats a command with another Le, once, as 6Cxx asks.
func (l *link) again(ctx context.Context, block []byte, ne int) (apdu.Response, error) {
	c, err := apdu.Parse(block)
	if err != nil {
		return apdu.Response{}, err
	}
	c.Ne = ne
	raw, err := c.Encode()
	if err != nil {
		return apdu.Response{}, err
	}
	r, err := l.transmit(ctx, raw, apdu.MaxShortNe)
	if _, ok := r.SW.CorrectNe(); err == nil && ok {
		return apdu.Response{}, malformed("expected length corrected twice")
	}
	return r, err
}

// collect follows 61xx until the response is complete. Every part must bring
// something, and the whole is bounded, so a card cannot answer for ever.
func (l *link) collect(ctx context.Context, r apdu.Response) (apdu.Response, error) {
	n, more := r.SW.More()
	if !more {
		return r, nil
	}
	data := append(make([]byte, 0, maxResponse), r.Data...)
	for more {
		get := mustEncode(apdu.GetResponse(min(n, l.lengths.Short)))
		part, err := l.transmit(ctx, get, apdu.MaxShortNe)
		if fewer, ok := part.SW.CorrectNe(); ok && err == nil {
			part, err = l.again(ctx, get, fewer)
		}
		switch {
		case err != nil:
			return apdu.Response{}, err
		case len(part.Data) == 0:
			return apdu.Response{}, malformed("announced data missing, status %v", part.SW)
		case len(data)+len(part.Data) > maxResponse:
			return apdu.Response{}, malformed("response of more than %d bytes", maxResponse)
		}
		data = append(data, part.Data...)
		r.SW = part.SW
		n, more = part.SW.More()
	}
	return apdu.Response{Data: data, SW: r.SW}, nil
}

func mustEncode(c apdu.Command) []byte {
	raw, err := c.Encode()
	if err != nil {
		panic("card: internal error: " + err.Error())
	}
	return raw
}

// transmit sends one APDU, whose answer has at most limit bytes of data, and
// counts it.
func (l *link) transmit(ctx context.Context, cmd []byte, limit int) (apdu.Response, error) {
	if ctx.Err() != nil {
		return apdu.Response{}, context.Cause(ctx)
	}
	start := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, answerLimit, ErrTooSlow)
	defer cancel()
	raw, err := l.t.Transmit(limited, cmd)
	if err != nil && limited.Err() != nil && errors.Is(err, limited.Err()) {
		err = fmt.Errorf("%w: %w", context.Cause(limited), err)
	}
	l.stats.APDUs++
	l.stats.Sent += len(cmd)
	l.stats.Received += len(raw)
	var r apdu.Response
	if err == nil {
		r, err = parseAnswer(raw, limit)
	}
	if l.trace != nil {
		l.trace(TraceLine{cmd[0], cmd[1], cmd[2], cmd[3], len(cmd), len(raw), r.SW, time.Since(start)})
	}
	return r, err
}

func parseAnswer(raw []byte, limit int) (apdu.Response, error) {
	r, err := apdu.ParseResponse(raw)
	switch {
	case errors.Is(err, apdu.ErrLength):
		return apdu.Response{}, fmt.Errorf("%w: %w", ErrRemoved, err)
	case len(r.Data) > limit:
		return apdu.Response{}, malformed("%d bytes in answer to a command that expects %d at most", len(r.Data), limit)
	}
	return r, err
}

// close ends the link and lets go of the card.
func (l *link) close() error {
	_ = l.end(errors.New("closed"))
	return l.t.Close()
}
