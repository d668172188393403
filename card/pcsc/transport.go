//go:build cgo || windows

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
)

const (
	// holdFor is how long a transaction outlives the last command: long
	// enough to keep a burst of commands together, far below the 5 s after
	// which Windows resets a card in an idle transaction.
	holdFor = 500 * time.Millisecond

	// What fits through PC/SC in one command; longer ones come back as 80100016.
	minCommand, maxCommand = 4, 65535
)

var _ card.Transport = (*transport)(nil)

// transport is one connection to one card. Whoever holds the turn may use
// the handle; a call whose caller gave up keeps the turn until it returns.
type transport struct {
	service *Service
	reader  string
	atr     []byte
	t0      bool // the card speaks T=0

	turn chan struct{} // holds one token while the handle is in use
	// These belong to the holder of the turn.
	sc   *scard.Context
	card *scard.Card
	held bool // in a transaction

	closed chan struct{} // closed by Close

	mu      sync.Mutex
	closing bool        // guarded by mu; Close was called
	over    error       // guarded by mu; why this connection will never work again
	idle    *time.Timer // guarded by mu; ends the transaction
}

// ATR returns the card's answer to reset as it was at the connect.
func (t *transport) ATR() []byte { return bytes.Clone(t.atr) }

// Transmit sends one command and returns the card's answer with SW1 SW2.
//
// The first command of a burst begins a transaction, which ends half a second
// after the last one, so that no other program gets between two commands of an
// exchange. An answer under two bytes is how PC/SC shows a card that was torn
// out: once that or a reset was seen, every later call fails the same way,
// because the handle may by then be connected to another card.
//
// When ctx ends first, the command may or may not have reached the card.
// Errors: card.ErrRemoved, card.ErrReset, card.ErrServiceDown, card.ErrBusy
// when another program's transaction lasts over 5 s, ErrClosed, ctx.Err().
func (t *transport) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	const op = "send a command to the card"
	if len(cmd) < minCommand || len(cmd) > maxCommand {
		return nil, fmt.Errorf("%s: its length %d is not between %d and %d", op, len(cmd), minCommand, maxCommand)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	busy := time.NewTimer(busyLimit)
	defer busy.Stop()
	select {
	case t.turn <- struct{}{}:
	case <-t.closed:
		return nil, fmt.Errorf("%s: %w", op, ErrClosed)
	case <-busy.C:
		return nil, nameHolders(t.reader, fmt.Errorf("%s: %w", op, card.ErrBusy))
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", op, ctx.Err())
	}
	if err := t.ended(); err != nil {
		t.release()
		return nil, fmt.Errorf("%s: %w", op, err)
	}

	type outcome struct {
		answer []byte
		err    error
	}
	came, begun := make(chan outcome, 1), make(chan struct{})
	cmd = bytes.Clone(cmd) // the caller may give up and reuse it
	go func() {
		answer, err := t.exchange(op, cmd, begun)
		t.release()
		came <- outcome{answer, err}
	}()
	wait := busy.C
	for {
		select {
		case o := <-came:
			return o.answer, o.err
		case <-begun:
			begun, wait = nil, nil // a slow command is not a busy reader
		case <-wait:
			return nil, nameHolders(t.reader, fmt.Errorf("%s: %w", op, card.ErrBusy))
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", op, ctx.Err())
		}
	}
}

// exchange sends cmd inside the transaction, which it begins when there is
// none; begun is closed once there is. The caller holds the turn.
func (t *transport) exchange(op string, cmd []byte, begun chan<- struct{}) (answer []byte, err error) {
	defer guard(op, &err)
	if !t.held {
		if err := t.card.BeginTransaction(); err != nil {
			return nil, t.end(failExchange("begin a transaction", err))
		}
		t.held = true
	}
	defer t.rest()
	close(begun)
	// The removal may have been noticed while another program was waited for.
	if err := t.ended(); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	answer, err = t.card.Transmit(cmd)
	if err != nil {
		return nil, t.end(failExchange(op, err))
	}
	if len(answer) < 2 {
		return nil, t.end(fmt.Errorf("%s: answer of %d bytes: %w", op, len(answer), card.ErrRemoved))
	}
	return bytes.Clone(answer), nil // the binding's buffer is 64 KB
}

// end remembers why this connection is over, if err says that it is, and
// returns err. The first reason stays.
func (t *transport) end(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over != nil {
		return err
	}
	for _, final := range []error{card.ErrRemoved, card.ErrReset, card.ErrServiceDown} {
		if errors.Is(err, final) {
			t.over = final
		}
	}
	return err
}

// ended is the reason why this connection is over, nil while it is not.
func (t *transport) ended() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return ErrClosed
	}
	return t.over
}

// rest has the transaction ended after holdFor without another command.
func (t *transport) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closing:
	case t.idle == nil:
		t.idle = time.AfterFunc(holdFor, t.yield)
	default:
		t.idle.Reset(holdFor)
	}
}

// Rest ends the transaction now, so that other programs have their turn.
func (t *transport) Rest() { t.yield() }

// yield ends the transaction unless a command is under way.
func (t *transport) yield() {
	select {
	case t.turn <- struct{}{}:
	default:
		return
	}
	if t.held {
		t.held = false
		if err := t.card.EndTransaction(scard.LeaveCard); err != nil {
			_ = t.end(failExchange("end a transaction", err))
		}
	}
	t.release()
}

// release gives the turn back, or ends the connection if it was closed
// meanwhile; the turn is then never given back.
func (t *transport) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		t.disconnect()
		return
	}
	<-t.turn
}

// Close ends the connection and leaves the card powered for other programs.
// A command under way is not waited for: its connection ends when it returns.
func (t *transport) Close() error {
	t.service.untrack(t)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return nil
	}
	t.closing = true
	close(t.closed)
	if t.idle != nil {
		t.idle.Stop()
	}
	select {
	case t.turn <- struct{}{}:
		t.disconnect()
	default: // release does it
	}
	return nil
}

// disconnect gives everything back to PC/SC. Its errors say only that the
// card, the reader or the service is gone already.
func (t *transport) disconnect() {
	if t.held {
		t.held = false
		_ = t.card.EndTransaction(scard.LeaveCard)
	}
	_ = t.card.Disconnect(scard.LeaveCard)
	_ = t.sc.Release()
}
