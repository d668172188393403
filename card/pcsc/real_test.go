package pcsc_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

var selectCommand = []byte{0x00, 0xA4, 0x04, 0x00, 0x00}

func TestWatchInsertRemove(t *testing.T) {
	_, slot := service(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w := startWatch(t, newService(t))
	defer w.stop()

	w.expect(card.ServiceUp, "")
	w.expect(card.ReaderAdded, slot.Reader)
	for _, atr := range [][]byte{atrA, atrB} {
		v := insert(t, slot.Addr, atr, echo)
		ev := w.expect(card.CardInserted, slot.Reader)
		if !bytes.Equal(ev.ATR, atr) {
			t.Errorf("ATR % X, want % X", ev.ATR, atr)
		}
		if ago := time.Since(ev.At); ago < 0 || ago > eventLimit {
			t.Errorf("the event is %v old", ago)
		}
		v.remove()
		w.expect(card.CardRemoved, slot.Reader)
	}
}

func TestWatchTellsWhatIsThere(t *testing.T) {
	_, slot := service(t)
	s := newService(t)
	v := insert(t, slot.Addr, atrA, echo)
	connect(t, s, slot.Reader)

	readers, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(readers, func(r pcsc.Reader) bool { return r.Name == slot.Reader })
	if i < 0 {
		t.Fatalf("%q is not in %v", slot.Reader, readers)
	}
	if r := readers[i]; !r.Present || r.Mute || !r.InUse || !bytes.Equal(r.ATR, atrA) {
		t.Errorf("List says %+v", r)
	}

	w := startWatch(t, s)
	w.expect(card.ReaderAdded, slot.Reader)
	w.expect(card.CardInserted, slot.Reader)
	v.remove()
	w.expect(card.CardRemoved, slot.Reader)
}

// A reader is not free for a search while somebody is connected to its card;
// behind a watch the service's own connections are all that is known.
func TestFree(t *testing.T) {
	_, slot := service(t)
	s, other := newService(t), newService(t)
	free := func(s *pcsc.Service) bool {
		t.Helper()
		names, err := s.Free(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(names, slot.Reader)
	}
	insert(t, slot.Addr, atrA, echo)
	tr := connect(t, s, slot.Reader)
	if free(s) || free(other) {
		t.Error("a connected reader is free")
	}
	w := startWatch(t, newService(t))
	w.expect(card.ServiceUp, "")
	if free(s) {
		t.Error("behind a watch the own reader is free")
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if !free(s) {
		t.Error("a reader that was let go is not free")
	}
}

func TestOneWatchAProcess(t *testing.T) {
	service(t)
	w := startWatch(t, newService(t))
	w.expect(card.ServiceUp, "")
	other := newService(t)
	if err := other.Watch(t.Context(), func(card.Event) {}); !errors.Is(err, pcsc.ErrWatching) {
		t.Errorf("second Watch: %v, want ErrWatching", err)
	}
	if _, err := other.List(t.Context()); !errors.Is(err, pcsc.ErrWatching) {
		t.Errorf("List beside a Watch: %v, want ErrWatching", err)
	}
	if names, err := other.Names(t.Context()); err != nil || len(names) < 2 {
		t.Errorf("Names beside a Watch: %q, %v", names, err)
	}
	w.stop()
	if _, err := other.List(t.Context()); err != nil {
		t.Errorf("List after the Watch: %v", err)
	}
}

func TestConnectErrors(t *testing.T) {
	_, slot := service(t)
	s := newService(t)
	for _, tt := range []struct {
		name, reader string
		want         error
	}{
		{"empty reader", slot.Reader, card.ErrNoCard},
		{"unknown reader", "No Such Reader 00 00", card.ErrNoReader},
		{"no name", "", card.ErrNoReader},
		{"name with a zero", slot.Reader + "\x00", card.ErrNoReader},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Connect(t.Context(), tt.reader); !errors.Is(err, tt.want) {
				t.Errorf("Connect: %v, want %v", err, tt.want)
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Connect(ended, slot.Reader); !errors.Is(err, context.Canceled) {
		t.Errorf("Connect after the end: %v", err)
	}
}

func TestTransmit(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, echo)
	tr := connect(t, newService(t), slot.Reader)
	if !bytes.Equal(tr.ATR(), atrA) {
		t.Errorf("ATR % X, want % X", tr.ATR(), atrA)
	}
	for _, n := range []int{4, 5, 261, 4096, 65533} { // the echo adds a status word
		cmd := bytes.Repeat([]byte{0x5A}, n)
		answer, err := tr.Transmit(t.Context(), cmd)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if !bytes.Equal(answer, echo(cmd)) {
			t.Errorf("%d bytes came back as %d", n, len(answer))
		}
	}
	for _, n := range []int{0, 1, 3, 65536} {
		if _, err := tr.Transmit(t.Context(), make([]byte, n)); err == nil {
			t.Errorf("a command of %d bytes was sent", n)
		}
	}
	for range 2 {
		if err := tr.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := tr.Transmit(t.Context(), selectCommand); !errors.Is(err, pcsc.ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}

func TestTearInMidCommand(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, always())
	tr := connect(t, newService(t), slot.Reader)
	for i := range 3 {
		if _, err := tr.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrRemoved) {
			t.Errorf("command %d: %v, want ErrRemoved", i+1, err)
		}
	}
	// The next card is reached by a new connection, never by the old one.
	v := insert(t, slot.Addr, atrB, echo)
	next := connect(t, newService(t), slot.Reader)
	if _, err := next.Transmit(t.Context(), selectCommand); err != nil {
		t.Errorf("next card: %v", err)
	}
	if _, err := tr.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrRemoved) {
		t.Errorf("old connection: %v, want ErrRemoved", err)
	}
	v.remove()
	if _, err := next.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrRemoved) {
		t.Errorf("after the removal: %v, want ErrRemoved", err)
	}
}

// An answer of one byte is as torn as an empty one.
func TestShortAnswer(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, always(0x90))
	tr := connect(t, newService(t), slot.Reader)
	if _, err := tr.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrRemoved) {
		t.Errorf("answer of one byte: %v, want ErrRemoved", err)
	}
}

