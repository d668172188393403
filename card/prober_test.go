package card_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// desk is a reader with a card in it and a habit of its own.
type desk struct {
	card     *softcard.Card                // nil: nobody has put one in
	habit    func(*deskTransport) transmit // nil: a good reader
	connects int
	echoes   int
}

type transmit func(ctx context.Context, cmd []byte) ([]byte, error)

func (d *desk) connect(ctx context.Context) (card.Transport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.connects++
	if d.card == nil {
		return nil, card.ErrNoCard
	}
	return &deskTransport{Transport: d.card.Transport(), desk: d}, nil
}

// deskTransport is one connection; once dead it stays so.
type deskTransport struct {
	card.Transport
	desk *desk
	dead error
}

func (t *deskTransport) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if t.dead != nil {
		return nil, t.dead
	}
	if cmd[0]&0x0C == 0 && cmd[1] == 0xCB {
		t.desk.echoes++
	}
	if t.desk.habit != nil {
		return t.desk.habit(t)(ctx, cmd)
	}
	return t.Transport.Transmit(ctx, cmd)
}

func extended(cmd []byte) bool {
	c, err := apdu.Parse(cmd)
	return err == nil && c.Extended
}

// onExtended is a reader that does something of its own with extended
// commands; it gets what the card answers to them.
func onExtended(do func(ctx context.Context, t *deskTransport, answer []byte) ([]byte, error)) func(*deskTransport) transmit {
	return func(t *deskTransport) transmit {
		return func(ctx context.Context, cmd []byte) ([]byte, error) {
			answer, err := t.Transport.Transmit(ctx, cmd)
			if err != nil || !extended(cmd) {
				return answer, err
			}
			return do(ctx, t, answer)
		}
	}
}

// noMoreThan is a reader that fails short commands whose answer is longer.
func noMoreThan(n int) func(*deskTransport) transmit {
	return func(t *deskTransport) transmit {
		return func(ctx context.Context, cmd []byte) ([]byte, error) {
			answer, err := t.Transport.Transmit(ctx, cmd)
			if len(answer) > n+2 {
				return nil, card.ErrTransport
			}
			return answer, err
		}
	}
}

var short256 = card.Lengths{Short: 256}

// habits are the readers that a visit must get past.
var habits = []struct {
	name     string
	habit    func(*deskTransport) transmit
	want     card.Lengths
	connects int // of the first visit
}{
	{"good", nil, card.Lengths{Short: 256, Extended: true}, 1},
	{"refuses", onExtended(func(context.Context, *deskTransport, []byte) ([]byte, error) { return []byte{0x67, 0x00}, nil }), short256, 1},
	{"does not know the instruction", onExtended(func(context.Context, *deskTransport, []byte) ([]byte, error) { return []byte{0x6D, 0x00}, nil }), short256, 1},
	{"fails", onExtended(func(context.Context, *deskTransport, []byte) ([]byte, error) { return nil, card.ErrTransport }), short256, 2},
	{"fails and stays so", onExtended(func(_ context.Context, t *deskTransport, _ []byte) ([]byte, error) {
		t.dead = card.ErrTransport
		return nil, t.dead
	}), short256, 2},
	{"garbles", onExtended(func(_ context.Context, _ *deskTransport, a []byte) ([]byte, error) {
		a[len(a)/2] ^= 1
		return a, nil
	}), short256, 2},
	{"cuts at 271 bytes", onExtended(func(_ context.Context, _ *deskTransport, a []byte) ([]byte, error) {
		return a[:min(len(a), 271)], nil
	}), short256, 2},
	{"cuts, and adds 9000", onExtended(func(_ context.Context, _ *deskTransport, a []byte) ([]byte, error) {
		return append(a[:min(len(a), 269)], 0x90, 0x00), nil
	}), short256, 2},
	{"answers 9000 alone", onExtended(func(context.Context, *deskTransport, []byte) ([]byte, error) { return []byte{0x90, 0x00}, nil }), short256, 2},
	{"answers nothing", onExtended(func(context.Context, *deskTransport, []byte) ([]byte, error) { return nil, nil }), short256, 3},
	{"falls over", onExtended(func(_ context.Context, t *deskTransport, _ []byte) ([]byte, error) {
		t.dead = card.ErrRemoved
		return nil, t.dead
	}), short256, 3},
	{"resets the card", onExtended(func(_ context.Context, t *deskTransport, _ []byte) ([]byte, error) {
		t.dead = card.ErrReset
		return nil, t.dead
	}), short256, 3},
	{"hangs", onExtended(func(ctx context.Context, t *deskTransport, _ []byte) ([]byte, error) {
		<-ctx.Done()
		t.dead = card.ErrBusy
		return nil, ctx.Err()
	}), short256, 2},
	{"cuts commands at 261 bytes", func(t *deskTransport) transmit {
		return func(ctx context.Context, cmd []byte) ([]byte, error) {
			return t.Transport.Transmit(ctx, cmd[:min(len(cmd), 261)])
		}
	}, short256, 1},
	{"192 bytes", noMoreThan(200), card.Lengths{Short: 192}, 2},
	{"128 bytes", noMoreThan(150), card.Lengths{Short: 128}, 3},
}

