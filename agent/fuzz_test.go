package agent

import (
	"context"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
)

// garbler changes the answers of a card as its input says, one byte an answer:
// 0 passes it on, 1 changes the byte at the next one, 2 cuts it there, 3 gives
// the last answer again, 4 announces more; anything else puts as many bytes of
// the input in its place. Behind the input all pass.
type garbler struct {
	mu   sync.Mutex // guards what follows
	in   []byte
	last []byte
}

func (g *garbler) feed(in []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in, g.last = in, nil
}

func (g *garbler) take() int {
	if len(g.in) == 0 {
		return 0
	}
	b := g.in[0]
	g.in = g.in[1:]
	return int(b)
}

func (g *garbler) garble(answer []byte) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch what := g.take(); what {
	case 0:
	case 1:
		answer[g.take()%len(answer)] ^= byte(1 + g.take()%255)
	case 2:
		answer = answer[:g.take()%len(answer)]
	case 3:
		answer, g.last = g.last, answer
		return answer
	case 4:
		answer = append(answer[:len(answer)-2], 0x61, byte(g.take()))
	default:
		n := min(what, len(g.in))
		answer, g.in = g.in[:n:n], g.in[n:]
	}
	g.last = answer
	return answer
}

type garbled struct {
	card.Transport
	by *garbler
}

func (t garbled) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	answer, err := t.Transport.Transmit(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return t.by.garble(answer), nil
}

// FuzzCardAtDesk taps a card with garbled answers at a whole agent: each tap ends
// with a record or with a failure that has a code of its own, and the honest tap
// behind it reads everything.
func FuzzCardAtDesk(f *testing.F) {
	n := newNation(f)
	p := n.issue(2, softcard.Options{})
	by := new(garbler)
	d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return garbled{tr, by} }})
	f.Add([]byte{})
	f.Add([]byte{0, 0, 4, 0x20, 0, 0})
	f.Add([]byte{0, 0, 0, 0, 1, 3, 0x40})
	f.Add([]byte{0, 1, 40, 7, 0, 0, 2, 9})
	f.Fuzz(func(t *testing.T, in []byte) {
		by.feed(in)
		if _, failure := d.tap(t, p); failure != nil && (failure.Code == "internal" || failure.Code == "cancelled") {
			t.Fatalf("failure %s", failure.Code)
		}
		by.feed(nil)
		if v, failure := d.tap(t, p); failure != nil || len(v.Entries) != 2 {
			t.Fatalf("the tap behind it: %d entries, %+v", len(v.Entries), failure)
		}
	})
}
