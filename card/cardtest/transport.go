// Package cardtest holds the contract of card.Transport as tests: every
// implementation runs them.
package cardtest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
)

// Insert puts a card with the Dhamani application into a reader and connects
// to it; remove takes the card away.
type Insert func(t *testing.T) (tr card.Transport, remove func())

// Check is one part of the contract; remove takes the card away.
type Check func(t *testing.T, tr card.Transport, remove func())

// Transport runs the contract of card.Transport.
func Transport(t *testing.T, insert Insert) {
	t.Helper()
	for name, check := range map[string]Check{
		"answers":   answers,
		"ownership": ownership,
		"context":   endedContext,
		"nonsense":  nonsense,
		"session":   session,
		"removal":   removal,
		"closing":   closing,
	} {
		t.Run(name, func(t *testing.T) {
			tr, remove := insert(t)
			t.Cleanup(func() { _ = tr.Close() })
			check(t, tr, remove)
		})
	}
}

func selectCommand(t *testing.T) []byte {
	t.Helper()
	raw, err := apdu.Command{INS: 0xA4, P1: 0x04, Data: []byte(card.AID), Ne: apdu.MaxShortNe}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// answers: a response has its status word, and there is an ATR.
func answers(t *testing.T, tr card.Transport, _ func()) {
	t.Helper()
	if atr := tr.ATR(); len(atr) < 2 || (atr[0] != 0x3B && atr[0] != 0x3F) {
		t.Errorf("answer to reset % X", atr)
	}
	raw, err := tr.Transmit(t.Context(), selectCommand(t))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := apdu.ParseResponse(raw); err != nil || r.SW != apdu.SWOK || len(r.Data) == 0 {
		t.Errorf("select answers % X, %v", raw, err)
	}
}

// ownership: neither side keeps or changes the other's bytes.
func ownership(t *testing.T, tr card.Transport, _ func()) {
	t.Helper()
	cmd := selectCommand(t)
	first, err := tr.Transmit(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(cmd, selectCommand(t)) {
		t.Error("the command was changed")
	}
	kept := bytes.Clone(first)
	clear(cmd)
	if _, err := tr.Transmit(t.Context(), []byte{0x00, 0xB0, 0x9F, 0x00, 0x00}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, kept) {
		t.Error("an answer changed with the next command")
	}
	clear(first)
	if again, err := tr.Transmit(t.Context(), selectCommand(t)); err != nil || !bytes.Equal(again, kept) {
		t.Errorf("the same command answers % X, %v", again, err)
	}
	atr := tr.ATR()
	clear(atr)
	if bytes.Equal(tr.ATR(), atr) {
		t.Error("the answer to reset is shared")
	}
}

// endedContext: nothing is sent for a context that has ended.
func endedContext(t *testing.T, tr card.Transport, _ func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tr.Transmit(ctx, selectCommand(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

// nonsense: what is no command gives an error or a status word, and the card
// goes on.
func nonsense(t *testing.T, tr card.Transport, _ func()) {
	t.Helper()
	for _, cmd := range [][]byte{nil, {}, {0x00}, {0x00, 0xA4, 0x04}, bytes.Repeat([]byte{0xFF}, 300)} {
		raw, err := tr.Transmit(t.Context(), cmd)
		if err == nil && len(raw) < 2 {
			t.Errorf("%d bytes of nonsense: answer of %d bytes without an error", len(cmd), len(raw))
		}
	}
}

// session: a card session opens over it, and its close is the transport's.
func session(t *testing.T, tr card.Transport, _ func()) {
	t.Helper()
	s, err := card.Open(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	if s.Info().Version != card.FormatVersion || s.Stats().APDUs != 1 {
		t.Errorf("info %+v, stats %+v", s.Info(), s.Stats())
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := tr.Transmit(t.Context(), selectCommand(t)); err == nil {
		t.Error("transport answers after close")
	}
}

// removal: a card that is gone is ErrRemoved, and stays so.
func removal(t *testing.T, tr card.Transport, remove func()) {
	t.Helper()
	if _, err := tr.Transmit(t.Context(), selectCommand(t)); err != nil {
		t.Fatal(err)
	}
	remove()
	for range 3 {
		if _, err := tr.Transmit(t.Context(), selectCommand(t)); !errors.Is(err, card.ErrRemoved) {
			t.Fatalf("removed: %v", err)
		}
	}
}

// closing: twice is once, and nothing is answered afterwards.
func closing(t *testing.T, tr card.Transport, _ func()) {
	t.Helper()
	if err := tr.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	_ = tr.Close()
	if _, err := tr.Transmit(t.Context(), selectCommand(t)); err == nil {
		t.Error("transport answers after close")
	}
}
