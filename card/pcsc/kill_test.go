package pcsc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
)

// backLimit is generous too: the service is asked for at least every two
// seconds.
const backLimit = time.Minute

func TestServiceKilledWhileWaiting(t *testing.T) {
	ours, slot := service(t)
	s := newService(t)
	w := startWatch(t, s)
	w.expect(card.ServiceUp, "")
	for range 2 {
		w.expect(card.ReaderAdded, slot.Reader)
		insert(t, slot.Addr, atrA, echo)
		w.expect(card.CardInserted, slot.Reader)

		ours.Kill()
		w.expect(card.CardRemoved, slot.Reader)
		w.expect(card.ReaderRemoved, slot.Reader)
		w.expect(card.ServiceDown, "")
		if _, err := s.Connect(t.Context(), slot.Reader); !errors.Is(err, card.ErrServiceDown) {
			t.Errorf("Connect without the service: %v, want ErrServiceDown", err)
		}
		if _, err := s.Names(t.Context()); !errors.Is(err, card.ErrServiceDown) {
			t.Errorf("Names without the service: %v, want ErrServiceDown", err)
		}

		ours.Restart()
		restarted := time.Now()
		w.expect(card.ServiceUp, "")
		if took := time.Since(restarted); took > backLimit {
			t.Errorf("back in use %v after the restart, want at most %v", took, backLimit)
		}
	}
	w.stop()
}

func TestServiceKilledInMidCommand(t *testing.T) {
	ours, slot := service(t)
	s := newService(t)
	asked, forever := make(chan struct{}), make(chan struct{})
	defer close(forever)
	insert(t, slot.Addr, atrA, func([]byte) []byte {
		close(asked)
		<-forever
		return nil
	})
	tr := connect(t, s, slot.Reader)
	came := make(chan error, 1)
	go func() {
		_, err := tr.Transmit(t.Context(), selectCommand)
		came <- err
	}()
	<-asked
	ours.Kill()
	select {
	case err := <-came:
		if !errors.Is(err, card.ErrServiceDown) {
			t.Errorf("command in flight: %v, want ErrServiceDown", err)
		}
	case <-time.After(backLimit):
		t.Fatal("the command in flight did not come back")
	}
	ours.Restart()
	if _, err := tr.Transmit(t.Context(), selectCommand); !errors.Is(err, card.ErrServiceDown) {
		t.Errorf("old connection after the restart: %v, want ErrServiceDown", err)
	}
	insert(t, slot.Addr, atrB, echo)
	if _, err := connect(t, s, slot.Reader).Transmit(t.Context(), selectCommand); err != nil {
		t.Errorf("new connection after the restart: %v", err)
	}
}
