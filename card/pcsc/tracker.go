//go:build cgo || windows

package pcsc

import (
	"bytes"
	"slices"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
)

// tracker turns what the service says into events. It is used by one
// goroutine, Watch's.
type tracker struct {
	emit    func(card.Event)
	service int8 // 0 not known yet, 1 up, -1 down
	known   []tracked
}

// tracked is one reader as last seen.
type tracked struct {
	name    string
	state   scard.StateFlag // as the service gave it, without StateChanged
	present bool
	atr     []byte
}

// counter is the number of insertions and removals that the service has seen
// in the reader, modulo 65536.
func counter(state scard.StateFlag) uint16 { return uint16(state >> 16) }

func (t *tracker) send(kind card.EventKind, reader string, atr []byte) {
	t.emit(card.Event{Kind: kind, Reader: reader, ATR: atr, At: time.Now()})
}

func (t *tracker) serviceUp() {
	if t.service != 1 {
		t.service = 1
		t.send(card.ServiceUp, "", nil)
	}
}

// serviceDown takes every reader away and reports whether that was news.
func (t *tracker) serviceDown() bool {
	if t.service == -1 {
		return false
	}
	t.readers(nil)
	t.service = -1
	t.send(card.ServiceDown, "", nil)
	return true
}

// readers takes over the list of readers that are plugged in.
func (t *tracker) readers(names []string) {
	t.known = slices.DeleteFunc(t.known, func(r tracked) bool {
		if slices.Contains(names, r.name) {
			return false
		}
		if r.present {
			t.send(card.CardRemoved, r.name, nil)
		}
		t.send(card.ReaderRemoved, r.name, nil)
		return true
	})
	for _, name := range names {
		if !slices.ContainsFunc(t.known, func(r tracked) bool { return r.name == name }) {
			t.known = append(t.known, tracked{name: name, state: scard.StateUnaware})
			t.send(card.ReaderAdded, name, nil)
		}
	}
}

// same reports whether names are the readers that are known already.
func (t *tracker) same(names []string) bool {
	return len(names) == len(t.known) && !slices.ContainsFunc(t.known, func(r tracked) bool {
		return !slices.Contains(names, r.name)
	})
}

// states is what to wait on: every reader as last seen, and pnpReader.
func (t *tracker) states(pnp bool) []scard.ReaderState {
	states := make([]scard.ReaderState, 0, len(t.known)+1)
	for _, r := range t.known {
		states = append(states, scard.ReaderState{Reader: r.name, CurrentState: r.state})
	}
	if pnp {
		// Never zero readers as plain 0: pcsc-lite blocks on that, Windows
		// returns at once. The count in the upper half is right for both.
		count := scard.StateFlag(len(t.known)) << 16 //nolint:gosec // a handful of readers
		states = append(states, scard.ReaderState{Reader: pnpReader, CurrentState: count})
	}
	return states
}

// apply takes over what a wait brought and reports whether anything was news.
func (t *tracker) apply(states []scard.ReaderState) bool {
	news := false
	for _, st := range states {
		if st.EventState&scard.StateChanged == 0 {
			continue
		}
		if st.Reader == pnpReader {
			// News only if the number differs; the next list shows the rest.
			news = news || int(counter(st.EventState)) != len(t.known)
			continue
		}
		i := slices.IndexFunc(t.known, func(r tracked) bool { return r.name == st.Reader })
		if i < 0 {
			continue
		}
		news = t.reader(&t.known[i], st) || news
	}
	return news
}

// reader takes over one reader's state. A counter that moved while a card is
// there before and after means that the card was taken out and one put in.
func (t *tracker) reader(r *tracked, st scard.ReaderState) bool {
	before, after := r.state, st.EventState&^scard.StateChanged
	present := after&scard.StatePresent != 0 && after&(scard.StateUnknown|scard.StateUnavailable) == 0
	swapped := r.present && present &&
		(counter(before) != counter(after) || len(r.atr) > 0 && len(st.Atr) > 0 && !bytes.Equal(r.atr, st.Atr))
	r.state = after
	if r.present && (!present || swapped) {
		t.send(card.CardRemoved, r.name, nil)
	}
	if present && (!r.present || swapped) {
		r.atr = bytes.Clone(st.Atr)
		if after&scard.StateMute != 0 {
			r.atr = nil
		}
		t.send(card.CardInserted, r.name, r.atr)
	}
	r.present = present
	return before != after
}
