package card

import (
	"context"
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/card/apdu"
)

// OverT0 carries short APDUs over a transport that passes the TPDUs of T=0
// (ISO/IEC 7816-3:2006, 12.2) as they are, which is what PC/SC does: a command
// has one length byte, so a command with data says nothing of its answer, and
// GET RESPONSE fetches that. An extended APDU is ErrTransport.
func OverT0(t Transport) Transport { return t0{t} }

type t0 struct{ Transport }

// Transmit implements Transport.
func (t t0) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	c, err := apdu.Parse(cmd)
	switch {
	case err != nil:
		return nil, fmt.Errorf("send command over t=0: %w", err)
	case c.Extended:
		return nil, fmt.Errorf("send extended command over t=0: %w", ErrTransport)
	case len(c.Data) == 0 && c.Ne == 0: // case 1: P3 is 00
		return t.Transport.Transmit(ctx, append(slices.Clip(cmd), 0))
	case len(c.Data) == 0 || c.Ne == 0:
		return t.Transport.Transmit(ctx, cmd)
	}
	raw, err := t.Transport.Transmit(ctx, cmd[:len(cmd)-1])
	r, perr := apdu.ParseResponse(raw)
	if err != nil || perr != nil || len(r.Data) > 0 {
		return raw, err
	}
	n, more := r.SW.More()
	switch {
	case more: // 12.2.5, case 4S.3
		n = min(n, c.Ne)
	case r.SW == apdu.SWOK: // case 4S.2: done, and what there is to fetch was not announced
		n = c.Ne
	default:
		return raw, nil
	}
	answer, err := t.fetch(ctx, n)
	if r, perr := apdu.ParseResponse(answer); err == nil && perr == nil && len(r.Data) == 0 && !more {
		return raw, nil // nothing was there
	}
	return answer, err
}

// fetch is GET RESPONSE, once more when the card says that fewer bytes are there.
func (t t0) fetch(ctx context.Context, n int) ([]byte, error) {
	raw, err := t.Transport.Transmit(ctx, mustEncode(apdu.GetResponse(n)))
	if r, perr := apdu.ParseResponse(raw); err == nil && perr == nil {
		if fewer, ok := r.SW.CorrectNe(); ok && fewer < n {
			return t.Transport.Transmit(ctx, mustEncode(apdu.GetResponse(fewer)))
		}
	}
	return raw, err
}

// Rest lets go of the card as Session.Rest does.
func (t t0) Rest() { rest(t.Transport) }

// rest tells a transport that holds its card for bursts of commands that this
// one is over.
func rest(t Transport) {
	if r, ok := t.(interface{ Rest() }); ok {
		r.Rest()
	}
}
