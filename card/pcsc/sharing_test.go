//go:build cgo

package pcsc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/cardtest"
	"github.com/dhamani-iq/dhamani/card/softcard"
)

// stranger is another program's connection to the card.
func stranger(t *testing.T, reader string, mode scard.ShareMode) *scard.Card {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	h, err := ctx.Connect(reader, mode, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.Disconnect(scard.LeaveCard)
		_ = ctx.Release()
	})
	return h
}

func TestStrangerHoldsTheCard(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, echo)
	s := newService(t)
	mine := connect(t, s, slot.Reader)
	other := stranger(t, slot.Reader, scard.ShareShared)

	// A transaction of the other program is waited for.
	if err := other.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	const held = 300 * time.Millisecond
	begun := time.Now()
	time.AfterFunc(held, func() { _ = other.EndTransaction(scard.LeaveCard) })
	if _, err := mine.Transmit(t.Context(), selectCommand); err != nil {
		t.Errorf("after the other program's transaction: %v", err)
	}
	if took := time.Since(begun); took < held {
		t.Errorf("the command took %v, inside the other program's transaction of %v", took, held)
	}

	// Ours ends soon after the last command, without being told to.
	begun = time.Now()
	if err := other.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > eventLimit {
		t.Errorf("the other program waited %v for our transaction", took)
	}
	if err := other.EndTransaction(scard.LeaveCard); err != nil {
		t.Error(err)
	}

	// A reset takes the session on the card away.
	if err := other.Reconnect(scard.ShareShared, scard.ProtocolAny, scard.ResetCard); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := mine.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrReset) {
			t.Errorf("after a reset: %v, want ErrReset", err)
		}
	}
	if _, err := connect(t, s, slot.Reader).Transmit(t.Context(), selectCommand); err != nil {
		t.Errorf("new connection after a reset: %v", err)
	}
}

func TestStrangerHoldsTheCardAlone(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, echo)
	s := newService(t)
	_ = connect(t, s, slot.Reader).Close() // the card is seen
	stranger(t, slot.Reader, scard.ShareExclusive)
	if _, err := s.Connect(t.Context(), slot.Reader); !errors.Is(err, card.ErrBusy) {
		t.Errorf("Connect to a card that is held alone: %v, want ErrBusy", err)
	}
}

// The contract of card.Transport, with an emulated card behind the whole stack.
func TestTransportContract(t *testing.T) {
	_, slot := service(t)
	s := newService(t)
	cardtest.Transport(t, func(t *testing.T) (card.Transport, func()) {
		t.Helper()
		plugged, err := softcard.New(softcard.Options{}).Plug(t.Context(), slot.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			plugged.Remove()
			awaitEmpty(t, s, slot.Reader)
		})
		return connect(t, s, slot.Reader), plugged.Remove
	})
}

// The longest exchange of a card's life: its key is made on it.
func TestSoftCard(t *testing.T) {
	_, slot := service(t)
	plugged, err := softcard.New(softcard.Options{}).Plug(t.Context(), slot.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer plugged.Remove()
	blank, err := card.OpenBlank(t.Context(), connect(t, newService(t), slot.Reader))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blank.GenerateKey(t.Context()); err != nil {
		t.Errorf("generate a key: %v", err)
	}
	plugged.Remove()
	if _, err := blank.GenerateKey(t.Context()); !errors.Is(err, card.ErrRemoved) {
		t.Errorf("after the removal: %v, want ErrRemoved", err)
	}
}

// BenchmarkTransmit is one command through the whole stack and back.
func BenchmarkTransmit(b *testing.B) {
	_, slot := service(b)
	plugged, err := softcard.New(softcard.Options{}).Plug(b.Context(), slot.Addr)
	if err != nil {
		b.Fatal(err)
	}
	defer plugged.Remove()
	tr := connect(b, newService(b), slot.Reader)
	for b.Loop() {
		if _, err := tr.Transmit(b.Context(), selectCommand); err != nil {
			b.Fatal(err)
		}
	}
}
