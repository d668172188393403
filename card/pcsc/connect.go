//go:build cgo || windows

package pcsc

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
)

// busyLimit is how long another program's transaction is waited for before
// the reader counts as busy.
const busyLimit = 5 * time.Second

// Connect connects to the card in reader, shared with other programs. Every
// connection has a PC/SC context of its own, so two readers work in parallel
// and a service that was restarted is reached again.
//
// Connecting blocks inside PC/SC while another program is in a transaction;
// after 5 s that is ErrBusy, and the blocked call cleans up when it returns.
// Errors: card.ErrNoCard, card.ErrBusy (a *BusyError), card.ErrNoReader, card.ErrServiceDown,
// card.ErrUnpowered, ErrProtocol, ErrDenied, ctx.Err().
func (s *Service) Connect(ctx context.Context, reader string) (card.Transport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if reader == "" || strings.ContainsRune(reader, 0) {
		return nil, fmt.Errorf("connect to the card: %w", card.ErrNoReader)
	}
	type outcome struct {
		t   *transport
		err error
	}
	came, left := make(chan outcome), make(chan struct{})
	defer close(left)
	go func() {
		t, err := s.connect(reader)
		if err != nil && t != nil { // the binding broke down half-way
			_ = t.Close()
			t = nil
		}
		select {
		case came <- outcome{t, err}:
		case <-left:
			if t != nil {
				_ = t.Close()
			}
		}
	}()
	busy := time.NewTimer(busyLimit)
	defer busy.Stop()
	select {
	case o := <-came:
		if o.err != nil {
			return nil, nameHolders(reader, o.err)
		}
		s.log.LogAttrs(ctx, slog.LevelDebug, "card connected", slog.String("reader", reader))
		if o.t.t0 {
			return card.OverT0(o.t), nil
		}
		return o.t, nil
	case <-busy.C:
		return nil, nameHolders(reader, fmt.Errorf("connect to the card: %w", card.ErrBusy))
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to the card: %w", ctx.Err())
	}
}

// connect is Connect without its deadline.
func (s *Service) connect(reader string) (t *transport, err error) {
	const op = "connect to the card"
	defer guard(op, &err)
	sc, err := establish()
	if err != nil {
		return nil, fail("reach the card service", err)
	}
	h, err := sc.Connect(reader, scard.ShareShared, scard.ProtocolT0|scard.ProtocolT1)
	if err != nil {
		_ = sc.Release()
		return nil, fail(op, err)
	}
	t = &transport{
		service: s, reader: reader, sc: sc, card: h,
		turn: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	s.track(t)
	// Transmit panics with any other protocol.
	p := h.ActiveProtocol()
	t.t0 = p == scard.ProtocolT0
	if p != scard.ProtocolT0 && p != scard.ProtocolT1 {
		_ = t.Close()
		return nil, fmt.Errorf("%s: %w", op, ErrProtocol)
	}
	if t.atr, err = status(h); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// status asks a connected card for its ATR. The binding breaks down when the
// reader lost its name in between; connect must still close the connection.
func status(h *scard.Card) (atr []byte, err error) {
	const op = "ask for the card's ATR"
	defer guard(op, &err)
	st, err := h.Status()
	if err != nil {
		return nil, fail(op, err)
	}
	return bytes.Clone(st.Atr), nil
}