// A visit works at every reader, with every length that its reader passes,
// and the second one begins with what the first has found.
func TestProber(t *testing.T) {
	p := newProgramme(t)
	term := p.terminal(t, cvc.RolePhysician, cvc.AllRights)
	image := p.issueWith(t, softcard.Options{}, 7, 1900, 10, 1900, 700).Image()
	for _, tt := range habits {
		t.Run(tt.name, func(t *testing.T) {
			c, err := softcard.Load(image, softcard.Options{Extended: true})
			if err != nil {
				t.Fatal(err)
			}
			d := &desk{card: c, habit: tt.habit}
			prober := &card.Prober{Limit: 50 * time.Millisecond}
			for round, size := range []int{1500, 2000} {
				d.connects, d.echoes = 0, 0
				s, err := prober.Open(t.Context(), "reader", d.connect)
				if err != nil {
					t.Fatalf("visit %d: %v", round, err)
				}
				got, err := visit(t.Context(), s, term, marked(7, size))
				if err != nil || len(got.entries) != 4+round || !got.only(7) {
					t.Fatalf("visit %d: %d entries, %v", round, len(got.entries), err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if l, ok := prober.Lengths("reader", c.Transport().ATR()); !ok || l != tt.want {
					t.Errorf("visit %d: found %+v, %v; want %+v", round, l, ok, tt.want)
				}
				if round == 0 && d.connects != tt.connects {
					t.Errorf("first visit: %d connections, want %d", d.connects, tt.connects)
				}
				if round == 1 && (d.connects != 1 || d.echoes != 0) {
					t.Errorf("second visit: %d connections, %d echoes", d.connects, d.echoes)
				}
			}
		})
	}
}

// A card that takes short commands only is found out; one of another type, or
// in another reader, is tried for itself.
func TestProberTellsApart(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 7, 100).Image()
	prober := &card.Prober{}
	for _, tt := range []struct {
		reader   string
		extended bool
		echoes   int
	}{
		{"one", false, 2}, {"one", true, 2}, {"one", false, 0}, {"one", true, 0}, {"two", true, 2},
	} {
		c, err := softcard.Load(image, softcard.Options{Extended: tt.extended})
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{card: c}
		s, err := prober.Open(t.Context(), tt.reader, d.connect)
		if err != nil {
			t.Fatal(err)
		}
		if l, ok := prober.Lengths(tt.reader, c.Transport().ATR()); !ok || l.Extended != tt.extended || d.echoes != tt.echoes {
			t.Errorf("%+v: %+v, %v after %d echoes", tt, l, ok, d.echoes)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A card that is taken away during a try says nothing of the reader.
func TestProberCardTaken(t *testing.T) {
	p := newProgramme(t)
	c := p.issueWith(t, softcard.Options{Extended: true}, 7, 100)
	atr := c.Transport().ATR()
	prober := &card.Prober{}
	for range 5 {
		d := &desk{card: c}
		d.habit = onExtended(func(_ context.Context, dt *deskTransport, _ []byte) ([]byte, error) {
			d.card, dt.dead = nil, card.ErrRemoved
			return nil, dt.dead
		})
		if _, err := prober.Open(t.Context(), "reader", d.connect); !errors.Is(err, card.ErrNoCard) {
			t.Fatalf("got %v", err)
		}
		if l, ok := prober.Lengths("reader", atr); ok {
			t.Fatalf("%+v was remembered", l)
		}
	}
	s, err := prober.Open(t.Context(), "reader", (&desk{card: c}).connect)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if l, ok := prober.Lengths("reader", atr); !ok || !l.Extended {
		t.Errorf("found %+v, %v", l, ok)
	}
}

// A reader that passes the try and fails later loses one exchange, which says
// so; the card is opened again with short commands.
func TestProberLaterFault(t *testing.T) {
	p := newProgramme(t)
	term := p.terminal(t, cvc.RolePhysician, cvc.AllRights)
	image := p.issue(t, 7, 1900, 1900, 700).Image()
	for _, tt := range habits[1:13] {
		if tt.connects == 3 {
			continue // looks like a card that was taken, which is opened again as it is
		}
		t.Run(tt.name, func(t *testing.T) {
			c, err := softcard.Load(image, softcard.Options{Extended: true})
			if err != nil {
				t.Fatal(err)
			}
			d := &desk{card: c}
			prober := &card.Prober{}
			s, err := prober.Open(t.Context(), "reader", d.connect)
			if err != nil {
				t.Fatal(err)
			}
			d.habit = tt.habit
			limit := time.Minute
			if tt.name == "hangs" {
				limit = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err = visit(ctx, s, term, marked(7, 1000))
			if tt.name == "hangs" {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if !errors.Is(err, card.ErrLengths) {
				t.Fatalf("got %v", err)
			}
			_ = s.Close()
			if s, err = prober.Open(t.Context(), "reader", d.connect); err != nil {
				t.Fatal(err)
			}
			if got, err := visit(t.Context(), s, term, marked(7, 1000)); err != nil || !got.only(7) {
				t.Fatalf("second try: %v", err)
			}
			_ = s.Close()
		})
	}
}

// What is no finding about lengths is not one.
func TestProberErrors(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 7, 100)
	atr := c.Transport().ATR()
	echo := func(answer []byte, err error) func(*deskTransport) transmit {
		return func(dt *deskTransport) transmit {
			return func(ctx context.Context, cmd []byte) ([]byte, error) {
				if cmd[0]&0x0C == 0 && cmd[1] == 0xCB {
					return bytes.Clone(answer), err
				}
				return dt.Transport.Transmit(ctx, cmd)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		answer []byte
		err    error
		want   error
	}{
		{"service down", nil, card.ErrServiceDown, card.ErrServiceDown},
		{"busy", nil, card.ErrBusy, card.ErrBusy},
		{"reader unplugged", nil, card.ErrNoReader, card.ErrNoReader},
		{"no echo", []byte{0x6D, 0x00}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prober := &card.Prober{}
			s, err := prober.Open(t.Context(), "reader", (&desk{card: c, habit: echo(tt.answer, tt.err)}).connect)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if s != nil {
				if _, err := s.Security(t.Context()); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			}
			if _, ok := prober.Lengths("reader", atr); ok {
				t.Error("remembered")
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	d := &desk{card: c}
	d.habit = func(*deskTransport) transmit {
		return func(ctx context.Context, cmd []byte) ([]byte, error) {
			if cmd[0]&0x0C == 0 && cmd[1] == 0xCB {
				cancel()
				return nil, ctx.Err()
			}
			return d.card.Transport().Transmit(ctx, cmd)
		}
	}
	if _, err := new(card.Prober).Open(ctx, "reader", d.connect); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// FuzzProber has a hostile card answer every command from the input, one
// length byte before each: Open ends, and connects a bounded number of times.
func FuzzProber(f *testing.F) {
	fci, err := func() ([]byte, error) {
		t := softcard.New(softcard.Options{Extended: true}).Transport()
		return t.Transmit(context.Background(), append([]byte{0, 0xA4, 4, 0, byte(len(card.AID))}, card.AID+"\x00"...))
	}()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{2, 0x90, 0x00, 2, 0x67, 0x00, 0, 3, 1, 0x61, 0x01})
	f.Add([]byte{2, 0x67, 0x00, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{2, 0x6D, 0x00})
	f.Fuzz(func(t *testing.T, in []byte) {
		connects := 0
		s, err := new(card.Prober).Open(t.Context(), "reader", func(context.Context) (card.Transport, error) {
			connects++
			return hostileEcho{fci, &in}, nil
		})
		if err == nil {
			err = s.Close()
		}
		if err != nil || connects > 7 {
			t.Fatalf("%d connections, %v", connects, err)
		}
	})
}

// hostileEcho answers SELECT well and everything else from the input.
type hostileEcho struct {
	fci []byte
	in  *[]byte
}

func (h hostileEcho) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	if cmd[1] == 0xA4 {
		return bytes.Clone(h.fci), nil
	}
	if len(*h.in) == 0 {
		return nil, nil
	}
	n := min(int((*h.in)[0]), len(*h.in)-1)
	out := bytes.Clone((*h.in)[1 : 1+n])
	*h.in = (*h.in)[1+n:]
	return out, nil
}
func (hostileEcho) ATR() []byte  { return []byte{0x3B, 0x80} }
func (hostileEcho) Close() error { return nil }
