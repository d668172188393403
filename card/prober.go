package card

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/card/apdu"
)

// Prober opens cards with the longest APDUs that pass through their reader,
// which it tries out once for each reader and type of card (its ATR): many
// readers refuse, cut, garble or never answer an extended APDU, some even a
// short one of full length. It keeps what it found in memory. The zero value
// is ready; its methods may be called concurrently, for different readers.
type Prober struct {
	// Limit is how long a reader may take over one try; 0 stands for 2 s.
	Limit time.Duration

	mu    sync.Mutex // guards found
	found map[habit]finding
}

// habit is what one answer holds for: a reader and a type of card.
type habit struct{ reader, atr string }

// finding is how far the tries have come.
type finding struct {
	rung    int // of the ladder; past its end once all is known
	torn    int // tries on this rung that ended as if the card had been taken away
	lengths Lengths
}

// rung is one try: n bytes of data each way.
type rung struct {
	n              int
	lengths        Lengths // what holds when it passes
	fallback       Lengths // what holds when it fails, unless a lower rung says better
	passed, failed int     // the rung that comes next
}

const (
	probeLimit = 2 * time.Second // a full echo takes 0.4 s on the slowest link
	tornTries  = 2               // torn tries that convict the reader
	ladderEnd  = 4
)

// ladder begins with short APDUs of full length. Where those do not pass,
// extended ones are not tried.
var ladder = [ladderEnd]rung{
	{n: apdu.MaxShortNe, lengths: Lengths{Short: 256}, fallback: Lengths{Short: 192}, passed: 1, failed: 2},
	{n: maxResponse, lengths: Lengths{Short: 256, Extended: true}, fallback: Lengths{Short: 256}, passed: ladderEnd, failed: ladderEnd},
	{n: 192, lengths: Lengths{Short: 192}, fallback: Lengths{Short: 128}, passed: ladderEnd, failed: 3},
	{n: 128, lengths: Lengths{Short: 128}, fallback: Lengths{Short: 128}, passed: ladderEnd, failed: ladderEnd},
}

// verdict is how one try ended.
type verdict uint8

const (
	passes  verdict = iota // the echo came back whole
	refused                // the card or the reader said no, and goes on
	broken                 // wrong answer or none in time: connect again
	torn                   // the card is gone, or the reader fell over
	unknown                // the card knows no echo
)

// Open connects to the card in the reader and opens it as card.Open does,
// with lengths that pass. Tries go before authentication, so that a reader
// that fails one costs a connection, never a visit; connect is called again
// then. A session whose extended APDU fails all the same returns ErrLengths,
// and the next Open uses short ones.
//
// It owes the errors of connect and of card.Open.
func (p *Prober) Open(ctx context.Context, reader string, connect func(context.Context) (Transport, error), opts ...Option) (*Session, error) {
	h := habit{reader: reader}
	for {
		t, err := connect(ctx)
		if err != nil {
			p.forgive(h) // the card has gone: it was not the reader
			return nil, err
		}
		s, err := Open(ctx, t, opts...)
		if err != nil {
			_ = t.Close()
			p.forgive(h)
			return nil, err
		}
		h.atr = string(t.ATR())
		s.link.fault = func() { p.keep(h, finding{rung: ladderEnd, lengths: Lengths{Short: apdu.MaxShortNe}}) }
		good, err := p.climb(ctx, h, s)
		switch {
		case err != nil:
			_ = s.Close()
			return nil, err
		case good:
			return s, nil
		}
		_ = s.Close()
	}
}

// Lengths returns what was found for a reader and a type of card; ok is false
// while that is not finished.
func (p *Prober) Lengths(reader string, atr []byte) (l Lengths, ok bool) {
	f := p.recall(habit{reader, string(atr)})
	return f.lengths, f.rung == ladderEnd
}

// climb tries what is not known yet and sets the session's lengths. good is
// false when the connection was lost over it; the ladder went on by a step,
// so that this ends.
func (p *Prober) climb(ctx context.Context, h habit, s *Session) (good bool, err error) {
	f := p.recall(h)
	for f.rung < ladderEnd && s.info.State != StateTerminated {
		try := ladder[f.rung]
		v, err := s.try(ctx, try, p.limit())
		if err != nil {
			return false, err
		}
		switch {
		case v == unknown:
			return true, nil // and nothing is remembered: the next card may know
		case v == passes:
			f = finding{rung: try.passed, lengths: try.lengths}
		case v == torn && f.torn+1 < tornTries:
			f.torn++
		default:
			f = finding{rung: try.failed, lengths: try.fallback}
		}
		p.keep(h, f)
		if v == broken || v == torn {
			return false, nil
		}
	}
	s.link.lengths = f.lengths.bounded()
	return true, nil
}

// try sends one echo. It owes the errors that say why by themselves, but for
// those of a card that seems to have gone, and the cause of ctx.
func (s *Session) try(ctx context.Context, r rung, limit time.Duration) (verdict, error) {
	c, want := echoCommand(r.n, r.lengths.Extended)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := s.link.transmit(limited, mustEncode(c), r.n)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.Is(err, ErrRemoved), errors.Is(err, ErrReset):
		return torn, nil
	case explained(err):
		return 0, err
	default:
		return broken, nil
	}
	switch {
	case answer.SW == apdu.SWOK && bytes.Equal(answer.Data, want):
		return passes, nil
	case len(answer.Data) > 0, answer.SW == apdu.SWOK:
		return broken, nil
	case answer.SW != apdu.SWWrongLength && !r.lengths.Extended:
		return unknown, nil
	}
	return refused, nil
}

func (p *Prober) limit() time.Duration {
	if p.Limit > 0 {
		return p.Limit
	}
	return probeLimit
}

func (p *Prober) recall(h habit) finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found[h]
}

func (p *Prober) keep(h habit, f finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		p.found = make(map[habit]finding)
	}
	p.found[h] = f
}

// forgive forgets that the last try was torn.
func (p *Prober) forgive(h habit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, ok := p.found[h]; ok {
		f.torn = 0
		p.found[h] = f
	}
}