// Once the watch has said that the card went, the old connection is over, even
// where PC/SC would let it speak to the new card.
func TestSwap(t *testing.T) {
	_, slot := service(t)
	s := newService(t)
	w := startWatch(t, s)
	w.expect(card.ReaderAdded, slot.Reader)
	v := insert(t, slot.Addr, atrA, always(0x0A, 0x90, 0x00))
	w.expect(card.CardInserted, slot.Reader)
	old := connect(t, s, slot.Reader)
	if _, err := old.Transmit(t.Context(), selectCommand); err != nil {
		t.Fatal(err)
	}

	v.remove()
	w.expect(card.CardRemoved, slot.Reader)
	insert(t, slot.Addr, atrA, always(0x0B, 0x90, 0x00))
	w.expect(card.CardInserted, slot.Reader)

	if answer, err := old.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrRemoved) {
		t.Errorf("old connection: % X, %v, want ErrRemoved", answer, err)
	}
	answer, err := connect(t, s, slot.Reader).Transmit(t.Context(), selectCommand)
	if err != nil || answer[0] != 0x0B {
		t.Errorf("new connection: % X, %v", answer, err)
	}
}

func TestTwoReadersInParallel(t *testing.T) {
	service(t)
	s := newService(t)
	// Each card answers only after the other one was asked.
	asked := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	errs := make(chan error, 2)
	for i, slot := range testpcsc.Slots() {
		insert(t, slot.Addr, atrA, func([]byte) []byte {
			close(asked[i])
			select {
			case <-asked[1-i]:
				return []byte{0x90, 0x00}
			case <-time.After(eventLimit):
				return []byte{0x6F, 0x00}
			}
		})
	}
	for _, slot := range testpcsc.Slots() {
		tr := connect(t, s, slot.Reader)
		go func() {
			answer, err := tr.Transmit(t.Context(), selectCommand)
			if err == nil && answer[0] != 0x90 {
				err = errors.New("the other reader's card was not asked meanwhile")
			}
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestGiveUpOnSilentCard(t *testing.T) {
	_, slot := service(t)
	answer := make(chan struct{})
	insert(t, slot.Addr, atrA, func([]byte) []byte {
		<-answer
		return []byte{0x90, 0x00}
	})
	tr := connect(t, newService(t), slot.Reader)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for range 2 { // the second one waits for the turn
		if _, err := tr.Transmit(ctx, selectCommand); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("silent card: %v, want context.DeadlineExceeded", err)
		}
	}
	if err := tr.Close(); err != nil {
		t.Errorf("close while the card is silent: %v", err)
	}
	close(answer)
	// Its reader is free again once the answer has come.
	if _, err := connect(t, newService(t), slot.Reader).Transmit(t.Context(), selectCommand); err != nil {
		t.Errorf("next connection: %v", err)
	}
}
